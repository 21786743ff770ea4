//! Optimiser steps: one pass over a parameter, its gradient and its state.
//!
//! An optimiser gives the arithmetic of one element ([`Update`]); the loop around it is compiled for every instruction
//! set and runs on several threads. Elements are independent, so the result does not depend on how many.

use std::ops::{Add, Div, Mul, Neg, Sub};

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

/// An element as it lies in memory: an f32 or f64, or a half type, whose elements are computed with in f32 and rounded once.
pub trait Stored: Copy + Sized {
    /// As [`step`], for consecutive elements on this thread.
    ///
    /// # Safety
    /// As for [`step`].
    unsafe fn run<U: Update<S>, const S: usize>(arrays: Arrays<Self, S>, update: U);
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
    )*};
}
real!(f32, f64);

impl Stored for f32 {
    unsafe fn run<U: Update<S>, const S: usize>(arrays: Arrays<Self, S>, update: U) {
        isa().run(Step { arrays, update });
    }
}

impl Stored for f64 {
    /// For one instruction set only: networks are hardly trained in double precision, and there are many optimisers.
    unsafe fn run<U: Update<S>, const S: usize>(arrays: Arrays<Self, S>, update: U) {
        Step { arrays, update }.run::<false>();
    }
}

macro_rules! half {
    ($($t:ident),*) => {$(
        impl Stored for $t {
            unsafe fn run<U: Update<S>, const S: usize>(arrays: Arrays<Self, S>, update: U) {
                let Arrays { parameter, gradient, state, len } = arrays;
                unsafe fn load(from: *const $t, to: &mut [f32]) {
                    for (i, slot) in to.iter_mut().enumerate() {
                        // SAFETY: a part of what the caller promised.
                        *slot = unsafe { from.add(i).read() }.to_f32();
                    }
                }
                unsafe fn store(from: &[f32], to: *mut $t) {
                    for (i, &value) in from.iter().enumerate() {
                        // SAFETY: as above.
                        unsafe { to.add(i).write(<$t>::from_f32(value)) };
                    }
                }
                let (mut p, mut g, mut s) = ([0.0f32; PIECE], [0.0f32; PIECE], [[0.0f32; PIECE]; S]);
                for start in (0..len).step_by(PIECE) {
                    let n = PIECE.min(len - start);
                    let state = state.map(|state| state.wrapping_add(start));
                    // SAFETY: parts of what the caller promised; the pieces hold `n` elements.
                    unsafe {
                        load(parameter.wrapping_add(start), &mut p[..n]);
                        load(gradient.wrapping_add(start), &mut g[..n]);
                        for (&from, to) in state.iter().zip(&mut s) {
                            load(from, &mut to[..n]);
                        }
                        let pieces = s.each_mut().map(|piece| piece.as_mut_ptr());
                        let arrays =
                            Arrays { parameter: p.as_mut_ptr(), gradient: g.as_ptr(), state: pieces, len: n };
                        <f32 as Stored>::run(arrays, update);
                        store(&p[..n], parameter.wrapping_add(start));
                        for (from, &to) in s.iter().zip(&state) {
                            store(&from[..n], to);
                        }
                    }
                }
            }
        }
    )*};
}
half!(f16, bf16);

/// Elements of half types that are converted at once.
const PIECE: usize = 256;

/// The arrays of one step, all of the same length.
#[derive(Clone, Copy)]
pub struct Arrays<T, const S: usize> {
    parameter: *mut T,
    gradient: *const T,
    state: [*mut T; S],
    len: usize,
}

struct Step<T, U, const S: usize> {
    arrays: Arrays<T, S>,
    update: U,
}

impl<T: Real, U: Update<S>, const S: usize> Kernel for Step<T, U, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Arrays { parameter, gradient, state, len } = self.arrays;
        for i in 0..len {
            // SAFETY: `step` was promised that all arrays have this element, and that only the gradient may be read
            // elsewhere meanwhile.
            unsafe {
                let (value, new) =
                    self.update.update(*parameter.add(i), *gradient.add(i), state.map(|state| *state.add(i)));
                parameter.add(i).write(value);
                for k in 0..S {
                    state[k].add(i).write(new[k]);
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
        let arrays = Arrays {
            parameter: parameter.wrapping_add(range.start),
            gradient: gradient.wrapping_add(range.start),
            state: state.map(|state| state.wrapping_add(range.start)),
            len: range.len(),
        };
        // SAFETY: chunks are disjoint parts of what the caller promised.
        unsafe { T::run(arrays, update) };
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
