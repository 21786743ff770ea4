//! Calls between models that leave sizes open.

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
        #[diagnostic::do_not_recommend]
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

/// What a model gives, with the shape that its caller states.
///
/// # Errors
/// If a size that is a formula there is another one.
pub fn settle<S: Fits<T>, T: Shape>(
    callee: &'static str,
    result: TypedTensor<S>,
    stated: &[usize],
) -> Result<Tensor> {
    if result.shape() == stated {
        return Ok(result.into_tensor());
    }
    let message = format!("is said to give {}, but gives {}", Dims(stated), Dims(result.shape()));
    Err(Error::Shape(ShapeError::input(callee, 0, message)))
}
