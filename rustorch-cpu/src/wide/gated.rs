//! Self-gated activations, `x·s(x)` with `s(x) + s(-x) = 1`, and their derivatives, by piecewise polynomials: without a division or an
//! exponential.
//!
//! Positive numbers mirror negative ones: with `t = |x|`, `f(x) = max(x, 0) - t·s(-t)`, and `f'(x) = 1 - f'(-x)`. On 32 intervals of
//! `v = t(S + Q·t)`, which are narrower where `s(-t)` falls faster, `s(-t)` and `f'(-t)` are polynomials of degree 5 in the distance
//! from the centre; two registers per power hold the coefficients. Above `far`, `f(x)` is `x` to all digits of f32; lanes
//! further out otherwise are left to the functions of `math`.

use std::arch::x86_64::{
    __m512, __m512i, __mmask16, _CMP_LT_OQ, _mm512_abs_ps, _mm512_castps_si512, _mm512_cmp_ps_mask,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_load_ps, _mm512_mask_loadu_ps, _mm512_mask_sub_ps,
    _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_permutex2var_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_storeu_ps, _mm512_sub_ps,
};
use std::marker::PhantomData;

use super::tables::{GELU_GATE, GELU_SLOPE, GELU_TANH_GATE, GELU_TANH_SLOPE, SILU_GATE, SILU_SLOPE};
use super::{Function, LANES, map};
use crate::math::{ROUND_F32, exp_f32, normal_cdf_f32, sigmoid_f32};

/// An activation as plain functions, for what the tables leave out.
trait Gated {
    const GATE: &'static Table;
    const SLOPE: &'static Table;
    fn value(x: f32) -> f32;
    fn slope(x: f32) -> f32;
}

macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident, $backward:ident: $type:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// The processor has AVX-512 (F, BW, CD, DQ, VL); the pointers cover `len` elements, and `y` is `x` or overlaps it nowhere.
        #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
        pub unsafe fn $name(x: *const f32, y: *mut f32, len: usize) {
            // SAFETY: the caller's promise.
            unsafe { map(Value::<$type>($type::GATE.load(), PhantomData), [x], y, len) }
        }

        #[doc = concat!("The gradient of [`", stringify!($name), "`], with an error of the size of the rounding errors of its terms.")]
        ///
        /// # Safety
        /// As there; `dx` overlaps no input but one that it is equal to.
        #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
        pub unsafe fn $backward(g: *const f32, x: *const f32, dx: *mut f32, len: usize) {
            // SAFETY: the caller's promise.
            unsafe { map(Slope::<$type>($type::SLOPE.load(), PhantomData), [g, x], dx, len) }
        }
    )*};
}

activations! {
    /// `x·Φ(x)`, within 4 ulp above -1 and 6 ulp above -13.
    gelu, gelu_backward: Gelu;
    /// GELU's approximation by tanh, within 4 ulp above -5.
    gelu_tanh, gelu_tanh_backward: GeluTanh;
    /// `x·σ(x)`, within 4 ulp.
    silu, silu_backward: Silu;
}

struct Gelu;

impl Gated for Gelu {
    const GATE: &'static Table = &GELU_GATE;
    const SLOPE: &'static Table = &GELU_SLOPE;
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * normal_cdf_f32::<true>(x)
    }
    #[inline(always)]
    fn slope(x: f32) -> f32 {
        normal_cdf_f32::<true>(x) + x * 0.398_942_3 * exp_f32::<true>(x * x * -0.5)
    }
}

struct GeluTanh;

impl GeluTanh {
    /// 2 √(2/π)
    const SCALE: f32 = 1.595_769;
    /// What the logistic function is taken of; `(1 + tanh x) / 2 = σ(2x)`.
    #[inline(always)]
    fn inner(x: f32) -> f32 {
        Self::SCALE * (x + 0.044_715 * x * x * x)
    }
}

impl Gated for GeluTanh {
    const GATE: &'static Table = &GELU_TANH_GATE;
    const SLOPE: &'static Table = &GELU_TANH_SLOPE;
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * sigmoid_f32::<true>(Self::inner(x))
    }
    #[inline(always)]
    fn slope(x: f32) -> f32 {
        let s = sigmoid_f32::<true>(Self::inner(x));
        s + x * (s * (1.0 - s)) * (Self::SCALE * (1.0 + 0.134_145 * x * x))
    }
}

