//! `+ - * / %` and their assigning forms, between tensors and numbers. They panic with the error of the method of the
//! same meaning, at the caller's line; the assigning forms work in place.

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Not, Rem, Sub, SubAssign};

use crate::error::expect;
use crate::ops::elementwise::result_dtype;
use crate::{DType, Operand, Scalar, Tensor};

macro_rules! operators {
    ($($trait:ident::$operator:ident = $method:ident;)*) => {$(
        operators!(@tensor $trait $operator $method: [&Tensor, &Tensor] [&Tensor, Tensor] [Tensor, &Tensor] [Tensor, Tensor]);
        operators!(@number $trait $operator $method: f32 f64 i32 i64);
    )*};
    (@tensor $trait:ident $operator:ident $method:ident: $([$left:ty, $right:ty])*) => {$(
        impl $trait<$right> for $left {
            type Output = Tensor;
            #[track_caller]
            fn $operator(self, right: $right) -> Tensor {
                expect(Tensor::$method(&self, &right))
            }
        }
    )*};
    (@number $trait:ident $operator:ident $method:ident: $($number:ty)*) => {$(
        impl $trait<$number> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $operator(self, right: $number) -> Tensor {
                expect(Tensor::$method(self, right))
            }
        }
        impl $trait<$number> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $operator(self, right: $number) -> Tensor {
                expect(Tensor::$method(&self, right))
            }
        }
        impl $trait<&Tensor> for $number {
            type Output = Tensor;
            #[track_caller]
            fn $operator(self, right: &Tensor) -> Tensor {
                expect(Tensor::$method(&number(self, right), right))
            }
        }
        impl $trait<Tensor> for $number {
            type Output = Tensor;
            #[track_caller]
            fn $operator(self, right: Tensor) -> Tensor {
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
fn number(value: impl Into<Scalar>, right: &Tensor) -> Tensor {
    let value = value.into();
    let dtype: DType = result_dtype(&[Operand::Tensor(right), Operand::Scalar(value)]);
    expect(Tensor::try_full(&[], value, dtype, right.device()))
}

macro_rules! assignments {
    ($($trait:ident::$operator:ident = $method:ident;)*) => {$(
        impl<'a, T: Into<Operand<'a>>> $trait<T> for Tensor {
            #[track_caller]
            fn $operator(&mut self, right: T) {
                expect(self.$method(right));
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
    fn neg(self) -> Tensor {
        Tensor::neg(self)
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        Tensor::neg(&self)
    }
}

impl Not for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn not(self) -> Tensor {
        self.logical_not()
    }
}
