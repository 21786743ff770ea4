//! GELU and its derivative by piecewise polynomials, without a division or an exponential.
//!
//! Positive numbers mirror negative ones: with `t = |x|`, `gelu(x) = max(x, 0) - t·Φ(-t)`, and `gelu'(x) = 1 - gelu'(-x)`. On 32
//! intervals of `v = t(S + Q·t)`, which are narrower where `Φ(-t)` falls faster, `Φ(-t)` and `gelu'(-t)` are polynomials of
//! degree 5 in the distance from the centre; two registers per power hold the coefficients. Above `FAR`, gelu is `x` to all
//! digits of f32; lanes further out otherwise are left to the functions of `math`.

use std::arch::x86_64::{
    __m512, __m512i, __mmask16, _CMP_LT_OQ, _mm512_abs_ps, _mm512_castps_si512, _mm512_cmp_ps_mask,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_load_ps, _mm512_mask_loadu_ps, _mm512_mask_sub_ps,
    _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_permutex2var_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_storeu_ps, _mm512_sub_ps,
};

use super::tables::{CENTRES, DEGREE, FAR, Q, S, SLOPE, TAIL};
use super::{Function, LANES, map};
use crate::kernels::math::{ROUND_F32, exp_f32, normal_cdf_f32};

/// `y[i] = x[i]·Φ(x[i])`, within 4 ulp above -1 and 6 ulp above -13.
///
/// # Safety
/// The processor has AVX-512 (F, BW, CD, DQ, VL); the pointers cover `len` elements, and `y` is `x` or overlaps it nowhere.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub unsafe fn gelu(x: *const f32, y: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { map(Gelu(TAIL.load()), [x], y, len) }
}

/// `dx[i] = g[i]·(Φ(x[i]) + x[i]·φ(x[i]))`, with an error of the size of the rounding errors of both terms.
///
/// # Safety
/// As for [`gelu`]; `dx` overlaps no input but one that it is equal to.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub unsafe fn gelu_backward(g: *const f32, x: *const f32, dx: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { map(GeluBackward(SLOPE.load()), [g, x], dx, len) }
}

struct Gelu(Loaded);

impl Function<1> for Gelu {
    #[inline(always)]
    unsafe fn at(&self, [x]: [__m512; 1]) -> __m512 {
        // SAFETY: the processor has the instructions.
        unsafe {
            let far = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_set1_ps(-FAR));
            let t = _mm512_min_ps(_mm512_set1_ps(FAR), _mm512_abs_ps(x));
            // Zero first: of two zeros, or a number and NaN, the second is taken.
            let y = _mm512_fnmadd_ps(t, self.0.at(t), _mm512_max_ps(_mm512_setzero_ps(), x));
            if far == 0 { y } else { replace(y, far, x, gelu_lane) }
        }
    }
}

struct GeluBackward(Loaded);

impl Function<2> for GeluBackward {
    #[inline(always)]
    unsafe fn at(&self, [g, x]: [__m512; 2]) -> __m512 {
        // SAFETY: the processor has the instructions.
        unsafe {
            let t = _mm512_abs_ps(x);
            let far = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_set1_ps(FAR), t);
            let slope = self.0.at(t);
            let positive = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_setzero_ps(), x);
            let slope = _mm512_mask_sub_ps(slope, positive, _mm512_set1_ps(1.0), slope);
            _mm512_mul_ps(g, if far == 0 { slope } else { replace(slope, far, x, slope_lane) })
        }
    }
}

#[inline(always)]
fn gelu_lane(x: f32) -> f32 {
    x * normal_cdf_f32::<true>(x)
}

#[inline(always)]
fn slope_lane(x: f32) -> f32 {
    normal_cdf_f32::<true>(x) + x * 0.398_942_3 * exp_f32::<true>(x * x * -0.5)
}

/// `y` with the function of `x` in these lanes, which are seldom so far out.
#[cold]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
fn replace(y: __m512, lanes: __mmask16, x: __m512, f: impl Fn(f32) -> f32) -> __m512 {
    let mut values = [0.0f32; LANES];
    // SAFETY: an array of as many lanes.
    unsafe {
        _mm512_storeu_ps(values.as_mut_ptr(), x);
        values.iter_mut().for_each(|value| *value = f(*value));
        _mm512_mask_loadu_ps(y, lanes, values.as_ptr())
    }
}

/// A number for each interval.
#[repr(align(64))]
pub(super) struct Row(pub [f32; 2 * LANES]);

/// The coefficients of each interval, those of a power together, the lowest power first.
pub(super) struct Table(pub [Row; DEGREE + 1]);

/// A table in registers.
struct Loaded {
    centres: [__m512; 2],
    coefficients: [[__m512; 2]; DEGREE + 1],
}

impl Row {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(&self) -> [__m512; 2] {
        // SAFETY: two aligned vectors.
        unsafe { [_mm512_load_ps(self.0.as_ptr()), _mm512_load_ps(self.0.as_ptr().add(LANES))] }
    }
}

impl Table {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(&self) -> Loaded {
        Loaded { centres: CENTRES.load(), coefficients: self.0.each_ref().map(|row| row.load()) }
    }
}

impl Loaded {
    /// The function at `0 ≤ t ≤ FAR`; NaN where that is NaN, and any number beyond.
    ///
    /// # Safety
    /// The processor has AVX-512.
    #[inline(always)]
    unsafe fn at(&self, t: __m512) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe {
            // The number of the interval stands in the low bits, of which a lookup reads five.
            let v = _mm512_fmadd_ps(t, _mm512_set1_ps(Q), _mm512_set1_ps(S));
            let index = _mm512_castps_si512(_mm512_fmadd_ps(t, v, _mm512_set1_ps(ROUND_F32)));
            // Exact, unlike `v`.
            let u = _mm512_sub_ps(t, look_up(self.centres, index));
            let mut power = DEGREE;
            let mut y = look_up(self.coefficients[power], index);
            while power > 0 {
                power -= 1;
                y = _mm512_fmadd_ps(y, u, look_up(self.coefficients[power], index));
            }
            y
        }
    }
}

/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn look_up(table: [__m512; 2], index: __m512i) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe { _mm512_permutex2var_ps(table[0], index, table[1]) }
}
