//! Calls between models that leave sizes open: what the types of the two must agree on.

use super::{Any, Const, Dim, One, Shape, TypedTensor};
use crate::{Error, Result, Tensor};
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
#[diagnostic::do_not_recommend]
impl<D: Dim> FitsDim<D> for Any {}

/// A shape that may stand where `S` is asked for, when one model calls another: of the same rank, with the same names of run-time
/// dims. [`Any`] stands for every other size.
#[diagnostic::on_unimplemented(
    message = "the models do not agree on a shape: `{Self}` is not `{S}`",
    label = "this gives or is given `{Self}`, but `{S}` is asked for",
    note = "`Any` stands for a size that is compared elsewhere: fixed ones when the program is compiled, formulas when it runs"
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

/// What the caller of a model states that it gives: a typed tensor, or a tuple of what is stated for each part.
pub trait Stated {
    /// The tensors without their types.
    type Tensors;
}

/// What a model gives, where the model that calls it states `S`.
#[diagnostic::on_unimplemented(
    message = "a model is said to give `{S}`, but gives `{Self}`",
    label = "this gives `{Self}`",
    note = "every tensor of a tuple has its shape stated: `let (a, b): ([batch, 8], [batch, 4]) = ..`"
)]
pub trait Given<S: Stated> {
    /// The tensors, whose sizes are known now. `stated` has those that the caller states, of one tensor after the other.
    ///
    /// # Errors
    /// If a size that is a formula there is another one.
    fn settle(self, callee: &'static str, stated: &mut &[&[usize]]) -> Result<S::Tensors>;
}

impl<S: Shape> Stated for TypedTensor<S> {
    type Tensors = Tensor;
}

impl<G: Fits<S>, S: Shape> Given<TypedTensor<S>> for TypedTensor<G> {
    fn settle(self, callee: &'static str, stated: &mut &[&[usize]]) -> Result<Tensor> {
        settle(self.into_tensor(), callee, stated)
    }
}

#[diagnostic::do_not_recommend]
impl<S: Shape> Given<TypedTensor<S>> for Tensor {
    fn settle(self, callee: &'static str, stated: &mut &[&[usize]]) -> Result<Tensor> {
        settle(self, callee, stated)
    }
}

macro_rules! tuples {
    ($([$($from:ident $to:ident $part:ident)*];)*) => {$(
        impl<$($to: Stated),*> Stated for ($($to,)*) {
            type Tensors = ($($to::Tensors,)*);
        }

        #[diagnostic::do_not_recommend]
        impl<$($from: Given<$to>, $to: Stated),*> Given<($($to,)*)> for ($($from,)*) {
            fn settle(self, callee: &'static str, stated: &mut &[&[usize]]) -> Result<($($to::Tensors,)*)> {
                let ($($part,)*) = self;
                Ok(($($part.settle(callee, stated)?,)*))
            }
        }
    )*};
}

tuples! {
    [A S a];
    [A S a B T b];
    [A S a B T b C U c];
    [A S a B T b C U c D V d];
    [A S a B T b C U c D V d E W e];
    [A S a B T b C U c D V d E W e F X f];
    [A S a B T b C U c D V d E W e F X f G Y g];
    [A S a B T b C U c D V d E W e F X f G Y g H Z h];
}

fn settle(result: Tensor, callee: &'static str, stated: &mut &[&[usize]]) -> Result<Tensor> {
    let wanted = stated.split_off_first().copied().unwrap_or_default();
    if result.shape() == wanted {
        return Ok(result);
    }
    let message = format!("is said to give {}, but gives {}", Dims(wanted), Dims(result.shape()));
    Err(Error::Shape(ShapeError::input(callee, 0, message)))
}
