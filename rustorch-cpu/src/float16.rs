//! The two floating-point types of 16 bits, as storage: arithmetic widens to `f32` and rounds once.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

/// IEEE half precision (binary16): 5 bits of exponent, 11 of precision.
///
/// Conversions round to the nearest number, ties to even, and are the ones of `torch.float16`.
///
/// ```
/// # use rustorch_cpu::f16;
/// assert_eq!(f16::from_f32(1.0 / 3.0).to_f32(), 0.333_251_95);
/// assert_eq!(f16::from_f32(65520.0), f16::INFINITY);
/// ```
#[allow(non_camel_case_types, reason = "the name of a primitive type")]
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct f16(u16);

/// bfloat16: the 8 bits of exponent of `f32`, 8 of precision.
///
/// Conversions round to the nearest number, ties to even, and are the ones of `torch.bfloat16`.
///
/// ```
/// # use rustorch_cpu::bf16;
/// assert_eq!(bf16::from_f32(1.0 / 3.0).to_f32(), 0.333_984_375);
/// assert_eq!(bf16::from_f32(f32::MAX), bf16::INFINITY);
/// ```
#[allow(non_camel_case_types, reason = "the name of a primitive type")]
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct bf16(u16);

impl f16 {
    /// The value of these bits.
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The nearest value; a NaN stays one. Without branches, so that loops over it become vectors.
    #[inline(always)]
    pub fn from_f32(value: f32) -> Self {
        // Adding this number, whose last place is that of the least positive f16, rounds as that type does below its normal numbers.
        const SUBNORMAL: u32 = (127 - 15 + 23 - 10 + 1) << 23;
        const REBIAS: u32 = (127 - 15) << 23;
        let sign = value.to_bits() & 0x8000_0000;
        let size = value.to_bits() ^ sign;
        let subnormal = (f32::from_bits(size) + f32::from_bits(SUBNORMAL)).to_bits().wrapping_sub(SUBNORMAL);
        let normal = size.wrapping_sub(REBIAS).wrapping_add(0xfff + (size >> 13 & 1)) >> 13;
        let finite = if size < 113 << 23 { subnormal } else { normal };
        let special = if size > 0x7f80_0000 { 0x7e00 } else { 0x7c00 };
        let bits = if size >= 143 << 23 { special } else { finite };
        Self((bits | sign >> 16) as u16)
    }

    /// The same value, exactly. Without branches: the exponent is moved by a multiplication, which is exact.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        const REBIAS: f32 = f32::from_bits((127 + 127 - 15) << 23);
        let bits = u32::from(self.0);
        let finite = f32::from_bits((bits & 0x7fff) << 13) * REBIAS;
        let special = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
        f32::from_bits(finite.to_bits() | special | (bits & 0x8000) << 16)
    }
}

impl bf16 {
    /// The value of these bits.
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The nearest value; a NaN stays one. Without branches, so that loops over it become vectors.
    #[inline(always)]
    pub fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
        let quiet = bits | 0x0040_0000;
        Self((if value.is_nan() { quiet } else { rounded } >> 16) as u16)
    }

    /// The same value, exactly.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// Rounds to odd: a value that `f32` cannot hold becomes the neighbour whose last bit is set, so that rounding it again, to at
/// most 22 bits, rounds the original.
fn to_odd(value: f64) -> f32 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    if back == value || nearest.is_nan() || nearest.to_bits() & 1 == 1 {
        return nearest;
    }
    let bits = nearest.to_bits();
    f32::from_bits(if back.abs() < value.abs() { bits + 1 } else { bits - 1 })
}

