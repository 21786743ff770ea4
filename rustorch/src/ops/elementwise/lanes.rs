//! The vocabulary of the elementwise table: what an expression such as `select(gt(x, T(0.0)), x, T(0.0))` means for
//! one lane of each dtype.
//!
//! Expressions are generic over these traits, so one text serves `f32` in a SIMD loop, `i64`, complex numbers, and
//! whole tensors ([`super::traced`]); CUDA gives the same words a meaning in C. Lanes wrap the plain types to fix what
//! differs from Rust's own arithmetic: integers wrap around, and floats carry whether the instruction set fuses
//! multiply and add.

mod numbers;

use std::ops::{Add, Div, Mul, Neg, Sub};

pub use numbers::{C, F, I};

/// Numbers that can be added and multiplied: every dtype.
pub trait Arith:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// The truth value of a comparison.
    type Mask: Copy;
    fn literal(value: f64) -> Self;
    fn eq(self, other: Self) -> Self::Mask;
    fn ne(self, other: Self) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// The complex conjugate; a real number itself.
    fn conj(self) -> Self;
    /// `x / |x|`, 0 for 0; the sign of a real number.
    fn sgn(self) -> Self;
    fn pow(self, exponent: Self) -> Self;
}

/// Numbers with an order: integers and floats.
pub trait Ordered: Arith {
    fn lt(self, other: Self) -> Self::Mask;
    fn le(self, other: Self) -> Self::Mask;
    /// The greater number; NaN if either is.
    fn max(self, other: Self) -> Self;
    /// The smaller number; NaN if either is.
    fn min(self, other: Self) -> Self;
    fn abs(self) -> Self;
    /// -1, 0 or 1; NaN gives 0 as in PyTorch.
    fn sign(self) -> Self;
    /// The largest integer not above.
    fn floor(self) -> Self;
    /// The smallest integer not below.
    fn ceil(self) -> Self;
    /// The integer toward zero.
    fn trunc(self) -> Self;
    /// The nearest integer, halves to even.
    fn round(self) -> Self;
    /// Division rounded toward minus infinity.
    fn floor_div(self, other: Self) -> Self;
    /// The remainder with the sign of the dividend.
    fn fmod(self, other: Self) -> Self;
    /// The remainder with the sign of the divisor.
    fn remainder(self, other: Self) -> Self;
}

macro_rules! methods {
    ($(#[$doc:meta])* $trait:ident: [$($super:tt)*] { $($name:ident),* $(,)? }) => {
        $(#[$doc])*
        pub trait $trait: $($super)* {
            $(fn $name(self) -> Self;)*
        }
        $(
            /// The method as a function, which reads the same in Rust and in CUDA C.
            #[inline(always)]
            pub fn $name<T: $trait>(x: T) -> T {
                x.$name()
            }
        )*
    };
}

methods! {
    /// Functions that floats and complex numbers share.
    Analytic: [Arith + Div<Output = Self>] {
        exp, exp2, expm1, log, log1p, log2, log10, sqrt, rsqrt, sin, cos, tan, sinh, cosh, tanh,
        asin, acos, atan, asinh, acosh, atanh, sigmoid,
    }
}

methods! {
    /// Functions of floats alone.
    Real: [Analytic + Ordered] {
        erf, erfc, erfinv, normal_cdf, lgamma, digamma,
    }
}

/// Two-argument functions of floats alone.
pub trait Real2: Real {
    fn atan2(self, other: Self) -> Self;
    fn hypot(self, other: Self) -> Self;
    fn copysign(self, other: Self) -> Self;
    fn nextafter(self, other: Self) -> Self;
    /// The derivative of `digamma` of this order, a whole number, at a point.
    fn polygamma(self, point: Self) -> Self;
    /// The polygamma function of order one, the derivative of `digamma`.
    fn trigamma(self) -> Self;
}

macro_rules! functions {
    ($($name:ident: $trait:ident($($arg:ident),*) -> $out:ty;)*) => {$(
        /// The method as a function, which reads the same in Rust and in CUDA C.
        #[inline(always)]
        pub fn $name<T: $trait>($($arg: T),*) -> $out {
            T::$name($($arg),*)
        }
    )*};
}

functions! {
    eq: Arith(a, b) -> T::Mask;
    ne: Arith(a, b) -> T::Mask;
    lt: Ordered(a, b) -> T::Mask;
    le: Ordered(a, b) -> T::Mask;
    conj: Arith(a) -> T;
    sgn: Arith(a) -> T;
    pow: Arith(a, b) -> T;
    max: Ordered(a, b) -> T;
    min: Ordered(a, b) -> T;
    abs: Ordered(a) -> T;
    sign: Ordered(a) -> T;
    floor: Ordered(a) -> T;
    ceil: Ordered(a) -> T;
    trunc: Ordered(a) -> T;
    round: Ordered(a) -> T;
    floor_div: Ordered(a, b) -> T;
    fmod: Ordered(a, b) -> T;
    remainder: Ordered(a, b) -> T;
    atan2: Real2(a, b) -> T;
    hypot: Real2(a, b) -> T;
    copysign: Real2(a, b) -> T;
    nextafter: Real2(a, b) -> T;
    trigamma: Real2(a) -> T;
    polygamma: Real2(order, a) -> T;
}

/// Integers as bit patterns.
pub trait Bits: Ordered {
    fn bit_and(self, other: Self) -> Self;
    fn bit_or(self, other: Self) -> Self;
    fn bit_xor(self, other: Self) -> Self;
    fn shift_left(self, by: Self) -> Self;
    fn shift_right(self, by: Self) -> Self;
    fn gcd(self, other: Self) -> Self;
}

functions! {
    bit_and: Bits(a, b) -> T;
    bit_or: Bits(a, b) -> T;
    bit_xor: Bits(a, b) -> T;
    shift_left: Bits(a, b) -> T;
    shift_right: Bits(a, b) -> T;
    gcd: Bits(a, b) -> T;
}

/// Whether both hold.
#[inline(always)]
pub fn both(a: bool, b: bool) -> bool {
    a & b
}

/// Whether one holds.
#[inline(always)]
pub fn either(a: bool, b: bool) -> bool {
    a | b
}

/// Whether exactly one holds.
#[inline(always)]
pub fn differ(a: bool, b: bool) -> bool {
    a ^ b
}

/// `b < a`.
#[inline(always)]
pub fn gt<T: Ordered>(a: T, b: T) -> T::Mask {
    b.lt(a)
}

/// `b <= a`.
#[inline(always)]
pub fn ge<T: Ordered>(a: T, b: T) -> T::Mask {
    b.le(a)
}

/// `yes` where the mask holds, otherwise `no`.
#[inline(always)]
pub fn select<T: Arith>(mask: T::Mask, yes: T, no: T) -> T {
    T::select(mask, yes, no)
}
