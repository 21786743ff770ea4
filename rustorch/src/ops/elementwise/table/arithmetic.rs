//! Addition, multiplication and their relatives.

use crate::ops::elementwise::macros::*;

binary! {
    literal T;

    /// `a + b`; for bools the logical or (`torch.add`).
    Arith add / add_ (a, b) = a + b, da(g) = g, db(g) = g, example [1.0f32, 2.0], 0.5 => [1.5f32, 2.5];

    /// `a - b` (`torch.sub`). Not defined for bools.
    Numeric sub / sub_ (a, b) = a - b, da(g) = g, db(g) = -g, example [1.0f32, 2.0], 0.5 => [0.5f32, 1.5];

    /// `a · b`; for bools the logical and (`torch.mul`).
    Arith mul / mul_ (a, b) = a * b, da(g, b) = g * conj(b), db(g, a) = g * conj(a),
        example [1.0f32, 2.0], 0.5 => [0.5f32, 1.0];

    /// `a / b`; integers give a float result (`torch.div`).
    Analytic div / div_ (a, b) = a / b, da(g, b) = g / conj(b), db(g, a, b) = -(g * conj((a / b) / b)),
        example [1, 2], 4 => [0.25f32, 0.5];

    /// `⌊a / b⌋` (`torch.floor_divide`).
    Division floor_divide / floor_divide_ (a, b) = floor_div(a, b), example [7, -7], 2 => [3, -4];

    /// The remainder of division, with the sign of the dividend (`torch.fmod`).
    Division fmod / fmod_ (a, b) = fmod(a, b), da(g) = g, db(g, a, b) = -(g * trunc(a / b)), example [7, -7], 3 => [1, -1];

    /// The remainder of division, with the sign of the divisor, as Python's `%` (`torch.remainder`).
    Division remainder / remainder_ (a, b) = remainder(a, b), da(g) = g, db(g, a, b) = -(g * floor_div(a, b)),
        example [7, -7], 3 => [1, 2];

    /// `a` to the power of `b` (`torch.pow`). Integer powers wrap around. Bools become `I64`, unless `b` is `true` or `false`.
    Power pow / pow_ (a, b) = pow(a, b),
        da(g, a, b) = select(eq(b, T(0.0)), T(0.0), g * conj(b * pow(a, b - T(1.0)))),
        db(g, a, y) = select(eq(a, T(0.0)), select(eq(y * T(0.0), T(0.0)), T(0.0), g * conj(y * log(a))), g * conj(y * log(a))),
        example [2.0f32, 3.0], 2 => [4.0f32, 9.0];

    /// The greater of `a` and `b`; NaN if either is (`torch.maximum`). Equal operands share the gradient; where one is NaN
    /// both get it.
    Ordered maximum / maximum_ (a, b) = max(a, b),
        da(g, a, b) = select(eq(a, b), g * T(0.5), select(lt(a, b), T(0.0), g)),
        db(g, a, b) = select(eq(a, b), g * T(0.5), select(lt(b, a), T(0.0), g)),
        example [1.0f32, 3.0], 2.0 => [2.0f32, 3.0];

    /// The smaller of `a` and `b`; NaN if either is (`torch.minimum`). Equal operands share the gradient; where one is
    /// NaN both get it.
    Ordered minimum / minimum_ (a, b) = min(a, b),
        da(g, a, b) = select(eq(a, b), g * T(0.5), select(gt(a, b), T(0.0), g)),
        db(g, a, b) = select(eq(a, b), g * T(0.5), select(gt(b, a), T(0.0), g)),
        example [1.0f32, 3.0], 2.0 => [1.0f32, 2.0];

    /// The greater of `a` and `b`; the other one if one is NaN (`torch.fmax`).
    Ordered fmax / fmax_ (a, b) = select(ne(a, a), b, select(ne(b, b), a, max(a, b))),
        da(g, a, b) = select(eq(a, b), g * T(0.5), select(gt(a, b), g, select(ne(b, b), g, T(0.0)))),
        db(g, a, b) = select(eq(a, b), g * T(0.5), select(gt(a, b), T(0.0), select(ne(b, b), T(0.0), g))),
        example [1.0f32, f32::NAN], 2.0 => [2.0f32, 2.0];

    /// The smaller of `a` and `b`; the other one if one is NaN (`torch.fmin`).
    Ordered fmin / fmin_ (a, b) = select(ne(a, a), b, select(ne(b, b), a, min(a, b))),
        da(g, a, b) = select(eq(a, b), g * T(0.5), select(lt(a, b), g, select(ne(b, b), g, T(0.0)))),
        db(g, a, b) = select(eq(a, b), g * T(0.5), select(lt(a, b), T(0.0), select(ne(b, b), T(0.0), g))),
        example [1.0f32, f32::NAN], 2.0 => [1.0f32, 2.0];

    /// The angle of the point `(b, a)`, in radians from -π to π (`torch.atan2`).
    Real atan2 / atan2_ (a, b) = atan2(a, b),
        da(g, a, b) = select(eq(a * a + b * b, T(0.0)), T(0.0), g * b / (a * a + b * b)),
        db(g, a, b) = select(eq(a * a + b * b, T(0.0)), T(0.0), -(g * a) / (a * a + b * b)),
        example [1.0f32, 0.0], 1.0 => [0.7853982f32, 0.0];

    /// `√(a² + b²)` (`torch.hypot`).
    Real hypot / hypot_ (a, b) = hypot(a, b), da(g, a, y) = g * a / y, db(g, b, y) = g * b / y,
        example [3.0f32, 5.0], 4.0 => [5.0f32, 6.4031243];

    /// `|a|` with the sign of `b` (`torch.copysign`).
    Real copysign / copysign_ (a, b) = copysign(a, b),
        da(g, a, y) = select(eq(a, T(0.0)), T(0.0), g * (y / a)), db() = T(0.0),
        example [1.0f32, -2.0], -1.0 => [-1.0f32, -2.0];
}

// Half precision and complex numbers: see `ops/partial.rs`.
entry!(T, value Wide nextafter(a, b;) = nextafter(a, b), [
    (g, a, b) = select(eq(a, b), T(0.0), g),
    () = T(0.0)
]);

entry!(T, value Real logaddexp(a, b;) = select(eq(a, b), a + T(0.6931471805599453), max(a, b) + log1p(exp(-abs(a - b)))), [
    (g, a, b) = g * sigmoid(a - b),
    (g, a, b) = g * sigmoid(b - a)
]);

unary! {
    literal T;

    /// `-x` (`torch.neg`).
    Numeric neg / neg_ (x) = -x, dx(g) = -g, example [1.0, -2.0] => [-1.0, 2.0];

    /// `x²`, of bools as `I64` (`torch.square`).
    Power square / square_ (x) = x * x, dx(g, x) = g * conj(x) * T(2.0), example [3.0, -2.0] => [9.0, 4.0];

    /// `1 / x` (`torch.reciprocal`).
    Analytic reciprocal / reciprocal_ (x) = T(1.0) / x, dx(g, y) = -(g * conj(y * y)), example [2.0, -4.0] => [0.5, -0.25];

    /// The complex conjugate; a real tensor unchanged (`torch.conj`).
    Arith conj / conj_ (x) = conj(x), dx(g) = conj(g), example [1.0, -2.0] => [1.0, -2.0];
}
