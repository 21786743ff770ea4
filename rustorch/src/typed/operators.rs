//! `+ - * /` between typed tensors, with broadcasting, and with numbers; and negation.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Broadcast, Shape, TypedTensor};
use crate::{Operand, Scalar};

/// What may stand to the right of an operator whose left side has shape `S`: a typed tensor that broadcasts against it, a
/// reference to one, or a number.
///
/// As for [`Tensor`](crate::Tensor), there is one implementation of each operator for all of these, so that rustc knows
/// the result of `&x * 2.0` before it has settled the type of `2.0`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand to the right of an operator on a typed tensor of shape `{S}`",
    label = "expected a typed tensor or a number",
    note = "give a plain `Tensor` a shape with `typed::<shape![..]>()?`, or take the typed one as `&*x`"
)]
pub trait TypedRight<S> {
    /// The shape of the result.
    type Output: Shape;

    /// Calls `f` with the operand.
    fn with_operand<R>(self, f: impl FnOnce(Operand<'_>) -> R) -> R;
}

impl<S: Broadcast<R>, R: Shape> TypedRight<S> for &TypedTensor<R> {
    type Output = <S as Broadcast<R>>::Output;

    fn with_operand<T>(self, f: impl FnOnce(Operand<'_>) -> T) -> T {
        f(Operand::Tensor(self.as_tensor()))
    }
}

impl<S: Broadcast<R>, R: Shape> TypedRight<S> for TypedTensor<R> {
    type Output = <S as Broadcast<R>>::Output;

    fn with_operand<T>(self, f: impl FnOnce(Operand<'_>) -> T) -> T {
        f(Operand::Tensor(self.as_tensor()))
    }
}

#[diagnostic::do_not_recommend]
impl<S: Shape, N: Into<Scalar>> TypedRight<S> for N {
    type Output = S;

    fn with_operand<T>(self, f: impl FnOnce(Operand<'_>) -> T) -> T {
        f(Operand::Scalar(self.into()))
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident;)*) => {$(
        impl<S: Shape, R: TypedRight<S>> $trait<R> for &TypedTensor<S> {
            type Output = TypedTensor<R::Output>;

            #[track_caller]
            fn $method(self, right: R) -> Self::Output {
                TypedTensor::infallible(right.with_operand(|right| self.as_tensor().$method(right)))
            }
        }

        impl<S: Shape, R: TypedRight<S>> $trait<R> for TypedTensor<S> {
            type Output = TypedTensor<R::Output>;

            #[track_caller]
            fn $method(self, right: R) -> Self::Output {
                $trait::$method(&self, right)
            }
        }

        operators!(@number $trait $method f64);
        operators!(@number $trait $method i64);
    )*};
    (@number $trait:ident $method:ident $number:ty) => {
        impl<S: Shape> $trait<&TypedTensor<S>> for $number {
            type Output = TypedTensor<S>;

            #[track_caller]
            fn $method(self, right: &TypedTensor<S>) -> TypedTensor<S> {
                TypedTensor::trusted($trait::$method(self, right.as_tensor()))
            }
        }

        impl<S: Shape> $trait<TypedTensor<S>> for $number {
            type Output = TypedTensor<S>;

            #[track_caller]
            fn $method(self, right: TypedTensor<S>) -> TypedTensor<S> {
                $trait::$method(self, &right)
            }
        }
    };
}

operators! {
    Add add;
    Sub sub;
    Mul mul;
    Div div;
}

impl<S: Shape> Neg for &TypedTensor<S> {
    type Output = TypedTensor<S>;

    #[track_caller]
    fn neg(self) -> TypedTensor<S> {
        TypedTensor::neg(self)
    }
}

impl<S: Shape> Neg for TypedTensor<S> {
    type Output = TypedTensor<S>;

    #[track_caller]
    fn neg(self) -> TypedTensor<S> {
        TypedTensor::neg(&self)
    }
}
