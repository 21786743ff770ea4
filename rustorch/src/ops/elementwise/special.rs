//! Special functions that neither `std` nor the SIMD kernels provide, one number at a time.

use num_complex::Complex;
use std::f64::consts::PI;

/// The logarithm of the absolute value of the gamma function.
#[inline]
pub(super) fn lgamma(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { f64::INFINITY } else { libm::lgamma(x) }
}

/// [`lgamma`] in single precision, computed in double.
pub(super) fn lgamma_f32(x: f32) -> f32 {
    lgamma(f64::from(x)) as f32
}

/// The derivative of `lgamma`: recurrence up to 10, then the asymptotic series (Abramowitz & Stegun 6.3.18).
/// As in PyTorch ±0 gives ∓∞ and negative integers NaN.
#[inline]
pub(super) fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        if x.fract() == 0.0 {
            return f64::NAN;
        }
        // Reflection, with the argument of the tangent reduced first.
        return digamma(1.0 - x) - PI / (PI * x.fract()).tan();
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = square
        * (1.0 / 12.0
            - square
                * (1.0 / 120.0
                    - square
                        * (1.0 / 252.0
                            - square
                                * (1.0 / 240.0
                                    - square * (1.0 / 132.0 - square * (691.0 / 32760.0 - square / 12.0))))));
    sum + x.ln() - 0.5 / x - series
}

/// [`digamma`] in single precision, computed in double.
pub(super) fn digamma_f32(x: f32) -> f32 {
    digamma(f64::from(x)) as f32
}

