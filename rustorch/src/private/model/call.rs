//! The call of models that are written by hand.

use crate::nn::Layer;
use crate::typed::Shape;
use crate::{Result, Tensor, TypedTensor};

/// The call of a model that is written by hand; one that `model!` made has a method of its own.
pub trait CallOpen {
    /// Calls it.
    ///
    /// # Errors
    /// As its forward pass.
    fn call_open<S: Shape>(&self, input: &TypedTensor<S>) -> Result<Tensor>
    where
        Self: Layer,
    {
        self.forward(input)
    }
}

impl<T> CallOpen for T {}
