//! One `einsum!` in a program.

use std::sync::OnceLock;

use rustorch_shape::einsum::Spec;

use super::cache::Expression;
use super::mismatch;
use crate::{Result, Tensor};

/// The specification of one `einsum!`, as the macro has checked it, with the plans made there so far. Subscripts are
/// numbers of labels, `None` an ellipsis.
pub struct Site {
    labels: &'static [&'static str],
    operands: &'static [&'static [Option<u8>]],
    output: &'static [Option<u8>],
    expression: OnceLock<Expression>,
}

impl Site {
    /// For a `static` in the expansion.
    pub const fn new(
        labels: &'static [&'static str],
        operands: &'static [&'static [Option<u8>]],
        output: &'static [Option<u8>],
    ) -> Self {
        Self { labels, operands, output, expression: OnceLock::new() }
    }

    /// The sum over operands some of which are not typed.
    ///
    /// # Errors
    /// As [`einsum`](super::einsum).
    #[inline]
    pub fn dynamic(&self, operands: &[&Tensor]) -> Result<Tensor> {
        self.expression()?.run(operands, None)
    }

    /// The sum over typed operands, whose shapes rustc has checked, in the order that it has found, if it has.
    ///
    /// # Panics
    /// If a named dim has two sizes at run time, or the device fails.
    #[track_caller]
    #[inline]
    pub fn typed(&self, operands: &[&Tensor], order: Option<&[(usize, usize)]>) -> Tensor {
        match self.expression().and_then(|expression| expression.run(operands, order)) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// The steps that [`Self::dynamic`] or [`Self::typed`] take, in words.
    ///
    /// # Errors
    /// As [`einsum`](super::einsum), as far as shapes are concerned.
    #[inline]
    pub fn path(&self, operands: &[&Tensor], order: Option<&[(usize, usize)]>) -> Result<String> {
        self.expression()?.explain(operands, order)
    }

    #[inline]
    fn expression(&self) -> Result<&Expression> {
        match self.expression.get() {
            Some(expression) => Ok(expression),
            None => {
                let expression = Expression::new(self.spec()?);
                Ok(self.expression.get_or_init(|| expression))
            }
        }
    }

    fn spec(&self) -> Result<Spec> {
        let name = |label: &Option<u8>| label.map(|label| self.labels[usize::from(label)]);
        let operands: Vec<Vec<Option<&str>>> =
            self.operands.iter().map(|term| term.iter().map(name).collect()).collect();
        let output: Vec<Option<&str>> = self.output.iter().map(name).collect();
        Spec::from_terms(&operands, &output).map_err(|errors| mismatch("a call site", &errors))
    }
}