/// The derivative of [`digamma`]: reflection, recurrence, asymptotic series (Abramowitz & Stegun 6.4.12).
pub(super) fn trigamma(x: f64) -> f64 {
    if x <= 0.0 && x.fract() == 0.0 {
        return f64::INFINITY;
    }
    if x < 0.5 {
        let sine = (PI * x).sin();
        return PI * PI / (sine * sine) - trigamma(1.0 - x);
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = square
        * (1.0 / 6.0
            - square
                * (1.0 / 30.0
                    - square
                        * (1.0 / 42.0
                            - square * (1.0 / 30.0 - square * (5.0 / 66.0 - square * 691.0 / 2730.0)))));
    sum + 1.0 / x + square / 2.0 + series / x
}

/// The greatest order of [`polygamma`]; its gradients need a few more.
pub(super) const MAX_ORDER: usize = 60;

/// The derivative of [`digamma`] of an order of at least 1: reflection (the derivatives of π cot πx as polynomials in the
/// cotangent), recurrence, asymptotic series (Abramowitz & Stegun 6.4.6, 6.4.7, 6.4.11).
pub(super) fn polygamma(order: usize, x: f64) -> f64 {
    if !(1..=MAX_ORDER + 3).contains(&order) || x.is_nan() {
        return f64::NAN;
    }
    let odd = if order % 2 == 1 { 1.0 } else { -1.0 };
    if x <= 0.0 && x.fract() == 0.0 || x == f64::NEG_INFINITY {
        return odd * f64::INFINITY;
    }
    // PyTorch takes it from the Hurwitz zeta function, which it has no value of at infinity.
    if x == f64::INFINITY {
        return if order > 1 { f64::NAN } else { 0.0 };
    }
    if x >= 0.5 {
        return odd * polygamma_series(order, x);
    }
    let cotangent = 1.0 / (PI * x.fract()).tan();
    // d/dx cot = -(1 + cot²), so p ↦ -(1 + c²)·p'.
    let mut polynomial = [0.0; MAX_ORDER + 6];
    polynomial[1] = 1.0;
    for degree in 1..=order {
        let mut next = [0.0; MAX_ORDER + 6];
        for k in 1..=degree {
            let slope = k as f64 * polynomial[k];
            next[k - 1] -= slope;
            next[k + 1] -= slope;
        }
        polynomial = next;
    }
    let value = polynomial[..=order + 1].iter().rev().fold(0.0, |sum, c| sum * cotangent + c);
    -PI.powi(order as i32 + 1) * value - polygamma_series(order, 1.0 - x)
}

/// The absolute value of [`polygamma`] at 0.5 and above.
fn polygamma_series(order: usize, mut x: f64) -> f64 {
    let n = order as i32;
    // (order - 1)!, by which every term is divided, so that none overflows before the end.
    let factorial: f64 = (1..order).map(|k| k as f64).product();
    let mut sum = 0.0;
    while x < 12.0 + order as f64 {
        sum += order as f64 * x.powi(-n - 1);
        x += 1.0;
    }
    const BERNOULLI: [f64; 10] = [
        1.0 / 6.0,
        -1.0 / 30.0,
        1.0 / 42.0,
        -1.0 / 30.0,
        5.0 / 66.0,
        -691.0 / 2730.0,
        7.0 / 6.0,
        -3617.0 / 510.0,
        43867.0 / 798.0,
        -174611.0 / 330.0,
    ];
    let mut tail = x.powi(-n) + order as f64 * x.powi(-n - 1) / 2.0;
    // (2k + order - 1)! / ((2k)! (order - 1)! x^(2k + order)).
    let mut term = x.powi(-n);
    for (index, bernoulli) in BERNOULLI.iter().enumerate() {
        let k = 2.0 * (index as f64 + 1.0);
        term *= (k + order as f64 - 2.0) * (k + order as f64 - 1.0) / ((k - 1.0) * k * x * x);
        tail += bernoulli * term;
    }
    factorial * (sum + tail)
}

/// The inverse error function: Giles' approximation ("Approximating the erfinv function", 2010) refined by two Newton
/// steps on `erf`, or on `erfc` near ±1 where `erf` has no digits left.
#[inline]
pub(super) fn erfinv(x: f64) -> f64 {
    if !(-1.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    if x.abs() == 1.0 {
        return f64::INFINITY.copysign(x);
    }
    let mut y = f64::from(giles(x));
    let magnitude = x.abs();
    let scale = PI.sqrt() / 2.0;
    y = y.abs();
    for _ in 0..3 {
        // erf(y) - |x|, written so that neither difference cancels.
        let error =
            if magnitude > 0.5 { (1.0 - magnitude) - libm::erfc(y) } else { libm::erf(y) - magnitude };
        y -= error * scale * (y * y).exp();
    }
    y.copysign(x)
}

/// [`erfinv`] in single precision, computed in double.
pub(super) fn erfinv_f32(x: f32) -> f32 {
    erfinv(f64::from(x)) as f32
}

/// A first approximation of `erfinv`, good to about single precision.
fn giles(x: f64) -> f32 {
    let w = -((1.0 - x) * (1.0 + x)).ln();
    let (w, coefficients) = if w < 5.0 {
        let c = [
            2.810_226_36e-08,
            3.432_739_39e-07,
            -3.523_387_7e-06,
            -4.391_506_54e-06,
            0.000_218_580_87,
            -0.001_253_725_03,
            -0.004_177_681_64,
            0.246_640_727,
            1.501_409_41,
        ];
        (w - 2.5, c)
    } else {
        let c = [
            -0.000_200_214_257,
            0.000_100_950_558,
            0.001_349_343_22,
            -0.003_673_428_44,
            0.005_739_507_73,
            -0.007_622_461_3,
            0.009_438_870_47,
            1.001_674_06,
            2.832_976_82,
        ];
        (w.sqrt() - 3.0, c)
    };
    let polynomial = coefficients.iter().fold(0.0, |sum, c| sum * w + c);
    (polynomial * x) as f32
}

/// Complex division that neither overflows nor loses small parts (Smith's algorithm).
pub(super) fn complex_div<T>(a: Complex<T>, b: Complex<T>) -> Complex<T>
where
    T: Copy
        + PartialOrd
        + std::ops::Neg<Output = T>
        + std::ops::Add<Output = T>
        + std::ops::Sub<Output = T>
        + std::ops::Mul<Output = T>
        + std::ops::Div<Output = T>
        + Default,
{
    let magnitude = |x: T| if x < T::default() { -x } else { x };
    if magnitude(b.re) >= magnitude(b.im) {
        if b.re == T::default() && b.im == T::default() {
            return Complex::new(a.re / b.re, a.im / b.re);
        }
        let ratio = b.im / b.re;
        let denominator = b.re + b.im * ratio;
        Complex::new((a.re + a.im * ratio) / denominator, (a.im - a.re * ratio) / denominator)
    } else {
        let ratio = b.re / b.im;
        let denominator = b.re * ratio + b.im;
        Complex::new((a.re * ratio + a.im) / denominator, (a.im * ratio - a.re) / denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_functions_at_known_points() {
        // Values from Abramowitz & Stegun, tables 6.1 and 7.1.
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 4e-15 * b.abs().max(1.0), "{a} is not {b}");
        close(digamma(1.0), -0.577_215_664_901_532_9);
        close(digamma(-1.5), 0.703_156_640_645_243_2);
        close(trigamma(1.0), PI * PI / 6.0);
        close(trigamma(-0.5), 8.934_802_200_544_679);
        for x in [-3.7, -0.5, 0.1, 0.5, 1.0, 4.5, 30.0] {
            let both = (polygamma(1, x), trigamma(x));
            assert!((both.0 - both.1).abs() <= 1e-13 * both.1.abs(), "{x}: {both:?}");
        }
        // -2 ζ(3), and by differences of the order below.
        close(polygamma(2, 1.0), -2.404_113_806_319_188_5);
        for x in [-2.3, 0.3, 0.7, 5.0] {
            for order in 2..6 {
                let h = 1e-5;
                let slope = (polygamma(order - 1, x + h) - polygamma(order - 1, x - h)) / (2.0 * h);
                let value = polygamma(order, x);
                assert!(
                    (slope - value).abs() <= 1e-6 * value.abs().max(1.0),
                    "{order} at {x}: {slope}, {value}"
                );
            }
        }
        for x in [-0.999_999, -0.5, 1e-12, 0.1, 0.7, 0.99, 0.999_999_999] {
            close(libm::erf(erfinv(x)), x);
        }
        assert!(erfinv(1.5).is_nan() && erfinv(1.0) == f64::INFINITY && digamma(-2.0).is_nan());
    }
}
