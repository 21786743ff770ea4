//! The vectors of SSE2, which every processor of x86-64 has, of AVX2 and of AVX-512.

use std::arch::x86_64::*;

use super::{Vector, shuffle};

macro_rules! x86_vector {
    ($vector:ident, $elem:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $max:ident, $mul:ident, $fma:ident,
     |$from:ident, $n:ident| $load_partial:expr, |$value:ident, $to:ident, $m:ident| $store_partial:expr,
     $pick:ident, $unzip:ident, $zip:ident) => {
        impl Vector for $vector {
            type Elem = $elem;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(value: $elem) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_partial($from: *const $elem, $n: usize) -> Self {
                // SAFETY: the caller's promise; masked lanes are not accessed.
                unsafe { $load_partial }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: the caller's promise.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_partial(self, $to: *mut $elem, $m: usize) {
                let $value = self;
                // SAFETY: the caller's promise; masked lanes are not accessed.
                unsafe { $store_partial }
            }
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $add(self, other) }
            }
            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $sub(self, other) }
            }
            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $max(self, other) }
            }
            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $mul(self, other) }
            }
            #[inline(always)]
            unsafe fn mul_acc(self, a: Self, b: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $fma(a, b, self) }
            }
            #[inline(always)]
            unsafe fn pick(best: Self, next: Self, a: Self, b: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { shuffle::$pick(best, next, a, b) }
            }
            #[inline(always)]
            unsafe fn unzip(self, next: Self) -> (Self, Self) {
                // SAFETY: the caller's promise.
                unsafe { shuffle::$unzip(self, next) }
            }
            #[inline(always)]
            unsafe fn zip(self, odd: Self) -> (Self, Self) {
                // SAFETY: the caller's promise.
                unsafe { shuffle::$zip(self, odd) }
            }
        }
    };
}

/// Windows into these give the masks of AVX2 for the first n lanes.
static MASK_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
static MASK_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

/// `a · b + c`, rounded twice.
#[inline(always)]
unsafe fn mul_add_128_ps(a: __m128, b: __m128, c: __m128) -> __m128 {
    // SAFETY: every processor has these.
    unsafe { _mm_add_ps(_mm_mul_ps(a, b), c) }
}

/// `a · b + c`, rounded twice.
#[inline(always)]
unsafe fn mul_add_128_pd(a: __m128d, b: __m128d, c: __m128d) -> __m128d {
    // SAFETY: every processor has these.
    unsafe { _mm_add_pd(_mm_mul_pd(a, b), c) }
}

#[inline(always)]
unsafe fn mask_32(n: usize) -> __m256i {
    debug_assert!(n <= 8);
    // SAFETY: 8 values from 8 - n on, n at most 8.
    unsafe { _mm256_loadu_si256(MASK_32.as_ptr().add(8 - n).cast()) }
}

#[inline(always)]
unsafe fn mask_64(n: usize) -> __m256i {
    debug_assert!(n <= 4);
    // SAFETY: 4 values from 4 - n on, n at most 4.
    unsafe { _mm256_loadu_si256(MASK_64.as_ptr().add(4 - n).cast()) }
}

x86_vector!(
    __m128,
    f32,
    4,
    _mm_set1_ps,
    _mm_loadu_ps,
    _mm_storeu_ps,
    _mm_add_ps,
    _mm_sub_ps,
    _mm_max_ps,
    _mm_mul_ps,
    mul_add_128_ps,
    |from, n| {
        let mut lanes = [0.0; 4];
        from.copy_to_nonoverlapping(lanes.as_mut_ptr(), n);
        _mm_loadu_ps(lanes.as_ptr())
    },
    |value, to, n| {
        let mut lanes = [0.0; 4];
        _mm_storeu_ps(lanes.as_mut_ptr(), value);
        to.copy_from_nonoverlapping(lanes.as_ptr(), n);
    },
    pick_128_ps,
    unzip_128_ps,
    zip_128_ps
);
x86_vector!(
    __m128d,
    f64,
    2,
    _mm_set1_pd,
    _mm_loadu_pd,
    _mm_storeu_pd,
    _mm_add_pd,
    _mm_sub_pd,
    _mm_max_pd,
    _mm_mul_pd,
    mul_add_128_pd,
    |from, n| if n == 0 {
        _mm_setzero_pd()
    } else if n == 1 {
        _mm_load_sd(from)
    } else {
        _mm_loadu_pd(from)
    },
    |value, to, n| {
        if n == 1 {
            _mm_store_sd(to, value);
        } else if n == 2 {
            _mm_storeu_pd(to, value);
        }
    },
    pick_128_pd,
    unzip_128_pd,
    zip_128_pd
);
x86_vector!(
    __m256,
    f32,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_max_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    |from, n| _mm256_maskload_ps(from, mask_32(n)),
    |value, to, n| _mm256_maskstore_ps(to, mask_32(n), value),
    pick_256_ps,
    unzip_256_ps,
    zip_256_ps
);
x86_vector!(
    __m256d,
    f64,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_max_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    |from, n| _mm256_maskload_pd(from, mask_64(n)),
    |value, to, n| _mm256_maskstore_pd(to, mask_64(n), value),
    pick_256_pd,
    unzip_256_pd,
    zip_256_pd
);
x86_vector!(
    __m512,
    f32,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_max_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    |from, n| _mm512_maskz_loadu_ps(((1u32 << n) - 1) as __mmask16, from),
    |value, to, n| _mm512_mask_storeu_ps(to, ((1u32 << n) - 1) as __mmask16, value),
    pick_512_ps,
    unzip_512_ps,
    zip_512_ps
);
x86_vector!(
    __m512d,
    f64,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_max_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd,
    |from, n| _mm512_maskz_loadu_pd(((1u32 << n) - 1) as __mmask8, from),
    |value, to, n| _mm512_mask_storeu_pd(to, ((1u32 << n) - 1) as __mmask8, value),
    pick_512_pd,
    unzip_512_pd,
    zip_512_pd
);
