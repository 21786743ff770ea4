//! `+ - * /` between typed tensors, with broadcasting, and with numbers; and negation.
//!
//! Numbers are `f64` or `i64`: with one type for each kind of literal, rustc knows the result of `&x * 2.0` at once.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Broadcast, Shape, TypedTensor};

/// An operator for every combination of owned and borrowed operands, and for numbers on either side.
macro_rules! operators {
    ($($trait:ident $method:ident;)*) => {$(
        operators!(@tensors $trait $method [&TypedTensor<S>] [&TypedTensor<R>]);
        operators!(@tensors $trait $method [&TypedTensor<S>] [TypedTensor<R>]);
        operators!(@tensors $trait $method [TypedTensor<S>] [&TypedTensor<R>]);
        operators!(@tensors $trait $method [TypedTensor<S>] [TypedTensor<R>]);
        operators!(@number $trait $method f64 [&TypedTensor<S>]);
        operators!(@number $trait $method f64 [TypedTensor<S>]);
        operators!(@number $trait $method i64 [&TypedTensor<S>]);
        operators!(@number $trait $method i64 [TypedTensor<S>]);
    )*};
    (@tensors $trait:ident $method:ident [$left:ty] [$right:ty]) => {
        impl<S: Shape + Broadcast<R>, R: Shape> $trait<$right> for $left {
            type Output = TypedTensor<<S as Broadcast<R>>::Output>;

            #[track_caller]
            fn $method(self, right: $right) -> Self::Output {
                TypedTensor::infallible(self.as_tensor().$method(right.as_tensor()))
            }
        }
    };
    (@number $trait:ident $method:ident $number:ty [$typed:ty]) => {
        #[diagnostic::do_not_recommend]
        impl<S: Shape> $trait<$number> for $typed {
            type Output = TypedTensor<S>;

            #[track_caller]
            fn $method(self, right: $number) -> TypedTensor<S> {
                TypedTensor::infallible(self.as_tensor().$method(right))
            }
        }

        #[diagnostic::do_not_recommend]
        impl<S: Shape> $trait<$typed> for $number {
            type Output = TypedTensor<S>;

            #[track_caller]
            fn $method(self, right: $typed) -> TypedTensor<S> {
                TypedTensor::trusted($trait::$method(self, right.as_tensor()))
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
