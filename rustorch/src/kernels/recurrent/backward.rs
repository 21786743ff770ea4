//! The way back through time.

use std::ops::Range;

use super::cell::{GradPlace, Undo};
use super::forward::{Saved, active};
use super::panels::Panels;
use super::{Cell, Geometry, Scalar, Sharing, Weights, Workspace};
use crate::kernels::Isa;
use crate::kernels::gemm::{Epilogue, MatMut, MatRef, Product};
use crate::kernels::parallel::{self, Shared};

/// What [`backward`] reads and writes; everything is contiguous, outputs may be uninitialised. Gradients of outputs that are
/// `None` are zeros; gradients of inputs that are `None` are not computed.
#[derive(Clone, Copy, Debug)]
pub struct Backward<T> {
    /// The input of [`forward`](super::forward()).
    pub x: *const T,
    /// What it saved, with `keep`.
    pub saved: *const T,
    /// The gradient of `y`.
    pub dy: Option<*const T>,
    /// The gradient of `hn`.
    pub dhn: Option<*const T>,
    /// The gradient of `cn`.
    pub dcn: Option<*const T>,
    /// The gradient of `x`.
    pub dx: Option<*mut T>,
    /// The gradient of `h0`.
    pub dh0: Option<*mut T>,
    /// The gradient of `c0`.
    pub dc0: Option<*mut T>,
    /// The gradient of [`Weights::input`].
    pub dinput: Option<*mut T>,
    /// The gradient of [`Weights::hidden`].
    pub dhidden: Option<*mut T>,
    /// The gradient of [`Weights::input_bias`].
    pub dinput_bias: Option<*mut T>,
    /// The gradient of [`Weights::hidden_bias`].
    pub dhidden_bias: Option<*mut T>,
    /// [`Geometry::backward_workspace_len`] elements.
    pub workspace: *mut T,
}

/// Computes the gradients.
///
/// # Safety
/// The pointers of `weights` and `io` cover what their fields say, and outputs overlap nothing else.
pub unsafe fn backward<T: Scalar>(isa: Isa, geometry: &Geometry<'_>, weights: &Weights<T>, io: &Backward<T>) {
    let &Geometry { cell, hidden, batch, .. } = geometry;
    let (depth, width) = (cell.gates() * hidden, cell.values() * hidden);
    let groups = geometry.group_list();
    let mut workspace = Workspace::new(io.workspace, geometry.backward_workspace_len());
    let packed = workspace.take(geometry.packed_len(1, depth));
    let panels = Panels::new(T::table(isa), packed, batch, hidden, depth, 1);
    let rows = workspace.take(batch * depth);
    let dgates = workspace.take(geometry.rows() * width);
    let sums = workspace.take(groups.len() * width);
    let dh = io.dh0.unwrap_or_else(|| workspace.take(batch * hidden));
    let dc = io.dc0.unwrap_or_else(|| workspace.take(batch * hidden));
    // SAFETY: the caller's promise; the parts of the working memory are disjoint.
    unsafe {
        panels.pack(weights.hidden, 0, 1, hidden as isize);
        (0..groups.len() * width).for_each(|i| *sums.add(i) = T::ZERO);
        for (state, last) in [(dh, io.dhn), (dc, io.dcn)] {
            match last {
                Some(last) => last.copy_to_nonoverlapping(state, batch * hidden),
                None => (0..batch * hidden).for_each(|i| *state.add(i) = T::ZERO),
            }
        }
        let saved = Saved::at(geometry, io.saved.cast_mut(), true);
        let walk = Walk { isa, geometry, io, saved, panels, rows, dgates, sums, dh, dc };
        walk.all(&groups);
        walk.biases(groups.len());
        walk.products(weights);
    }
}

struct Walk<'a, T: 'static> {
    isa: Isa,
    geometry: &'a Geometry<'a>,
    io: &'a Backward<T>,
    saved: Saved<T>,
    panels: Panels<T>,
    /// The gradients of a step's gates, prepared for the product.
    rows: *mut T,
    /// Those of all steps.
    dgates: *mut T,
    sums: *mut T,
    dh: *mut T,
    dc: *mut T,
}

/// The number of a group, its first sequence, and how many it has.
type Group = (usize, (usize, usize));

