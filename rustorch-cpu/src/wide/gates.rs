//! The gates of [`super::gated`] alone, and the hyperbolic tangent, which is one of them stretched.

use std::arch::x86_64::{
    __m512, _CMP_LT_OQ, _mm512_abs_ps, _mm512_add_ps, _mm512_and_ps, _mm512_castsi512_ps, _mm512_cmp_ps_mask,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_mask_blend_ps, _mm512_mask_sub_ps, _mm512_min_ps,
    _mm512_mul_ps, _mm512_or_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
};

use super::gated::{Loaded, replace};
use super::tables::{GELU_GATE, SILU_GATE};
use super::{Function, map};
use crate::math::{TANH_SMALL_F32, normal_cdf_f32, sigmoid_f32};

/// `y[i] = Φ(x[i])`, within 2 ulp above -5 and 6 ulp above -13.
///
/// # Safety
/// The processor has AVX-512 (F, BW, CD, DQ, VL); the pointers cover `len` elements, and `y` is `x` or overlaps it nowhere.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub unsafe fn normal_cdf(x: *const f32, y: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { map(Gate(GELU_GATE.load(), normal_cdf_f32::<true>), [x], y, len) }
}

/// `y[i] = 1 / (1 + exp(-x[i]))`, within 2.1 ulp above -80.
///
/// # Safety
/// As for [`normal_cdf`].
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub unsafe fn sigmoid(x: *const f32, y: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { map(Gate(SILU_GATE.load(), sigmoid_f32::<true>), [x], y, len) }
}

/// `y[i] = tanh(x[i])`, within 2 ulp.
///
/// # Safety
/// As for [`normal_cdf`].
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub unsafe fn tanh(x: *const f32, y: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { map(Tanh(SILU_GATE.load()), [x], y, len) }
}

/// `s(x)` with `s(x) + s(-x) = 1`, by the table of `s(-t)`; lanes left of it by the function itself.
struct Gate<F>(Loaded, F);

impl<F: Fn(f32) -> f32 + Copy> Function<1> for Gate<F> {
    #[inline(always)]
    unsafe fn at(&self, [x]: [__m512; 1]) -> __m512 {
        // SAFETY: the processor has the instructions.
        unsafe {
            let far = _mm512_set1_ps(self.0.far);
            let beyond = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_set1_ps(-self.0.far));
            // Of a number and NaN, the second is taken.
            let tail = self.0.at(_mm512_min_ps(far, _mm512_abs_ps(x)));
            let positive = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_setzero_ps(), x);
            let y = _mm512_mask_sub_ps(tail, positive, _mm512_set1_ps(1.0), tail);
            if beyond == 0 { y } else { replace(y, beyond, x, self.1) }
        }
    }
}

/// `tanh t = 1 - 2σ(-2t)`, or, where that would lose digits, an odd polynomial.
struct Tanh(Loaded);

impl Function<1> for Tanh {
    #[inline(always)]
    unsafe fn at(&self, [x]: [__m512; 1]) -> __m512 {
        // SAFETY: the processor has the instructions.
        unsafe {
            let t = _mm512_abs_ps(x);
            let far = _mm512_set1_ps(self.0.far);
            let tail = self.0.at(_mm512_min_ps(far, _mm512_add_ps(t, t)));
            let one = _mm512_set1_ps(1.0);
            let large = _mm512_fnmadd_ps(tail, _mm512_set1_ps(2.0), one);
            // From there on it rounds to 1, which the table's last interval does not say.
            let is_one = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_set1_ps(9.01), t);
            let large = _mm512_mask_blend_ps(is_one, large, one);
            let z = _mm512_mul_ps(t, t);
            let mut power = TANH_SMALL_F32.len() - 1;
            let mut p = _mm512_set1_ps(TANH_SMALL_F32[power]);
            while power > 0 {
                power -= 1;
                p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(TANH_SMALL_F32[power]));
            }
            let small = _mm512_fmadd_ps(_mm512_mul_ps(z, t), p, t);
            let is_small = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(t, _mm512_set1_ps(0.62));
            let y = _mm512_mask_blend_ps(is_small, large, small);
            let sign = _mm512_castsi512_ps(_mm512_set1_epi32(i32::MIN));
            _mm512_or_ps(y, _mm512_and_ps(sign, x))
        }
    }
}
