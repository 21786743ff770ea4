//! The way back.
//!
//! With weights `P`, result `O = P V` and `D = Σ dO·O` per query: `dV = Pᵀ dO`, `dS = P·(dO Vᵀ - D)`, `dQ = scale·dS K`,
//! `dK = scale·dSᵀ Q`; `dS` is the gradient of an added mask.

use std::ops::Range;

use super::{Attention, COLUMNS, Matrices, ROWS, multiply, pieces};
use crate::gemm::{Element, MatMut, MatRef};
use crate::parallel::Shared;
use crate::vector::{Vector, VectorKernel, sum_of};
use crate::{Isa, Vectored, scratch};

/// With at least as many heads as this, a head is one piece of work, and its weights are made once. With fewer, the gradient of
/// Q (and the mask) and those of K and V are pieces of their own, of a block each, and the weights are made twice. The sums are the same.
const MANY_HEADS: usize = 8;

/// What [`backward`] reads and writes. Outputs that are `None` are not computed; their columns are contiguous, and they are as
/// many as the heads: where heads share a K, the sum over them is left to the caller.
#[derive(Clone, Debug)]
pub struct Gradients<T> {
    /// The result of [`forward`](super::forward()).
    pub output: Matrices<*const T>,
    /// Made by [`forward`](super::forward()).
    pub normalizers: *const T,
    /// The gradient of the result.
    pub doutput: Matrices<*const T>,
    /// The gradient of Q.
    pub dquery: Option<Matrices<*mut T>>,
    /// The gradient of K.
    pub dkey: Option<Matrices<*mut T>>,
    /// The gradient of V.
    pub dvalue: Option<Matrices<*mut T>>,
    /// The gradient of what is added to the scores: queries by keys.
    pub dmask: Option<Matrices<*mut T>>,
}

entry_points! {
    trait Entry<T> {
        /// The gradients.
        ///
        /// # Safety
        /// All inputs can be read and the outputs written, which may be uninitialised; no two elements of the outputs lie in one place. The
        /// columns of `output` and `doutput` are contiguous.
        pub unsafe fn backward(isa: Isa, attention: &Attention<T>, gradients: &Gradients<T>) = backward_of;
    }
}

/// [`backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn backward_of<T: Element + Vectored>(isa: Isa, attention: &Attention<T>, gradients: &Gradients<T>) {
    debug_assert!(gradients.output.column == 1 && gradients.doutput.column == 1, "contiguous columns");
    let (heads, queries, keys) = (attention.count(), attention.queries, attention.keys);
    let shared = Shared((attention, gradients));
    let side = |head: usize| {
        let (attention, gradients) = shared.get();
        Side { isa, attention, gradients, head }
    };
    // SAFETY: the caller's promise; tasks write to different matrices, or to different rows of one.
    unsafe {
        if heads >= MANY_HEADS {
            return attention.run(heads, |head| side(head).part(0..queries, 0..keys, true, true));
        }
        let (rows, columns) = (queries.div_ceil(ROWS), keys.div_ceil(COLUMNS));
        attention.run(heads * rows, |task| {
            let start = task % rows * ROWS;
            side(task / rows).part(start..queries.min(start + ROWS), 0..keys, true, false);
        });
        attention.run(heads * columns, |task| {
            let start = task % columns * COLUMNS;
            side(task / columns).part(0..queries, start..keys.min(start + COLUMNS), false, true);
        });
    }
}

/// One head.
struct Side<'a, T> {
    isa: Isa,
    attention: &'a Attention<T>,
    gradients: &'a Gradients<T>,
    head: usize,
}

