//! Vectors as arrays, for processors whose instructions are not written out here.

use super::Vector;
use crate::math::{mul_add_f32, mul_add_f64};

macro_rules! array_vector {
    ($name:ident, $elem:ty, $lanes:literal, $mul_add:ident) => {
        /// A vector as an array, which LLVM keeps in the target's baseline registers.
        #[derive(Clone, Copy)]
        pub struct $name([$elem; $lanes]);

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
