//! The few vector operations that the matrix kernels write out by hand, for each instruction set.
//!
//! Methods are `#[inline(always)]` and must be called from code that is compiled with the type's features.

use super::math::{mul_add_f32, mul_add_f64};
use super::{Float, Isa};

/// A vector register's worth of `Elem`.
pub trait Vector: Copy {
    /// What a lane holds.
    type Elem: Copy;
    /// How many lanes there are.
    const LANES: usize;
    /// All lanes the same.
    /// # Safety
    /// As for all methods here: the machine has the instruction set of the type.
    unsafe fn splat(value: Self::Elem) -> Self;
    /// All lanes from memory.
    /// # Safety
    /// `LANES` values are readable from `from`.
    unsafe fn load(from: *const Self::Elem) -> Self;
    /// The first `n ≤ LANES` lanes from memory, 0 in the others.
    /// # Safety
    /// `n` values are readable from `from`.
    unsafe fn load_partial(from: *const Self::Elem, n: usize) -> Self;
    /// All lanes to memory.
    /// # Safety
    /// `LANES` values are writable at `to`.
    unsafe fn store(self, to: *mut Self::Elem);
    /// Stores the first `n ≤ LANES` lanes.
    /// # Safety
    /// `n` values are writable at `to`.
    unsafe fn store_partial(self, to: *mut Self::Elem, n: usize);
    /// `self + other`
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn add(self, other: Self) -> Self;
    /// `self - other`
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn sub(self, other: Self) -> Self;
    /// Lane by lane `if self > other { self } else { other }`, so that NaN in `self` is passed over.
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn max(self, other: Self) -> Self;
    /// `self · other`
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn mul(self, other: Self) -> Self;
    /// `a · b + self`
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn mul_acc(self, a: Self, b: Self) -> Self;
    /// Lane by lane `if next > best || next is NaN { a } else { b }`.
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn pick(best: Self, next: Self, a: Self, b: Self) -> Self;
    /// The lanes of even and those of odd index of two vectors in a row.
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn unzip(self, next: Self) -> (Self, Self);
    /// Two vectors in a row whose lanes come from `self` and `odd` in turn.
    /// # Safety
    /// The machine has the instruction set.
    unsafe fn zip(self, odd: Self) -> (Self, Self);
}

/// Code over vectors, compiled for each instruction set as [`super::Kernel`] is: all that it calls is inlined.
pub trait VectorKernel<T> {
    /// What the code returns.
    type Output;
    /// Whether 512 bits are worth compiling. Not by default for double precision, in which networks are hardly trained. Kernels
    /// that share a layout with the matrix kernels have to have as many lanes as those.
    const WIDE: bool = size_of::<T>() == 4;
    /// The code. `FMA` tells whether fused multiply-add is an instruction here.
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) -> Self::Output;
}

/// An element type with vectors: f32 and f64.
pub trait Vectored: Float {
    /// Runs `kernel` with the vectors of `isa` (the best there are where the processor lacks it).
    fn dispatch<K: VectorKernel<Self>>(isa: Isa, kernel: K) -> K::Output;
}

macro_rules! dispatch {
    ($t:ident, $portable:ident, $m256:ident, $m512:ident) => {
        impl Vectored for $t {
            fn dispatch<K: VectorKernel<$t>>(isa: Isa, kernel: K) -> K::Output {
                #[cfg(target_arch = "x86_64")]
                {
                    use std::arch::x86_64::{$m256, $m512};
                    #[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt")]
                    fn avx2<K: VectorKernel<$t>>(kernel: K) -> K::Output {
                        kernel.run::<$m256, true>()
                    }
                    #[target_feature(
                        enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt"
                    )]
                    fn avx512<K: VectorKernel<$t>>(kernel: K) -> K::Output {
                        kernel.run::<$m512, true>()
                    }
                    let isa = isa.or_supported();
                    // Apart from the rest, so that the code is not even made where it is not wanted.
                    if K::WIDE && isa == Isa::Avx512 {
                        // SAFETY: the processor has the features.
                        return unsafe { avx512(kernel) };
                    }
                    if isa >= Isa::Avx2 {
                        // SAFETY: as above; those of AVX2 come with AVX-512.
                        return unsafe { avx2(kernel) };
                    }
                }
                kernel.run::<$portable, { cfg!(target_arch = "aarch64") }>()
            }
        }
    };
}

dispatch!(f32, F32x4, __m256, __m512);
dispatch!(f64, F64x2, __m256d, __m512d);