impl<T: Element + Vectored> Side<'_, T> {
    /// The gradients of the queries `rows` (if `of_query`) and of the keys `columns` (if `of_key`): what they have in common, so
    /// one of the ranges is whole.
    unsafe fn part(&self, rows: Range<usize>, columns: Range<usize>, of_query: bool, of_key: bool) {
        let attention = self.attention;
        let sizes = &attention.heads;
        let to = |matrices: &Option<Matrices<*mut T>>, wanted: bool| {
            matrices.clone().filter(|_| wanted).map(|m| (m.at(sizes, self.head, 0, 0), m.row))
        };
        let dq = to(&self.gradients.dquery, of_query);
        let (dk, dv) = (to(&self.gradients.dkey, of_key), to(&self.gradients.dvalue, of_key));
        let ds = to(&self.gradients.dmask, of_query);
        if [dq, dk, dv, ds].iter().all(Option::is_none) {
            return;
        }
        scratch::with(2 * ROWS * COLUMNS, |buffer: *mut T| {
            // SAFETY: the caller's promise; the buffer has room for two blocks, which are written before they are read.
            unsafe {
                for (place, range, width) in [
                    (dq, &rows, attention.features),
                    (dk, &columns, attention.features),
                    (dv, &columns, attention.width),
                    // Of keys that no query of a block sees.
                    (ds, &rows, attention.keys),
                ] {
                    if let Some((to, row)) = place {
                        for i in range.clone() {
                            let to = to.offset(i as isize * row);
                            (0..width).for_each(|j| *to.add(j) = T::ZERO);
                        }
                    }
                }
                let second = buffer.add(ROWS * COLUMNS);
                for j in pieces(columns.end - columns.start, COLUMNS) {
                    let j = columns.start + j.start..columns.start + j.end;
                    for i in pieces(rows.end - rows.start, ROWS) {
                        let i = rows.start + i.start..rows.start + i.end;
                        if j.start < attention.reach(&i) {
                            self.block(&i, &j, buffer, second, [dq, dk, dv, ds]);
                        }
                    }
                }
            }
        });
    }

    /// Adds what the queries `i` and the keys `j` have in common.
    unsafe fn block(
        &self,
        i: &Range<usize>,
        j: &Range<usize>,
        weights: *mut T,
        dscores: *mut T,
        [dq, dk, dv, ds]: [Option<(*mut T, isize)>; 4],
    ) {
        let a = self.attention;
        let (m, n) = (i.len(), j.len());
        let matrix = |of: &Matrices<*const T>, row: usize| MatRef {
            ptr: of.at(&a.heads, self.head, row, 0),
            rs: of.row,
            cs: of.column,
        };
        let turned = |m: MatRef<T>| MatRef { ptr: m.ptr, rs: m.cs, cs: m.rs };
        let block = |ptr: *mut T| MatRef { ptr: ptr.cast_const(), rs: n as isize, cs: 1 };
        let rows_of = |(ptr, rs): (*mut T, isize), row: usize| MatMut {
            ptr: ptr.wrapping_offset(row as isize * rs),
            rs,
            cs: 1,
        };
        let (q, k, v) = (matrix(&a.query, i.start), matrix(&a.key, j.start), matrix(&a.value, j.start));
        let dout = matrix(&self.gradients.doutput, i.start);
        // SAFETY: the caller's promise.
        unsafe {
            a.scores(self.head, i, j, weights);
            let to = MatMut { ptr: dscores, rs: n as isize, cs: 1 };
            multiply((m, n, a.width), T::ONE, dout, turned(v), T::ZERO, to);
            let (rows, columns, gradients, head) = (i.clone(), j.clone(), self.gradients, self.head);
            T::dispatch(self.isa, Scores { attention: a, gradients, head, rows, columns, weights, dscores });
            if let Some((ds, row)) = ds {
                for (at, query) in i.clone().enumerate() {
                    let to = ds.offset(query as isize * row).add(j.start);
                    std::ptr::copy_nonoverlapping(dscores.add(at * n), to, n);
                }
            }
            if let Some(dv) = dv {
                let shape = (n, a.width, m);
                multiply(shape, T::ONE, turned(block(weights)), dout, T::ONE, rows_of(dv, j.start));
            }
            if let Some(dq) = dq {
                multiply((m, a.features, n), a.scale, block(dscores), k, T::ONE, rows_of(dq, i.start));
            }
            if let Some(dk) = dk {
                let shape = (n, a.features, m);
                multiply(shape, a.scale, turned(block(dscores)), q, T::ONE, rows_of(dk, j.start));
            }
        }
    }
}

/// Makes the weights and the gradients of the scores from the scores and `dO Vᵀ`, in place.
struct Scores<'a, T> {
    attention: &'a Attention<T>,
    gradients: &'a Gradients<T>,
    head: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    weights: *mut T,
    dscores: *mut T,
}

impl<T: Element + Vectored> VectorKernel<T> for Scores<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Self { attention: a, gradients, head, .. } = self;
        let (start, n, width) = (self.columns.start, self.columns.len(), a.width);
        let mut factors = [T::ZERO; COLUMNS];
        for (i, row) in self.rows.clone().enumerate() {
            // SAFETY: the promise of the callers of `backward`; the two blocks are this task's own.
            unsafe {
                let (weights, dscores) = (self.weights.add(i * n), self.dscores.add(i * n));
                let visible = a.visible(row, start, n);
                a.mask_row(head, row, start, visible, weights);
                let normalizer = *gradients.normalizers.add(head * a.queries + row);
                let o = gradients.output.at(&a.heads, head, row, 0);
                let g = gradients.doutput.at(&a.heads, head, row, 0);
                let d = sum_of::<V>(
                    width,
                    |j| V::load(o.add(j)).mul(V::load(g.add(j))),
                    |j| *o.add(j) * *g.add(j),
                );
                for j in 0..visible {
                    *weights.add(j) = (*weights.add(j) - normalizer).exp::<FMA>();
                }
                match &a.dropout {
                    None => {
                        for j in 0..visible {
                            *dscores.add(j) = *weights.add(j) * (*dscores.add(j) - d);
                        }
                    }
                    Some(dropout) => {
                        let row = head * a.queries + row;
                        dropout.factors(a.keys, row, start, &mut factors[..visible]);
                        for (j, &factor) in factors[..visible].iter().enumerate() {
                            let weight = *weights.add(j);
                            *dscores.add(j) = weight * (*dscores.add(j) * factor - d);
                            *weights.add(j) = weight * factor;
                        }
                    }
                }
                for j in visible..n {
                    *weights.add(j) = T::ZERO;
                    *dscores.add(j) = T::ZERO;
                }
            }
        }
    }
}