macro_rules! float16 {
    ($t:ident, $mantissa:literal, $infinity:literal, $one:literal) => {
        impl $t {
            /// 0.
            pub const ZERO: Self = Self(0);
            /// 1.
            pub const ONE: Self = Self($one);
            /// Positive infinity.
            pub const INFINITY: Self = Self($infinity);
            /// Negative infinity.
            pub const NEG_INFINITY: Self = Self($infinity | 0x8000);
            /// Not a number.
            pub const NAN: Self = Self($infinity | 1 << ($mantissa - 1));
            /// The largest finite value.
            pub const MAX: Self = Self($infinity - 1);
            /// The least finite value.
            pub const MIN: Self = Self(($infinity - 1) | 0x8000);
            /// The smallest positive normal value.
            pub const MIN_POSITIVE: Self = Self(1 << $mantissa);
            /// The difference between 1 and the next larger value.
            pub const EPSILON: Self = Self($one - ($mantissa << $mantissa));

            /// The bits of the value.
            #[inline(always)]
            pub const fn to_bits(self) -> u16 {
                self.0
            }

            /// The value of these bytes, the low one first.
            #[inline]
            pub const fn from_le_bytes(bytes: [u8; 2]) -> Self {
                Self(u16::from_le_bytes(bytes))
            }

            /// The bytes of the value, the low one first.
            #[inline]
            pub const fn to_le_bytes(self) -> [u8; 2] {
                self.0.to_le_bytes()
            }

            /// The nearest value, rounded once; a NaN stays one.
            #[inline]
            pub fn from_f64(value: f64) -> Self {
                Self::from_f32(to_odd(value))
            }

            /// The same value, exactly.
            #[inline(always)]
            pub fn to_f64(self) -> f64 {
                f64::from(self.to_f32())
            }

            /// Whether it is not a number.
            #[inline(always)]
            pub const fn is_nan(self) -> bool {
                self.0 & 0x7fff > $infinity
            }

            /// Whether it is neither infinite nor NaN.
            #[inline(always)]
            pub const fn is_finite(self) -> bool {
                self.0 & 0x7fff < $infinity
            }

            /// Whether it is infinite.
            #[inline(always)]
            pub const fn is_infinite(self) -> bool {
                self.0 & 0x7fff == $infinity
            }
        }

        // SAFETY: any 16 bits are a value, zeros among them, and there is nothing else in the type.
        unsafe impl bytemuck::Zeroable for $t {}
        // SAFETY: as above.
        unsafe impl bytemuck::Pod for $t {}

        impl From<$t> for f32 {
            #[inline(always)]
            fn from(value: $t) -> f32 {
                value.to_f32()
            }
        }

        impl From<$t> for f64 {
            #[inline(always)]
            fn from(value: $t) -> f64 {
                value.to_f64()
            }
        }

        impl PartialEq for $t {
            #[inline(always)]
            fn eq(&self, other: &Self) -> bool {
                self.to_f32() == other.to_f32()
            }
        }

        impl PartialOrd for $t {
            #[inline(always)]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.to_f32().partial_cmp(&other.to_f32())
            }
        }

        impl fmt::Debug for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.to_f32(), f)
            }
        }

        impl fmt::Display for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.to_f32(), f)
            }
        }

        impl Neg for $t {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                Self(self.0 ^ 0x8000)
            }
        }

        float16!(@operators $t, Add::add Sub::sub Mul::mul Div::div Rem::rem);
    };
    (@operators $t:ident, $($Trait:ident::$method:ident)*) => {$(
        impl $Trait for $t {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self::from_f32(self.to_f32().$method(other.to_f32()))
            }
        }
    )*};
}

float16!(f16, 10, 0x7c00, 0x3c00);
float16!(bf16, 7, 0x7f80, 0x3f80);

#[cfg(test)]
mod tests {
    use super::*;

    /// What rounding means: of the two neighbours the nearer, of two equally near the even one.
    fn nearest(value: f64, below: u16, to_f64: impl Fn(u16) -> f64) -> u16 {
        let above = below + 1;
        let middle = (to_f64(below) + to_f64(above)) / 2.0;
        if value < middle || value == middle && below & 1 == 0 { below } else { above }
    }

