//! exp and what is made of it: expm1, sigmoid, tanh.
//!
//! `x = n·ln 2 + r` with `|r| ≤ ln 2 / 2` (Cody and Waite's two-part reduction), `exp x = 2ⁿ · exp r`, and a minimax
//! polynomial for `(expm1(r) - r) / r²`.

use super::{ROUND_F32, ROUND_F64, mul_add_f32, mul_add_f64, poly_f32, poly_f64};

pub(crate) const LN2_HI_F32: f32 = f32::from_bits(0x3f31_7200); // 15 bits of ln 2: n·LN2_HI is exact
pub(crate) const LN2_LO_F32: f32 = 1.428_606_8e-6;
const LN2_HI_F64: f64 = 6.931_471_803_691_238e-1; // 33 bits of ln 2
const LN2_LO_F64: f64 = 1.908_214_929_270_587_7e-10;

/// exp itself, with a relative error of 3.1e-9.
pub(crate) const EXP_WHOLE_F32: [f32; 7] =
    [1.0, 1.0, 0.499_999_94, 0.166_665_2, 0.041_668_393, 0.008_368_757, 0.001_381_451_3];
/// `(tanh(x) - x) / x³` as a function of `x²`, below 0.62.
pub(crate) const TANH_SMALL_F32: [f32; 6] =
    [-0.333_333_33, 0.133_333_04, -0.053_959_31, 0.021_769_338, -0.008_345_321, 0.002_294_305];
const EXP_F32: [f32; 6] = [0.5, 0.166_666_67, 0.041_666_46, 0.008_333_31, 0.001_393_409, 0.000_198_914_8];
const EXP_F64: [f64; 11] = [
    0.5,
    0.166_666_666_666_666_7,
    0.041_666_666_666_666_67,
    0.008_333_333_333_325_848,
    0.001_388_888_888_888_354_3,
    0.000_198_412_698_758_195_79,
    0.000_024_801_587_326_261_104,
    2.755_725_413_931_689e-6,
    2.755_727_274_269_934_6e-7,
    2.510_573_921_958_671_3e-8,
    2.091_505_988_491_768_6e-9,
];

/// `(n, expm1(x - n·ln 2))` with `n` the nearest integer to `x / ln 2`, for `|x| < 2¹⁵`.
#[inline(always)]
fn reduce_f32<const FMA: bool>(x: f32) -> (i32, f32) {
    let shifted = mul_add_f32::<FMA>(x, std::f32::consts::LOG2_E, ROUND_F32);
    let n = shifted - ROUND_F32;
    let r = mul_add_f32::<FMA>(n, -LN2_HI_F32, x);
    let r = mul_add_f32::<FMA>(n, -LN2_LO_F32, r);
    let p = mul_add_f32::<FMA>(r * r, poly_f32::<FMA, 6>(r, EXP_F32), r);
    ((shifted.to_bits() as i32).wrapping_sub(ROUND_F32.to_bits() as i32), p)
}

#[inline(always)]
fn reduce_f64<const FMA: bool>(x: f64) -> (i64, f64) {
    let shifted = mul_add_f64::<FMA>(x, std::f64::consts::LOG2_E, ROUND_F64);
    let n = shifted - ROUND_F64;
    let r = mul_add_f64::<FMA>(n, -LN2_HI_F64, x);
    let r = mul_add_f64::<FMA>(n, -LN2_LO_F64, r);
    let p = mul_add_f64::<FMA>(r * r, poly_f64::<FMA, 11>(r, EXP_F64), r);
    ((shifted.to_bits() as i64).wrapping_sub(ROUND_F64.to_bits() as i64), p)
}

