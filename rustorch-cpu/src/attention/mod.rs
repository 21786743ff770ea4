//! Scaled dot-product attention, `softmax(scale·Q Kᵀ + mask) V` per head, in memory that is linear in the sequence.
//!
//! Blocks of scores are made, turned into weights and multiplied by V while they are in the cache; rows keep a running
//! maximum and sum, by which what was added before is rescaled (Milakov and Gimelshein 2018; Dao et al., "FlashAttention",
//! 2022). The backward pass makes the weights again from each row's log-sum-exp. Operands have any strides, so heads that are
//! transposed views, and keys shared by several queries (stride 0), are read where they lie.
//!
//! Blocks are cut by the sizes alone, and sums over them run in order: results do not depend on the number of threads.

mod backward;
mod forward;

#[cfg(test)]
mod tests;

use std::ops::Range;

use smallvec::SmallVec;

pub use backward::{Gradients, backward};
pub use forward::forward;

use super::gemm::{Element, Epilogue, MatMut, MatRef, Product};
use super::random::Stream;
use super::{Float, Vectored, parallel};

/// Queries of a block.
const ROWS: usize = 64;
/// Keys of a block: a multiple of 4, which [`Dropout`] relies on.
const COLUMNS: usize = 256;
/// Fewer multiplications than this run on one thread.
const PARALLEL_WORK: usize = 1 << 17;

/// A matrix for every head: element (i, j) of the first at `ptr + i·row + j·column`.
#[derive(Clone, Debug)]
pub struct Matrices<P> {
    /// Element (0, 0) of the first head's matrix.
    pub ptr: P,
    /// Elements from a row to the next.
    pub row: isize,
    /// Elements from a column to the next.
    pub column: isize,
    /// Elements from a head to the next, along each of the axes that number the heads.
    pub heads: SmallVec<[isize; 4]>,
}

/// Which keys a query sees.
#[derive(Clone, Debug)]
pub enum Mask<T> {
    /// All, or, if causal, those up to its own position.
    None,
    /// Those where this is not 0; the matrices are queries by keys.
    Visible(Matrices<*const bool>),
    /// All, after this was added to the scores; -∞ hides a key.
    Added(Matrices<*const T>),
}

/// Weights that are zeroed at random. Whether weight (i, j) of a head stays is a function of the stream and the position,
/// so the backward pass finds the same.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// [`Dropout::blocks`] blocks of random words.
    pub stream: Stream,
    /// The probability of zero, below 1. The others are divided by `1 - p`.
    pub p: f64,
}

/// What is computed. The result of head `h`, query `i` is `Σⱼ wⱼ V[h, j]` with `w = softmax(scale·Q[h, i]·K[h]ᵀ + mask)`,
/// zeros if the query sees no key.
#[derive(Clone, Debug)]
pub struct Attention<T> {
    /// The sizes of the axes that number the heads (batch, head ..); none for one head.
    pub heads: SmallVec<[usize; 4]>,
    /// Rows of Q and of the result.
    pub queries: usize,
    /// Rows of K and V.
    pub keys: usize,
    /// Columns of Q and K.
    pub features: usize,
    /// Columns of V and of the result.
    pub width: usize,
    /// The factor of the scores.
    pub scale: T,
    /// Whether query `i` sees only keys up to `i`; besides the mask.
    pub causal: bool,
    /// Q
    pub query: Matrices<*const T>,
    /// K
    pub key: Matrices<*const T>,
    /// V
    pub value: Matrices<*const T>,
    /// Which keys are seen.
    pub mask: Mask<T>,
    /// Which weights are dropped.
    pub dropout: Option<Dropout>,
}

macro_rules! part {
    ($($pointer:tt)*) => {
        impl<T> Matrices<$($pointer)* T> {
            /// Element (`row`, `column`) of the matrix of the head with this number.
            #[inline]
            fn at(&self, sizes: &[usize], head: usize, row: usize, column: usize) -> $($pointer)* T {
                let (mut offset, mut rest) = (row as isize * self.row + column as isize * self.column, head);
                for (&size, &stride) in sizes.iter().zip(&self.heads).rev() {
                    offset += (rest % size) as isize * stride;
                    rest /= size;
                }
                self.ptr.wrapping_offset(offset)
            }
        }
    };
}
part!(*const);
part!(*mut);

impl Dropout {
    /// The blocks of random words that `heads` heads take.
    pub fn blocks(heads: usize, queries: usize, keys: usize) -> usize {
        heads * queries * keys.div_ceil(4)
    }

