"""Prints tables.rs: `python tables.py > tables.rs` (needs numpy and mpmath).

On interval n, `t(S + Q·t)` lies within 1/2 of n, and is n at the centre. The polynomial of degree 5 in the distance from the centre
is the one whose largest error, relative to a weight, is least (Lawson's iteration of weighted least squares).
"""

import mpmath as mp
import numpy as np

FAR, CURVATURE, DEGREE, INTERVALS = 5.5, 0.35, 5, 32
S = float(np.float32((INTERVALS - 0.5) / (FAR * (1 + CURVATURE * FAR))))
Q = float(np.float32(S * CURVATURE))

mp.mp.dps = 30


def tail(t):
    return mp.erfc(t / mp.sqrt(2)) / 2


def density(t):
    return mp.exp(-t * t / 2) / mp.sqrt(2 * mp.pi)


def at(v):
    return (-S + mp.sqrt(S * S + 4 * Q * v)) / (2 * Q)


CENTRES = [float(np.float32(float(at(n)))) for n in range(INTERVALS)]


def fit(f, weight, n):
    lo, hi = at(max(n - 0.5, 0)), at(n + 0.5)
    t = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (k + 0.5) / 40) for k in range(40)]
    scale = np.array([float(1 / weight(t)) for t in t])
    powers = np.vander(np.array([float(t - CENTRES[n]) for t in t]), DEGREE + 1, increasing=True)
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


def table(name, doc, f, weight):
    fits = [fit(f, weight, n) for n in range(INTERVALS)]
    print(f"\n/// {doc} {max(error for _, error in fits):.1e}.\n#[rustfmt::skip]")
    print(f"pub(super) static {name}: Table = Table([")
    for power in range(DEGREE + 1):
        print(f"    {row('    ', [c[power] for c, _ in fits])},")
    print("]);")


print(f"""//! The intervals and coefficients of [`super::gelu`], written by `tables.py`.

use super::gelu::{{Row, Table}};

/// Where the intervals end.
pub(super) const FAR: f32 = {FAR};
/// The degree of the polynomials.
pub(super) const DEGREE: usize = {DEGREE};
/// The scale of `v`, by which `FAR` is at the end of the last interval.
pub(super) const S: f32 = {literal(S)};
/// How much narrower the intervals become.
pub(super) const Q: f32 = {literal(Q)};

/// Where `v` is a whole number.
#[rustfmt::skip]
pub(super) static CENTRES: Row = {row("", CENTRES)};""")
table("TAIL", "`Φ(-t)`, with a relative error of", tail, tail)
table(
    "SLOPE",
    "`gelu'(-t)`, with an error relative to the size of its two terms of",
    lambda t: tail(t) - t * density(t),
    lambda t: tail(t) + t * density(t),
)
