//! Optimiser steps: one pass over all parameters, their gradients and their states; the norm of all gradients.
//!
//! An optimiser gives the arithmetic of one element ([`Update`]); the loop around it is compiled for every instruction
//! set and runs on several threads. Elements are independent, so the result does not depend on how many.

use std::mem::MaybeUninit;
use std::ops::{Add, Div, Mul, Neg, Range, Sub};

use super::parallel::{self, Shared};
use super::{Kernel, bf16, f16, isa, keep_small};

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

    /// `self + weight · (end - self)`, from the nearer end, so that nothing is left of a large number that a weight near 1
    /// replaces (`torch.lerp`).
    #[inline(always)]
    fn lerp(self, end: Self, weight: f64) -> Self {
        if weight < 0.5 {
            self + Self::of(weight) * (end - self)
        } else {
            end - (end - self) * Self::of(1.0 - weight)
        }
    }
}

/// An element as it lies in memory: an f32 or f64, or a half type, whose elements are computed with in f32 and rounded once.
pub trait Stored: Copy + Sized {
    /// Updates consecutive elements on this thread.
    ///
    /// # Safety
    /// As for [`Task::new`].
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
    /// Not inlined: the loops over half types share it.
    #[inline(never)]
    unsafe fn run<U: Update<S>, const S: usize>(arrays: Arrays<Self, S>, update: U) {
        isa().run(Step { arrays, update });
    }
}

impl Stored for f64 {
    /// For one instruction set only: networks are hardly trained in double precision, and there are many optimisers.
    unsafe fn run<U: Update<S>, const S: usize>(arrays: Arrays<Self, S>, update: U) {
        // SAFETY: the caller's promise.
        unsafe { step::<_, _, S, true>(arrays, update) };
    }
}

macro_rules! half {
    ($($t:ident),*) => {$(
        impl Stored for $t {
            unsafe fn run<U: Update<S>, const S: usize>(arrays: Arrays<Self, S>, update: U) {
                let Arrays { parameter, gradient, state, len } = arrays;
                let arrays = Arrays {
                    parameter: parameter.cast(),
                    gradient: gradient.cast(),
                    state: state.map(|state| state.cast()),
                    len,
                };
                let load = |from: &[u16], to: &mut [f32]| {
                    to.iter_mut().zip(from).for_each(|(to, &bits)| *to = $t::from_bits(bits).to_f32());
                };
                let store = |from: &[f32], to: &mut [u16]| {
                    to.iter_mut().zip(from).for_each(|(to, &value)| *to = $t::from_f32(value).to_bits());
                };
                // SAFETY: the caller's promise; the numbers are taken as their bits.
                unsafe { run_halves(arrays, load, store, update) };
            }
        }
    )*};
}
half!(f16, bf16);

/// The step of a half type, which differ by their conversions only: the code is compiled once for both.
///
/// # Safety
/// As for [`Task::new`].
unsafe fn run_halves<U: Update<S>, const S: usize>(
    arrays: Arrays<u16, S>,
    load: fn(&[u16], &mut [f32]),
    store: fn(&[f32], &mut [u16]),
    update: U,
) {
    let (mut p, mut g, mut s) = ([0.0f32; PIECE], [0.0f32; PIECE], [[0.0f32; PIECE]; S]);
    for start in (0..arrays.len).step_by(PIECE) {
        let n = PIECE.min(arrays.len - start);
        // SAFETY: parts of what the caller promised; the pieces hold `n` elements.
        unsafe {
            let part = |array: *mut u16| std::slice::from_raw_parts_mut(array.add(start), n);
            load(part(arrays.parameter), &mut p[..n]);
            load(std::slice::from_raw_parts(arrays.gradient.add(start), n), &mut g[..n]);
            for (from, to) in arrays.state.into_iter().zip(&mut s) {
                load(part(from), &mut to[..n]);
            }
            let state = s.each_mut().map(|piece| piece.as_mut_ptr());
            let pieces = Arrays { parameter: p.as_mut_ptr(), gradient: g.as_ptr(), state, len: n };
            <f32 as Stored>::run(pieces, update);
            store(&p[..n], part(arrays.parameter));
            for (from, to) in s.iter().zip(arrays.state) {
                store(&from[..n], part(to));
            }
        }
    }
}

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
    const WIDE: bool = size_of::<T>() == 4;

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // SAFETY: `Task::new` was promised what is needed.
        unsafe { step::<_, _, S, FMA>(self.arrays, self.update) };
    }
}

/// The loop over the elements, as vectors if `SIMD` says so.
///
/// # Safety
/// As for [`Task::new`]: all arrays have every element, and only the gradient may be read elsewhere meanwhile.
#[inline(always)]
unsafe fn step<T: Real, U: Update<S>, const S: usize, const SIMD: bool>(arrays: Arrays<T, S>, update: U) {
    let Arrays { parameter, gradient, state, len } = arrays;
    for i in 0..len {
        keep_small::<SIMD>();
        // SAFETY: the caller's promise.
        unsafe {
            let (value, new) =
                update.update(*parameter.add(i), *gradient.add(i), state.map(|state| *state.add(i)));
            parameter.add(i).write(value);
            for k in 0..S {
                state[k].add(i).write(new[k]);
            }
        }
    }
}

