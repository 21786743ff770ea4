//! What the words of expressions mean for numbers: floats, integers and complex numbers.

use std::ops::{Add, Div, Mul, Neg, Sub};

use num_complex::Complex;

use super::{Analytic, Arith, Bits, Ordered, Real, Real2};
use crate::kernels::math;
use crate::ops::elementwise::{complex, special};

/// A float lane. `FMA` says whether the loop around it runs with fused multiply-add instructions; without them
/// `mul_add` would be a library call.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F<T, const FMA: bool>(pub T);

/// An integer lane.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct I<T>(pub T);

/// A complex lane.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct C<T>(pub Complex<T>);

macro_rules! operators {
    ([$($generics:tt)*] $t:ty, $add:expr, $sub:expr, $mul:expr, $neg:expr) => {
        impl<$($generics)*> Add for $t {
            type Output = Self;
            #[inline(always)]
            fn add(self, other: Self) -> Self { Self($add(self.0, other.0)) }
        }
        impl<$($generics)*> Sub for $t {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self { Self($sub(self.0, other.0)) }
        }
        impl<$($generics)*> Mul for $t {
            type Output = Self;
            #[inline(always)]
            fn mul(self, other: Self) -> Self { Self($mul(self.0, other.0)) }
        }
        impl<$($generics)*> Neg for $t {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self { Self($neg(self.0)) }
        }
    };
}

