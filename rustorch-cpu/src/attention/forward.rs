//! The way forward.

use std::ops::Range;

use super::{Attention, COLUMNS, Matrices, ROWS, multiply, pieces};
use crate::gemm::{Element, MatMut, MatRef};
use crate::parallel::Shared;
use crate::vector::{Vector, VectorKernel, max_of, sum_of};
use crate::{Float, Isa, Vectored, scratch};

entry_points! {
    trait Entry<T> {
        /// Writes the result, and per head and query the logarithm of the sum of exponentiated scores, +∞ for a query that sees nothing,
        /// for [`backward`](super::backward()).
        ///
        /// # Safety
        /// The matrices of `attention` can be read, those of `output` (queries by width, its columns contiguous, no two elements in one
        /// place) and `normalizers` (heads by queries, contiguous) written. Both may be uninitialised.
        pub unsafe fn forward(isa: Isa, attention: &Attention<T>, output: &Matrices<*mut T>, normalizers: *mut T) = forward_of;
    }
}

/// [`forward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_of<T: Element + Vectored>(
    isa: Isa,
    attention: &Attention<T>,
    output: &Matrices<*mut T>,
    normalizers: *mut T,
) {
    debug_assert_eq!(output.column, 1, "the columns of the result are contiguous");
    let blocks = attention.queries.div_ceil(ROWS);
    let shared = Shared((attention, output, normalizers));
    attention.run(attention.count() * blocks, |task| {
        let (attention, output, normalizers) = shared.get();
        let (head, start) = (task / blocks, task % blocks * ROWS);
        let rows = start..attention.queries.min(start + ROWS);
        // SAFETY: the caller's promise; tasks write to different rows.
        unsafe { block(isa, attention, head, rows, output, normalizers) };
    });
}

/// The result for the queries `rows` of a head.
unsafe fn block<T: Element + Vectored>(
    isa: Isa,
    attention: &Attention<T>,
    head: usize,
    rows: Range<usize>,
    output: &Matrices<*mut T>,
    normalizers: *mut T,
) {
    let (m, width) = (rows.len(), attention.width);
    let to = output.at(&attention.heads, head, rows.start, 0);
    scratch::with(ROWS * COLUMNS + 2 * ROWS, |buffer: *mut T| {
        // SAFETY: the buffer has room for a block and a maximum and a sum per row, which are written before they are read;
        // the caller's promise.
        unsafe {
            let (most, sums) = (buffer.add(ROWS * COLUMNS), buffer.add(ROWS * COLUMNS + ROWS));
            for i in 0..m {
                *most.add(i) = T::NEG_INFINITY;
                *sums.add(i) = T::ZERO;
            }
            for columns in pieces(attention.reach(&rows), COLUMNS) {
                attention.scores(head, &rows, &columns, buffer);
                let (rows, columns) = (rows.clone(), columns.clone());
                let v = attention.value.at(&attention.heads, head, columns.start, 0);
                let first = columns.start == 0;
                let shape = (m, width, columns.len());
                let a = MatRef { ptr: buffer.cast_const(), rs: columns.len() as isize, cs: 1 };
                let b = MatRef { ptr: v, rs: attention.value.row, cs: attention.value.column };
                let c = MatMut { ptr: to, rs: output.row, cs: 1 };
                T::dispatch(
                    isa,
                    Weights { attention, head, rows, columns, scores: buffer, most, sums, result: c, first },
                );
                multiply(shape, T::ONE, a, b, if first { T::ZERO } else { T::ONE }, c);
            }
            let normalizers = normalizers.add(head * attention.queries + rows.start);
            let empty = attention.reach(&rows) == 0;
            T::dispatch(isa, Finish { rows: m, width, most, sums, to, row: output.row, normalizers, empty });
        }
    });
}

/// Scores of a block become weights, not yet divided by their sum.
struct Weights<'a, T> {
    attention: &'a Attention<T>,
    head: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    scores: *mut T,
    /// The greatest score of each row so far.
    most: *mut T,
    /// The sum of the weights of each row so far.
    sums: *mut T,
    /// What the weights so far have given.
    result: MatMut<T>,
    first: bool,
}

impl<T: Element + Vectored> VectorKernel<T> for Weights<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let (start, n) = (self.columns.start, self.columns.len());
        let mut factors = [T::ZERO; COLUMNS];
        for (i, row) in self.rows.clone().enumerate() {
            // SAFETY: the promise of the callers of `forward`; the block and the rows' values are this task's own.
            unsafe {
                let scores = self.scores.add(i * n);
                let visible = self.attention.visible(row, start, n);
                self.attention.mask_row(self.head, row, start, visible, scores);
                let (most, sum) = (self.most.add(i), self.sums.add(i));
                let before = *most;
                let found = max_of::<V>(visible, scores);
                let now = if found > before { found } else { before };
                // -∞ less -∞ would not be a number; such weights are 0.
                let base = if now == T::NEG_INFINITY { T::ZERO } else { now };
                for j in 0..visible {
                    *scores.add(j) = (*scores.add(j) - base).exp::<FMA>();
                }
                for j in visible..n {
                    *scores.add(j) = T::ZERO;
                }
                let factor = (before - base).exp::<FMA>();
                *sum = *sum * factor + sum_of::<V>(visible, |j| V::load(scores.add(j)), |j| *scores.add(j));
                *most = now;
                if !self.first && factor != T::ONE {
                    let result = self.result.ptr.offset(i as isize * self.result.rs);
                    for j in 0..self.attention.width {
                        *result.add(j) = *result.add(j) * factor;
                    }
                }
                if let Some(dropout) = &self.attention.dropout {
                    let row = self.head * self.attention.queries + row;
                    dropout.factors(self.attention.keys, row, start, &mut factors[..visible]);
                    for (j, &factor) in factors[..visible].iter().enumerate() {
                        *scores.add(j) = *scores.add(j) * factor;
                    }
                }
            }
        }
    }
}

/// Divides by the sums of the weights.
struct Finish<T> {
    rows: usize,
    width: usize,
    most: *const T,
    sums: *const T,
    to: *mut T,
    row: isize,
    normalizers: *mut T,
    /// No block has been added: the result is not written yet.
    empty: bool,
}

impl<T: Float> VectorKernel<T> for Finish<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        for i in 0..self.rows {
            // SAFETY: the promise of the callers of `forward`.
            unsafe {
                let (result, sum) = (self.to.offset(i as isize * self.row), *self.sums.add(i));
                let blind = sum == T::ZERO;
                *self.normalizers.add(i) =
                    if blind { -T::NEG_INFINITY } else { *self.most.add(i) + sum.log::<FMA>() };
                let scale = T::ONE / sum;
                for j in 0..self.width {
                    // A value that is not a number does not matter to who does not see it.
                    *result.add(j) = if blind || self.empty { T::ZERO } else { *result.add(j) * scale };
                }
            }
        }
    }
}