/// State arrays of a step at most.
const MOST_STATE: usize = 3;
/// Room for an [`Update`], in words.
const ROOM: usize = 16;
/// Elements of a parameter that a thread updates at a time: about eight operations each.
const CHUNK: usize = parallel::GRAIN / 8;

/// The step of one parameter, to be [`run`] together with those of others.
pub struct Task {
    part: unsafe fn(&Task, Range<usize>),
    update: [MaybeUninit<u64>; ROOM],
    parameter: *mut u8,
    gradient: *const u8,
    state: [*mut u8; MOST_STATE],
    len: usize,
}

// SAFETY: whoever makes a task promises that its memory may be used from any thread until it has run.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    /// Applies `update` to each of `len` elements.
    ///
    /// # Safety
    /// All pointers are valid for `len` elements until the task has run, and none but `gradient` refers to memory that
    /// anything else uses meanwhile.
    pub unsafe fn new<T: Stored, U: Update<S>, const S: usize>(
        update: U,
        parameter: *mut T,
        gradient: *const T,
        state: [*mut T; S],
        len: usize,
    ) -> Self {
        const {
            assert!(size_of::<U>() <= ROOM * 8 && align_of::<U>() <= 8, "the update has room");
            assert!(S <= MOST_STATE, "the state has room");
        }
        let mut room = [MaybeUninit::uninit(); ROOM];
        // SAFETY: there is room, as was asserted.
        unsafe { room.as_mut_ptr().cast::<U>().write(update) };
        let mut states = [std::ptr::null_mut(); MOST_STATE];
        for (to, from) in states.iter_mut().zip(state) {
            *to = from.cast();
        }
        Self {
            part: part::<T, U, S>,
            update: room,
            parameter: parameter.cast(),
            gradient: gradient.cast(),
            state: states,
            len,
        }
    }
}

/// A part of a task.
unsafe fn part<T: Stored, U: Update<S>, const S: usize>(task: &Task, range: Range<usize>) {
    // SAFETY: `Task::new` has written an update of this type.
    let update = unsafe { task.update.as_ptr().cast::<U>().read() };
    let arrays = Arrays {
        parameter: task.parameter.cast::<T>().wrapping_add(range.start),
        gradient: task.gradient.cast::<T>().wrapping_add(range.start),
        state: std::array::from_fn(|k| task.state[k].cast::<T>().wrapping_add(range.start)),
        len: range.len(),
    };
    // SAFETY: a part of what was promised for the task.
    unsafe { T::run(arrays, update) };
}

/// Runs all tasks as one loop over their elements. `ends` is memory to work with.
///
/// # Safety
/// What was promised when the tasks were made holds until this returns.
pub unsafe fn run(tasks: &[Task], ends: &mut Vec<usize>) {
    chunks(tasks.iter().map(|task| task.len), ends, |_, at, range| {
        let task = &tasks[at];
        // SAFETY: the caller's promise; chunks are disjoint.
        unsafe { (task.part)(task, range) };
    });
}

/// Cuts arrays of these lengths into chunks and calls `f` with the number of every chunk, the position of its array and its range, in any
/// order and on any thread. `ends` is memory to work with.
fn chunks(
    lengths: impl Iterator<Item = usize>,
    ends: &mut Vec<usize>,
    f: impl Fn(usize, usize, Range<usize>) + Sync,
) {
    // The number of chunks up to each array, and its length, in turn.
    ends.clear();
    let mut count = 0;
    for len in lengths {
        count += len.div_ceil(CHUNK);
        ends.extend([count, len]);
    }
    let ends = &ends[..];
    parallel::for_each(count, |chunk| {
        let (mut low, mut high) = (0, ends.len() / 2);
        while low < high {
            let middle = (low + high) / 2;
            if ends[2 * middle] <= chunk { low = middle + 1 } else { high = middle }
        }
        let first = if low == 0 { 0 } else { ends[2 * low - 2] };
        let start = (chunk - first) * CHUNK;
        f(chunk, low, start..ends[2 * low + 1].min(start + CHUNK));
    });
}

/// Contiguous numbers.
#[derive(Clone, Copy)]
pub struct Array {
    /// The first.
    pub ptr: *mut f32,
    /// How many there are.
    pub len: usize,
}

// SAFETY: a promise of those who make one, see [`sum_of_squares`] and [`scale`].
unsafe impl Send for Array {}
// SAFETY: as above.
unsafe impl Sync for Array {}