macro_rules! integer_lanes {
    ($($t:ty),*) => {$(
        operators!([] I<$t>, <$t>::wrapping_add, <$t>::wrapping_sub, <$t>::wrapping_mul, <$t>::wrapping_neg);

        impl Arith for I<$t> {
            type Mask = bool;
            #[inline(always)]
            fn literal(value: f64) -> Self { Self(value as $t) }
            #[inline(always)]
            fn eq(self, other: Self) -> bool { self.0 == other.0 }
            #[inline(always)]
            fn ne(self, other: Self) -> bool { self.0 != other.0 }
            #[inline(always)]
            fn select(mask: bool, yes: Self, no: Self) -> Self { if mask { yes } else { no } }
            #[inline(always)]
            fn conj(self) -> Self { self }
            #[inline(always)]
            fn sgn(self) -> Self { self.sign() }
            /// Wraps around. Negative exponents, which PyTorch refuses for numbers, truncate: 1/1, ±1 and 0.
            #[inline]
            fn pow(self, exponent: Self) -> Self {
                #[allow(unused_comparisons)]
                if exponent.0 < 0 {
                    return Self(match self.0 {
                        1 => 1,
                        base if base == (0 as $t).wrapping_sub(1) => if exponent.0 % 2 == 0 { 1 } else { base },
                        _ => 0,
                    });
                }
                let (mut base, mut left, mut product) = (self.0, exponent.0, 1 as $t);
                while left != 0 {
                    if left & 1 == 1 {
                        product = product.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    left >>= 1;
                }
                Self(product)
            }
        }

        impl Ordered for I<$t> {
            #[inline(always)]
            fn lt(self, other: Self) -> bool { self.0 < other.0 }
            #[inline(always)]
            fn le(self, other: Self) -> bool { self.0 <= other.0 }
            #[inline(always)]
            fn max(self, other: Self) -> Self { Self(Ord::max(self.0, other.0)) }
            #[inline(always)]
            fn min(self, other: Self) -> Self { Self(Ord::min(self.0, other.0)) }
            #[inline(always)]
            #[allow(unused_comparisons)]
            fn abs(self) -> Self { if self.0 < 0 { Self(self.0.wrapping_neg()) } else { self } }
            #[inline(always)]
            #[allow(unused_comparisons)]
            fn sign(self) -> Self { Self((self.0 > 0) as $t).sub(Self((self.0 < 0) as $t)) }
            #[inline(always)]
            fn floor(self) -> Self { self }
            #[inline(always)]
            fn ceil(self) -> Self { self }
            #[inline(always)]
            fn trunc(self) -> Self { self }
            #[inline(always)]
            fn round(self) -> Self { self }
            /// Zero where the divisor is zero: such divisors are refused before the loop (`check_divisor`).
            #[inline(always)]
            #[allow(unused_comparisons)]
            fn floor_div(self, other: Self) -> Self {
                if other.0 == 0 {
                    return Self(0);
                }
                let quotient = self.0.wrapping_div(other.0);
                let inexact = self.0.wrapping_rem(other.0) != 0 && ((self.0 < 0) != (other.0 < 0));
                Self(quotient.wrapping_sub(inexact as $t))
            }
            #[inline(always)]
            fn fmod(self, other: Self) -> Self {
                if other.0 == 0 { Self(0) } else { Self(self.0.wrapping_rem(other.0)) }
            }
            #[inline(always)]
            #[allow(unused_comparisons)]
            fn remainder(self, other: Self) -> Self {
                let rest = self.fmod(other);
                if rest.0 != 0 && ((rest.0 < 0) != (other.0 < 0)) { rest + other } else { rest }
            }
        }
    )*};
}
integer_lanes!(u8, i8, i16, i32, i64);

macro_rules! bits {
    ($($t:ty),*) => {$(
        impl Bits for I<$t> {
            #[inline(always)]
            fn bit_and(self, other: Self) -> Self { Self(self.0 & other.0) }
            #[inline(always)]
            fn bit_or(self, other: Self) -> Self { Self(self.0 | other.0) }
            #[inline(always)]
            fn bit_xor(self, other: Self) -> Self { Self(self.0 ^ other.0) }
            #[inline]
            fn shift_left(self, by: Self) -> Self {
                Self(u32::try_from(by.0).ok().and_then(|by| self.0.checked_shl(by)).unwrap_or(0))
            }
            #[inline]
            fn shift_right(self, by: Self) -> Self {
                let by = u32::try_from(by.0).unwrap_or(<$t>::BITS).min(<$t>::BITS);
                // By the full width only the sign remains; two shifts avoid the undefined one.
                Self(if by == <$t>::BITS { (self.0 >> (by - 1)) >> 1 } else { self.0 >> by })
            }
            #[inline]
            fn gcd(self, other: Self) -> Self {
                let (mut a, mut b) = (self.abs(), other.abs());
                while b.0 != 0 {
                    (a, b) = (b, a.fmod(b).abs());
                }
                a
            }
        }
    )*};
}
bits!(u8, i8, i16, i32, i64);

macro_rules! float_lanes {
    ($t:ident, $($fast:ident = $kernel:ident),*; $($libm:ident = $function:path),* $(,)?) => {
        operators!([const FMA: bool] F<$t, FMA>, <$t as Add>::add, <$t as Sub>::sub, <$t as Mul>::mul, <$t as Neg>::neg);

        impl<const FMA: bool> Div for F<$t, FMA> {
            type Output = Self;
            #[inline(always)]
            fn div(self, other: Self) -> Self { Self(self.0 / other.0) }
        }

        impl<const FMA: bool> Arith for F<$t, FMA> {
            type Mask = bool;
            #[inline(always)]
            fn literal(value: f64) -> Self { Self(value as $t) }
            #[inline(always)]
            fn eq(self, other: Self) -> bool { self.0 == other.0 }
            #[inline(always)]
            fn ne(self, other: Self) -> bool { self.0 != other.0 }
            #[inline(always)]
            fn select(mask: bool, yes: Self, no: Self) -> Self { if mask { yes } else { no } }
            #[inline(always)]
            fn conj(self) -> Self { self }
            #[inline(always)]
            fn sgn(self) -> Self { self.sign() }
            #[inline(always)]
            fn pow(self, exponent: Self) -> Self { Self(self.0.powf(exponent.0)) }
        }

        impl<const FMA: bool> Ordered for F<$t, FMA> {
            #[inline(always)]
            fn lt(self, other: Self) -> bool { self.0 < other.0 }
            #[inline(always)]
            fn le(self, other: Self) -> bool { self.0 <= other.0 }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                // `!(a <= b)` also holds for NaN in `a`; NaN in `b` is caught by the inner test.
                if self.0 > other.0 || self.0 != self.0 { self } else { other }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if self.0 < other.0 || self.0 != self.0 { self } else { other }
            }
            #[inline(always)]
            fn abs(self) -> Self { Self(self.0.abs()) }
            #[inline(always)]
            fn sign(self) -> Self { Self((self.0 > 0.0) as u8 as $t - (self.0 < 0.0) as u8 as $t) }
            #[inline(always)]
            fn floor(self) -> Self { Self(self.0.floor()) }
            #[inline(always)]
            fn ceil(self) -> Self { Self(self.0.ceil()) }
            #[inline(always)]
            fn trunc(self) -> Self { Self(self.0.trunc()) }
            #[inline(always)]
            fn round(self) -> Self { Self(self.0.round_ties_even()) }
            #[inline(always)]
            fn floor_div(self, other: Self) -> Self {
                // PyTorch's algorithm (c10::div_floor_floating): exact where floor(a / b) would round up.
                if other.0 == 0.0 {
                    return self / other;
                }
                let rest = self.0 % other.0;
                let mut quotient = (self.0 - rest) / other.0;
                if rest != 0.0 && ((other.0 < 0.0) != (rest < 0.0)) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return Self((0.0 as $t).copysign(self.0 / other.0));
                }
                let floor = quotient.floor();
                Self(if quotient - floor > 0.5 { floor + 1.0 } else { floor })
            }
            #[inline(always)]
            fn fmod(self, other: Self) -> Self { Self(self.0 % other.0) }
            #[inline(always)]
            fn remainder(self, other: Self) -> Self {
                let rest = self.0 % other.0;
                Self(if rest != 0.0 && ((rest < 0.0) != (other.0 < 0.0)) { rest + other.0 } else { rest })
            }
        }

        impl<const FMA: bool> Analytic for F<$t, FMA> {
            $(#[inline(always)] fn $fast(self) -> Self { Self(math::$kernel::<FMA>(self.0)) })*
            #[inline(always)]
            fn exp2(self) -> Self { Self(self.0.exp2()) }
            #[inline(always)]
            fn log2(self) -> Self { Self(self.0.log2()) }
            #[inline(always)]
            fn log10(self) -> Self { Self(self.0.log10()) }
            #[inline(always)]
            fn sqrt(self) -> Self { Self(self.0.sqrt()) }
            #[inline(always)]
            fn rsqrt(self) -> Self { Self(1.0 / self.0.sqrt()) }
            #[inline(always)]
            fn tan(self) -> Self { Self(self.0.tan()) }
            #[inline(always)]
            fn sinh(self) -> Self { Self(self.0.sinh()) }
            #[inline(always)]
            fn cosh(self) -> Self { Self(self.0.cosh()) }
            #[inline(always)]
            fn asin(self) -> Self { Self(self.0.asin()) }
            #[inline(always)]
            fn acos(self) -> Self { Self(self.0.acos()) }
            #[inline(always)]
            fn atan(self) -> Self { Self(self.0.atan()) }
            #[inline(always)]
            fn asinh(self) -> Self { Self(self.0.asinh()) }
            #[inline(always)]
            fn acosh(self) -> Self { Self(self.0.acosh()) }
            #[inline(always)]
            fn atanh(self) -> Self { Self(self.0.atanh()) }
        }

        impl<const FMA: bool> Real for F<$t, FMA> {
            $(#[inline(always)] fn $libm(self) -> Self { Self($function(self.0)) })*
        }

        impl<const FMA: bool> Real2 for F<$t, FMA> {
            #[inline(always)]
            fn atan2(self, other: Self) -> Self { Self(self.0.atan2(other.0)) }
            #[inline(always)]
            fn hypot(self, other: Self) -> Self { Self(self.0.hypot(other.0)) }
            #[inline(always)]
            fn copysign(self, other: Self) -> Self { Self(self.0.copysign(other.0)) }
            #[inline(always)]
            fn nextafter(self, other: Self) -> Self {
                Self(if self.0 != self.0 || other.0 != other.0 {
                    <$t>::NAN
                } else if self.0 < other.0 {
                    self.0.next_up()
                } else if self.0 > other.0 {
                    self.0.next_down()
                } else {
                    other.0
                })
            }
            #[inline(always)]
            fn trigamma(self) -> Self { Self(special::trigamma(self.0 as f64) as $t) }
            #[inline(always)]
            fn polygamma(self, point: Self) -> Self {
                Self(special::polygamma(self.0 as usize, point.0 as f64) as $t)
            }
        }
    };
}
float_lanes!(f32, exp = exp_f32, expm1 = expm1_f32, log = log_f32, log1p = log1p_f32, sin = sin_f32, cos = cos_f32,
    tanh = tanh_f32, sigmoid = sigmoid_f32;
    erf = math::erf_f32::<FMA>, erfc = libm::erfcf, erfinv = special::erfinv_f32,
    normal_cdf = math::normal_cdf_f32::<FMA>, lgamma = special::lgamma_f32,
    digamma = special::digamma_f32);
float_lanes!(f64, exp = exp_f64, expm1 = expm1_f64, log = log_f64, log1p = log1p_f64, sin = sin_f64, cos = cos_f64,
    tanh = tanh_f64, sigmoid = sigmoid_f64;
    erf = math::erf_f64::<FMA>, erfc = libm::erfc, erfinv = special::erfinv,
    normal_cdf = math::normal_cdf_f64::<FMA>, lgamma = special::lgamma,
    digamma = special::digamma);

macro_rules! complex_lanes {
    ($($t:ty),*; $functions:tt) => { $(complex_lanes!(@one $t, $functions);)* };
    (@one $t:ty, [$($function:ident),*]) => {
        operators!([] C<$t>, <Complex<$t> as Add>::add, <Complex<$t> as Sub>::sub, <Complex<$t> as Mul>::mul,
            <Complex<$t> as Neg>::neg);

        impl Div for C<$t> {
            type Output = Self;
            #[inline]
            fn div(self, other: Self) -> Self { Self(special::complex_div(self.0, other.0)) }
        }

        impl Arith for C<$t> {
            type Mask = bool;
            fn literal(value: f64) -> Self { Self(Complex::new(value as $t, 0.0)) }
            fn eq(self, other: Self) -> bool { self.0 == other.0 }
            fn ne(self, other: Self) -> bool { self.0 != other.0 }
            fn select(mask: bool, yes: Self, no: Self) -> Self { if mask { yes } else { no } }
            fn conj(self) -> Self { Self(self.0.conj()) }
            fn sgn(self) -> Self {
                let norm = self.0.norm();
                Self(if norm == 0.0 { Complex::new(0.0, 0.0) } else { self.0 / norm })
            }
            /// In double precision: angles that are multiplied by large exponents lose the digits before their point.
            fn pow(self, exponent: Self) -> Self {
                let zero = Complex::new(0.0, 0.0);
                Self(match (self.0 == zero, exponent.0 == zero) {
                    (_, true) => Complex::new(1.0, 0.0),
                    // exp(exponent · log 0), where log 0 is -∞.
                    (true, false) if exponent.0.re > 0.0 => zero,
                    (true, false) if exponent.0.re < 0.0 => Complex::new(<$t>::INFINITY, <$t>::NAN),
                    (true, false) => Complex::new(<$t>::NAN, <$t>::NAN),
                    _ => complex::narrow(complex::wide(self.0).powc(complex::wide(exponent.0))),
                })
            }
        }

        impl Analytic for C<$t> {
            fn exp(self) -> Self { Self(self.0.exp()) }
            fn exp2(self) -> Self { Self((self.0 * std::f64::consts::LN_2 as $t).exp()) }
            fn expm1(self) -> Self {
                // exp(x + iy) - 1 = expm1(x) cos y - 2 sin²(y/2) + i exp(x) sin y, without cancellation.
                let (x, y) = (self.0.re, self.0.im);
                let half = (y / 2.0).sin();
                Self(Complex::new(x.exp_m1() * y.cos() - 2.0 * half * half, x.exp() * y.sin()))
            }
            fn log(self) -> Self { Self(self.0.ln()) }
            fn log1p(self) -> Self {
                // |1 + z|² = 1 + x (2 + x) + y², so that small z keep their digits.
                let (x, y) = (self.0.re, self.0.im);
                Self(Complex::new((x * (2.0 + x) + y * y).ln_1p() / 2.0, y.atan2(1.0 + x)))
            }
            fn log2(self) -> Self { Self(self.0.ln() / (2.0 as $t).ln()) }
            fn log10(self) -> Self { Self(self.0.ln() / (10.0 as $t).ln()) }
            fn rsqrt(self) -> Self { Self::literal(1.0) / self.sqrt() }
            $(fn $function(self) -> Self { Self(complex::narrow(complex::$function(complex::wide(self.0)))) })*
            fn sigmoid(self) -> Self { Self::literal(1.0) / (Self::literal(1.0) + (-self).exp()) }
        }
    };
}
complex_lanes!(f32, f64; [asin, acos, atan, asinh, acosh, atanh, sqrt, sin, cos, tan, sinh, cosh, tanh]);