    /// Every value comes back, and what lies between two neighbours goes to the nearer, for both signs.
    #[test]
    fn conversions_round_to_the_nearest_value() {
        macro_rules! check {
            ($t:ident) => {
                let value = |bits: u16| $t::from_bits(bits).to_f64();
                for bits in 0..=u16::MAX {
                    let x = $t::from_bits(bits);
                    if x.is_nan() {
                        assert!(
                            x.to_f32().is_nan()
                                && $t::from_f32(x.to_f32()).is_nan()
                                && $t::from_f64(x.to_f64()).is_nan()
                        );
                    } else {
                        assert_eq!($t::from_f32(x.to_f32()).to_bits(), bits);
                        assert_eq!($t::from_f64(x.to_f64()).to_bits(), bits);
                    }
                }
                for bits in 0..$t::MAX.to_bits() {
                    let (low, high) = (value(bits), value(bits + 1));
                    let middle = (low + high) / 2.0;
                    for point in
                        [low.next_up(), middle.next_down(), middle, middle.next_up(), high.next_down()]
                    {
                        let expected = nearest(point, bits, value);
                        assert_eq!($t::from_f64(point).to_bits(), expected, "{point:e}");
                        assert_eq!($t::from_f64(-point).to_bits(), expected | 0x8000, "-{point:e}");
                    }
                    let (low, middle, high) = (low as f32, middle as f32, high as f32);
                    for point in
                        [low.next_up(), middle.next_down(), middle, middle.next_up(), high.next_down()]
                    {
                        let expected = nearest(f64::from(point), bits, value);
                        assert_eq!($t::from_f32(point).to_bits(), expected, "{point:e}");
                        assert_eq!($t::from_f32(-point).to_bits(), expected | 0x8000, "-{point:e}");
                    }
                }
            };
        }
        check!(f16);
        check!(bf16);
    }

    #[test]
    fn what_is_too_large_is_infinite() {
        assert_eq!(f16::from_f32(65519.996), f16::MAX);
        assert_eq!(f16::from_f32(65520.0), f16::INFINITY);
        assert_eq!(f16::from_f64(65520.0f64.next_down()), f16::MAX);
        assert_eq!(f16::from_f64(-1e300), f16::NEG_INFINITY);
        assert_eq!(bf16::from_f32(f32::MAX), bf16::INFINITY);
        assert_eq!(bf16::from_f64(f64::MAX), bf16::INFINITY);
        assert_eq!(f16::from_f32(f32::NEG_INFINITY), f16::NEG_INFINITY);
        assert!(f16::from_f32(f32::NAN).is_nan() && bf16::from_f64(f64::NAN).is_nan());
    }

    #[test]
    fn numbers_are_compared_and_computed_with_as_numbers() {
        assert_eq!(f16::EPSILON.to_f64(), 2f64.powi(-10));
        assert_eq!(bf16::EPSILON.to_f64(), 2f64.powi(-7));
        assert_eq!(f16::MIN_POSITIVE.to_f64(), 2f64.powi(-14));
        assert_eq!(bf16::MIN_POSITIVE.to_f32(), f32::MIN_POSITIVE);
        assert_eq!(f16::MAX.to_f64(), 65504.0);
        assert_eq!(f16::from_bits(0x8000), f16::ZERO);
        assert_ne!(f16::NAN, f16::NAN);
        assert!(bf16::MIN < bf16::ZERO && bf16::NEG_INFINITY < bf16::MIN);
        let (one, third) = (f16::ONE, f16::ONE / f16::from_f32(3.0));
        assert_eq!(
            (one + f16::EPSILON - one, -one + one, one % third),
            (f16::EPSILON, f16::ZERO, f16::from_f32(0.000_244_140_62))
        );
        assert_eq!(format!("{third} {third:?} {:.2}", bf16::ONE), "0.33325195 0.33325195 1.00");
    }
}