/// The sum of the squares of all elements, in double precision. The order of additions depends on the lengths alone.
///
/// # Safety
/// The arrays are readable.
pub unsafe fn sum_of_squares(arrays: &[Array], ends: &mut Vec<usize>) -> f64 {
    let count = arrays.iter().map(|array| array.len.div_ceil(CHUNK)).sum();
    super::scratch::with(count, |sums: *mut f64| {
        let shared = Shared((sums, arrays));
        chunks(arrays.iter().map(|array| array.len), ends, |chunk, at, range| {
            let (sums, arrays) = shared.get();
            // SAFETY: the caller's promise; every chunk has a place of its own.
            unsafe {
                let values = std::slice::from_raw_parts(arrays[at].ptr.add(range.start), range.len());
                sums.add(chunk).write(isa().run(Squares(values)));
            }
        });
        // SAFETY: every chunk has written its sum.
        unsafe { std::slice::from_raw_parts(sums, count) }.iter().sum()
    })
}

/// Multiplies all elements.
///
/// # Safety
/// The arrays are readable and writable, and nobody else's meanwhile.
pub unsafe fn scale(arrays: &[Array], factor: f32, ends: &mut Vec<usize>) {
    chunks(arrays.iter().map(|array| array.len), ends, |_, at, range| {
        // SAFETY: the caller's promise; chunks are disjoint.
        let values = unsafe { std::slice::from_raw_parts_mut(arrays[at].ptr.add(range.start), range.len()) };
        values.iter_mut().for_each(|value| *value *= factor);
    });
}

/// Limits all elements to `-limit ..= limit`; NaN stays NaN.
///
/// # Safety
/// As for [`scale`].
pub unsafe fn limit(arrays: &[Array], limit: f32, ends: &mut Vec<usize>) {
    chunks(arrays.iter().map(|array| array.len), ends, |_, at, range| {
        // SAFETY: the caller's promise; chunks are disjoint.
        let values = unsafe { std::slice::from_raw_parts_mut(arrays[at].ptr.add(range.start), range.len()) };
        values.iter_mut().for_each(|value| *value = value.clamp(-limit, limit));
    });
}

struct Squares<'a>(&'a [f32]);

impl Kernel for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        const LANES: usize = 32;
        let mut sums = [0.0f64; LANES];
        let pieces = self.0.chunks_exact(LANES);
        let rest: f64 = pieces.remainder().iter().map(|&value| f64::from(value) * f64::from(value)).sum();
        for piece in pieces {
            for (sum, &value) in sums.iter_mut().zip(piece) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        sums.iter().sum::<f64>() + rest
    }
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
        unsafe {
            let task = Task::new(Momentum, p.as_mut_ptr(), g.as_ptr(), [m.as_mut_ptr()], n);
            run(&[task], &mut Vec::new());
        }
        assert!(p.iter().enumerate().all(|(i, &p)| p == i as f32 - 2.0));
        assert!(m.iter().all(|&m| m == 2.0));
    }

    #[test]
    fn half_types_compute_in_single_precision() {
        let mut p = [bf16::from_f32(1.0)];
        let mut m = [bf16::from_f32(0.25)];
        let g = [bf16::from_f32(0.5)];
        // SAFETY: arrays of one element.
        unsafe {
            let task = Task::new(Momentum, p.as_mut_ptr(), g.as_ptr(), [m.as_mut_ptr()], 1);
            run(&[task], &mut Vec::new());
        }
        assert_eq!((p[0].to_f32(), m[0].to_f32()), (0.375, 0.625));
    }

    #[test]
    fn many_arrays_are_cut_into_chunks() {
        let lengths = [0, 1, CHUNK, CHUNK + 1, 0, 3 * CHUNK - 1, 7];
        let seen = std::sync::Mutex::new(lengths.map(|len| vec![0; len]));
        let mut ends = Vec::new();
        chunks(lengths.into_iter(), &mut ends, |_, at, range| {
            assert!(!range.is_empty() && range.len() <= CHUNK && range.start.is_multiple_of(CHUNK));
            seen.lock().unwrap()[at][range].iter_mut().for_each(|count| *count += 1);
        });
        assert!(seen.into_inner().unwrap().iter().flatten().all(|count| *count == 1));
    }

    #[test]
    fn squares_are_added_up_in_one_order() {
        let mut values: Vec<Vec<f32>> = [0, 5, 2 * CHUNK + 77, CHUNK]
            .iter()
            .map(|&len| (0..len).map(|i| (i % 101) as f32 * 0.37 - 9.0).collect())
            .collect();
        let expected: f64 = values.iter().flatten().map(|&value| f64::from(value).powi(2)).sum();
        let arrays: Vec<Array> =
            values.iter_mut().map(|values| Array { ptr: values.as_mut_ptr(), len: values.len() }).collect();
        let sum = |threads: usize| {
            let before = parallel::num_threads();
            parallel::set_num_threads(threads);
            // SAFETY: the vectors are not used otherwise.
            let sum = unsafe { sum_of_squares(&arrays, &mut Vec::new()) };
            parallel::set_num_threads(before);
            sum
        };
        assert!((sum(1) - expected).abs() < 1e-9 * expected);
        assert_eq!(sum(1).to_bits(), sum(4).to_bits());
        // SAFETY: as above.
        unsafe { scale(&arrays, 2.0, &mut Vec::new()) };
        assert_eq!(values[2][2 * CHUNK + 3], ((2 * CHUNK + 3) % 101) as f32 * 0.37 * 2.0 - 18.0);
    }
}
