"""Prints tables.rs: `python tables.py > tables.rs` (needs numpy and mpmath).

On interval n, `t(S + Q·t)` lies within 1/2 of n, and is n at the centre. The polynomial of degree 5 in the distance from the centre
is the one whose largest error, relative to a weight, is least (Lawson's iteration of weighted least squares).
"""

import mpmath as mp
import numpy as np

DEGREE, INTERVALS = 5, 32
mp.mp.dps = 30


class Intervals:
    def __init__(self, far, curvature):
        self.far = far
        # Rounding must not reach an interval more.
        self.s = float(np.float32((INTERVALS - 0.51) / (far * (1 + curvature * far))))
        self.q = float(np.float32(self.s * curvature))
        self.centres = [float(np.float32(float(self.at(n)))) for n in range(INTERVALS)]

    def at(self, v):
        return (-self.s + mp.sqrt(self.s**2 + 4 * self.q * v)) / (2 * self.q)


def fit(intervals, f, weight, n):
    lo, hi = intervals.at(max(n - 0.5, 0)), intervals.at(n + 0.5)
    t = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (k + 0.5) / 40) for k in range(40)]
    scale = np.array([float(1 / weight(t)) for t in t])
    powers = np.vander(np.array([float(t - intervals.centres[n]) for t in t]), DEGREE + 1, increasing=True)
    values = np.array([float(f(t)) for t in t])
    w = scale.copy()
    for _ in range(12):
        c = np.linalg.lstsq(powers * w[:, None], values * w, rcond=None)[0]
        error = abs((powers @ c - values) * scale)
        w *= np.sqrt(error / error.max() + 1e-3)
        w *= scale.max() / w.max()
    return c, error.max()


def literal(number):
    """As rustfmt and clippy want it: three digits at a time."""
    digits, exponent = np.format_float_scientific(np.float32(number), trim="0", exp_digits=1).split("e")
    whole, fraction = digits.split(".")
    grouped = "_".join(fraction[i : i + 3] for i in range(0, len(fraction), 3))
    return f"{whole}.{grouped}" + (f"e{int(exponent)}" if int(exponent) else "")


def row(indent, numbers):
    words = [literal(number) for number in numbers]
    lines = ["    " + indent + ", ".join(words[i : i + 8]) + "," for i in range(0, len(words), 8)]
    return "Row([\n" + "\n".join(lines) + f"\n{indent}])"


def table(name, doc, intervals, f, weight):
    fits = [fit(intervals, f, weight, n) for n in range(INTERVALS)]
    print(f"\n/// {doc} {max(error for _, error in fits):.1e}.\n#[rustfmt::skip]")
    print(f"pub(super) static {name}: Table = Table {{")
    print(f"    far: {intervals.far:.1f},\n    s: {literal(intervals.s)},\n    q: {literal(intervals.q)},")
    print(f"    centres: {row('    ', intervals.centres)},\n    coefficients: [")
    for power in range(DEGREE + 1):
        print(f"        {row('        ', [c[power] for c, _ in fits])},")
    print("    ],\n};")


def gate(name, symbol, intervals, s, derivative):
    """`s(-t)` and the derivative of `x·s(x)` at `-t`."""
    table(f"{name}_GATE", f"`{symbol}(-t)`, with a relative error of", intervals, s, s)
    table(
        f"{name}_SLOPE",
        f"`{symbol}(-t) - t·{symbol}'(-t)`, with an error relative to the size of its terms of",
        intervals,
        lambda t: s(t) - t * derivative(t),
        lambda t: s(t) + t * derivative(t),
    )


def logistic(t):
    return 1 / (1 + mp.exp(t))


def logistic_derivative(t):
    return logistic(t) * (1 - logistic(t))


SCALE = 2 * mp.sqrt(2 / mp.pi)


def inner(t):
    return SCALE * (t + mp.mpf("0.044715") * t**3)


print("//! The intervals and coefficients of [`super::gated`], written by `tables.py`.\n\nuse super::gated::{Row, Table};")
gate(
    "GELU",
    "Φ",
    Intervals(5.5, 0.35),
    lambda t: mp.erfc(t / mp.sqrt(2)) / 2,
    lambda t: mp.exp(-t * t / 2) / mp.sqrt(2 * mp.pi),
)
gate(
    "GELU_TANH",
    "s",
    Intervals(5.0, 0.4),
    lambda t: logistic(inner(t)),
    lambda t: logistic_derivative(inner(t)) * SCALE * (1 + 3 * mp.mpf("0.044715") * t * t),
)
gate("SILU", "σ", Intervals(17.5, 0.01), logistic, logistic_derivative)
