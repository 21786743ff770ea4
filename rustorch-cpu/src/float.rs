//! f32 and f64 as the row kernels see them.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{attention, conv, math, pooling, recurrent};

/// f32 or f64, with the branch-free functions of [`math`].
#[allow(missing_docs, reason = "the functions of the same names in `std` and [`math`]")]
pub trait Float:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + attention::Entries<Self>
    + super::batch_norm::Entry<Self>
    + conv::Entries<Self>
    + super::group_norm::Entry<Self>
    + super::layer_norm::Entry<Self>
    + pooling::Entries<Self>
    + recurrent::Entries<Self>
    + super::resample::Entry<Self>
    + super::rows::Entry<Self>
    + super::softmax::Entry<Self>
{
    const ZERO: Self;
    const ONE: Self;
    const NEG_INFINITY: Self;
    fn of(value: f64) -> Self;
    fn sqrt(self) -> Self;
    fn mul_add<const FMA: bool>(self, a: Self, b: Self) -> Self;
    fn exp<const FMA: bool>(self) -> Self;
    fn log<const FMA: bool>(self) -> Self;
    fn normal_cdf<const FMA: bool>(self) -> Self;
    fn tanh<const FMA: bool>(self) -> Self;
    fn sigmoid<const FMA: bool>(self) -> Self;
}

macro_rules! float {
    ($t:ident, $mul_add:ident, $exp:ident, $log:ident, $normal_cdf:ident, $tanh:ident, $sigmoid:ident) => {
        impl Float for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const NEG_INFINITY: $t = $t::NEG_INFINITY;
            #[inline(always)]
            fn of(value: f64) -> $t {
                value as $t
            }
            #[inline(always)]
            fn sqrt(self) -> $t {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn mul_add<const FMA: bool>(self, a: $t, b: $t) -> $t {
                math::$mul_add::<FMA>(self, a, b)
            }
            #[inline(always)]
            fn exp<const FMA: bool>(self) -> $t {
                math::$exp::<FMA>(self)
            }
            #[inline(always)]
            fn log<const FMA: bool>(self) -> $t {
                math::$log::<FMA>(self)
            }
            #[inline(always)]
            fn normal_cdf<const FMA: bool>(self) -> $t {
                math::$normal_cdf::<FMA>(self)
            }
            #[inline(always)]
            fn tanh<const FMA: bool>(self) -> $t {
                math::$tanh::<FMA>(self)
            }
            #[inline(always)]
            fn sigmoid<const FMA: bool>(self) -> $t {
                math::$sigmoid::<FMA>(self)
            }
        }
    };
}

float!(f32, mul_add_f32, exp_f32, log_f32, normal_cdf_f32, tanh_f32, sigmoid_f32);
float!(f64, mul_add_f64, exp_f64, log_f64, normal_cdf_f64, tanh_f64, sigmoid_f64);