impl<T: Scalar> Walk<'_, T> {
    fn width(&self) -> usize {
        self.geometry.cell.values() * self.geometry.hidden
    }

    /// All steps, the last first.
    unsafe fn all(&self, groups: &[(usize, usize)]) {
        let mut order = self.geometry.order();
        order.reverse();
        let blocks = self.panels.blocks();
        let shared = Shared(self);
        let numbered = || groups.iter().copied().enumerate();
        match self.geometry.sharing() {
            // SAFETY: the caller's promise; groups are disjoint.
            Sharing::Groups => parallel::for_each(groups.len(), |index| unsafe {
                let (walk, group) = (shared.get(), (index, groups[index]));
                for &step in &order {
                    walk.gates(step, group, 0..blocks);
                    walk.prepare(step, group);
                    walk.states(step, group, 0..blocks);
                }
            }),
            Sharing::Units(threads) => {
                let pieces = threads.min(blocks);
                for at in 0..=order.len() {
                    let (done, next) = (at.checked_sub(1).map(|at| order[at]), order.get(at).copied());
                    if let Some(done) = done {
                        // SAFETY: nothing else runs.
                        numbered().for_each(|group| unsafe { self.prepare(done, group) });
                    }
                    // SAFETY: the caller's promise; blocks of units are disjoint.
                    parallel::for_each(pieces, |piece| unsafe {
                        let range = piece * blocks / pieces..(piece + 1) * blocks / pieces;
                        for group in numbered() {
                            done.inspect(|&done| shared.get().states(done, group, range.clone()));
                            next.inspect(|&next| shared.get().gates(next, group, range.clone()));
                        }
                    });
                }
            }
        }
    }

    /// The gradients of a step's gates, for some blocks of units.
    unsafe fn gates(&self, (first, count): (usize, usize), group: Group, blocks: Range<usize>) {
        let &Geometry { cell, hidden, .. } = self.geometry;
        let (index, (start, len)) = group;
        let (rows, row, width) = (active(count, (start, len)), first + start, self.width());
        for block in blocks {
            let (unit, columns) = self.panels.columns(block);
            let at = |base: *mut T, row: usize| base.wrapping_add(row * hidden + unit);
            let before = match (self.saved.cells, self.saved.before) {
                (Some(cells), _) => cells,
                (None, before) => before.unwrap_or(std::ptr::null_mut()),
            };
            let place = GradPlace {
                gates: self.saved.gates.wrapping_add(row * width + unit).cast_const(),
                before: at(before, row).cast_const(),
                dy: self.io.dy.map(|dy| dy.wrapping_add(row * hidden + unit)),
                dh: at(self.dh, start),
                dc: at(self.dc, start),
                dgates: self.dgates.wrapping_add(row * width + unit),
                sums: self.sums.wrapping_add(index * width + unit),
            };
            T::dispatch(self.isa, Undo { cell, hidden, rows, columns, place });
        }
    }

    /// Takes the gradients of a step's gates.
    unsafe fn prepare(&self, (first, count): (usize, usize), (_, (start, len)): Group) {
        let (hidden, width) = (self.geometry.hidden, self.width());
        // The GRU's candidate passes on the gradient of its state's part, which lies behind that of its input's.
        let (columns, rest) = match self.geometry.cell {
            Cell::Gru => (2 * hidden, 3 * hidden),
            _ => (width, 0),
        };
        // SAFETY: the caller's promise: no other thread works on this group.
        unsafe {
            let from = self.dgates.add((first + start) * width);
            let to = self.rows.add(start * self.panels.depth);
            self.panels.rows(from, width, active(count, (start, len)), (columns, rest), to);
        }
    }

    /// The gradients of the states before a step, for some blocks of units.
    unsafe fn states(&self, (_, count): (usize, usize), (_, (start, len)): Group, blocks: Range<usize>) {
        let (hidden, rows) = (self.geometry.hidden, active(count, (start, len)));
        for block in blocks.filter(|_| rows > 0) {
            let (unit, _) = self.panels.columns(block);
            // SAFETY: the caller's promise: this thread alone has these units of the group.
            unsafe {
                let from = self.rows.add(start * self.panels.depth);
                let to = self.dh.add(start * hidden + unit);
                self.panels.multiply(from, rows, (block, 0), true, to, hidden);
            }
        }
    }

    /// The sums over the groups.
    unsafe fn biases(&self, groups: usize) {
        let (hidden, width) = (self.geometry.hidden, self.width());
        let gru = self.geometry.cell == Cell::Gru;
        for j in 0..self.geometry.cell.gates() * hidden {
            // SAFETY: the caller's promise.
            unsafe {
                let sum = |j: usize| {
                    (0..groups).fold(T::ZERO, |sum, group| sum + *self.sums.add(group * width + j))
                };
                if let Some(bias) = self.io.dinput_bias {
                    *bias.add(j) = sum(j);
                }
                if let Some(bias) = self.io.dhidden_bias {
                    *bias.add(j) = sum(if gru && j >= 2 * hidden { j + hidden } else { j });
                }
            }
        }
    }

    /// What is one product over all steps.
    unsafe fn products(&self, weights: &Weights<T>) {
        let &Geometry { cell, input, hidden, .. } = self.geometry;
        let (rows, gates, width) = (self.geometry.rows(), cell.gates() * hidden, self.width());
        let product = |m, n, k, a, b, c: *mut T| Product {
            m,
            n,
            k,
            alpha: T::ONE,
            a,
            b: MatRef { ptr: b, rs: n as isize, cs: 1 },
            beta: T::ZERO,
            c: MatMut { ptr: c, rs: n as isize, cs: 1 },
            epilogue: Epilogue::NONE,
        };
        let dgates = |column: usize| self.dgates.wrapping_add(column).cast_const();
        let by_row = MatRef { ptr: dgates(0), rs: width as isize, cs: 1 };
        let by_gate = |column: usize| MatRef { ptr: dgates(column), rs: 1, cs: width as isize };
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(dx) = self.io.dx {
                product(rows, input, gates, by_row, weights.input, dx).run();
            }
            if let Some(to) = self.io.dinput {
                product(gates, input, rows, by_gate(0), self.io.x, to).run();
            }
            if let (Some(to), Some(before)) = (self.io.dhidden, self.saved.before) {
                let first = if cell == Cell::Gru { 2 * hidden } else { gates };
                product(first, hidden, rows, by_gate(0), before, to).run();
                if first < gates {
                    let to = to.add(first * hidden);
                    product(hidden, hidden, rows, by_gate(3 * hidden), before, to).run();
                }
            }
        }
    }
}
