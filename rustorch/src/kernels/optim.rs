//! Optimiser steps: one pass over a parameter, its gradient and its state.
//!
//! An optimiser gives the arithmetic of one element ([`Update`]); the loop around it is compiled for every instruction
//! set and runs on several threads. Elements are independent, so the result does not depend on how many.

use std::ops::{Add, Div, Mul, Neg, Range, Sub};

use half::{bf16, f16};

use super::parallel::{self, Shared};
use super::{Kernel, isa};

/// What an optimiser does to one element, given the gradient and `S` numbers of state.
pub trait Update<const S: usize>: Copy + Sync {
    /// The new parameter and state.
    fn update<R: Real>(&self, parameter: R, gradient: R, state: [R; S]) -> (R, [R; S]);
}

/// The numbers that steps compute in: `f32` and `f64`. Methods, as everything that an [`Update`] calls, are inlined.
#[allow(missing_docs, reason = "the functions of the same names in `std`")]
pub trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    fn of(value: f64) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
}

/// An element as it lies in memory, and the type in which it is computed with.
pub trait Stored: Copy {
    /// The type in which steps compute.
    type Real: Real;
    /// From memory.
    fn load(self) -> Self::Real;
    /// To memory, rounded.
    fn store(value: Self::Real) -> Self;
}

macro_rules! real {
    ($($t:ident),*) => {$(
        impl Real for $t {
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if self < other || self.is_nan() { self } else { other }
            }
        }
        impl Stored for $t {
            type Real = $t;
            #[inline(always)]
            fn load(self) -> $t {
                self
            }
            #[inline(always)]
            fn store(value: $t) -> Self {
                value
            }
        }
    )*};
}
real!(f32, f64);

macro_rules! half {
    ($($t:ident),*) => {$(
        impl Stored for $t {
            type Real = f32;
            #[inline(always)]
            fn load(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            fn store(value: f32) -> Self {
                <$t>::from_f32(value)
            }
        }
    )*};
}
half!(f16, bf16);

/// The arrays of one step, all of the same length.
struct Step<T, U, const S: usize> {
    update: U,
    parameter: *mut T,
    gradient: *const T,
    state: [*mut T; S],
    range: Range<usize>,
}

impl<T: Stored, U: Update<S>, const S: usize> Kernel for Step<T, U, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { update, parameter, gradient, state, range } = self;
        for i in range {
            // SAFETY: `step` was promised that all arrays have this element, and that only the gradient may be read
            // elsewhere meanwhile.
            unsafe {
                let old = std::array::from_fn(|k| (*state[k].add(i)).load());
                let (value, new) = update.update((*parameter.add(i)).load(), (*gradient.add(i)).load(), old);
                parameter.add(i).write(T::store(value));
                for k in 0..S {
                    state[k].add(i).write(T::store(new[k]));
                }
            }
        }
    }
}

/// Applies `update` to every element.
///
/// # Safety
/// All pointers are valid for `len` elements, and none but `gradient` refers to memory that anything else uses.
pub unsafe fn step<T: Stored, U: Update<S>, const S: usize>(
    update: U,
    parameter: *mut T,
    gradient: *const T,
    state: [*mut T; S],
    len: usize,
) {
    // About eight operations per element.
    let pointers = Shared((parameter, gradient, state));
    parallel::for_each_chunk(len, parallel::GRAIN / 8, |range| {
        let (parameter, gradient, state) = pointers.get();
        isa().run(Step { update, parameter, gradient, state, range });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Momentum;

    impl Update<1> for Momentum {
        #[inline(always)]
        fn update<R: Real>(&self, p: R, g: R, [m]: [R; 1]) -> (R, [R; 1]) {
            let m = R::of(0.5) * m + g;
            (p - m, [m])
        }
    }

    #[test]
    fn every_element_once() {
        let n = 100_003;
        let mut p: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let g = vec![1.0f32; n];
        let mut m = vec![2.0f32; n];
        // SAFETY: three arrays of length `n`.
        unsafe { step(Momentum, p.as_mut_ptr(), g.as_ptr(), [m.as_mut_ptr()], n) };
        assert!(p.iter().enumerate().all(|(i, &p)| p == i as f32 - 2.0));
        assert!(m.iter().all(|&m| m == 2.0));
    }

    #[test]
    fn half_types_compute_in_single_precision() {
        let mut p = [bf16::from_f32(1.0)];
        let mut m = [bf16::from_f32(0.25)];
        // SAFETY: arrays of one element.
        unsafe { step(Momentum, p.as_mut_ptr(), [bf16::from_f32(0.5)].as_ptr(), [m.as_mut_ptr()], 1) };
        assert_eq!((p[0].to_f32(), m[0].to_f32()), (0.375, 0.625));
    }
}
