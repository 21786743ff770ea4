//! Calls between models that leave sizes open.

use crate::nn::Layer;
use crate::typed::{Any, Const, Dim, One, Shape};
use crate::{Error, Result, Tensor, TypedTensor};
use rustorch_shape::{Dims, ShapeError};

/// A dim that may stand where `D` is asked for: the same one, or one of which only a run knows the size.
#[diagnostic::on_unimplemented(
    message = "an axis is `{Self}`, but `{D}` is asked for",
    label = "the sizes differ: `{Self}` here, `{D}` there"
)]
pub trait FitsDim<D> {}

impl<const N: usize> FitsDim<Const<N>> for Const<N> {}
impl<const N: usize> FitsDim<Any> for Const<N> {}
impl FitsDim<One> for One {}
impl FitsDim<Any> for One {}
impl<D: Dim> FitsDim<D> for Any {}

/// A shape that may stand where `S` is asked for.
#[diagnostic::on_unimplemented(
    message = "the models do not agree on a shape: `{Self}` is not `{S}`",
    label = "this gives or is given `{Self}`, but `{S}` is asked for",
    note = "`Any` stands for a size that is a formula, which is compared when the model runs"
)]
pub trait Fits<S>: Shape {}

macro_rules! shapes {
    ($($($from:ident $to:ident)*;)*) => {$(
        impl<$($from: Dim + FitsDim<$to>, $to: Dim),*> Fits<($($to,)*)> for ($($from,)*) {}
    )*};
}

shapes! {
    ;
    A S;
    A S B T;
    A S B T C U;
    A S B T C U D V;
    A S B T C U D V E W;
    A S B T C U D V E W F X;
    A S B T C U D V E W F X G Y;
    A S B T C U D V E W F X G Y H Z;
}

/// What a model gives, where its caller states the shape `S`.
pub trait Given<S: Shape> {
    /// The tensor without its type.
    fn tensor(self) -> Tensor;
}

impl<G: Fits<S>, S: Shape> Given<S> for TypedTensor<G> {
    fn tensor(self) -> Tensor {
        self.into_tensor()
    }
}

impl<S: Shape> Given<S> for Tensor {
    fn tensor(self) -> Tensor {
        self
    }
}

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

/// What a model gives, with the shape that its caller states.
///
/// # Errors
/// If a size that is a formula there is another one.
pub fn settle<G: Given<T>, T: Shape>(callee: &'static str, result: G, stated: &[usize]) -> Result<Tensor> {
    let result = result.tensor();
    if result.shape() == stated {
        return Ok(result);
    }
    let message = format!("is said to give {}, but gives {}", Dims(stated), Dims(result.shape()));
    Err(Error::Shape(ShapeError::input(callee, 0, message)))
}
