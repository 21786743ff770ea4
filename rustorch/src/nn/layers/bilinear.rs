//! Bilinear maps.

use super::linear::bound;
use crate::error::expect;
use crate::nn::build::{Arguments, builder, module, python};
use crate::nn::{functional, init};
use crate::{Result, Tensor};

/// `x₁ᵀ W x₂ + b` over the last axes: `[.., in1_features], [.., in2_features] → [.., out_features]`
/// (`torch.nn.Bilinear`).
///
/// The weight `[out_features, in1_features, in2_features]` and the bias `[out_features]` start uniform between
/// `± 1 / √in1_features`.
///
/// ```
/// use rustorch::{Tensor, nn::Bilinear};
/// let layer = Bilinear::new(20, 30, 40);
/// assert_eq!(layer.forward(&Tensor::ones([8, 20]), &Tensor::ones([8, 30]))?.shape(), [8, 40]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Bilinear {
    /// `[out_features, in1_features, in2_features]`
    pub weight: Tensor,
    /// `[out_features]`
    pub bias: Option<Tensor>,
}

builder! {
    /// Builds a [`Bilinear`].
    BilinearBuilder for Bilinear(in1_features: usize, in2_features: usize, out_features: usize) {
        /// Whether to add a bias; `true` unless set.
        bias: bool,
    }
}

impl Bilinear {
    /// A layer with a bias.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(in1_features: usize, in2_features: usize, out_features: usize) -> Self {
        expect(Self::builder(in1_features, in2_features, out_features).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let bound = bound(args.size("in1_features")?);
        let weight = args.parameter("weight", |weight| init::uniform_(weight, -bound, bound))?;
        Ok(Self {
            weight: weight.expect("the table has a weight"),
            bias: args.parameter("bias", |bias| init::uniform_(bias, -bound, bound))?,
        })
    }

    /// The output for two inputs, whose leading axes broadcast.
    ///
    /// # Errors
    /// If the shapes, dtypes or devices do not fit.
    #[inline]
    pub fn forward(&self, first: &Tensor, second: &Tensor) -> Result<Tensor> {
        functional::bilinear(first, second, &self.weight, self.bias.as_ref())
    }
}

module!(Bilinear { parameter weight, parameter bias } |layer| {
    let shape = layer.weight.shape();
    let bias = python::bool(layer.bias.is_some());
    format!("Bilinear(in1_features={}, in2_features={}, out_features={}, bias={bias})", shape[1], shape[2], shape[0])
});
