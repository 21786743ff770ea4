//! Rounding, signs and magnitudes.

use crate::ops::elementwise::macros::*;

// Of real numbers; `Tensor::abs` stands with the complex functions.
entry!(T, value Ordered abs(x;) = abs(x), [(g, x) = g * sign(x)]);

unary! {
    literal T;

    /// -1, 0 or 1 (`torch.sign`).
    Ordered sign / sign_ (x) = sign(x), dx() = T(0.0), example [3.0, -2.0, 0.0] => [1.0, -1.0, 0.0];

    /// The largest integer not above `x` (`torch.floor`).
    Quantity floor / floor_ (x) = floor(x), dx() = T(0.0), example [1.5, -1.5] => [1.0, -2.0];

    /// The smallest integer not below `x` (`torch.ceil`).
    Quantity ceil / ceil_ (x) = ceil(x), dx() = T(0.0), example [1.5, -1.5] => [2.0, -1.0];

    /// `x` without its fraction (`torch.trunc`).
    Quantity trunc / trunc_ (x) = trunc(x), dx() = T(0.0), example [1.5, -1.5] => [1.0, -1.0];

    /// The nearest integer, halves to even (`torch.round`).
    Quantity round / round_ (x) = round(x), dx() = T(0.0), example [0.5, 1.5, -1.7] => [0.0, 2.0, -2.0];

    /// The fraction of `x`, with its sign (`torch.frac`).
    Real frac / frac_ (x) = x - trunc(x), dx(g) = g, example [1.5, -1.25] => [0.5, -0.25];
}

// Of complex numbers; `Tensor::sgn` stands with the complex functions. Where the result is 0, so is every derivative: what is not
// selected must not be infinite either.
entry!(T, value Arith sgn(x;) = sgn(x), [
    (g, x, y) = select(eq(y, T(0.0)), T(0.0), (g - (conj(g) * y + g * conj(y)) * T(0.5) * y)
        / (select(eq(y, T(0.0)), T(1.0), x) / select(eq(y, T(0.0)), T(1.0), y)))
]);
