//! The few vector operations that the matrix kernels write out by hand, for each instruction set.
//!
//! Methods are `#[inline(always)]` and must be called from code that is compiled with the type's features.

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

#[cfg(any(test, not(target_arch = "x86_64")))]
mod array;
#[cfg(target_arch = "x86_64")]
mod shuffle;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use array::{F32x4, F64x2};
/// What every processor of x86-64 has: as instructions, since arrays, which LLVM makes the same of, are several times the code to compile.
#[cfg(target_arch = "x86_64")]
pub(super) use std::arch::x86_64::{__m128 as F32x4, __m128d as F64x2};

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;
