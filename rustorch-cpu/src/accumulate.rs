//! Numbers that kernels add, multiply and compare one at a time.

use num_complex::Complex;

use crate::{bf16, f16};

/// Sums and products of an element type: integers wrap around, half types round after each step, bools are "or" and
/// "and".
pub trait Accumulate: Copy {
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
}

/// Element types with an order.
pub trait Comparable: Copy {
    /// Whether this is NaN.
    fn is_nan(self) -> bool;
    /// Whether this is less; never for NaN.
    fn less(self, other: Self) -> bool;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Accumulate for $t {
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
        }
        impl Comparable for $t {
            #[inline(always)]
            fn is_nan(self) -> bool { false }
            #[inline(always)]
            fn less(self, other: Self) -> bool { self < other }
        }
    )*};
}
integers!(u8, i8, i16, i32, i64);

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Accumulate for $t {
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
        }
        impl Comparable for $t {
            #[inline(always)]
            fn is_nan(self) -> bool { self != self }
            #[inline(always)]
            fn less(self, other: Self) -> bool { self < other }
        }
    )*};
}
floats!(f32, f64);

macro_rules! halves {
    ($($t:ty),*) => {$(
        impl Accumulate for $t {
            #[inline(always)]
            fn plus(self, other: Self) -> Self { <$t>::from_f32(self.to_f32() + other.to_f32()) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { <$t>::from_f32(self.to_f32() * other.to_f32()) }
        }
        impl Comparable for $t {
            #[inline(always)]
            fn is_nan(self) -> bool { self.to_f32().is_nan() }
            #[inline(always)]
            fn less(self, other: Self) -> bool { self.to_f32() < other.to_f32() }
        }
    )*};
}
halves!(f16, bf16);

impl Accumulate for bool {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self | other
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self & other
    }
}

impl Comparable for bool {
    #[inline(always)]
    fn is_nan(self) -> bool {
        false
    }
    #[inline(always)]
    fn less(self, other: Self) -> bool {
        !self & other
    }
}

macro_rules! complexes {
    ($($t:ty),*) => {$(
        impl Accumulate for Complex<$t> {
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
        }
    )*};
}
complexes!(f32, f64);
