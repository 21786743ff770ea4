//! Selecting, dealing out and interleaving lanes with SSE2, AVX2 and AVX-512.
//!
//! Functions are inlined into code that is compiled with the features.

use std::arch::x86_64::*;

macro_rules! avx512 {
    ($m:ident, $set:ident, $permute:ident, $greater:ident, $nan:ident, $blend:ident,
     pick $pick:ident, unzip $unzip:ident [$($even:literal)*] [$($odd:literal)*], zip $zip:ident [$($low:literal)*] [$($high:literal)*]) => {
        /// # Safety
        /// The machine has AVX-512.
        #[inline(always)]
        pub unsafe fn $pick(best: $m, next: $m, a: $m, b: $m) -> $m {
            // SAFETY: the caller's promise.
            unsafe {
                let wins = $greater::<_CMP_GT_OQ>(next, best) | $nan::<_CMP_UNORD_Q>(next, next);
                $blend(wins, b, a)
            }
        }
        /// # Safety
        /// The machine has AVX-512.
        #[inline(always)]
        pub unsafe fn $unzip(a: $m, b: $m) -> ($m, $m) {
            // SAFETY: the caller's promise.
            unsafe { ($permute(a, $set($($even),*), b), $permute(a, $set($($odd),*), b)) }
        }
        /// # Safety
        /// The machine has AVX-512.
        #[inline(always)]
        pub unsafe fn $zip(a: $m, b: $m) -> ($m, $m) {
            // SAFETY: the caller's promise.
            unsafe { ($permute(a, $set($($low),*), b), $permute(a, $set($($high),*), b)) }
        }
    };
}

avx512!(__m512, _mm512_setr_epi32, _mm512_permutex2var_ps, _mm512_cmp_ps_mask, _mm512_cmp_ps_mask, _mm512_mask_blend_ps,
    pick pick_512_ps,
    unzip unzip_512_ps [0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30] [1 3 5 7 9 11 13 15 17 19 21 23 25 27 29 31],
    zip zip_512_ps [0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23] [8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31]);
avx512!(__m512d, _mm512_setr_epi64, _mm512_permutex2var_pd, _mm512_cmp_pd_mask, _mm512_cmp_pd_mask, _mm512_mask_blend_pd,
    pick pick_512_pd,
    unzip unzip_512_pd [0 2 4 6 8 10 12 14] [1 3 5 7 9 11 13 15],
    zip zip_512_pd [0 8 1 9 2 10 3 11] [4 12 5 13 6 14 7 15]);

/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub unsafe fn pick_256_ps(best: __m256, next: __m256, a: __m256, b: __m256) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe {
        let (greater, nan) =
            (_mm256_cmp_ps::<_CMP_GT_OQ>(next, best), _mm256_cmp_ps::<_CMP_UNORD_Q>(next, next));
        _mm256_blendv_ps(b, a, _mm256_or_ps(greater, nan))
    }
}

/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub unsafe fn pick_256_pd(best: __m256d, next: __m256d, a: __m256d, b: __m256d) -> __m256d {
    // SAFETY: the caller's promise.
    unsafe {
        let (greater, nan) =
            (_mm256_cmp_pd::<_CMP_GT_OQ>(next, best), _mm256_cmp_pd::<_CMP_UNORD_Q>(next, next));
        _mm256_blendv_pd(b, a, _mm256_or_pd(greater, nan))
    }
}

/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub unsafe fn unzip_256_ps(a: __m256, b: __m256) -> (__m256, __m256) {
    // SAFETY: the caller's promise.
    unsafe {
        // Shuffles stay within halves: the quarters are brought into order afterwards.
        let order = |v: __m256| _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(_mm256_castps_pd(v)));
        (order(_mm256_shuffle_ps::<0x88>(a, b)), order(_mm256_shuffle_ps::<0xdd>(a, b)))
    }
}

/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub unsafe fn unzip_256_pd(a: __m256d, b: __m256d) -> (__m256d, __m256d) {
    // SAFETY: the caller's promise.
    unsafe {
        let order = |v: __m256d| _mm256_permute4x64_pd::<0xd8>(v);
        (order(_mm256_unpacklo_pd(a, b)), order(_mm256_unpackhi_pd(a, b)))
    }
}

/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub unsafe fn zip_256_ps(a: __m256, b: __m256) -> (__m256, __m256) {
    // SAFETY: the caller's promise.
    unsafe {
        let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
    }
}

/// # Safety
/// The machine has AVX2.
#[inline(always)]
pub unsafe fn zip_256_pd(a: __m256d, b: __m256d) -> (__m256d, __m256d) {
    // SAFETY: the caller's promise.
    unsafe {
        let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        (_mm256_permute2f128_pd::<0x20>(low, high), _mm256_permute2f128_pd::<0x31>(low, high))
    }
}

macro_rules! sse2 {
    ($m:ident, $greater:ident, $nan:ident, $and:ident, $and_not:ident, $or:ident, $shuffle:ident, $low:ident, $high:ident,
     pick $pick:ident, unzip $unzip:ident [$even:literal $odd:literal], zip $zip:ident) => {
        /// # Safety
        /// None: every processor of x86-64 has SSE2.
        #[inline(always)]
        pub unsafe fn $pick(best: $m, next: $m, a: $m, b: $m) -> $m {
            // SAFETY: there are no conditions.
            unsafe {
                let wins = $or($greater(next, best), $nan(next, next));
                $or($and(wins, a), $and_not(wins, b))
            }
        }
        /// # Safety
        /// None.
        #[inline(always)]
        pub unsafe fn $unzip(a: $m, b: $m) -> ($m, $m) {
            // SAFETY: there are no conditions.
            unsafe { ($shuffle::<$even>(a, b), $shuffle::<$odd>(a, b)) }
        }
        /// # Safety
        /// None.
        #[inline(always)]
        pub unsafe fn $zip(a: $m, b: $m) -> ($m, $m) {
            // SAFETY: there are no conditions.
            unsafe { ($low(a, b), $high(a, b)) }
        }
    };
}

sse2!(__m128, _mm_cmpgt_ps, _mm_cmpunord_ps, _mm_and_ps, _mm_andnot_ps, _mm_or_ps, _mm_shuffle_ps, _mm_unpacklo_ps, _mm_unpackhi_ps,
    pick pick_128_ps, unzip unzip_128_ps [0x88 0xdd], zip zip_128_ps);
sse2!(__m128d, _mm_cmpgt_pd, _mm_cmpunord_pd, _mm_and_pd, _mm_andnot_pd, _mm_or_pd, _mm_shuffle_pd, _mm_unpacklo_pd, _mm_unpackhi_pd,
    pick pick_128_pd, unzip unzip_128_pd [0 3], zip zip_128_pd);
