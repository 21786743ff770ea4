//! The way forward.

use std::ops::Range;

use super::cell::{Apply, Place};
use super::panels::Panels;
use super::{Cell, Geometry, Scalar, Sharing, Source, Weights, Workspace};
use crate::Isa;
use crate::gemm::{Activation, Bias, Epilogue, MatMut, MatRef, Product};
use crate::parallel::{self, Shared};

/// What [`forward`] reads and writes; everything is contiguous, outputs may be uninitialised. "Rows" are those of all steps,
/// [`Geometry::rows`].
#[derive(Clone, Copy, Debug)]
pub struct Forward<T> {
    /// The input.
    pub x: Source<T>,
    /// The recurrent weights as [`pack`] writes them, if they have been packed.
    pub packed: Option<*const T>,
    /// What [`multiply_table`] makes of the table, if that has been done.
    pub products: Option<*const T>,
    /// The state before the first step, `[batch, hidden]`; zeros if `None`.
    pub h0: Option<*const T>,
    /// The same of an LSTM's cells.
    pub c0: Option<*const T>,
    /// The state after each step, `[rows, hidden]`.
    pub y: *mut T,
    /// From a row of `y` to the next.
    pub y_stride: usize,
    /// The state after each sequence's last step, `[batch, hidden]`; not `h0` itself.
    pub hn: *mut T,
    /// The same of an LSTM's cells; else not used.
    pub cn: *mut T,
    /// [`Geometry::saved_len`] elements.
    pub saved: *mut T,
    /// Whether [`backward`](super::backward()) will follow.
    pub keep: bool,
    /// [`Geometry::forward_workspace_len`] elements.
    pub workspace: *mut T,
}

