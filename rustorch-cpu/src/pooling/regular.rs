//! Windows at regular distances, by vectors of outputs.
//!
//! What a tap of neighbouring windows reads should be contiguous, so the columns of a line are sorted by their remainder by the
//! stride, with the padding around them. Maxima and averages first join the rows of a window into one such line; only where the
//! place of a maximum is asked for, whose choice among equals depends on their order, is every row of the plane sorted.

use std::marker::PhantomData;

use super::{Axis, MOST, Number, Pooling, Window};
use crate::vector::{Vector, VectorKernel};
use crate::{Isa, scratch};

/// Where the values of a line lie, and what windows count for.
pub(super) struct Plan<T> {
    axis: Axis,
    /// Values of a remainder's columns.
    phase: usize,
    /// Columns that some window reads.
    used: usize,
    /// Where the taps of a row lie in a line from an output on, and in the plane from the first.
    taps: Vec<(usize, T)>,
    /// The column of every output's first tap, which may lie in the padding, and of its first tap inside; padded to whole vectors.
    left: Vec<T>,
    inside: Vec<T>,
    /// What an average over a window's columns is divided by.
    extents: Vec<T>,
}

impl<T: Number> Plan<T> {
    pub fn new(pooling: &Pooling<'_>, axes: [Axis; 2]) -> Plan<T> {
        let axis @ Axis { kernel, stride, padding } = axes[1];
        let columns = pooling.columns;
        let reach = (kernel - 1) * pooling.dilation[1] / stride;
        // A vector of outputs may begin at the last one; whole vectors fill a line.
        let phase = (columns.len() + reach + MOST).next_multiple_of(MOST);
        let number = |n: usize| T::of(n as f64);
        let tap = |t: usize| {
            let columns = t * pooling.dilation[1];
            (columns % stride * phase + columns / stride, number(columns))
        };
        let padded = |mut numbers: Vec<T>| {
            numbers.resize(numbers.len() + MOST, T::ZERO);
            numbers
        };
        Plan {
            axis,
            phase,
            used: pooling.size[1].min((phase * stride).saturating_sub(padding)),
            taps: (0..kernel).map(tap).collect(),
            left: padded((0..columns.len()).map(|j| number(j * stride) - number(padding)).collect()),
            inside: padded(columns.iter().map(|column| number(column.start)).collect()),
            extents: columns.iter().map(|column| number(column.extent)).collect(),
        }
    }

    /// Values of a line.
    fn line(&self) -> usize {
        self.phase * self.axis.stride
    }

    /// The maxima of a plane, and their places, which must be whole numbers of `T`.
    ///
    /// # Safety
    /// The pointers cover the plane.
    pub unsafe fn max(
        &self,
        isa: Isa,
        pooling: &Pooling<'_>,
        x: *const T,
        y: *mut T,
        places: Option<*mut i32>,
    ) {
        let work = |buffer: *mut T| Work { plan: self, pooling, x, buffer, y };
        let lines = if places.is_some() { pooling.size[0] } else { 1 };
        scratch::with(lines * self.line(), |buffer: *mut T| match places {
            None => T::dispatch(isa, Max(work(buffer))),
            Some(places) => T::dispatch(isa, MaxWithPlaces { work: work(buffer), places }),
        });
    }

    /// The averages of a plane.
    ///
    /// # Safety
    /// The pointers cover the plane.
    pub unsafe fn average(&self, isa: Isa, pooling: &Pooling<'_>, x: *const T, y: *mut T) {
        scratch::with(self.line(), |buffer: *mut T| {
            T::dispatch(isa, Average(Work { plan: self, pooling, x, buffer, y }));
        });
    }
}

struct Work<'a, T> {
    plan: &'a Plan<T>,
    pooling: &'a Pooling<'a>,
    x: *const T,
    buffer: *mut T,
    y: *mut T,
}

