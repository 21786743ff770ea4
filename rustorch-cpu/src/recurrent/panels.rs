//! Recurrent weights in panels, and the products of a step with them.

use super::{GROUP, Scalar, Table};
use crate::gemm::{Block, Panel, balanced};
use crate::parallel::{self, Shared};

/// Depth of the pieces in which a panel is read, so that a piece stays in the first-level cache for all rows.
const DEPTH: usize = 256;

/// A matrix `[depth, hidden]` (or one per gate) packed in blocks of `width` columns: for every block and set, rows of
/// `width` columns.
#[derive(Clone, Copy)]
pub(super) struct Panels<T: 'static> {
    table: Table<T>,
    packed: *mut T,
    /// Columns of the matrix.
    pub hidden: usize,
    pub depth: usize,
    /// Matrices side by side: gates.
    pub sets: usize,
    pub width: usize,
    /// Whether the rows that are multiplied are read where they lie; else they are packed.
    pub direct: bool,
}

impl<T: Scalar> Panels<T> {
    /// Panels for products of up to `rows` rows, to be [packed](Self::pack).
    pub fn new(
        table: Table<T>,
        packed: *mut T,
        rows: usize,
        hidden: usize,
        depth: usize,
        sets: usize,
    ) -> Self {
        let kernels = table.0;
        let direct = rows <= kernels.direct_rows;
        let width = kernels.lanes * if direct { kernels.direct_vectors } else { kernels.tile_vectors };
        Self { table, packed, hidden, depth, sets, width, direct }
    }

    /// How many blocks of columns there are.
    pub fn blocks(&self) -> usize {
        self.hidden.div_ceil(self.width)
    }

    /// The columns of a block: the first, and how many.
    pub fn columns(&self, block: usize) -> (usize, usize) {
        let start = block * self.width;
        (start, self.width.min(self.hidden - start))
    }

    fn panel(&self, block: usize, set: usize) -> *mut T {
        self.packed.wrapping_add((block * self.sets + set) * self.depth * self.width)
    }

    /// Packs; element (p, j) of set s lies at `from + s·set + j·column + p·row`.
    ///
    /// # Safety
    /// `from` covers the matrices, and the memory of the panels is this call's own.
    pub unsafe fn pack(&self, from: *const T, set: isize, column: isize, row: isize) {
        let shared = Shared((*self, from));
        let pack = |task: usize| {
            let (panels, from) = shared.get();
            let (block, s) = (task / panels.sets, task % panels.sets);
            let (start, columns) = panels.columns(block);
            // SAFETY: the caller's promise; panels are disjoint, and their width is a multiple of a vector.
            unsafe {
                (panels.table.0.pack)(&Panel {
                    to: panels.panel(block, s),
                    stride: panels.width,
                    width: panels.width,
                    from: from.offset(s as isize * set + start as isize * column),
                    is: column,
                    ps: row,
                    present: columns,
                    k: panels.depth,
                });
            }
        };
        parallel::for_each(self.blocks() * self.sets, pack);
    }

    /// Prepares a part of rows to be multiplied: `k` of the columns of `count` rows `stride` apart, from `column` on, which become
    /// those from `at` on. `to` has room for `count · depth`.
    ///
    /// # Safety
    /// The pointers cover what was said.
    pub unsafe fn rows(
        &self,
        from: *const T,
        stride: usize,
        count: usize,
        (column, at, k): (usize, usize, usize),
        to: *mut T,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.direct {
                for i in 0..count {
                    let from = from.add(i * stride + column);
                    from.copy_to_nonoverlapping(to.add(i * self.depth + at), k);
                }
                return;
            }
            for (i, rows) in balanced(count, self.table.0.tile_rows) {
                (self.table.0.pack)(&Panel {
                    to: to.add(i * self.depth + at * rows),
                    stride: rows,
                    width: rows,
                    from: from.add(i * stride + column),
                    is: stride as isize,
                    ps: 1,
                    present: rows,
                    k,
                });
            }
        }
    }

    /// `C = beta·C + A·B` for `count` prepared rows (at most [`GROUP`]) and a panel; `beta` is 0 or 1, and C's rows are `stride` apart.
    ///
    /// # Safety
    /// The panels are packed, the rows [prepared](Self::rows), and C covers them and the block's columns.
    pub unsafe fn multiply(
        &self,
        rows: *const T,
        count: usize,
        (block, set): (usize, usize),
        add: bool,
        c: *mut T,
        stride: usize,
    ) {
        debug_assert!(count <= GROUP.max(self.table.0.direct_rows));
        let kernels = self.table.0;
        let (_, cols) = self.columns(block);
        let vectors = cols.div_ceil(kernels.lanes);
        for k0 in (0..self.depth).step_by(DEPTH) {
            let k = DEPTH.min(self.depth - k0);
            let b = self.panel(block, set).wrapping_add(k0 * self.width).cast_const();
            let beta = (add || k0 > 0).then_some(T::ONE);
            let most = if self.direct { kernels.direct_rows } else { kernels.tile_rows };
            for (i, rows_here) in balanced(count, most) {
                let start = i * self.depth;
                let (a, a_rs, a_cs) = match self.direct {
                    true => (rows.wrapping_add(start + k0), self.depth as isize, 1),
                    false => (rows.wrapping_add(start + k0 * rows_here), 1, rows_here as isize),
                };
                let kernel = if self.direct { kernels.direct } else { kernels.tile };
                // SAFETY: the caller's promise.
                unsafe {
                    (kernel[rows_here - 1][vectors - 1])(&Block {
                        k,
                        a,
                        a_rs,
                        a_cs,
                        a_rows: std::ptr::null(),
                        a_columns: std::ptr::null(),
                        b,
                        b_stride: self.width as isize,
                        ahead: b,
                        c: c.add(i * stride),
                        c_rs: stride as isize,
                        cols,
                        alpha: T::ONE,
                        beta,
                    });
                }
            }
        }
    }
}
