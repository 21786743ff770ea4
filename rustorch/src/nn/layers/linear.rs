//! Linear maps.

use crate::error::expect;
use crate::nn::build::{Arguments, builder, module, python};
use crate::nn::{Layer, functional, init};
use crate::{Result, Tensor};

/// `x Wᵀ + b` over the last axis: `[.., in_features] → [.., out_features]` (`torch.nn.Linear`).
///
/// The weight `[out_features, in_features]` and the bias `[out_features]` start uniform between `± 1 / √in_features`.
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, Linear}};
/// let layer = Linear::new(20, 30);
/// assert_eq!(layer.forward(&Tensor::ones([128, 20]))?.shape(), [128, 30]);
/// assert_eq!(format!("{layer:?}"), "Linear(in_features=20, out_features=30, bias=True)");
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Linear {
    /// `[out_features, in_features]`
    pub weight: Tensor,
    /// `[out_features]`
    pub bias: Option<Tensor>,
}

builder! {
    /// Builds a [`Linear`].
    LinearBuilder for Linear(in_features: usize, out_features: usize) {
        /// Whether to add a bias; `true` unless set.
        bias: bool,
    }
}

impl Linear {
    /// A layer with a bias.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(in_features: usize, out_features: usize) -> Self {
        expect(Self::builder(in_features, out_features).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let bound = bound(args.size("in_features")?);
        let weight = args.parameter("weight", |weight| init::uniform_(weight, -bound, bound))?;
        Ok(Self {
            weight: weight.expect("the table has a weight"),
            bias: args.parameter("bias", |bias| init::uniform_(bias, -bound, bound))?,
        })
    }
}

/// How many inputs each output sees, by the shape of a weight, which may be too large for memory.
pub(super) fn fan_in(weight: &[usize]) -> usize {
    weight.iter().skip(1).fold(1, |product, &size| product.saturating_mul(size))
}

/// The bound of PyTorch's uniform distribution for this many inputs.
pub(super) fn bound(fan_in: usize) -> f64 {
    if fan_in == 0 { 0.0 } else { 1.0 / (fan_in as f64).sqrt() }
}

impl Layer for Linear {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::linear(input, &self.weight, self.bias.as_ref())
    }
}

module!(Linear { parameter weight, parameter bias } |layer| {
    let shape = layer.weight.shape();
    let bias = python::bool(layer.bias.is_some());
    format!("Linear(in_features={}, out_features={}, bias={bias})", shape[1], shape[0])
});
