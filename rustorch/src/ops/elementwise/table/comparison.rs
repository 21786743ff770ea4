//! Comparisons, logic, bits, and questions about numbers.

use crate::ops::elementwise::macros::*;

comparison! {
    literal T;

    /// Whether `a = b`; never for NaN (`torch.eq`).
    Arith eq / eq_ (a, b) = eq(a, b), example [1, 2], 2 => [false, true];

    /// Whether `a ≠ b`; always for NaN (`torch.ne`).
    Arith ne / ne_ (a, b) = ne(a, b), example [1, 2], 2 => [true, false];

    /// Whether `a < b` (`torch.lt`). As in all comparisons, an integer is what it is also where the tensor's dtype does not hold it:
    /// nothing in `U8` is less than -3, which PyTorch would take for 253.
    Ordered lt / lt_ (a, b) = lt(a, b), example [1, 2], 2 => [true, false];

    /// Whether `a ≤ b` (`torch.le`).
    Ordered le / le_ (a, b) = le(a, b), example [1, 3], 2 => [true, false];

    /// Whether `a > b` (`torch.gt`).
    Ordered gt / gt_ (a, b) = gt(a, b), example [1, 3], 2 => [false, true];

    /// Whether `a ≥ b` (`torch.ge`).
    Ordered ge / ge_ (a, b) = ge(a, b), example [1, 2], 2 => [false, true];

    /// Whether both are nonzero (`torch.logical_and`).
    Arith logical_and / logical_and_ (a, b) = both(ne(a, T(0.0)), ne(b, T(0.0))), example [0, 2], 1 => [false, true];

    /// Whether at least one is nonzero (`torch.logical_or`).
    Arith logical_or / logical_or_ (a, b) = either(ne(a, T(0.0)), ne(b, T(0.0))), example [0, 2], 0 => [false, true];

    /// Whether exactly one is nonzero (`torch.logical_xor`).
    Arith logical_xor / logical_xor_ (a, b) = differ(ne(a, T(0.0)), ne(b, T(0.0))), example [0, 2], 1 => [true, false];
}

// Complex numbers: see `ops/partial.rs`.
entry!(T, truth Ordered isinf(x;) = both(eq(x, x), ne(x - x, x - x)), []);

predicate! {
    literal T;

    /// Whether each element is zero (`torch.logical_not`).
    Arith logical_not / logical_not_ (x) = eq(x, T(0.0)), example [0, 2] => [true, false];

    /// Whether each element is NaN (`torch.isnan`).
    Arith isnan(x) = ne(x, x), example [1.0f32, f32::NAN] => [false, true];

    /// Whether each element is neither infinite nor NaN (`torch.isfinite`).
    Arith isfinite(x) = eq(x - x, x - x), example [1.0f32, f32::NEG_INFINITY] => [true, false];

    /// Whether each element is +∞ (`torch.isposinf`).
    Ordered isposinf(x) = both(gt(x, T(0.0)), ne(x - x, x - x)), example [f32::INFINITY, 1.0] => [true, false];

    /// Whether each element is -∞ (`torch.isneginf`).
    Ordered isneginf(x) = both(lt(x, T(0.0)), ne(x - x, x - x)), example [f32::NEG_INFINITY, 1.0] => [true, false];

    /// Whether each element has its sign bit set, as -0.0 has (`torch.signbit`).
    Real signbit(x) = lt(copysign(T(1.0), x), T(0.0)), example [-0.0f32, 1.0] => [true, false];
}

binary! {
    literal T;

    /// The bitwise and; the logical one for bools (`torch.bitwise_and`).
    Integral bitwise_and / bitwise_and_ (a, b) = bit_and(a, b), example [6, 3], 5 => [4, 1];

    /// The bitwise or; the logical one for bools (`torch.bitwise_or`).
    Integral bitwise_or / bitwise_or_ (a, b) = bit_or(a, b), example [6, 3], 5 => [7, 7];

    /// The bitwise exclusive or; the logical one for bools (`torch.bitwise_xor`).
    Integral bitwise_xor / bitwise_xor_ (a, b) = bit_xor(a, b), example [6, 3], 5 => [3, 6];

    /// `a · 2ᵇ` by shifting; 0 when all bits are shifted out (`torch.bitwise_left_shift`).
    Integral bitwise_left_shift / bitwise_left_shift_ (a, b) = shift_left(a, b), example [1, 3], 2 => [4, 12];

    /// `⌊a / 2ᵇ⌋` by an arithmetic shift (`torch.bitwise_right_shift`).
    Integral bitwise_right_shift / bitwise_right_shift_ (a, b) = shift_right(a, b), example [8, -8], 2 => [2, -2];

    /// The greatest common divisor, not negative (`torch.gcd`).
    Integral gcd / gcd_ (a, b) = gcd(a, b), example [12, -18], 8 => [4, 2];
}
