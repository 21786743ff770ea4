//! log and log1p after FreeBSD's msun (`e_log.c`, `e_logf.c`): `x = 2ᵏ·(1 + f)` with `1 + f` in `[√½, √2)`, `s = f / (2 + f)`,
//! and `log(1 + f) = f - f²/2 + s·(f²/2 + R(s²))`.

use super::{ROUND_F64, mul_add_f32, mul_add_f64, poly_f32, poly_f64};

const LN2_HI_F32: f32 = f32::from_bits(0x3f31_7180);
const LN2_LO_F32: f32 = f32::from_bits(0x3717_f7d1);
const LN2_HI_F64: f64 = 6.931_471_803_691_238e-1;
const LN2_LO_F64: f64 = 1.908_214_929_270_587_7e-10;

const LOG_F32: [f32; 4] = [0.666_666_6, 0.400_009_72, 0.284_987_87, 0.242_790_79];
const LOG_F64: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

/// The bits of √½: mantissas are normalised to `[√½, √2)`.
const SQRT_HALF_F32: u32 = 0x3f35_04f3;
const SQRT_HALF_F64: u64 = 0x3fe6_a09e_667f_3bcd;

/// `log((1 + f)·2ᵏ)` for `1 + f` in `[√½, √2)`.
#[inline(always)]
fn log_core_f32<const FMA: bool>(f: f32, k: f32) -> f32 {
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * poly_f32::<FMA, 4>(z, LOG_F32);
    let half_square = 0.5 * f * f;
    let tail = mul_add_f32::<FMA>(s, half_square + r, k * LN2_LO_F32);
    mul_add_f32::<FMA>(k, LN2_HI_F32, f - (half_square - tail))
}

#[inline(always)]
fn log_core_f64<const FMA: bool>(f: f64, k: f64) -> f64 {
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * poly_f64::<FMA, 7>(z, LOG_F64);
    let half_square = 0.5 * f * f;
    let tail = mul_add_f64::<FMA>(s, half_square + r, k * LN2_LO_F64);
    mul_add_f64::<FMA>(k, LN2_HI_F64, f - (half_square - tail))
}

/// A small integer as f64; AVX2 has no instruction for i64 to f64.
#[inline(always)]
fn to_f64(k: i64) -> f64 {
    f64::from_bits(ROUND_F64.to_bits().wrapping_add(k as u64)) - ROUND_F64
}

/// The natural logarithm: -∞ at ±0, NaN below 0, ∞ at ∞.
#[inline(always)]
pub fn log_f32<const FMA: bool>(x: f32) -> f32 {
    let denormal = x < f32::MIN_POSITIVE;
    let scaled = if denormal { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits().wrapping_add(0x3f80_0000 - SQRT_HALF_F32);
    let k = (bits >> 23) as i32 - if denormal { 127 + 23 } else { 127 };
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(SQRT_HALF_F32));
    let y = log_core_f32::<FMA>(m - 1.0, k as f32);
    let y = if x < f32::INFINITY { y } else { x }; // ∞ and NaN
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x < 0.0 { f32::NAN } else { y }
}

/// The natural logarithm: -∞ at ±0, NaN below 0, ∞ at ∞.
#[inline(always)]
pub fn log_f64<const FMA: bool>(x: f64) -> f64 {
    let denormal = x < f64::MIN_POSITIVE;
    let scaled = if denormal { x * 18_014_398_509_481_984.0 } else { x };
    let bits = scaled.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - SQRT_HALF_F64);
    let k = (bits >> 52) as i64 - if denormal { 1023 + 54 } else { 1023 };
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(SQRT_HALF_F64));
    let y = log_core_f64::<FMA>(m - 1.0, to_f64(k));
    let y = if x < f64::INFINITY { y } else { x };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x < 0.0 { f64::NAN } else { y }
}

/// `log(1 + x)`, accurate near 0: -∞ at -1, NaN below.
#[inline(always)]
pub fn log1p_f32<const FMA: bool>(x: f32) -> f32 {
    // k from the rounded 1 + x; then f = (1 + x)·2^-k - 1 from x itself: x·2^-k and 2^-k - 1 are exact.
    let u = 1.0 + x;
    let k = (u.to_bits().wrapping_add(0x3f80_0000 - SQRT_HALF_F32) >> 23) as i32 - 127;
    // 2^-k as two factors, as k reaches 128.
    let half = -(k >> 1);
    let (s1, s2) = (pow2_f32(half), pow2_f32(-k - half));
    let f = x * s1 * s2 + (s1 * s2 - 1.0);
    let y = log_core_f32::<FMA>(f, k as f32);
    let y = if x < f32::INFINITY { y } else { x };
    let y = if x.abs() < 1e-8 { x } else { y };
    let y = if x == -1.0 { f32::NEG_INFINITY } else { y };
    if x < -1.0 { f32::NAN } else { y }
}

/// `log(1 + x)`, accurate near 0: -∞ at -1, NaN below.
#[inline(always)]
pub fn log1p_f64<const FMA: bool>(x: f64) -> f64 {
    let u = 1.0 + x;
    let k = (u.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - SQRT_HALF_F64) >> 52) as i64 - 1023;
    let half = -(k >> 1);
    let (s1, s2) = (pow2_f64(half), pow2_f64(-k - half));
    let f = x * s1 * s2 + (s1 * s2 - 1.0);
    let y = log_core_f64::<FMA>(f, to_f64(k));
    let y = if x < f64::INFINITY { y } else { x };
    let y = if x.abs() < 1e-17 { x } else { y };
    let y = if x == -1.0 { f64::NEG_INFINITY } else { y };
    if x < -1.0 { f64::NAN } else { y }
}

#[inline(always)]
fn pow2_f32(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

#[inline(always)]
fn pow2_f64(n: i64) -> f64 {
    f64::from_bits((n.wrapping_add(1023) << 52) as u64)
}
