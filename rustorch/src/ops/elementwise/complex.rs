//! Inverse trigonometric and hyperbolic functions of complex numbers.
//!
//! After Kahan, "Branch cuts for complex elementary functions" (1987): the sign of a zero says on which side of a
//! branch cut a number lies, so every sign below comes from a `copysign` or a product and none is lost in a sum.
//! Infinities and NaN are as in C99 (Annex G), whose library functions PyTorch calls. All are computed in double
//! precision.

use num_complex::Complex;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

pub(super) use super::hyperbolic::{cos, cosh, sin, sinh, sqrt, tan, tanh};

type C = Complex<f64>;

/// A complex number in double precision.
#[inline]
pub(super) fn wide<T: Into<f64> + Copy>(z: Complex<T>) -> C {
    C::new(z.re.into(), z.im.into())
}

/// A complex number back in its own precision.
#[inline]
pub(super) fn narrow<T: FromF64>(z: C) -> Complex<T> {
    Complex::new(T::from_f64(z.re), T::from_f64(z.im))
}

/// The two precisions.
pub(super) trait FromF64 {
    fn from_f64(value: f64) -> Self;
}

impl FromF64 for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl FromF64 for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// The square root of `1 + z`, with the sign of a zero imaginary part.
fn sqrt_one_plus(z: C) -> C {
    sqrt(C::new(1.0 + z.re, z.im))
}

/// The square root of `1 - z`.
fn sqrt_one_minus(z: C) -> C {
    sqrt(C::new(1.0 - z.re, -z.im))
}

/// Whether a part is infinite or NaN.
fn is_special(z: C) -> bool {
    !(z.re.is_finite() && z.im.is_finite())
}

/// `arcsin z`, with cuts along the real axis beyond ±1.
#[inline]
pub(super) fn asin(z: C) -> C {
    if is_special(z) {
        return asin_at_limits(z);
    }
    let (minus, plus) = (sqrt_one_minus(z), sqrt_one_plus(z));
    C::new(z.re.atan2((minus * plus).re), (minus.conj() * plus).im.asinh())
}

fn asin_at_limits(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.is_nan() || y.is_nan() {
        return match () {
            () if x == 0.0 => z,
            () if x.is_infinite() || y.is_infinite() => C::new(f64::NAN, f64::INFINITY.copysign(y)),
            () => C::new(f64::NAN, f64::NAN),
        };
    }
    let angle = match (x.is_infinite(), y.is_infinite()) {
        (true, true) => FRAC_PI_4,
        (true, false) => FRAC_PI_2,
        _ => 0.0,
    };
    C::new(angle.copysign(x), f64::INFINITY.copysign(y))
}

/// `arccos z`, with cuts along the real axis beyond ±1.
#[inline]
pub(super) fn acos(z: C) -> C {
    if is_special(z) {
        let w = asin_at_limits(z);
        return C::new(FRAC_PI_2 - w.re, -w.im);
    }
    let (minus, plus) = (sqrt_one_minus(z), sqrt_one_plus(z));
    C::new(2.0 * minus.re.atan2(plus.re), (plus.conj() * minus).im.asinh())
}

/// `arsinh z = -i arcsin(iz)`.
#[inline]
pub(super) fn asinh(z: C) -> C {
    // The limits of arcsin are not its rotation where a part is NaN.
    if z.re.is_nan() || z.im.is_nan() {
        return match () {
            () if z.im.is_infinite() => C::new(f64::INFINITY, f64::NAN),
            () if z.re.is_infinite() => C::new(z.re, f64::NAN),
            () => C::new(f64::NAN, if z.im == 0.0 { z.im } else { f64::NAN }),
        };
    }
    let w = asin(C::new(-z.im, z.re));
    C::new(w.im, -w.re)
}

/// `arcosh z`, with a cut along the real axis below 1.
#[inline]
pub(super) fn acosh(z: C) -> C {
    if is_special(z) {
        let (x, y) = (z.re, z.im);
        let angle = match (x.is_infinite(), y.is_infinite()) {
            (true, true) => {
                if x < 0.0 {
                    PI - FRAC_PI_4
                } else {
                    FRAC_PI_4
                }
            }
            (true, false) if !y.is_nan() => {
                if x < 0.0 {
                    PI
                } else {
                    0.0
                }
            }
            (false, true) if !x.is_nan() => FRAC_PI_2,
            (false, false) if x == 0.0 => FRAC_PI_2,
            _ => f64::NAN,
        };
        let infinite = x.is_infinite() || y.is_infinite();
        return C::new(if infinite { f64::INFINITY } else { f64::NAN }, angle.copysign(y));
    }
    let (minus, plus) = (sqrt(C::new(z.re - 1.0, z.im)), sqrt_one_plus(z));
    C::new((minus.conj() * plus).re.asinh(), 2.0 * minus.im.atan2(plus.re))
}

/// `artanh z`, with cuts along the real axis beyond ±1.
#[inline]
pub(super) fn atanh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if is_special(z) {
        return match () {
            () if y.is_infinite() => C::new(0f64.copysign(x), FRAC_PI_2.copysign(y)),
            () if x.is_infinite() || x == 0.0 => {
                C::new(0f64.copysign(x), if y.is_nan() { y } else { FRAC_PI_2.copysign(y) })
            }
            () => C::new(f64::NAN, f64::NAN),
        };
    }
    // log |1 + z| - log |1 - z|, and the difference of the arguments.
    let square = y * y;
    let real = if x == 0.0 { x } else { (4.0 * x / ((1.0 - x) * (1.0 - x) + square)).ln_1p() / 4.0 };
    let imaginary = (2.0 * y).atan2((1.0 - x) * (1.0 + x) - square) / 2.0;
    // For large numbers the squares above overflow or cancel; there artanh z → ±iπ/2 + 1/z.
    if x.abs().max(y.abs()) > 1e150 {
        return C::new(0f64.copysign(x), FRAC_PI_2.copysign(y));
    }
    C::new(real, imaginary)
}

/// `arctan z = -i artanh(iz)`.
#[inline]
pub(super) fn atan(z: C) -> C {
    let w = atanh(C::new(-z.im, z.re));
    C::new(w.im, -w.re)
}
