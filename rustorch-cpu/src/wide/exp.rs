//! The exponential.

use std::arch::x86_64::{
    __m512, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_max_ps,
    _mm512_min_ps, _mm512_mul_ps, _mm512_roundscale_ps, _mm512_scalef_ps, _mm512_set1_ps,
};

use super::{Function, map};
use crate::math::{EXP_WHOLE_F32, LN2_HI_F32, LN2_LO_F32};

/// `y[i] = exp(x[i])`, within 2 ulp.
///
/// # Safety
/// The processor has AVX-512 (F, BW, CD, DQ, VL); the pointers cover `len` elements, and `y` is `x` or overlaps it nowhere.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub unsafe fn exp(x: *const f32, y: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { map(Exp, [x], y, len) }
}

struct Exp;

impl Function<1> for Exp {
    #[inline(always)]
    unsafe fn at(&self, [x]: [__m512; 1]) -> __m512 {
        // SAFETY: the processor has the instructions.
        unsafe {
            // A bound comes first: of a number and NaN, the second is taken.
            let x = _mm512_min_ps(_mm512_set1_ps(89.0), _mm512_max_ps(_mm512_set1_ps(-104.0), x));
            let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(_mm512_mul_ps(
                x,
                _mm512_set1_ps(std::f32::consts::LOG2_E),
            ));
            let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(LN2_HI_F32), x);
            let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(LN2_LO_F32), r);
            let mut power = EXP_WHOLE_F32.len() - 1;
            let mut y = _mm512_set1_ps(EXP_WHOLE_F32[power]);
            while power > 0 {
                power -= 1;
                y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(EXP_WHOLE_F32[power]));
            }
            // Rounds once where the result is denormal.
            _mm512_scalef_ps(y, n)
        }
    }
}