/// `2ⁿ` for `-126 ≤ n ≤ 127`.
#[inline(always)]
fn pow2_f32(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

/// `2ⁿ` for `-1022 ≤ n ≤ 1023`.
#[inline(always)]
fn pow2_f64(n: i64) -> f64 {
    f64::from_bits((n.wrapping_add(1023) << 52) as u64)
}

/// `x` within `[lo, hi]`; NaN stays NaN (`f32::clamp` as well, but this form vectorises to a `min` and a `max`).
#[inline(always)]
fn clamp_f32(x: f32, lo: f32, hi: f32) -> f32 {
    let x = if x < lo { lo } else { x };
    if x > hi { hi } else { x }
}

#[inline(always)]
fn clamp_f64(x: f64, lo: f64, hi: f64) -> f64 {
    let x = if x < lo { lo } else { x };
    if x > hi { hi } else { x }
}

/// `eˣ`: 0 at -∞, ∞ above 88.73, denormal results rounded once.
#[inline(always)]
pub fn exp_f32<const FMA: bool>(x: f32) -> f32 {
    let x = clamp_f32(x, -104.0, 89.0);
    let shifted = mul_add_f32::<FMA>(x, std::f32::consts::LOG2_E, ROUND_F32);
    let n = shifted - ROUND_F32;
    let r = mul_add_f32::<FMA>(n, -LN2_HI_F32, x);
    let r = mul_add_f32::<FMA>(n, -LN2_LO_F32, r);
    let y = poly_f32::<FMA, 7>(r, EXP_WHOLE_F32);
    // Two factors, because 2ⁿ alone leaves the range of f32 where the result is denormal or just below infinity: 2^(n ± 64)
    // and 2^∓64. The signs are that of x, by one bit of the exponent; the bits of ROUND leave at the top.
    let negative = x.to_bits() >> 1 & 0x4000_0000;
    let near = f32::from_bits((shifted.to_bits() << 23).wrapping_add(negative ^ ((127 - 64) << 23)));
    let far = f32::from_bits(negative ^ ((127 + 64) << 23));
    y * near * far
}

/// `factor · exp(x + low) · 2⁶⁴` for `-110 ≤ x ≤ 0` and `low` of the size of a rounding error of `x`. A factor that carries
/// `2⁻⁶⁴` keeps the power of two in range; denormal results are rounded once. NaN stays NaN.
#[inline(always)]
pub(super) fn exp_negative_f32<const FMA: bool>(x: f32, low: f32, factor: f32) -> f32 {
    let shifted = mul_add_f32::<FMA>(x, std::f32::consts::LOG2_E, ROUND_F32);
    let n = shifted - ROUND_F32;
    let r = mul_add_f32::<FMA>(n, -LN2_HI_F32, x);
    let r = mul_add_f32::<FMA>(n, -LN2_LO_F32, r) + low;
    let p = mul_add_f32::<FMA>(r * r, poly_f32::<FMA, 6>(r, EXP_F32), r);
    // 2^(n + 64); the bits of ROUND leave at the top.
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add((127 + 64) << 23));
    mul_add_f32::<FMA>(p, factor, factor) * scale
}

/// `eˣ`: 0 at -∞, ∞ above 709.78, denormal results rounded once.
#[inline(always)]
pub fn exp_f64<const FMA: bool>(x: f64) -> f64 {
    let (n, p) = reduce_f64::<FMA>(clamp_f64(x, -746.0, 710.0));
    let half = n >> 1;
    (1.0 + p) * pow2_f64(half) * pow2_f64(n.wrapping_sub(half))
}

/// `eˣ - 1`, accurate near 0: -1 at -∞, ∞ above 88.73.
#[inline(always)]
pub fn expm1_f32<const FMA: bool>(x: f32) -> f32 {
    let (n, p) = reduce_f32::<FMA>(clamp_f32(x, -25.0, 89.0));
    // 2^n·p + (2^n - 1), halved so that n = 128 stays finite until the last step.
    let scale = pow2_f32(n.wrapping_sub(1));
    let y = 2.0 * mul_add_f32::<FMA>(scale, p, scale - 0.5);
    if x.abs() < 1e-8 { x } else { y }
}

/// `eˣ - 1`, accurate near 0: -1 at -∞, ∞ above 709.78.
#[inline(always)]
pub fn expm1_f64<const FMA: bool>(x: f64) -> f64 {
    let (n, p) = reduce_f64::<FMA>(clamp_f64(x, -50.0, 710.0));
    let scale = pow2_f64(n.wrapping_sub(1));
    let y = 2.0 * mul_add_f64::<FMA>(scale, p, scale - 0.5);
    if x.abs() < 1e-17 { x } else { y }
}

/// `1 / (1 + e⁻ˣ)`, without overflow: 0 at -∞, 1 at ∞.
#[inline(always)]
pub fn sigmoid_f32<const FMA: bool>(x: f32) -> f32 {
    let e = exp_f32::<FMA>(-x.abs());
    let denominator = 1.0 + e;
    let lost = e - (denominator - 1.0);
    let negative = x < 0.0;
    let y = if negative { e } else { 1.0 } / denominator;
    // First-order correction for what rounding took from 1 + e; 1 / denominator is y or 1 - y.
    y - y * (if negative { 1.0 - y } else { y } * lost)
}

/// `1 / (1 + e⁻ˣ)`, without overflow: 0 at -∞, 1 at ∞.
#[inline(always)]
pub fn sigmoid_f64<const FMA: bool>(x: f64) -> f64 {
    let e = exp_f64::<FMA>(-x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// The hyperbolic tangent: an odd polynomial below 0.62, `1 - 2e / (1 + e)` with `e = exp(-2|x|)` above.
#[inline(always)]
pub fn tanh_f32<const FMA: bool>(x: f32) -> f32 {
    let z = x * x;
    let p = poly_f32::<FMA, 6>(z, TANH_SMALL_F32);
    let small = mul_add_f32::<FMA>(z * x, p, x);
    let e = exp_f32::<FMA>(-2.0 * x.abs());
    let large = 1.0 - 2.0 * e / (1.0 + e);
    // The sign last, as the polynomial loses that of -0.
    if x.abs() < 0.62 { small.abs() } else { large }.copysign(x)
}

/// The hyperbolic tangent, `-t / (t + 2)` with `t = expm1(-2|x|)`.
#[inline(always)]
pub fn tanh_f64<const FMA: bool>(x: f64) -> f64 {
    let t = expm1_f64::<FMA>(-2.0 * x.abs());
    (-t / (t + 2.0)).copysign(x)
}
