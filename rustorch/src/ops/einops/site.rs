//! One `rearrange!`, `reduce!` or `repeat!` in a program.

use std::sync::OnceLock;

use rustorch_shape::einops::{Operation, Pattern};

use super::execute::{Reduction, run};
use super::mistake;
use crate::typed::Shape;
use crate::{Result, Tensor, TypedTensor};

/// The pattern of one macro call, which the macro has checked, parsed at its first use.
pub struct Site {
    operation: Operation,
    text: &'static str,
    names: &'static [&'static str],
    /// Empty unless axes are reduced.
    reduction: &'static str,
    pattern: OnceLock<(Pattern, Option<Reduction>)>,
}

impl Site {
    /// Of `rearrange!`, for a `static` in the expansion.
    pub const fn rearrange(text: &'static str, names: &'static [&'static str]) -> Self {
        Self { operation: Operation::Rearrange, text, names, reduction: "", pattern: OnceLock::new() }
    }

    /// Of `reduce!`.
    pub const fn reduce(text: &'static str, names: &'static [&'static str], reduction: &'static str) -> Self {
        Self { operation: Operation::Reduce, text, names, reduction, pattern: OnceLock::new() }
    }

    /// Of `repeat!`.
    pub const fn repeat(text: &'static str, names: &'static [&'static str]) -> Self {
        Self { operation: Operation::Repeat, text, names, reduction: "", pattern: OnceLock::new() }
    }

    /// The result for a tensor of any shape.
    ///
    /// # Errors
    /// If the operand does not fit the pattern, or its dtype cannot be reduced so.
    #[inline]
    pub fn dynamic(&self, x: &Tensor, sizes: &[usize]) -> Result<Tensor> {
        let (pattern, reduction) = match self.pattern.get() {
            Some(known) => known,
            None => {
                let parsed = Pattern::parse(self.operation, self.text, self.names)
                    .map_err(|error| mistake(self.operation, self.text, &error))?;
                let reduces = self.operation == Operation::Reduce;
                let reduction = reduces.then(|| Reduction::parse(self.reduction)).transpose()?;
                self.pattern.get_or_init(|| (parsed, reduction))
            }
        };
        run(pattern, x, *reduction, sizes)
    }

    /// The result for a typed tensor, of the shape that its type implies or that the program states.
    ///
    /// # Panics
    /// If sizes known only at run time do not fit the pattern or the stated shape.
    #[track_caller]
    pub fn typed<S: Shape>(&self, x: &Tensor, sizes: &[usize]) -> TypedTensor<S> {
        let result = match self.dynamic(x, sizes) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        };
        match S::check(result.shape()) {
            Ok(()) => TypedTensor::trusted(result),
            Err(problem) => {
                panic!("{}: the result is {:?}: {problem}", self.operation.name(), result.shape())
            }
        }
    }
}
