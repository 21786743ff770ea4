//! The rectifier with random slopes.

use crate::error::expect;
use crate::nn::build::{Arguments, builder, python};
use crate::nn::{Layer, Module, Training, Visitor, VisitorMut, functional};
use crate::{Result, Tensor};

/// `x` where positive, otherwise `x` times a slope: in training one for each element, drawn uniformly from `lower .. upper`, in
/// evaluation the mean of the two (`torch.nn.RReLU`; Xu et al. 2015).
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, Module, RReLU}};
/// let (layer, x) = (RReLU::new(0.25, 0.75), Tensor::from([-1.0f32, 2.0]));
/// assert!((-0.75..=-0.25).contains(&layer.forward(&x)?.to_vec::<f32>()?[0]));
/// layer.eval();
/// assert_eq!(layer.forward(&x)?.to_vec::<f32>()?, [-0.5, 2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct RReLU {
    /// The least slope.
    pub lower: f64,
    /// The greatest slope.
    pub upper: f64,
    pub(crate) training: Training,
}

builder! {
    /// Builds an [`RReLU`].
    RReLUBuilder for RReLU() {
        /// The least slope; 1/8 unless set.
        lower: f64,
        /// The greatest slope; 1/3 unless set.
        upper: f64,
    }
}

impl RReLU {
    /// The layer with the bounds of its slopes, for which PyTorch's defaults are 1/8 and 1/3.
    ///
    /// # Panics
    /// If a bound is not finite, or `lower` is above `upper`.
    #[track_caller]
    pub fn new(lower: f64, upper: f64) -> Self {
        expect(Self::builder().lower(lower).upper(upper).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let (lower, upper) = (args.float("lower")?, args.float("upper")?);
        rustorch_shape::rules::rrelu("RReLU", lower, upper)?;
        Ok(Self { lower, upper, training: Training::default() })
    }
}

impl Default for RReLU {
    fn default() -> Self {
        expect(Self::builder().build())
    }
}

impl Layer for RReLU {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::rrelu(input, self.lower, self.upper, self.training.get())
    }
}

impl Module for RReLU {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        visitor.training(&self.training);
    }
    fn visit_mut<'a>(&'a mut self, _: &mut VisitorMut<'a>) {}
    #[inline]
    fn repr(&self) -> String {
        format!("RReLU(lower={}, upper={})", python::float(self.lower), python::float(self.upper))
    }
}

impl std::fmt::Debug for RReLU {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repr())
    }
}