struct Silu;

impl Gated for Silu {
    const GATE: &'static Table = &SILU_GATE;
    const SLOPE: &'static Table = &SILU_SLOPE;
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * sigmoid_f32::<true>(x)
    }
    #[inline(always)]
    fn slope(x: f32) -> f32 {
        let s = sigmoid_f32::<true>(x);
        s * (1.0 + x * (1.0 - s))
    }
}

struct Value<G>(Loaded, PhantomData<G>);

impl<G: Gated> Function<1> for Value<G> {
    #[inline(always)]
    unsafe fn at(&self, [x]: [__m512; 1]) -> __m512 {
        // SAFETY: the processor has the instructions.
        unsafe {
            let far = _mm512_set1_ps(self.0.far);
            let beyond = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_set1_ps(-self.0.far));
            let t = _mm512_min_ps(far, _mm512_abs_ps(x));
            // Zero first: of two zeros, or a number and NaN, the second is taken.
            let y = _mm512_fnmadd_ps(t, self.0.at(t), _mm512_max_ps(_mm512_setzero_ps(), x));
            if beyond == 0 { y } else { replace(y, beyond, x, G::value) }
        }
    }
}

struct Slope<G>(Loaded, PhantomData<G>);

impl<G: Gated> Function<2> for Slope<G> {
    #[inline(always)]
    unsafe fn at(&self, [g, x]: [__m512; 2]) -> __m512 {
        // SAFETY: the processor has the instructions.
        unsafe {
            let t = _mm512_abs_ps(x);
            let beyond = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_set1_ps(self.0.far), t);
            let slope = self.0.at(t);
            let positive = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_setzero_ps(), x);
            let slope = _mm512_mask_sub_ps(slope, positive, _mm512_set1_ps(1.0), slope);
            _mm512_mul_ps(g, if beyond == 0 { slope } else { replace(slope, beyond, x, G::slope) })
        }
    }
}

/// `y` with the function of `x` in these lanes, which are seldom so far out.
#[cold]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub(super) fn replace(y: __m512, lanes: __mmask16, x: __m512, f: impl Fn(f32) -> f32) -> __m512 {
    let mut values = [0.0f32; LANES];
    // SAFETY: an array of as many lanes.
    unsafe {
        _mm512_storeu_ps(values.as_mut_ptr(), x);
        values.iter_mut().for_each(|value| *value = f(*value));
        _mm512_mask_loadu_ps(y, lanes, values.as_ptr())
    }
}

/// The degree of the polynomials.
const DEGREE: usize = 5;

/// A number for each interval.
#[repr(align(64))]
pub(super) struct Row(pub [f32; 2 * LANES]);

/// A function as piecewise polynomials.
pub(super) struct Table {
    /// Where the last interval ends.
    pub far: f32,
    /// The scale of `v`.
    pub s: f32,
    /// How much narrower the intervals become.
    pub q: f32,
    /// Where `v` is a whole number.
    pub centres: Row,
    /// The coefficients, those of a power together, the lowest power first.
    pub coefficients: [Row; DEGREE + 1],
}

/// A table in registers.
pub(super) struct Loaded {
    pub(super) far: f32,
    s: __m512,
    q: __m512,
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
    pub(super) fn load(&self) -> Loaded {
        Loaded {
            far: self.far,
            s: _mm512_set1_ps(self.s),
            q: _mm512_set1_ps(self.q),
            centres: self.centres.load(),
            coefficients: self.coefficients.each_ref().map(|row| row.load()),
        }
    }
}

impl Loaded {
    /// The function at `0 ≤ t ≤ far`; NaN where that is NaN, and any number beyond.
    ///
    /// # Safety
    /// The processor has AVX-512.
    #[inline(always)]
    pub(super) unsafe fn at(&self, t: __m512) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe {
            // The number of the interval stands in the low bits, of which a lookup reads five.
            let v = _mm512_fmadd_ps(t, self.q, self.s);
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
