//! Images of another size, an axis at a time: every element comes from one position, or from two that are weighted.

use super::Float;
use super::isa::{Kernel, isa};
use super::parallel::{self, GRAIN, Shared};
use super::scratch;
use super::transpose::block;

/// Where the elements along an axis come from.
#[derive(Clone, Debug)]
pub struct Taps {
    /// The size of the axis that is read.
    pub from: usize,
    /// The position of each element, or the first of two.
    pub first: Vec<usize>,
    /// The second position, and its weight; that of the first is what is left to 1.
    pub second: Option<Vec<(usize, f64)>>,
}

entry_points! {
    trait Entry<T> {
        /// `[outer, from, inner] → [outer, first.len(), inner]`.
        ///
        /// # Safety
        /// `x` and `y` cover these shapes and do not overlap; the positions are less than `from`.
        pub unsafe fn forward(taps: &Taps, sizes: [usize; 2], x: *const T, y: *mut T) = forward_of;
        /// The gradient of [`forward`]: `dx` from `dy`.
        ///
        /// # Safety
        /// As there.
        pub unsafe fn backward(taps: &Taps, sizes: [usize; 2], dy: *const T, dx: *mut T) = backward_of;
    }
}

/// Rows that are resampled side by side where nothing is behind the axis: as columns, whose elements make vectors.
const ROWS: usize = 64;

/// [`forward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_of<T: Float>(taps: &Taps, around: [usize; 2], x: *const T, y: *mut T) {
    let sizes = [taps.from, taps.first.len()];
    // SAFETY: the caller's promise.
    unsafe { each(around, sizes, (x, y), |x, inner, y| isa().run(Forward { taps, inner, x, y })) }
}

/// [`backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn backward_of<T: Float>(taps: &Taps, around: [usize; 2], dy: *const T, dx: *mut T) {
    let sizes = [taps.first.len(), taps.from];
    // SAFETY: the caller's promise.
    unsafe { each(around, sizes, (dy, dx), |dy, inner, dx| isa().run(Backward { taps, inner, dy, dx })) }
}

/// Calls `work(from, inner, to)` for every `[from, inner]` of `[outer, from, inner]`, whose result is `[to, inner]`. Where nothing is
/// behind the axis, several of `outer` take the place of `inner`.
///
/// # Safety
/// The pointers cover these shapes and do not overlap.
unsafe fn each<T: Float>(
    [outer, inner]: [usize; 2],
    [from, to]: [usize; 2],
    pointers: (*const T, *mut T),
    work: impl Fn(*const T, usize, *mut T) + Sync,
) {
    let shared = Shared(pointers);
    let grain = (GRAIN / (4 * from.max(to) * inner).max(1)).max(1);
    if inner != 1 {
        parallel::for_each_chunk(outer, grain, |range| {
            let (x, y) = shared.get();
            range.for_each(|at| {
                work(x.wrapping_add(at * from * inner), inner, y.wrapping_add(at * to * inner));
            });
        });
        return;
    }
    parallel::for_each_chunk(outer, grain.next_multiple_of(ROWS), |range| {
        let (x, y) = shared.get();
        scratch::with(ROWS * (from + to), |columns: *mut T| {
            let made = columns.wrapping_add(ROWS * from);
            for first in range.clone().step_by(ROWS) {
                let rows = ROWS.min(range.end - first);
                let (x, y) = (x.wrapping_add(first * from), y.wrapping_add(first * to));
                // SAFETY: the caller's promise; the buffer has room for so many rows of both.
                unsafe {
                    block(rows, from, x, from, columns, rows);
                    work(columns, rows, made);
                    block(to, rows, made, rows, y, to);
                }
            }
        });
    });
}

struct Forward<'a, T> {
    taps: &'a Taps,
    inner: usize,
    x: *const T,
    y: *mut T,
}

impl<T: Float> Kernel for Forward<'_, T> {
    type Output = ();
    const WIDE: bool = false;

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { taps, inner, x, y } = self;
        for (i, &first) in taps.first.iter().enumerate() {
            // SAFETY: the promise of the callers of `forward`.
            unsafe {
                let (a, y) = (x.add(first * inner), y.add(i * inner));
                match &taps.second {
                    None if inner == 1 => *y = *a,
                    None => std::ptr::copy_nonoverlapping(a, y, inner),
                    Some(second) => {
                        let (second, weight) = (second[i].0, T::of(second[i].1));
                        let b = x.add(second * inner);
                        for j in 0..inner {
                            *y.add(j) = *a.add(j) * (T::ONE - weight) + *b.add(j) * weight;
                        }
                    }
                }
            }
        }
    }
}

struct Backward<'a, T> {
    taps: &'a Taps,
    inner: usize,
    dy: *const T,
    dx: *mut T,
}

impl<T: Float> Kernel for Backward<'_, T> {
    type Output = ();
    const WIDE: bool = false;

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { taps, inner, dy, dx } = self;
        // SAFETY: the promise of the callers of `backward`.
        unsafe {
            dx.write_bytes(0, taps.from * inner);
            for (i, &first) in taps.first.iter().enumerate() {
                let (dy, a) = (dy.add(i * inner), dx.add(first * inner));
                match &taps.second {
                    None => {
                        for j in 0..inner {
                            *a.add(j) = *a.add(j) + *dy.add(j);
                        }
                    }
                    Some(second) => {
                        let (second, weight) = (second[i].0, T::of(second[i].1));
                        let b = dx.add(second * inner);
                        // One after the other, since both may be one position.
                        for j in 0..inner {
                            *a.add(j) = *a.add(j) + *dy.add(j) * (T::ONE - weight);
                        }
                        for j in 0..inner {
                            *b.add(j) = *b.add(j) + *dy.add(j) * weight;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backward_is_the_transpose_of_forward() {
        let second = vec![(1, 0.25), (1, 0.5), (2, 0.75), (2, 0.0), (0, 1.0)];
        for second in [None, Some(second)] {
            for [outer, inner] in [[1, 1], [3, 1], [150, 1], [2, 19]] {
                let taps = Taps { from: 3, first: vec![0, 0, 1, 2, 1], second: second.clone() };
                let values = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect::<Vec<f32>>();
                let (x, dy) = (values(outer * 3 * inner, 0.7), values(outer * 5 * inner, 1.1));
                let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
                // SAFETY: vectors of these sizes.
                unsafe {
                    forward(&taps, [outer, inner], x.as_ptr(), y.as_mut_ptr());
                    backward(&taps, [outer, inner], dy.as_ptr(), dx.as_mut_ptr());
                }
                for (at, y) in y.iter().enumerate() {
                    let (o, i, j) = (at / (5 * inner), at / inner % 5, at % inner);
                    let from = |position: usize| x[(o * 3 + position) * inner + j];
                    let expected = match &taps.second {
                        None => from(taps.first[i]),
                        Some(second) => {
                            let weight = second[i].1 as f32;
                            from(taps.first[i]) * (1.0 - weight) + from(second[i].0) * weight
                        }
                    };
                    assert!((y - expected).abs() < 1e-6, "{y}, expected {expected}");
                }
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                assert!((dot(&y, &dy) - dot(&x, &dx)).abs() < 1e-4);
            }
        }
    }
}