    /// The factors of the weights of a row, from column `start` on, a multiple of 4: 0 or `1/(1 - p)`. `row` counts through the
    /// queries of all heads.
    pub fn factors<T: Float>(&self, keys: usize, row: usize, start: usize, factors: &mut [T]) {
        let limit = (self.p * 2f64.powi(32)) as u64;
        let keep = T::of(1.0 / (1.0 - self.p));
        let first = (row * keys.div_ceil(4) + start / 4) as u64;
        for (index, four) in factors.chunks_mut(4).enumerate() {
            let words = self.stream.block(first + index as u64);
            for (factor, word) in four.iter_mut().zip(words) {
                *factor = if u64::from(word) < limit { T::ZERO } else { keep };
            }
        }
    }
}

impl<T: Element + Vectored> Attention<T> {
    /// The number of heads.
    pub fn count(&self) -> usize {
        self.heads.iter().product()
    }

    /// Calls `f` with each of `0..tasks`, on several threads if there is work for them.
    fn run(&self, tasks: usize, f: impl Fn(usize) + Sync) {
        let work = self.count() * self.queries * self.keys * (self.features + self.width);
        if work < PARALLEL_WORK {
            (0..tasks).for_each(f);
        } else {
            parallel::for_each(tasks, f);
        }
    }

    /// The keys that some query of the block sees, were there no mask: columns from 0 on.
    fn reach(&self, rows: &Range<usize>) -> usize {
        if self.causal { self.keys.min(rows.end) } else { self.keys }
    }

    /// Of the keys from `start` on, `count` of them, how many query `row` sees, were there no mask.
    #[inline(always)]
    fn visible(&self, row: usize, start: usize, count: usize) -> usize {
        if self.causal { (row + 1).saturating_sub(start).min(count) } else { count }
    }

    /// `scores[i, j] = scale · Q[rows.start + i] · K[columns.start + j]`, the rows `columns.len()` apart.
    ///
    /// # Safety
    /// The matrices cover the ranges, and `scores` has room.
    unsafe fn scores(&self, head: usize, rows: &Range<usize>, columns: &Range<usize>, scores: *mut T) {
        let q = self.query.at(&self.heads, head, rows.start, 0);
        let k = self.key.at(&self.heads, head, columns.start, 0);
        // SAFETY: the caller's promise.
        unsafe {
            multiply(
                (rows.len(), columns.len(), self.features),
                self.scale,
                MatRef { ptr: q, rs: self.query.row, cs: self.query.column },
                MatRef { ptr: k, rs: self.key.column, cs: self.key.row },
                T::ZERO,
                MatMut { ptr: scores, rs: columns.len() as isize, cs: 1 },
            );
        }
    }

    /// Applies the mask to a row of scores: `n` of them, from column `start` on.
    ///
    /// # Safety
    /// The mask covers the row; `n` scores can be read and written.
    #[inline(always)]
    unsafe fn mask_row(&self, head: usize, row: usize, start: usize, n: usize, scores: *mut T) {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.mask {
                Mask::None => {}
                Mask::Visible(mask) => {
                    let (from, step) = (mask.at(&self.heads, head, row, start), mask.column);
                    for j in 0..n {
                        if !*from.offset(j as isize * step) {
                            *scores.add(j) = T::NEG_INFINITY;
                        }
                    }
                }
                Mask::Added(mask) => {
                    let (from, step) = (mask.at(&self.heads, head, row, start), mask.column);
                    for j in 0..n {
                        *scores.add(j) = *scores.add(j) + *from.offset(j as isize * step);
                    }
                }
            }
        }
    }
}

/// `C (m×n) = beta·C + alpha·A (m×k)·B (k×n)`
///
/// # Safety
/// As for [`Product::run`].
unsafe fn multiply<T: Element>(
    (m, n, k): (usize, usize, usize),
    alpha: T,
    a: MatRef<T>,
    b: MatRef<T>,
    beta: T,
    c: MatMut<T>,
) {
    // SAFETY: the caller's promise.
    unsafe { Product { m, n, k, alpha, a, b, beta, c, epilogue: Epilogue::NONE }.run() }
}

/// The pieces of `0..n`, `step` long but for the last.
fn pieces(n: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(step).map(move |start| start..n.min(start + step))
}

/// The functions of this module for one type.
pub trait Entries<T>: forward::Entry<T> + backward::Entry<T> {}
impl Entries<f32> for f32 {}
impl Entries<f64> for f64 {}
