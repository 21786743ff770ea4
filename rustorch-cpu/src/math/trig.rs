//! sin and cos.
//!
//! The f32 functions reduce any finite argument without a branch: `x·(2/π) mod 4` in f64, with `2/π` cut into 28-bit pieces.
//! A product of the 24-bit `x` and a piece is exact, its multiples of 4 drop out exactly, and 7 pieces (196 bits) cover
//! exponents up to 128 with 68 bits to spare: Payne and Hanek's method with f64 in place of integers.

use super::{ROUND_F64, mul_add_f32, poly_f32};

const TWO_OVER_PI: [f64; 7] = [
    170_891_318.0 * pow2(-28),
    240_010_261.0 * pow2(-56),
    44_024_437.0 * pow2(-84),
    131_200_308.0 * pow2(-112),
    232_525_238.0 * pow2(-140),
    43_358_524.0 * pow2(-168),
    70_845_471.0 * pow2(-196),
];

const fn pow2(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// `(q, r)` with `x = (4·k + q)·π/2 + r`, `|r| ≤ π/4`; only the two low bits of `q` mean anything. NaN where `x` is not finite.
#[inline(always)]
fn reduce(x: f32) -> (i32, f32) {
    let x = x as f64;
    let mut phase = 0.0;
    let mut quadrant = 0.0;
    let mut i = 0;
    while i < 7 {
        let product = x * TWO_OVER_PI[i];
        let multiple = (product * 0.25 + ROUND_F64) - ROUND_F64;
        // From 2⁵³ on, an exact product of 28 and 24 bits is itself a multiple of 4.
        let small = if product.abs() < 9_007_199_254_740_992.0 { product - 4.0 * multiple } else { 0.0 };
        // Whole quadrants leave at every step, so that the sum keeps its low bits when x is close to a multiple of π/2.
        let sum = phase + small;
        let whole = (sum + ROUND_F64) - ROUND_F64;
        quadrant += whole;
        phase = sum - whole;
        i += 1;
    }
    let r = (phase * std::f64::consts::FRAC_PI_2) as f32;
    // The branch-free way from a small whole f64 to i32: its low bits after adding 1.5·2⁵².
    let q = (quadrant + ROUND_F64).to_bits() as i32;
    (q, r + (x * 0.0) as f32) // ∞·0 and NaN·0 are NaN, the rest adds nothing
}

/// sin r for `|r| ≤ π/4`.
#[inline(always)]
fn sin_core<const FMA: bool>(r: f32) -> f32 {
    let z = r * r;
    let p = poly_f32::<FMA, 4>(z, [-0.166_666_67, 0.008_333_332, -0.000_198_400_39, 2.724_378e-6]);
    mul_add_f32::<FMA>(z * r, p, r)
}

/// cos r for `|r| ≤ π/4`.
#[inline(always)]
fn cos_core<const FMA: bool>(r: f32) -> f32 {
    let z = r * r;
    let p = poly_f32::<FMA, 4>(z, [0.041_666_668, -0.001_388_888_8, 0.000_024_800_56, -2.729_583e-7]);
    let h = 0.5 * z;
    let w = 1.0 - h;
    // (1 - w) - h is what rounding took from w.
    w + mul_add_f32::<FMA>(z * z, p, (1.0 - w) - h)
}

/// The sine of any f32, in radians; NaN at ±∞.
#[inline(always)]
pub fn sin_f32<const FMA: bool>(x: f32) -> f32 {
    let (q, r) = reduce(x);
    let y = if q & 1 == 0 { sin_core::<FMA>(r) } else { cos_core::<FMA>(r) };
    let y = if q & 2 == 0 { y } else { -y };
    if x == 0.0 { x } else { y }
}

/// The cosine of any f32, in radians; NaN at ±∞.
#[inline(always)]
pub fn cos_f32<const FMA: bool>(x: f32) -> f32 {
    let (q, r) = reduce(x);
    let y = if q & 1 == 0 { cos_core::<FMA>(r) } else { sin_core::<FMA>(r) };
    if q.wrapping_add(1) & 2 == 0 { y } else { -y }
}

/// The sine by libm (within 1 ulp over the whole range).
#[inline(always)]
pub fn sin_f64<const FMA: bool>(x: f64) -> f64 {
    libm::sin(x)
}

/// The cosine by libm (within 1 ulp over the whole range).
#[inline(always)]
pub fn cos_f64<const FMA: bool>(x: f64) -> f64 {
    libm::cos(x)
}