impl<T: Number> Work<'_, T> {
    /// Fills a line with padding.
    ///
    /// # Safety
    /// The line is the buffer's.
    #[inline(always)]
    unsafe fn pad<V: Vector<Elem = T>>(&self, line: *mut T, padding: T) {
        for i in (0..self.plan.line()).step_by(V::LANES) {
            // SAFETY: the caller's promise; a line is whole vectors.
            unsafe { V::splat(padding).store(line.add(i)) }
        }
    }

    /// Sorts the columns that windows read of some rows into a line.
    ///
    /// # Safety
    /// The line is the buffer's, the rows are the plane's.
    #[inline(always)]
    unsafe fn sort<V: Vector<Elem = T>, J: Join>(&self, line: *mut T, rows: Rows<T>) {
        let values = Values::<T, V, J>(rows, PhantomData);
        let Axis { stride, padding, .. } = self.plan.axis;
        let (phase, used) = (self.plan.phase, self.plan.used);
        // SAFETY: the caller's promise: column c is `padding + c` of the line, all of which have their place there.
        unsafe {
            match stride {
                1 => {
                    for column in (0..used).step_by(V::LANES) {
                        let n = (used - column).min(V::LANES);
                        put(values.get(column, n), line.add(padding + column), n);
                    }
                }
                2 => {
                    let even = line.add(padding % 2 * phase + padding / 2);
                    let odd = line.add((padding + 1) % 2 * phase + padding.div_ceil(2));
                    for column in (0..used).step_by(2 * V::LANES) {
                        let n = (used - column).min(2 * V::LANES);
                        let low = values.get(column, n.min(V::LANES));
                        let high = match n.saturating_sub(V::LANES) {
                            0 => low,
                            rest => values.get(column + V::LANES, rest),
                        };
                        let (evens, odds) = low.unzip(high);
                        put(evens, even.add(column / 2), n.div_ceil(2));
                        put(odds, odd.add(column / 2), n / 2);
                    }
                }
                _ => {
                    let mut lanes = [T::ZERO; MOST];
                    for column in (0..used).step_by(V::LANES) {
                        let n = (used - column).min(V::LANES);
                        values.get(column, n).store(lanes.as_mut_ptr());
                        for (j, &value) in lanes[..n].iter().enumerate() {
                            let at = padding + column + j;
                            *line.add(at % stride * phase + at / stride) = value;
                        }
                    }
                }
            }
        }
    }

    /// The rows of a window.
    #[inline(always)]
    fn rows(&self, window: Window) -> Rows<T> {
        let width = self.pooling.size[1];
        let first = self.x.wrapping_add(window.start * width);
        Rows { first, step: self.pooling.dilation[0] * width, count: window.taps }
    }

    /// Joins the windows' values, rows first, and hands each row of the output to `end`.
    ///
    /// # Safety
    /// The maker's promise.
    #[inline(always)]
    unsafe fn fold<V: Vector<Elem = T>, J: Join>(&self, padding: T, end: impl Fn(Window, *mut T)) {
        let columns = self.pooling.columns.len();
        // SAFETY: the maker's promise; a line has room for a vector from every output on.
        unsafe {
            self.pad::<V>(self.buffer, padding);
            for (row, &window) in self.pooling.rows.iter().enumerate() {
                self.sort::<V, J>(self.buffer, self.rows(window));
                let y = self.y.add(row * columns);
                for first in (0..columns).step_by(V::LANES) {
                    let line = self.buffer.add(first);
                    let mut all = V::load(line.add(self.plan.taps[0].0));
                    for &(tap, _) in &self.plan.taps[1..] {
                        all = J::join(all, V::load(line.add(tap)));
                    }
                    put(all, y.add(first), V::LANES.min(columns - first));
                }
                end(window, y);
            }
        }
    }
}

/// Some rows of a plane at regular distances.
#[derive(Clone, Copy)]
struct Rows<T> {
    first: *const T,
    step: usize,
    count: usize,
}

/// How values are joined. A trait, since closures are not always inlined, and vectors outside code that is compiled for them are slow.
trait Join {
    /// # Safety
    /// The machine has the vectors.
    unsafe fn join<V: Vector>(all: V, next: V) -> V;
}

struct Greater;

impl Join for Greater {
    #[inline(always)]
    unsafe fn join<V: Vector>(all: V, next: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::pick(all, next, next, all) }
    }
}

struct Sum;

impl Join for Sum {
    #[inline(always)]
    unsafe fn join<V: Vector>(all: V, next: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { all.add(next) }
    }
}

/// The values of some rows, joined.
struct Values<T, V, J>(Rows<T>, PhantomData<(V, J)>);