/// The sum of `vector(i)` over whole vectors from `i` on and of `scalar(i)` over the rest of `0..n`: four running vectors,
/// whose lanes are added pairwise.
///
/// # Safety
/// The machine has the instruction set of `V`, and the closures may be called for `i < n`.
#[inline(always)]
pub(super) unsafe fn sum_of<V: Vector>(
    n: usize,
    vector: impl Fn(usize) -> V,
    scalar: impl Fn(usize) -> V::Elem,
) -> V::Elem
where
    V::Elem: Float,
{
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [V::splat(V::Elem::ZERO); 4];
        let mut i = 0;
        while i + 4 * V::LANES <= n {
            sums[0] = sums[0].add(vector(i));
            sums[1] = sums[1].add(vector(i + V::LANES));
            sums[2] = sums[2].add(vector(i + 2 * V::LANES));
            sums[3] = sums[3].add(vector(i + 3 * V::LANES));
            i += 4 * V::LANES;
        }
        while i + V::LANES <= n {
            sums[0] = sums[0].add(vector(i));
            i += V::LANES;
        }
        let all = sums[0].add(sums[1]).add(sums[2].add(sums[3]));
        let mut total = across(all, |a, b| a + b);
        while i < n {
            total = total + scalar(i);
            i += 1;
        }
        total
    }
}

/// The largest of `n` values, -∞ for none; NaN is passed over.
///
/// # Safety
/// The machine has the instruction set of `V`; `n` values are readable.
#[inline(always)]
pub(super) unsafe fn max_of<V: Vector>(n: usize, values: *const V::Elem) -> V::Elem
where
    V::Elem: Float,
{
    // SAFETY: the caller's promise.
    unsafe {
        let mut most = [V::splat(V::Elem::NEG_INFINITY); 4];
        let mut i = 0;
        while i + 4 * V::LANES <= n {
            most[0] = V::load(values.add(i)).max(most[0]);
            most[1] = V::load(values.add(i + V::LANES)).max(most[1]);
            most[2] = V::load(values.add(i + 2 * V::LANES)).max(most[2]);
            most[3] = V::load(values.add(i + 3 * V::LANES)).max(most[3]);
            i += 4 * V::LANES;
        }
        while i + V::LANES <= n {
            most[0] = V::load(values.add(i)).max(most[0]);
            i += V::LANES;
        }
        let larger = |a: V::Elem, b: V::Elem| if a > b { a } else { b };
        let mut result = across(most[0].max(most[1]).max(most[2].max(most[3])), larger);
        while i < n {
            result = larger(*values.add(i), result);
            i += 1;
        }
        result
    }
}

/// The lanes of a vector joined pairwise.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn across<V: Vector>(vector: V, join: impl Fn(V::Elem, V::Elem) -> V::Elem) -> V::Elem
where
    V::Elem: Float,
{
    let mut lanes = [V::Elem::ZERO; 16];
    // SAFETY: no vector has more lanes.
    unsafe { vector.store(lanes.as_mut_ptr()) };
    let mut half = V::LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = join(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
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
            unsafe fn add(mut self, other: Self) -> Self {
                for i in 0..$lanes {
                    self.0[i] += other.0[i];
                }
                self
            }
            #[inline(always)]
            unsafe fn sub(mut self, other: Self) -> Self {
                for i in 0..$lanes {
                    self.0[i] -= other.0[i];
                }
                self
            }
            #[inline(always)]
            unsafe fn max(mut self, other: Self) -> Self {
                for i in 0..$lanes {
                    self.0[i] = if self.0[i] > other.0[i] { self.0[i] } else { other.0[i] };
                }
                self
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
            #[inline(always)]
            unsafe fn pick(best: Self, next: Self, a: Self, b: Self) -> Self {
                let lane = |i: usize| next.0[i] > best.0[i] || next.0[i].is_nan();
                $name(std::array::from_fn(|i| if lane(i) { a.0[i] } else { b.0[i] }))
            }
            #[inline(always)]
            unsafe fn unzip(self, next: Self) -> (Self, Self) {
                let lane = |i: usize| if i < $lanes { self.0[i] } else { next.0[i - $lanes] };
                let from = |first: usize| $name(std::array::from_fn(|i| lane(2 * i + first)));
                (from(0), from(1))
            }
            #[inline(always)]
            unsafe fn zip(self, odd: Self) -> (Self, Self) {
                let lane = |i: usize| if i % 2 == 0 { self.0[i / 2] } else { odd.0[i / 2] };
                let from = |first: usize| $name(std::array::from_fn(|i| lane(first + i)));
                (from(0), from($lanes))
            }
        }
    };
}

array_vector!(F32x4, f32, 4, mul_add_f32);
array_vector!(F64x2, f64, 2, mul_add_f64);

#[cfg(target_arch = "x86_64")]
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

#[cfg(target_arch = "x86_64")]
mod shuffle;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Vector, shuffle};
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
}
