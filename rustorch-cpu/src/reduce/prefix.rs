//! Running sums of contiguous floats: within a vector of doubles by shifting and adding, from vector to vector by a carry.

/// Accumulates whole vectors of the `n` elements at `from` into `to`, from the end if `reverse`: how many elements that
/// are, and what they come to. The rest is left to the caller.
///
/// # Safety
/// `n` elements are readable at `from` and writable at `to`.
pub type WholeVectors<T, Out, Acc> =
    unsafe fn(from: *const T, to: *mut Out, n: usize, reverse: bool) -> (usize, Acc);

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{sums_f32, sums_f64};

/// Other processors do without: see [`WholeVectors`].
#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn sums_f32(_: *const f32, _: *mut f32, _: usize, _: bool) -> (usize, f64) {
    (0, 0.0)
}

/// Other processors do without: see [`WholeVectors`].
#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn sums_f64(_: *const f64, _: *mut f64, _: usize, _: bool) -> (usize, f64) {
    (0, 0.0)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use crate::{Isa, isa};

    /// A vector of doubles. All methods need its instruction set.
    trait Doubles: Copy {
        const LANES: usize;
        unsafe fn zero() -> Self;
        unsafe fn load_f32(from: *const f32) -> Self;
        unsafe fn store_f32(self, to: *mut f32);
        unsafe fn load_f64(from: *const f64) -> Self;
        unsafe fn store_f64(self, to: *mut f64);
        unsafe fn add(self, other: Self) -> Self;
        /// The running sums of the lanes: within pairs, then from pair to pair, then from half to half.
        unsafe fn forward(self) -> Self;
        /// The running sums of the lanes, from the last to the first.
        unsafe fn backward(self) -> Self;
        /// The last lane in all lanes.
        unsafe fn last(self) -> Self;
        /// The first lane in all lanes.
        unsafe fn first(self) -> Self;
        /// The first lane.
        unsafe fn get(self) -> f64;
    }

    macro_rules! doubles {
        ($v:ident, $lanes:literal, $zero:ident, $add:ident, $loadu:ident, $storeu:ident, $get:ident,
            |$from:ident| $load_f32:expr, |$value:ident, $to:ident| $store_f32:expr, |$x:ident| $last:expr, $first:expr,
            forward [$($up:expr),*], backward [$($down:expr),*]) => {
            impl Doubles for $v {
                const LANES: usize = $lanes;
                #[inline(always)]
                unsafe fn zero() -> Self {
                    // SAFETY: the caller's promise, as in all methods.
                    unsafe { $zero() }
                }
                #[inline(always)]
                unsafe fn load_f32($from: *const f32) -> Self {
                    // SAFETY: as above.
                    unsafe { $load_f32 }
                }
                #[inline(always)]
                unsafe fn store_f32(self, $to: *mut f32) {
                    let $value = self;
                    // SAFETY: as above.
                    unsafe { $store_f32 }
                }
                #[inline(always)]
                unsafe fn load_f64(from: *const f64) -> Self {
                    // SAFETY: as above.
                    unsafe { $loadu(from) }
                }
                #[inline(always)]
                unsafe fn store_f64(self, to: *mut f64) {
                    // SAFETY: as above.
                    unsafe { $storeu(to, self) }
                }
                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $add(self, other) }
                }
                #[inline(always)]
                unsafe fn forward(self) -> Self {
                    let $x = self;
                    // SAFETY: as above.
                    unsafe { $(let $x = $add($x, $up);)* $x }
                }
                #[inline(always)]
                unsafe fn backward(self) -> Self {
                    let $x = self;
                    // SAFETY: as above.
                    unsafe { $(let $x = $add($x, $down);)* $x }
                }
                #[inline(always)]
                unsafe fn last(self) -> Self {
                    let $x = self;
                    // SAFETY: as above.
                    unsafe { $last }
                }
                #[inline(always)]
                unsafe fn first(self) -> Self {
                    let $x = self;
                    // SAFETY: as above.
                    unsafe { $first }
                }
                #[inline(always)]
                unsafe fn get(self) -> f64 {
                    // SAFETY: as above.
                    unsafe { $get(self) }
                }
            }
        };
    }

    doubles!(
        __m512d, 8, _mm512_setzero_pd, _mm512_add_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_cvtsd_f64,
        |from| _mm512_cvtps_pd(_mm256_loadu_ps(from)),
        |value, to| _mm256_storeu_ps(to, _mm512_cvtpd_ps(value)),
        |x| _mm512_permutexvar_pd(_mm512_set1_epi64(7), x),
        _mm512_permutexvar_pd(_mm512_setzero_si512(), x),
        forward [
            _mm512_unpacklo_pd(_mm512_setzero_pd(), x),
            _mm512_maskz_permutex_pd::<0b01_01_00_00>(0b1100_1100, x),
            _mm512_maskz_permutexvar_pd(0b1111_0000, _mm512_set1_epi64(3), x)
        ],
        backward [
            _mm512_unpackhi_pd(x, _mm512_setzero_pd()),
            _mm512_maskz_permutex_pd::<0b11_10_10_10>(0b0011_0011, x),
            _mm512_maskz_permutexvar_pd(0b0000_1111, _mm512_set1_epi64(4), x)
        ]
    );

    doubles!(
        __m256d, 4, _mm256_setzero_pd, _mm256_add_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_cvtsd_f64,
        |from| _mm256_cvtps_pd(_mm_loadu_ps(from)),
        |value, to| _mm_storeu_ps(to, _mm256_cvtpd_ps(value)),
        |x| _mm256_permute4x64_pd::<0b11_11_11_11>(x),
        _mm256_permute4x64_pd::<0>(x),
        forward [
            _mm256_blend_pd::<1>(_mm256_permute4x64_pd::<0b10_01_00_00>(x), _mm256_setzero_pd()),
            _mm256_permute2f128_pd::<0x08>(x, x)
        ],
        backward [
            _mm256_blend_pd::<8>(_mm256_permute4x64_pd::<0b11_11_10_01>(x), _mm256_setzero_pd()),
            _mm256_permute2f128_pd::<0x81>(x, x)
        ]
    );

    macro_rules! sums {
        ($name:ident, $t:ty, $generic:ident, $avx512:ident, $avx2:ident, $load:ident, $store:ident) => {
            /// See [`WholeVectors`](super::WholeVectors).
            pub unsafe fn $name(from: *const $t, to: *mut $t, n: usize, reverse: bool) -> (usize, f64) {
                // SAFETY: the caller's promise; the instruction set is the processor's.
                unsafe {
                    match isa() {
                        Isa::Avx512 => $avx512(from, to, n, reverse),
                        Isa::Avx2 => $avx2(from, to, n, reverse),
                        Isa::Portable => (0, 0.0),
                    }
                }
            }

            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
            unsafe fn $avx512(from: *const $t, to: *mut $t, n: usize, reverse: bool) -> (usize, f64) {
                // SAFETY: the caller's promise.
                unsafe { $generic::<__m512d>(from, to, n, reverse) }
            }

            #[target_feature(enable = "avx2,fma")]
            unsafe fn $avx2(from: *const $t, to: *mut $t, n: usize, reverse: bool) -> (usize, f64) {
                // SAFETY: the caller's promise.
                unsafe { $generic::<__m256d>(from, to, n, reverse) }
            }

            #[inline(always)]
            unsafe fn $generic<V: Doubles>(
                from: *const $t,
                to: *mut $t,
                n: usize,
                reverse: bool,
            ) -> (usize, f64) {
                let whole = n - n % V::LANES;
                // SAFETY: the caller's promise. The carry takes the sum of a vector, not its running sums, so that one
                // addition is all that a vector waits for.
                unsafe {
                    let mut carry = V::zero();
                    for at in (0..whole).step_by(V::LANES) {
                        if reverse {
                            let at = n - V::LANES - at;
                            let sums = V::$load(from.add(at)).backward();
                            sums.add(carry).$store(to.add(at));
                            carry = carry.add(sums.first());
                        } else {
                            let sums = V::$load(from.add(at)).forward();
                            sums.add(carry).$store(to.add(at));
                            carry = carry.add(sums.last());
                        }
                    }
                    (whole, carry.get())
                }
            }
        };
    }

    sums!(sums_f32, f32, generic_f32, avx512_f32, avx2_f32, load_f32, store_f32);
    sums!(sums_f64, f64, generic_f64, avx512_f64, avx2_f64, load_f64, store_f64);

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::Isa;

        #[test]
        fn every_instruction_set() {
            let x: Vec<f32> = (0..37).map(|i| (i * 7 % 11) as f32 - 4.0).collect();
            for n in [0, 3, 4, 8, 15, 16, 37] {
                for reverse in [false, true] {
                    for isa in Isa::available() {
                        let mut y = vec![f32::NAN; n];
                        let (from, to) = (x.as_ptr(), y.as_mut_ptr());
                        let (done, sum) = match isa {
                            // SAFETY: `n` elements each; the processor has the set.
                            Isa::Avx512 => unsafe { avx512_f32(from, to, n, reverse) },
                            // SAFETY: as above.
                            Isa::Avx2 => unsafe { avx2_f32(from, to, n, reverse) },
                            Isa::Portable => continue,
                        };
                        let mut total = 0.0;
                        for step in 0..done {
                            let at = if reverse { n - 1 - step } else { step };
                            total += x[at];
                            assert_eq!(y[at], total, "{isa:?} {n} {reverse} at {at}");
                        }
                        assert_eq!(sum, total as f64);
                    }
                }
            }
        }
    }
}
