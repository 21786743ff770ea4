//! Elementary functions as branch-free scalar code, so that LLVM vectorises a loop over them.
//!
//! Every function is `#[inline(always)]` and generic over `const FMA: bool`: `true` only where the surrounding code is
//! compiled with fused multiply-add (AVX2+FMA, AVX-512, NEON). Without it, `f32::mul_add` would be a library call.
//! All are correct at NaN, infinities, denormals and signed zeros. Errors of the f32 functions, measured over all 2³² arguments
//! (`RUSTORCH_MATH_STEP=1 cargo test --release -p rustorch-cpu math`), are at most 2 ulp (7.5 in the lower tail
//! of the normal distribution function); those of the f64 functions, sampled, at most 4 ulp.

mod erf;
mod exp;
mod log;
mod normal;
mod trig;

#[cfg(test)]
pub(crate) mod tests;

pub use erf::{erf_f32, erf_f64};
#[cfg(target_arch = "x86_64")]
pub(crate) use exp::{EXP_WHOLE_F32, LN2_HI_F32, LN2_LO_F32, TANH_SMALL_F32};
pub use exp::{exp_f32, exp_f64, expm1_f32, expm1_f64, sigmoid_f32, sigmoid_f64, tanh_f32, tanh_f64};
pub use log::{log_f32, log_f64, log1p_f32, log1p_f64};
pub use normal::{normal_cdf_f32, normal_cdf_f64};
pub use trig::{cos_f32, cos_f64, sin_f32, sin_f64};

/// `a·b + c`, fused where `FMA`.
#[inline(always)]
pub fn mul_add_f32<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `a·b + c`, fused where `FMA`.
#[inline(always)]
pub fn mul_add_f64<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The polynomial with the coefficients `c`, lowest power first, at `x` (Horner's scheme).
#[inline(always)]
fn poly_f32<const FMA: bool, const N: usize>(x: f32, c: [f32; N]) -> f32 {
    let mut y = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        y = mul_add_f32::<FMA>(y, x, c[i]);
    }
    y
}

/// The polynomial with the coefficients `c`, lowest power first, at `x` (Horner's scheme).
#[inline(always)]
fn poly_f64<const FMA: bool, const N: usize>(x: f64, c: [f64; N]) -> f64 {
    let mut y = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        y = mul_add_f64::<FMA>(y, x, c[i]);
    }
    y
}

/// Adding this to an f32 of magnitude below 2²² rounds it to an integer, which then stands in the low bits of the sum.
pub(crate) const ROUND_F32: f32 = 12_582_912.0; // 1.5 · 2^23
/// The same for an f64 of magnitude below 2⁵¹.
const ROUND_F64: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52
