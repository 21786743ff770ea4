//! The few vector operations that the matrix kernels write out by hand, for each instruction set.
//!
//! Methods are `#[inline(always)]` and must be called from code that is compiled with the type's features.

use super::math::{mul_add_f32, mul_add_f64};

/// A vector register's worth of `Elem`.
pub(super) trait Vector: Copy {
    type Elem: Copy;
    const LANES: usize;
    /// # Safety
    /// As for all methods here: the machine has the instruction set of the type.
    unsafe fn splat(value: Self::Elem) -> Self;
    /// # Safety
    /// `LANES` values are readable from `from`.
    unsafe fn load(from: *const Self::Elem) -> Self;
    /// The first `n ≤ LANES` lanes from memory, 0 in the others.
    /// # Safety
    /// `n` values are readable from `from`.
    unsafe fn load_partial(from: *const Self::Elem, n: usize) -> Self;
    /// # Safety
    /// `LANES` values are writable at `to`.
    unsafe fn store(self, to: *mut Self::Elem);
    /// Stores the first `n ≤ LANES` lanes.
    /// # Safety
    /// `n` values are writable at `to`.
    unsafe fn store_partial(self, to: *mut Self::Elem, n: usize);
    /// `self · other`
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn mul(self, other: Self) -> Self;
    /// `a · b + self`
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn mul_acc(self, a: Self, b: Self) -> Self;
}

macro_rules! array_vector {
    ($name:ident, $elem:ty, $lanes:literal, $mul_add:ident) => {
        /// A vector as an array, which LLVM keeps in the target's baseline registers.
        #[derive(Clone, Copy)]
        pub(super) struct $name([$elem; $lanes]);

        impl Vector for $name {
            type Elem = $elem;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(value: $elem) -> Self {
                $name([value; $lanes])
            }
            #[inline(always)]
            unsafe fn load(from: *const $elem) -> Self {
                // SAFETY: the caller's promise; an array of floats has their alignment.
                $name(unsafe { from.cast::<[$elem; $lanes]>().read() })
            }
            #[inline(always)]
            unsafe fn load_partial(from: *const $elem, n: usize) -> Self {
                let mut lanes = [0.0; $lanes];
                for (i, lane) in lanes.iter_mut().enumerate() {
                    if i < n {
                        // SAFETY: the caller's promise.
                        *lane = unsafe { *from.add(i) };
                    }
                }
                $name(lanes)
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $elem) {
                // SAFETY: the caller's promise.
                unsafe { to.cast::<[$elem; $lanes]>().write(self.0) };
            }
            #[inline(always)]
            unsafe fn store_partial(self, to: *mut $elem, n: usize) {
                for (i, lane) in self.0.into_iter().enumerate() {
                    if i < n {
                        // SAFETY: the caller's promise.
                        unsafe { *to.add(i) = lane };
                    }
                }
            }
            #[inline(always)]
            unsafe fn mul(mut self, other: Self) -> Self {
                for i in 0..$lanes {
                    self.0[i] *= other.0[i];
                }
                self
            }
            #[inline(always)]
            unsafe fn mul_acc(mut self, a: Self, b: Self) -> Self {
                for i in 0..$lanes {
                    self.0[i] = $mul_add::<{ cfg!(target_arch = "aarch64") }>(a.0[i], b.0[i], self.0[i]);
                }
                self
            }
        }
    };
}

array_vector!(F32x4, f32, 4, mul_add_f32);
array_vector!(F64x2, f64, 2, mul_add_f64);

#[cfg(target_arch = "x86_64")]
macro_rules! x86_vector {
    ($vector:ident, $elem:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $mul:ident, $fma:ident,
     |$from:ident, $n:ident| $load_partial:expr, |$value:ident, $to:ident, $m:ident| $store_partial:expr) => {
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
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $mul(self, other) }
            }
            #[inline(always)]
            unsafe fn mul_acc(self, a: Self, b: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $fma(a, b, self) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Vector;
    use std::arch::x86_64::*;

    /// Windows into these give the masks of AVX2 for the first n lanes.
    static MASK_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    static MASK_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

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
        __m256,
        f32,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_mul_ps,
        _mm256_fmadd_ps,
        |from, n| _mm256_maskload_ps(from, mask_32(n)),
        |value, to, n| _mm256_maskstore_ps(to, mask_32(n), value)
    );
    x86_vector!(
        __m256d,
        f64,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_mul_pd,
        _mm256_fmadd_pd,
        |from, n| _mm256_maskload_pd(from, mask_64(n)),
        |value, to, n| _mm256_maskstore_pd(to, mask_64(n), value)
    );
    x86_vector!(
        __m512,
        f32,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        |from, n| _mm512_maskz_loadu_ps(((1u32 << n) - 1) as __mmask16, from),
        |value, to, n| _mm512_mask_storeu_ps(to, ((1u32 << n) - 1) as __mmask16, value)
    );
    x86_vector!(
        __m512d,
        f64,
        8,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_mul_pd,
        _mm512_fmadd_pd,
        |from, n| _mm512_maskz_loadu_pd(((1u32 << n) - 1) as __mmask8, from),
        |value, to, n| _mm512_mask_storeu_pd(to, ((1u32 << n) - 1) as __mmask8, value)
    );
}