entry_points! {
    trait Entry<T> {
        /// The recurrent weights in the order in which [`forward`] reads them, [`Geometry::weights_len`] elements from a multiple of 64
        /// bytes on.
        ///
        /// # Safety
        /// `weights` covers the weights, `to` the result.
        pub unsafe fn pack(isa: Isa, geometry: &Geometry<'_>, weights: *const T, to: *mut T) = pack_of;
        /// Runs the layer.
        ///
        /// # Safety
        /// The pointers of `weights` and `io` cover what their fields say, and outputs overlap nothing else.
        pub unsafe fn forward(isa: Isa, geometry: &Geometry<'_>, weights: &Weights<T>, io: &Forward<T>) = forward_of;
        /// The input's part of the gates for every row of a table of `count`, `[count, gates · hidden]`, where [`forward`] may look it up.
        ///
        /// # Safety
        /// The pointers cover what was said; `to` overlaps nothing else.
        pub unsafe fn multiply_table(geometry: &Geometry<'_>, weights: &Weights<T>, table: (*const T, usize), to: *mut T) = multiply_table_of;
    }
}

/// [`pack()`] of one type.
///
/// # Safety
/// As there.
unsafe fn pack_of<T: Scalar>(isa: Isa, geometry: &Geometry<'_>, weights: *const T, to: *mut T) {
    let hidden = geometry.hidden as isize;
    // SAFETY: the caller's promise.
    unsafe { panels(isa, geometry, to).pack(weights, hidden * hidden, hidden, 1) }
}

pub(super) fn panels<T: Scalar>(isa: Isa, geometry: &Geometry<'_>, packed: *mut T) -> Panels<T> {
    let &Geometry { cell, hidden, batch, .. } = geometry;
    Panels::new(T::table(isa), packed, batch, hidden, hidden, cell.gates())
}

/// [`forward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_of<T: Scalar>(isa: Isa, geometry: &Geometry<'_>, weights: &Weights<T>, io: &Forward<T>) {
    let &Geometry { cell, hidden, batch, .. } = geometry;
    let table = io.x.count();
    let mut workspace = Workspace::new(io.workspace, geometry.forward_workspace_len(table));
    let packed = match io.packed {
        Some(packed) => packed.cast_mut(),
        None => workspace.take(geometry.weights_len()),
    };
    let panels = panels(isa, geometry, packed);
    let states = [(); 2].map(|()| workspace.take(batch * hidden));
    let bias = workspace.take(cell.gates() * hidden);
    let products = match io.products {
        Some(products) => products,
        None => workspace.take(table * cell.gates() * hidden).cast_const(),
    };
    // SAFETY: the caller's promise; the parts of the working memory are disjoint.
    unsafe {
        if io.packed.is_none() {
            pack(isa, geometry, weights.hidden, packed);
        }
        for (state, initial) in [(io.hn, io.h0), (io.cn, io.c0)] {
            match initial {
                _ if state == io.cn && cell != Cell::Lstm => {}
                Some(initial) => initial.copy_to_nonoverlapping(state, batch * hidden),
                None => (0..batch * hidden).for_each(|i| *state.add(i) = T::ZERO),
            }
        }
        let own = |rows: *const T| (rows, geometry.rows(), io.saved, cell.values() * hidden);
        match io.x {
            Source::Rows(rows) => project(geometry, weights, own(rows), bias),
            Source::Table { rows, count, .. } if io.products.is_none() => {
                project(geometry, weights, (rows, count, products.cast_mut(), cell.gates() * hidden), bias);
            }
            Source::Table { .. } => {}
        }
    }
    let (kept, order) = (Saved::new(geometry, io), geometry.order());
    let run = Run { isa, geometry, weights, io, panels, states, products, kept };
    let groups = geometry.groups();
    let shared = Shared((&run, &order));
    match geometry.sharing() {
        // SAFETY: the caller's promise; groups are disjoint.
        Sharing::Groups => parallel::for_each(groups, |group| unsafe {
            let (run, order) = shared.get();
            let group = run.geometry.group(group);
            for step in order.iter() {
                run.prepare(step, group);
                run.units(step, group, 0..run.panels.blocks(), run.states[0], None);
            }
        }),
        Sharing::Units(threads) if geometry.batch_sizes.is_none() => {
            let blocks = panels.blocks();
            let pieces = threads.min(blocks);
            // SAFETY: nothing else runs.
            (0..groups).for_each(|group| unsafe { run.prepare(order.at(0), geometry.group(group)) });
            for at in 0..geometry.steps {
                // SAFETY: the caller's promise; blocks of units are disjoint.
                parallel::for_each(pieces, |piece| unsafe {
                    let (run, order) = shared.get();
                    let range = piece * blocks / pieces..(piece + 1) * blocks / pieces;
                    // What a step makes of the states, the next one reads while it makes others.
                    let (read, write) = (run.states[at % 2], run.states[(at + 1) % 2]);
                    let next = (at + 1 < order.steps).then(|| (order.at(at + 1).0, write));
                    for group in 0..groups {
                        run.units(order.at(at), run.geometry.group(group), range.clone(), read, next);
                    }
                });
            }
        }
        Sharing::Units(threads) => {
            let blocks = panels.blocks();
            let pieces = threads.min(blocks);
            for step in order.iter() {
                // SAFETY: nothing else runs.
                (0..groups).for_each(|group| unsafe { run.prepare(step, geometry.group(group)) });
                // SAFETY: the caller's promise; blocks of units are disjoint.
                parallel::for_each(pieces, |piece| unsafe {
                    let (run, _) = shared.get();
                    let range = piece * blocks / pieces..(piece + 1) * blocks / pieces;
                    for group in 0..groups {
                        run.units(step, run.geometry.group(group), range.clone(), run.states[0], None);
                    }
                });
            }
        }
    }
}

/// [`multiply_table()`] of one type.
///
/// # Safety
/// As there.
unsafe fn multiply_table_of<T: Scalar>(
    geometry: &Geometry<'_>,
    weights: &Weights<T>,
    (rows, count): (*const T, usize),
    to: *mut T,
) {
    let n = geometry.cell.gates() * geometry.hidden;
    crate::scratch::with(n, |bias: *mut T| {
        // SAFETY: the caller's promise.
        unsafe { project(geometry, weights, (rows, count, to, n), bias) }
    });
}

/// The input's part of all gates, and what can be added to it of the biases, for `m` rows, to rows with a distance. `bias` is memory
/// to work with.
unsafe fn project<T: Scalar>(
    geometry: &Geometry<'_>,
    weights: &Weights<T>,
    (from, m, to, stride): (*const T, usize, *mut T, usize),
    bias: *mut T,
) {
    let &Geometry { cell, input, hidden, .. } = geometry;
    let n = cell.gates() * hidden;
    // The GRU multiplies the state's part of its candidate before adding it.
    let shared = if cell == Cell::Gru { 2 * hidden } else { n };
    // SAFETY: the caller's promise.
    unsafe {
        for j in 0..n {
            let of = |bias: Option<*const T>, present: bool| match bias {
                Some(bias) if present => *bias.add(j),
                _ => T::ZERO,
            };
            *bias.add(j) = of(weights.input_bias, true) + of(weights.hidden_bias, j < shared);
        }
        Product {
            m,
            n,
            k: input,
            alpha: T::ONE,
            a: MatRef { ptr: from, rs: input as isize, cs: 1 },
            b: MatRef { ptr: weights.input, rs: 1, cs: input as isize },
            beta: T::ZERO,
            c: MatMut { ptr: to, rs: stride as isize, cs: 1 },
            epilogue: Epilogue { bias: Bias::PerColumn(bias), activation: Activation::Identity },
        }
        .run();
    }
}

/// Where things lie in the saved memory.
#[derive(Clone, Copy)]
pub(super) struct Saved<T> {
    /// `[rows, values · hidden]`
    pub gates: *mut T,
    /// The state before each step, `[rows, hidden]`, if kept.
    pub before: Option<*mut T>,
    /// The same of the cells.
    pub cells: Option<*mut T>,
}

impl<T> Saved<T> {
    fn new(geometry: &Geometry<'_>, io: &Forward<T>) -> Self {
        Self::at(geometry, io.saved, io.keep)
    }

    pub fn at(geometry: &Geometry<'_>, saved: *mut T, keep: bool) -> Self {
        let states = geometry.rows() * geometry.hidden;
        let part = |index: usize| saved.wrapping_add(states * (geometry.cell.values() + index));
        Self {
            gates: saved,
            before: keep.then(|| part(0)),
            cells: (keep && geometry.cell == Cell::Lstm).then(|| part(1)),
        }
    }
}

struct Run<'a, T: 'static> {
    isa: Isa,
    geometry: &'a Geometry<'a>,
    weights: &'a Weights<T>,
    io: &'a Forward<T>,
    panels: Panels<T>,
    /// The states before the step, prepared for the product, and those before the next.
    states: [*mut T; 2],
    /// The input's part of the gates for every row of a table, `[count, gates · hidden]`.
    products: *const T,
    kept: Saved<T>,
}

/// The sequences of a group that take part in a step of `count`.
pub(super) fn active(count: usize, (start, len): (usize, usize)) -> usize {
    count.saturating_sub(start).min(len)
}

impl<T: Scalar> Run<'_, T> {
    /// Takes the states before a step.
    unsafe fn prepare(&self, (first, count): (usize, usize), group: (usize, usize)) {
        let (start, hidden) = (group.0, self.geometry.hidden);
        let count = active(count, group);
        // SAFETY: the caller's promise: no other thread works on this group.
        unsafe {
            let from = self.io.hn.add(start * hidden).cast_const();
            let to = self.states[0].add(start * hidden);
            self.panels.rows(from, hidden, count, (0, 0, hidden), to);
            if let Some(before) = self.kept.before {
                let to = before.add((first + start) * hidden);
                from.copy_to_nonoverlapping(to, count * hidden);
            }
        }
    }

    /// A step of a group, for some blocks of units, from `states` that have been prepared. If given, the new states are prepared
    /// for the step that has this first row, in this memory.
    unsafe fn units(
        &self,
        (first, count): (usize, usize),
        group: (usize, usize),
        blocks: Range<usize>,
        states: *const T,
        next: Option<(usize, *mut T)>,
    ) {
        let &Geometry { cell, hidden, .. } = self.geometry;
        let (start, rows) = (group.0, active(count, group));
        if rows == 0 {
            return;
        }
        let width = cell.values() * hidden;
        let row = first + start;
        for block in blocks {
            let (unit, columns) = self.panels.columns(block);
            // SAFETY: the caller's promise: this thread alone has these units of the group.
            unsafe {
                let gates = self.kept.gates.add(row * width + unit);
                if let Source::Table { numbers, step, sequence, .. } = self.io.x {
                    let numbers = numbers.add(first / self.geometry.batch * step + start * sequence);
                    for i in 0..rows {
                        let number = numbers.add(i * sequence).read() as usize;
                        let from = self.products.add(number * cell.gates() * hidden + unit);
                        for gate in 0..cell.gates() {
                            let to = gates.add(i * width + gate * hidden);
                            from.add(gate * hidden).copy_to_nonoverlapping(to, columns);
                        }
                    }
                }
                for gate in 0..cell.gates() {
                    // The state's part of the GRU's candidate has a place of its own.
                    let apart = cell == Cell::Gru && gate == 2;
                    let to = gates.add((gate + usize::from(apart)) * hidden);
                    let states = states.add(start * hidden);
                    self.panels.multiply(states, rows, (block, gate), !apart, to, width);
                }
                let at = |base: *mut T, row: usize| base.wrapping_add(row * hidden + unit);
                T::dispatch(
                    self.isa,
                    Apply {
                        cell,
                        hidden,
                        rows,
                        columns,
                        candidate_bias: match self.weights.hidden_bias {
                            Some(bias) if cell == Cell::Gru => Some(bias.add(2 * hidden + unit)),
                            _ => None,
                        },
                        place: Place {
                            gates,
                            y: self.io.y.wrapping_add(row * self.io.y_stride + unit),
                            y_stride: self.io.y_stride,
                            h: at(self.io.hn, start),
                            c: at(self.io.cn, start),
                            cells: self.kept.cells.map(|cells| at(cells, row)),
                        },
                    },
                );
                if let Some((first, to)) = next {
                    let from = self.io.hn.add(start * hidden).cast_const();
                    let part = (unit, unit, columns);
                    self.panels.rows(from, hidden, rows, part, to.add(start * hidden));
                    for (i, before) in (0..rows).filter_map(|i| Some((i, self.kept.before?))) {
                        let to = before.add((first + start + i) * hidden + unit);
                        from.add(i * hidden + unit).copy_to_nonoverlapping(to, columns);
                    }
                }
            }
        }
    }
}
