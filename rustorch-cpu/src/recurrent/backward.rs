//! The way back through time.

use std::ops::Range;

use super::cell::{GradPlace, Undo};
use super::forward::{Saved, active};
use super::panels::Panels;
use super::{Cell, Geometry, Scalar, Sharing, Source, Weights, Workspace};
use crate::Isa;
use crate::gemm::{Epilogue, MatMut, MatRef, Product};
use crate::parallel::{self, Shared};

/// Columns that a thread adds up side by side.
const COLUMNS: usize = 128;

/// What [`backward`] reads and writes; everything is contiguous, outputs may be uninitialised. Gradients of outputs that are
/// `None` are zeros; gradients of inputs that are `None` are not computed.
#[derive(Clone, Copy, Debug)]
pub struct Backward<T> {
    /// The input of [`forward`](super::forward()).
    pub x: Source<T>,
    /// What it saved, with `keep`.
    pub saved: *const T,
    /// The gradient of `y`.
    pub dy: Option<*const T>,
    /// From a row of `dy` to the next.
    pub dy_stride: usize,
    /// The gradient of `hn`.
    pub dhn: Option<*const T>,
    /// The gradient of `cn`.
    pub dcn: Option<*const T>,
    /// The gradient of the input: of its rows, or of the table.
    pub dx: Option<Gradient<T>>,
    /// The gradient of `h0`.
    pub dh0: Option<*mut T>,
    /// The gradient of `c0`.
    pub dc0: Option<*mut T>,
    /// The gradient of [`Weights::input`].
    pub dinput: Option<Gradient<T>>,
    /// The gradient of [`Weights::hidden`].
    pub dhidden: Option<Gradient<T>>,
    /// The gradient of [`Weights::input_bias`].
    pub dinput_bias: Option<Gradient<T>>,
    /// The gradient of [`Weights::hidden_bias`].
    pub dhidden_bias: Option<Gradient<T>>,
    /// [`Geometry::backward_workspace_len`] elements.
    pub workspace: *mut T,
}

/// Where a gradient goes.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<T> {
    /// As many elements as what it is the gradient of.
    pub to: *mut T,
    /// Whether it is added to what is there.
    pub add: bool,
}

impl<T> Gradient<T> {
    /// To be written.
    pub fn new(to: *mut T) -> Self {
        Self { to, add: false }
    }
}

entry_points! {
    trait Entry<T> {
        /// Computes the gradients.
        ///
        /// # Safety
        /// The pointers of `weights` and `io` cover what their fields say, and outputs overlap nothing else.
        pub unsafe fn backward(isa: Isa, geometry: &Geometry<'_>, weights: &Weights<T>, io: &Backward<T>) = backward_of;
    }
}

/// [`backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn backward_of<T: Scalar>(isa: Isa, geometry: &Geometry<'_>, weights: &Weights<T>, io: &Backward<T>) {
    let &Geometry { cell, hidden, batch, .. } = geometry;
    let (depth, width) = (cell.gates() * hidden, cell.values() * hidden);
    let (groups, table) = (geometry.groups(), io.x.count());
    let mut workspace = Workspace::new(io.workspace, geometry.backward_workspace_len(table));
    let packed = workspace.take(geometry.packed_len(1, depth));
    let panels = Panels::new(T::table(isa), packed, batch, hidden, depth, 1);
    let rows = [(); 2].map(|()| workspace.take(batch * depth));
    let dgates = workspace.take(geometry.rows() * width);
    let sums = workspace.take(groups * width);
    let dh = io.dh0.unwrap_or_else(|| workspace.take(batch * hidden));
    let dc = io.dc0.unwrap_or_else(|| workspace.take(batch * hidden));
    let by_number = workspace.take(table * depth);
    // SAFETY: the caller's promise; the parts of the working memory are disjoint.
    unsafe {
        panels.pack(weights.hidden, 0, 1, hidden as isize);
        (0..groups * width).for_each(|i| *sums.add(i) = T::ZERO);
        for (state, last) in [(dh, io.dhn), (dc, io.dcn)] {
            match last {
                Some(last) => last.copy_to_nonoverlapping(state, batch * hidden),
                None => (0..batch * hidden).for_each(|i| *state.add(i) = T::ZERO),
            }
        }
        let saved = Saved::at(geometry, io.saved.cast_mut(), true);
        let walk = Walk { isa, geometry, io, saved, panels, rows, dgates, sums, dh, dc, by_number };
        walk.all(groups);
        walk.biases(groups);
        walk.products(weights);
    }
}

