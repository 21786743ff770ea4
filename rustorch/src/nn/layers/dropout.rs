//! Dropout.

use crate::nn::build::{Arguments, builder, python};
use crate::nn::{Layer, Module, Training, Visitor, VisitorMut, functional};
use crate::{Error, Result, Tensor};

/// In training, zeroes each element with probability `p` and divides the others by `1 - p`; in evaluation, the identity
/// (`torch.nn.Dropout`; Srivastava et al. 2014).
///
/// ```
/// use rustorch::{Tensor, nn::{Dropout, Layer, Module}};
/// let layer = Dropout::new(0.5);
/// let y = layer.forward(&Tensor::ones([100]))?;
/// assert!(y.to_vec::<f32>()?.iter().all(|&y| y == 0.0 || y == 2.0));
/// layer.eval();
/// assert_eq!(layer.forward(&Tensor::ones([2]))?.to_vec::<f32>()?, [1.0, 1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Dropout {
    /// The probability.
    pub p: f64,
    pub(crate) training: Training,
}

builder! {
    /// Builds a [`Dropout`].
    DropoutBuilder for Dropout() {
        /// The probability of zero; 0.5 unless set.
        p: f64,
    }
}

impl Dropout {
    /// The layer with a probability; one that is not from 0 to 1 is an error of `forward`.
    pub fn new(p: f64) -> Self {
        Self { p, training: Training::default() }
    }

    fn assemble(args: &Arguments) -> Result<Self> {
        let p = args.float("p")?;
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::argument("Dropout", format!("p is {p}, expected a probability from 0 to 1")));
        }
        Ok(Self::new(p))
    }
}

impl Default for Dropout {
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Layer for Dropout {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::dropout(input, self.p, self.training.get())
    }
}

impl Module for Dropout {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        visitor.training(&self.training);
    }
    fn visit_mut<'a>(&'a mut self, _: &mut VisitorMut<'a>) {}
    fn repr(&self) -> String {
        format!("Dropout(p={}, inplace=False)", python::float(self.p))
    }
}

impl std::fmt::Debug for Dropout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repr())
    }
}