impl<T, V: Vector<Elem = T>, J: Join> Values<T, V, J> {
    /// `n ≤ V::LANES` of them from a column on.
    ///
    /// # Safety
    /// The rows are as long, and the machine has the vectors.
    #[inline(always)]
    unsafe fn get(&self, column: usize, n: usize) -> V {
        let Rows { first, step, count } = self.0;
        // SAFETY: the caller's promise.
        unsafe {
            let from = first.add(column);
            let mut all: V = get(from, n);
            for row in 1..count {
                all = J::join(all, get(from.add(row * step), n));
            }
            all
        }
    }
}

/// The next `n ≤ V::LANES` values.
///
/// # Safety
/// They are readable.
#[inline(always)]
unsafe fn get<V: Vector>(from: *const V::Elem, n: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe { if n == V::LANES { V::load(from) } else { V::load_partial(from, n) } }
}

/// The first `n ≤ V::LANES` values to memory.
///
/// # Safety
/// It is writable.
#[inline(always)]
unsafe fn put<V: Vector>(vector: V, to: *mut V::Elem, n: usize) {
    // SAFETY: the caller's promise.
    unsafe { if n == V::LANES { vector.store(to) } else { vector.store_partial(to, n) } }
}

struct Max<'a, T>(Work<'a, T>);

impl<T: Number> VectorKernel<T> for Max<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        // SAFETY: the machine has the vectors; the maker's promise.
        unsafe {
            self.0.fold::<V, Greater>(T::NEG_INFINITY, |_, _| {});
        }
    }
}

struct Average<'a, T>(Work<'a, T>);

impl<T: Number> VectorKernel<T> for Average<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Work { pooling, plan, .. } = self.0;
        let columns = pooling.columns.len();
        let divide = |window: Window, y: *mut T| {
            // SAFETY: a row of the plane that `fold` has written.
            let sums = unsafe { std::slice::from_raw_parts_mut(y, columns) };
            match pooling.divisor {
                Some(divisor) => sums.iter_mut().for_each(|sum| *sum = sum.over(divisor)),
                None => {
                    let rows = T::of(window.extent as f64);
                    for (sum, &extent) in sums.iter_mut().zip(&plan.extents) {
                        *sum = *sum / (rows * extent);
                    }
                }
            }
        };
        // SAFETY: the machine has the vectors; the maker's promise.
        unsafe { self.0.fold::<V, Sum>(T::ZERO, divide) }
    }
}

struct MaxWithPlaces<'a, T> {
    work: Work<'a, T>,
    places: *mut i32,
}

impl<T: Number> VectorKernel<T> for MaxWithPlaces<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Self { work, places } = self;
        let (plan, pooling) = (work.plan, work.pooling);
        let ([height, width], columns) = (pooling.size, pooling.columns.len());
        let mut found = [T::ZERO; MOST];
        // SAFETY: the machine has the vectors; the maker's promise.
        unsafe {
            for row in 0..height {
                let line = work.buffer.add(row * plan.line());
                work.pad::<V>(line, T::NEG_INFINITY);
                work.sort::<V, Greater>(line, Rows { first: work.x.add(row * width), step: 0, count: 1 });
            }
            for (row, &window) in pooling.rows.iter().enumerate() {
                for first in (0..columns).step_by(V::LANES) {
                    let n = V::LANES.min(columns - first);
                    // Places are counted from the start of the window's first row; windows of -∞ only have that of their first value.
                    let left = V::load(plan.left.as_ptr().add(first));
                    let (mut best, mut place) =
                        (V::splat(T::NEG_INFINITY), V::load(plan.inside.as_ptr().add(first)));
                    for tap in 0..window.taps {
                        let down = tap * pooling.dilation[0];
                        let line = work.buffer.add((window.start + down) * plan.line() + first);
                        let left = left.add(V::splat(T::of((down * width) as f64)));
                        for &(at, offset) in &plan.taps {
                            let next = V::load(line.add(at));
                            place = V::pick(best, next, left.add(V::splat(offset)), place);
                            best = V::pick(best, next, next, best);
                        }
                    }
                    let at = row * columns + first;
                    put(best, work.y.add(at), n);
                    place.store(found.as_mut_ptr());
                    for (j, &place) in found[..n].iter().enumerate() {
                        *places.add(at + j) = (window.start * width) as i32 + place.code();
                    }
                }
            }
        }
    }
}
