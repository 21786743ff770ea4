//! Hyperbolic and trigonometric functions and the square root of complex numbers.
//!
//! Finite numbers by the textbook formulas, kept from overflowing on the way; infinities and NaN as C99 (Annex G) says,
//! whose library functions PyTorch calls. There a product is not what it seems: `sinh(∞ + 0i)` is `∞ + 0i`, where
//! `cosh(∞) · sin(0)` would be NaN. All are computed in double precision.

use num_complex::Complex;

type C = Complex<f64>;

/// From here on both `sinh x` and `cosh x` are half of `exp |x|`, which might overflow before it meets a small factor.
const LARGE: f64 = 700.0;

/// `exp(|x|) / 2 · (a, b)`.
fn half_exponential(x: f64, a: f64, b: f64) -> C {
    let root = (x.abs() / 2.0).exp();
    C::new(root * (0.5 * a) * root, root * (0.5 * b) * root)
}

/// `∞` with the signs of a direction.
fn infinity_towards(re: f64, im: f64) -> C {
    C::new(f64::INFINITY.copysign(re), f64::INFINITY.copysign(im))
}

/// `sinh x cos y + i cosh x sin y`.
#[inline]
pub(super) fn sinh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    let sign = 1f64.copysign(x);
    match (x.is_finite(), y.is_finite()) {
        (true, true) if x.abs() > LARGE => half_exponential(x, sign * y.cos(), y.sin()),
        (true, true) => C::new(x.sinh() * y.cos(), x.cosh() * y.sin()),
        (true, false) => C::new(if x == 0.0 { x } else { f64::NAN }, f64::NAN),
        (false, _) if y == 0.0 => z,
        (false, true) if x.is_infinite() => infinity_towards(sign * y.cos(), y.sin()),
        _ => C::new(if x.is_infinite() { f64::INFINITY } else { f64::NAN }, f64::NAN),
    }
}

/// `cosh x cos y + i sinh x sin y`.
#[inline]
pub(super) fn cosh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    let sign = 1f64.copysign(x);
    match (x.is_finite(), y.is_finite()) {
        (true, true) if x.abs() > LARGE => half_exponential(x, y.cos(), sign * y.sin()),
        (true, true) => C::new(x.cosh() * y.cos(), x.sinh() * y.sin()),
        (true, false) => C::new(f64::NAN, if x == 0.0 { x } else { f64::NAN }),
        (false, _) if y == 0.0 => C::new(x.abs(), sign * y),
        (false, true) if x.is_infinite() => infinity_towards(y.cos(), sign * y.sin()),
        _ => C::new(if x.is_infinite() { f64::INFINITY } else { f64::NAN }, f64::NAN),
    }
}

/// `(sinh x cosh x + i sin y cos y) / (sinh² x + cos² y)`.
#[inline]
pub(super) fn tanh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.is_infinite() {
        let side = if y.is_finite() && y.abs() > 1.0 { y.sin() * y.cos() } else { y };
        return C::new(1f64.copysign(x), 0f64.copysign(side));
    }
    if !(x.is_finite() && y.is_finite()) {
        return if y == 0.0 { z } else { C::new(if x == 0.0 { x } else { f64::NAN }, f64::NAN) };
    }
    let (sine, cosine) = y.sin_cos();
    if x.abs() > 22.0 {
        // The real part is ±1 in every digit, and sinh² would overflow.
        return C::new(1f64.copysign(x), 4.0 * sine * cosine * (-2.0 * x.abs()).exp());
    }
    let sinh = x.sinh();
    let denominator = sinh * sinh + cosine * cosine;
    C::new(sinh * x.cosh() / denominator, sine * cosine / denominator)
}

/// `-i f(iz)`.
fn turned(f: fn(C) -> C, z: C) -> C {
    let w = f(C::new(-z.im, z.re));
    C::new(w.im, -w.re)
}

