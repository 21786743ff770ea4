//! `+ - * / %` and their assigning forms, between tensors and numbers. They panic with the error of the method of the
//! same meaning, at the caller's line; the assigning forms work in place.

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Not, Rem, Sub, SubAssign};

use crate::error::expect;
use crate::ops::elementwise::result_dtype;
use crate::{DType, Operand, Scalar, Tensor};

/// What may stand to the right of an operator: a tensor, a reference to one, or a number.
///
/// One implementation of each operator for all of these lets the compiler know the result of `&x * 2.0` before it has
/// settled the type of `2.0`.
pub trait RightOperand {
    /// Calls `f` with the operand.
    fn with_operand<R>(self, f: impl FnOnce(Operand<'_>) -> R) -> R;
}

impl RightOperand for &Tensor {
    fn with_operand<R>(self, f: impl FnOnce(Operand<'_>) -> R) -> R {
        f(Operand::Tensor(self))
    }
}

impl RightOperand for Tensor {
    fn with_operand<R>(self, f: impl FnOnce(Operand<'_>) -> R) -> R {
        f(Operand::Tensor(&self))
    }
}

impl<T: Into<Scalar>> RightOperand for T {
    fn with_operand<R>(self, f: impl FnOnce(Operand<'_>) -> R) -> R {
        f(Operand::Scalar(self.into()))
    }
}

macro_rules! operators {
    ($($trait:ident::$operator:ident = $method:ident;)*) => {$(
        operators!(@left $trait $operator $method: [&Tensor] [Tensor]);
        operators!(@number $trait $operator $method: [f64, &Tensor] [f64, Tensor] [i64, &Tensor] [i64, Tensor]);
    )*};
    (@left $trait:ident $operator:ident $method:ident: $([$left:ty])*) => {$(
        impl<R: RightOperand> $trait<R> for $left {
            type Output = Tensor;
            #[track_caller]
            fn $operator(self, right: R) -> Tensor {
                expect(right.with_operand(|right| Tensor::$method(&self, right)))
            }
        }
    )*};
    (@number $trait:ident $operator:ident $method:ident: $([$number:ty, $right:ty])*) => {$(
        impl $trait<$right> for $number {
            type Output = Tensor;
            #[track_caller]
            fn $operator(self, right: $right) -> Tensor {
                expect(Tensor::$method(&number(self, &right), &right))
            }
        }
    )*};
}

operators! {
    Add::add = add;
    Sub::sub = sub;
    Mul::mul = mul;
    Div::div = div;
    Rem::rem = remainder;
}

/// A number as the left operand, in the dtype that the pair promotes to.
pub(crate) fn number(value: impl Into<Scalar>, right: &Tensor) -> Tensor {
    let value = value.into();
    let dtype: DType = result_dtype(&[Operand::Tensor(right), Operand::Scalar(value)]);
    expect(Tensor::try_full(&[], value, dtype, right.device()))
}

macro_rules! assignments {
    ($($trait:ident::$operator:ident = $method:ident;)*) => {$(
        impl<R: RightOperand> $trait<R> for Tensor {
            #[track_caller]
            fn $operator(&mut self, right: R) {
                expect(right.with_operand(|right| self.$method(right)));
            }
        }
    )*};
}

assignments! {
    AddAssign::add_assign = add_;
    SubAssign::sub_assign = sub_;
    MulAssign::mul_assign = mul_;
    DivAssign::div_assign = div_;
}

impl Neg for &Tensor {
    type Output = Tensor;
    #[track_caller]
    #[inline]
    fn neg(self) -> Tensor {
        Tensor::neg(self)
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    #[track_caller]
    #[inline]
    fn neg(self) -> Tensor {
        Tensor::neg(&self)
    }
}

/// [`Tensor::bitwise_not`] of integers, [`Tensor::logical_not`] of everything else.
impl Not for &Tensor {
    type Output = Tensor;
    #[track_caller]
    #[inline]
    fn not(self) -> Tensor {
        if self.dtype().is_int() { expect(self.bitwise_not()) } else { self.logical_not() }
    }
}
