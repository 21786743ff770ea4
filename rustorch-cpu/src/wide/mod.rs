//! Functions over explicit vectors of 512 bits, for what LLVM makes of no scalar code: coefficients looked up in registers, and
//! scaling by powers of 2 in one instruction. Elsewhere the functions of [`super::math`] run, from which results differ by
//! no more than both do from the exact values.

mod exp;
mod gated;
mod gates;
mod tables;

#[cfg(test)]
mod tests;

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_setzero_ps,
    _mm512_storeu_ps,
};

pub use exp::exp;
pub use gated::{gelu, gelu_backward, gelu_tanh, gelu_tanh_backward, silu, silu_backward};
pub use gates::{normal_cdf, sigmoid, tanh};

const LANES: usize = 16;

/// A function of `N` vectors.
trait Function<const N: usize> {
    /// Its value.
    ///
    /// # Safety
    /// The processor has AVX-512 (F, BW, CD, DQ, VL).
    unsafe fn at(&self, x: [__m512; N]) -> __m512;
}

/// `y[i] = f(x[0][i], …)`.
///
/// # Safety
/// The processor has AVX-512, and the caller is compiled for it; the pointers cover `len` elements, and `y` overlaps no `x` but one
/// that it is equal to.
#[inline(always)]
unsafe fn map<const N: usize>(f: impl Function<N>, x: [*const f32; N], y: *mut f32, len: usize) {
    // SAFETY: the caller's promise; lanes beyond the length are not accessed.
    unsafe {
        let mut values = [_mm512_setzero_ps(); N];
        let mut i = 0;
        while i + LANES <= len {
            for (value, x) in values.iter_mut().zip(x) {
                *value = _mm512_loadu_ps(x.add(i));
            }
            _mm512_storeu_ps(y.add(i), f.at(values));
            i += LANES;
        }
        if i < len {
            let rest: __mmask16 = (1 << (len - i)) - 1;
            for (value, x) in values.iter_mut().zip(x) {
                *value = _mm512_maskz_loadu_ps(rest, x.add(i));
            }
            _mm512_mask_storeu_ps(y.add(i), rest, f.at(values));
        }
    }
}