/// `sin z = -i sinh(iz)`.
#[inline]
pub(super) fn sin(z: C) -> C {
    let w = turned(sinh, z);
    // The sign of the infinity is nobody's then, and positive in C's library.
    if w.re.is_nan() && w.im.is_infinite() { C::new(w.re, w.im.abs()) } else { w }
}

/// `cos z = cosh(iz)`.
#[inline]
pub(super) fn cos(z: C) -> C {
    cosh(C::new(-z.im, z.re))
}

/// `tan z = -i tanh(iz)`.
#[inline]
pub(super) fn tan(z: C) -> C {
    turned(tanh, z)
}

/// The square root whose real part is not negative, with a cut along the negative real axis.
#[inline]
pub(super) fn sqrt(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if y.is_infinite() {
        return C::new(f64::INFINITY, y);
    }
    if x.is_infinite() {
        let along = if y.is_nan() { y } else { 0.0 };
        return match x > 0.0 {
            true => C::new(x, along.copysign(y)),
            false => C::new(along, f64::INFINITY.copysign(y)),
        };
    }
    if x == 0.0 && y == 0.0 {
        return C::new(0.0, y);
    }
    // |x| + |z| must not overflow.
    let scale = if x.abs().max(y.abs()) > 1e300 { 4.0 } else { 1.0 };
    let (x, y) = (x / scale, y / scale);
    let root = ((x.abs() + x.hypot(y)) / 2.0).sqrt();
    let other = y.abs() / (2.0 * root);
    let (re, im) = if x >= 0.0 { (root, other) } else { (other, root) };
    C::new(re * scale.sqrt(), (im * scale.sqrt()).copysign(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of C99 Annex G: NaN matches NaN, zeros match by sign.
    #[test]
    fn limits_are_those_of_c99() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        type Row = (fn(C) -> C, [f64; 2], [f64; 2]);
        let rows: [Row; 16] = [
            (sinh, [inf, 0.0], [inf, 0.0]),
            (sinh, [-inf, 2.0], [inf, inf]),
            (sinh, [0.0, inf], [0.0, nan]),
            (sinh, [nan, -0.0], [nan, -0.0]),
            (cosh, [-inf, 0.0], [inf, -0.0]),
            (cosh, [inf, nan], [inf, nan]),
            (cosh, [0.0, nan], [nan, 0.0]),
            (tanh, [inf, 2.0], [1.0, -0.0]),
            (tanh, [-inf, -0.5], [-1.0, -0.0]),
            (tanh, [0.0, nan], [0.0, nan]),
            (tanh, [1e3, 1.0], [1.0, 0.0]),
            (sin, [0.0, inf], [0.0, inf]),
            (tan, [1.0, -inf], [0.0, -1.0]),
            (sqrt, [-inf, -1.0], [0.0, -inf]),
            (sqrt, [nan, inf], [inf, inf]),
            (sqrt, [inf, 3.0], [inf, 0.0]),
        ];
        let same = |a: f64, b: f64| {
            if b.is_nan() {
                a.is_nan()
            } else {
                a == b && (a.is_sign_negative() == b.is_sign_negative() || b != 0.0)
            }
        };
        for (index, (f, [x, y], [re, im])) in rows.into_iter().enumerate() {
            let w = f(C::new(x, y));
            assert!(same(w.re, re) && same(w.im, im), "row {index}: {w} for {x} + {y}i");
        }
    }

    #[test]
    fn large_numbers_do_not_overflow_on_the_way() {
        // cosh(720) overflows, but its product with the cosine, 6e-17, does not.
        let w = cosh(C::new(720.0, std::f64::consts::FRAC_PI_2));
        assert!((w.re / 1.5e296 - 1.0).abs() < 1.0 && w.im == f64::INFINITY, "{w}");
        let root = sqrt(C::new(1.5e308, 1.5e308));
        assert!((root.re / 1.345_608e154 - 1.0).abs() < 1e-5, "{root}");
    }
}