struct Walk<'a, T: 'static> {
    isa: Isa,
    geometry: &'a Geometry<'a>,
    io: &'a Backward<T>,
    saved: Saved<T>,
    panels: Panels<T>,
    /// The gradients of a step's gates, prepared for the product, and those of the step before it.
    rows: [*mut T; 2],
    /// Those of all steps.
    dgates: *mut T,
    sums: *mut T,
    dh: *mut T,
    dc: *mut T,
    /// Their sums over the rows with the same number, `[count, gates · hidden]`.
    by_number: *mut T,
}

/// The number of a group, its first sequence, and how many it has.
type Group = (usize, (usize, usize));

impl<T: Scalar> Walk<'_, T> {
    fn width(&self) -> usize {
        self.geometry.cell.values() * self.geometry.hidden
    }

    /// All steps, the last first.
    unsafe fn all(&self, groups: usize) {
        let (order, steps) = (self.geometry.order(), self.geometry.steps);
        let blocks = self.panels.blocks();
        let shared = Shared((self, &order));
        let group = |index: usize| (index, self.geometry.group(index));
        match self.geometry.sharing() {
            // SAFETY: the caller's promise; groups are disjoint.
            Sharing::Groups => parallel::for_each(groups, |index| unsafe {
                let (walk, order) = shared.get();
                let group = (index, walk.geometry.group(index));
                for at in (0..steps).rev() {
                    let step = order.at(at);
                    walk.gates(step, group, 0..blocks);
                    walk.prepare(step, group);
                    walk.states(step, group, 0..blocks, walk.rows[0]);
                }
            }),
            Sharing::Units(threads) if self.geometry.batch_sizes.is_none() => {
                let pieces = threads.min(blocks);
                for at in (0..=steps).rev() {
                    // SAFETY: the caller's promise; blocks of units are disjoint.
                    parallel::for_each(pieces, |piece| unsafe {
                        let range = piece * blocks / pieces..(piece + 1) * blocks / pieces;
                        let (walk, order) = shared.get();
                        // What a step makes of the gradients, the one before it reads while it makes others.
                        let (read, write) = (walk.rows[(at + 1) % 2], walk.rows[at % 2]);
                        for index in 0..groups {
                            let group = (index, walk.geometry.group(index));
                            if at < steps {
                                walk.states(order.at(at), group, range.clone(), read);
                            }
                            if let Some(before) = at.checked_sub(1) {
                                walk.gates(order.at(before), group, range.clone());
                                walk.prepare_units(order.at(before), group, range.clone(), write);
                            }
                        }
                    });
                }
            }
            Sharing::Units(threads) => {
                let pieces = threads.min(blocks);
                for at in (0..=steps).rev() {
                    let done = (at < steps).then(|| order.at(at));
                    let next = at.checked_sub(1).map(|at| order.at(at));
                    if let Some(done) = done {
                        // SAFETY: nothing else runs.
                        (0..groups).for_each(|index| unsafe { self.prepare(done, group(index)) });
                    }
                    // SAFETY: the caller's promise; blocks of units are disjoint.
                    parallel::for_each(pieces, |piece| unsafe {
                        let range = piece * blocks / pieces..(piece + 1) * blocks / pieces;
                        let (walk, _) = shared.get();
                        for index in 0..groups {
                            let group = (index, walk.geometry.group(index));
                            done.inspect(|&done| walk.states(done, group, range.clone(), walk.rows[0]));
                            next.inspect(|&next| walk.gates(next, group, range.clone()));
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
                dy: self.io.dy.map(|dy| dy.wrapping_add(row * self.io.dy_stride + unit)),
                dy_stride: self.io.dy_stride,
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
        let pieces = match self.geometry.cell {
            Cell::Gru => [(0, 0, 2 * hidden), (3 * hidden, 2 * hidden, hidden)],
            _ => [(0, 0, width), (0, 0, 0)],
        };
        // SAFETY: the caller's promise: no other thread works on this group.
        unsafe {
            let from = self.dgates.add((first + start) * width);
            let to = self.rows[0].add(start * self.panels.depth);
            for piece in pieces.into_iter().filter(|piece| piece.2 > 0) {
                self.panels.rows(from, width, active(count, (start, len)), piece, to);
            }
        }
    }

    /// As [`prepare`](Self::prepare), for some blocks of units.
    unsafe fn prepare_units(
        &self,
        (first, count): (usize, usize),
        (_, (start, len)): Group,
        blocks: Range<usize>,
        to: *mut T,
    ) {
        let &Geometry { cell, hidden, .. } = self.geometry;
        let (rows, width) = (active(count, (start, len)), self.width());
        for block in blocks {
            let (unit, columns) = self.panels.columns(block);
            for gate in 0..cell.gates() {
                let apart = cell == Cell::Gru && gate == 2;
                let column = (gate + usize::from(apart)) * hidden + unit;
                // SAFETY: the caller's promise: this thread alone has these units of the group.
                unsafe {
                    let from = self.dgates.add((first + start) * width);
                    let to = to.add(start * self.panels.depth);
                    self.panels.rows(from, width, rows, (column, gate * hidden + unit, columns), to);
                }
            }
        }
    }

    /// The gradients of the states before a step, for some blocks of units, from the prepared gradients of its gates.
    unsafe fn states(
        &self,
        (_, count): (usize, usize),
        (_, (start, len)): Group,
        blocks: Range<usize>,
        prepared: *const T,
    ) {
        let (hidden, rows) = (self.geometry.hidden, active(count, (start, len)));
        for block in blocks.filter(|_| rows > 0) {
            let (unit, _) = self.panels.columns(block);
            // SAFETY: the caller's promise: this thread alone has these units of the group.
            unsafe {
                let from = prepared.add(start * self.panels.depth);
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
                let give = |gradient: Option<Gradient<T>>, sum: T| {
                    if let Some(Gradient { to, add }) = gradient {
                        *to.add(j) = if add { *to.add(j) + sum } else { sum };
                    }
                };
                give(self.io.dinput_bias, sum(j));
                give(self.io.dhidden_bias, sum(if gru && j >= 2 * hidden { j + hidden } else { j }));
            }
        }
    }

    /// What is one product over all steps.
    unsafe fn products(&self, weights: &Weights<T>) {
        let &Geometry { cell, input, hidden, .. } = self.geometry;
        let (rows, gates, width) = (self.geometry.rows(), cell.gates() * hidden, self.width());
        let product = |m, n, k, a, b, c: *mut T, add: bool| Product {
            m,
            n,
            k,
            alpha: T::ONE,
            a,
            b: MatRef { ptr: b, rs: n as isize, cs: 1 },
            beta: if add { T::ONE } else { T::ZERO },
            c: MatMut { ptr: c, rs: n as isize, cs: 1 },
            epilogue: Epilogue::NONE,
        };
        let dgates = |column: usize| self.dgates.wrapping_add(column).cast_const();
        let by_gate = |column: usize| MatRef { ptr: dgates(column), rs: 1, cs: width as isize };
        // The input: its rows, how many there are, and the gradients of their gates with the distance between rows.
        let (x, count, sums, stride) = match self.io.x {
            Source::Rows(x) => (x, rows, dgates(0), width),
            Source::Table { rows, count, .. } => (rows, count, self.by_number.cast_const(), gates),
        };
        // SAFETY: the caller's promise.
        unsafe {
            if self.io.dx.is_some() || self.io.dinput.is_some() {
                self.add_by_number();
            }
            if let Some(Gradient { to, add }) = self.io.dx {
                let by_row = MatRef { ptr: sums, rs: stride as isize, cs: 1 };
                product(count, input, gates, by_row, weights.input, to, add).run();
            }
            if let Some(Gradient { to, add }) = self.io.dinput {
                let by_gate = MatRef { ptr: sums, rs: 1, cs: stride as isize };
                product(gates, input, count, by_gate, x, to, add).run();
            }
            if let (Some(Gradient { to, add }), Some(before)) = (self.io.dhidden, self.saved.before) {
                let first = if cell == Cell::Gru { 2 * hidden } else { gates };
                product(first, hidden, rows, by_gate(0), before, to, add).run();
                if first < gates {
                    let to = to.add(first * hidden);
                    product(hidden, hidden, rows, by_gate(3 * hidden), before, to, add).run();
                }
            }
        }
    }

    /// Adds up the gradients of the gates of rows with the same number, in the order of the rows.
    unsafe fn add_by_number(&self) {
        let Source::Table { count, numbers, step, sequence, .. } = self.io.x else { return };
        let &Geometry { cell, hidden, batch, steps, .. } = self.geometry;
        let (gates, width) = (cell.gates() * hidden, self.width());
        let shared = Shared((self.dgates.cast_const(), self.by_number, numbers));
        parallel::for_each(gates.div_ceil(COLUMNS), |task| {
            let (dgates, sums, numbers) = shared.get();
            let first = task * COLUMNS;
            let columns = COLUMNS.min(gates - first);
            // SAFETY: the caller's promise; each column belongs to one task.
            unsafe {
                for row in 0..count {
                    (0..columns).for_each(|j| *sums.add(row * gates + first + j) = T::ZERO);
                }
                for at in 0..steps {
                    for i in 0..batch {
                        let number = numbers.add(at * step + i * sequence).read() as usize;
                        let sum = std::slice::from_raw_parts_mut(sums.add(number * gates + first), columns);
                        let from = dgates.add((at * batch + i) * width + first);
                        let values = std::slice::from_raw_parts(from, columns);
                        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum = *sum + *value);
                    }
                }
            }
        });
    }
}
