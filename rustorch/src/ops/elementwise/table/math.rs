//! Exponentials, logarithms, roots, trigonometric and hyperbolic functions.

use crate::ops::elementwise::macros::*;

unary! {
    literal T;

    /// The exponential `eˣ` (`torch.exp`).
    Analytic exp / exp_ (x) = exp(x) => avx512 exp, dx(g, y) = g * conj(y), example [0.0, 1.0] => [1.0, 2.7182817];

    /// `eˣ - 1`, exact for small `x` (`torch.expm1`).
    Analytic expm1 / expm1_ (x) = expm1(x), dx(g, y) = g * conj(y + T(1.0)), example [0.0, 1.0] => [0.0, 1.7182817];

    /// `2ˣ` (`torch.exp2`).
    Analytic exp2 / exp2_ (x) = exp2(x), dx(g, y) = g * conj(y * T(0.6931471805599453)), example [0.0, 3.0] => [1.0, 8.0];

    /// The natural logarithm (`torch.log`).
    Analytic log / log_ (x) = log(x), dx(g, x) = g / conj(x), example [1.0, 2.7182817] => [0.0, 1.0];

    /// `log(1 + x)`, exact for small `x` (`torch.log1p`).
    Analytic log1p / log1p_ (x) = log1p(x), dx(g, x) = g / conj(x + T(1.0)), example [0.0, 1.7182817] => [0.0, 1.0];

    /// The logarithm to base 2 (`torch.log2`).
    Analytic log2 / log2_ (x) = log2(x), dx(g, x) = g / conj(x * T(0.6931471805599453)), example [1.0, 8.0] => [0.0, 3.0];

    /// The logarithm to base 10 (`torch.log10`).
    Analytic log10 / log10_ (x) = log10(x), dx(g, x) = g / conj(x * T(2.302585092994046)), example [1.0, 100.0] => [0.0, 2.0];

    /// The square root (`torch.sqrt`).
    Analytic sqrt / sqrt_ (x) = sqrt(x), dx(g, y) = g / conj(y * T(2.0)), example [4.0, 9.0] => [2.0, 3.0];

    /// `1 / √x` (`torch.rsqrt`).
    Analytic rsqrt / rsqrt_ (x) = rsqrt(x), dx(g, y) = g * T(-0.5) * conj(y * y * y), example [4.0, 0.25] => [0.5, 2.0];

    /// The sine of an angle in radians (`torch.sin`).
    Analytic sin / sin_ (x) = sin(x), dx(g, x) = g * conj(cos(x)), example [0.0, 1.5707964] => [0.0, 1.0];

    /// The cosine of an angle in radians (`torch.cos`).
    Analytic cos / cos_ (x) = cos(x), dx(g, x) = -(g * conj(sin(x))), example [0.0, 3.1415927] => [1.0, -1.0];

    /// The tangent of an angle in radians (`torch.tan`).
    Analytic tan / tan_ (x) = tan(x), dx(g, y) = g * conj(T(1.0) + y * y), example [0.0, 0.7853982] => [0.0, 1.0];

    /// The hyperbolic sine (`torch.sinh`).
    Analytic sinh / sinh_ (x) = sinh(x), dx(g, x) = g * conj(cosh(x)), example [0.0, 1.0] => [0.0, 1.1752012];

    /// The hyperbolic cosine (`torch.cosh`).
    Analytic cosh / cosh_ (x) = cosh(x), dx(g, x) = g * conj(sinh(x)), example [0.0, 1.0] => [1.0, 1.5430807];

    /// The hyperbolic tangent (`torch.tanh`).
    Analytic tanh / tanh_ (x) = tanh(x) => avx512 tanh, dx(g, y) = g * conj(T(1.0) - y * y), example [0.0, 1.0] => [0.0, 0.7615942];

    /// The angle in radians whose sine is `x` (`torch.asin`).
    Analytic asin / asin_ (x) = asin(x), dx(g, x) = g * conj(rsqrt(T(1.0) - x * x)), example [0.0, 1.0] => [0.0, 1.5707964];

    /// The angle in radians whose cosine is `x` (`torch.acos`).
    Analytic acos / acos_ (x) = acos(x), dx(g, x) = -(g * conj(rsqrt(T(1.0) - x * x))), example [1.0, 0.0] => [0.0, 1.5707964];

    /// The angle in radians whose tangent is `x` (`torch.atan`).
    Analytic atan / atan_ (x) = atan(x), dx(g, x) = g / conj(x * x + T(1.0)), example [0.0, 1.0] => [0.0, 0.7853982];

    /// The inverse hyperbolic sine (`torch.asinh`).
    Analytic asinh / asinh_ (x) = asinh(x), dx(g, x) = g * conj(rsqrt(x * x + T(1.0))), example [0.0, 1.0] => [0.0, 0.8813736];

    // Two roots for complex numbers; where they are NaN, which is below -1 for real ones, PyTorch has one root's number.
    /// The inverse hyperbolic cosine (`torch.acosh`).
    Analytic acosh / acosh_ (x) = acosh(x),
        dx(g, x) = select(eq(rsqrt(x - T(1.0)) * rsqrt(x - T(-1.0)), rsqrt(x - T(1.0)) * rsqrt(x - T(-1.0))),
            g * conj(rsqrt(x - T(1.0)) * rsqrt(x - T(-1.0))), g * conj(rsqrt(x * x - T(1.0)))),
        example [1.0, 2.0] => [0.0, 1.316958];

    /// The inverse hyperbolic tangent (`torch.atanh`).
    Analytic atanh / atanh_ (x) = atanh(x), dx(g, x) = g / conj(T(1.0) - x * x), example [0.0, 0.5] => [0.0, 0.54930615];

    /// The logistic function `1 / (1 + e⁻ˣ)` (`torch.sigmoid`).
    Analytic sigmoid / sigmoid_ (x) = sigmoid(x) => avx512 sigmoid, dx(g, y) = g * conj((T(1.0) - y) * y), example [0.0, 1.0] => [0.5, 0.7310586];
}
