//! The loops of a reduction.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::fold::Fold;
use super::for_each_group;
use super::plan::{Axis, Odometer, Plan, count};
use crate::kernels::{Isa, Kernel, isa, parallel, stream};

/// Lanes side by side: enough for the latency of an addition at any vector width.
const LANES: usize = 64;
/// Elements of a row that are taken in before the lanes are cut off.
const BLOCK: usize = 4096;
/// Columns at a time.
const COLUMNS: usize = 64;
/// Rows of a column that are taken in before the lanes are cut off.
const DEPTH: usize = 64;
/// Elements that are reduced in one go; longer reductions are put together from such chunks.
const CHUNK: usize = 1 << 15;
/// With fewer tasks than this, the chunks of each are shared out instead.
const MANY: usize = 32;

/// Reduces `input` into `output`.
///
/// # Safety
/// `input` must be readable at all offsets of the plan, and `output` writable for as many results, by this call alone.
pub unsafe fn reduce<F: Fold<T>, T: Copy>(plan: &Plan, input: *const u8, output: *mut u8, divisor: f64) {
    let (input, output) = (input.cast::<T>(), output.cast::<F::Out>());
    let results = plan.results();
    if results == 0 {
        return;
    }
    if plan.length() == 0 {
        for i in 0..results {
            // SAFETY: the caller's promise.
            unsafe { output.add(i).write(F::finish(F::ACC, divisor)) }
        }
        return;
    }
    let ahead = results * plan.length() * size_of::<T>() >= stream::READ_AHEAD;
    let job = Job::<T, F> { plan, input, output, divisor, isa: isa(), ahead };
    if plan.rows { job.reduce_rows() } else { job.reduce_columns() }
}

struct Job<'a, T, F: Fold<T>>
where
    T: Copy,
{
    plan: &'a Plan,
    input: *const T,
    output: *mut F::Out,
    divisor: f64,
    isa: Isa,
    /// Whether rows are read ahead, for operands beyond the caches.
    ahead: bool,
}

// SAFETY: `reduce`'s caller keeps the memory alive and untouched, and tasks write to different results.
unsafe impl<T: Copy, F: Fold<T>> Sync for Job<'_, T, F> {}

impl<T: Copy, F: Fold<T>> Job<'_, T, F> {
    fn write(&self, offset: usize, acc: F::Acc) {
        // SAFETY: every offset is that of one result.
        unsafe { self.output.add(offset).write(F::finish(acc, self.divisor)) }
    }

    fn reduce_rows(&self) {
        let (results, length) = (self.plan.results(), self.plan.length());
        let chunks = length.div_ceil(CHUNK);
        if chunks == 1 || results >= MANY {
            for_each_group(results, (CHUNK / length).max(1), |range| {
                let mut at = Odometer::new(&self.plan.kept, range.start);
                for _ in range {
                    let acc = (0..chunks)
                        .fold(F::ACC, |acc, chunk| F::combine(acc, self.row_chunk(at.input, chunk, length)));
                    self.write(at.output, acc);
                    at.advance();
                }
            });
            return;
        }
        for result in 0..results {
            let at = Odometer::new(&self.plan.kept, result);
            let partial =
                parallel::map_chunks(chunks, 1, |chunk| self.row_chunk(at.input, chunk.start, length));
            self.write(at.output, partial.into_iter().fold(F::ACC, F::combine));
        }
    }

    /// A chunk of the elements behind one result.
    fn row_chunk(&self, base: usize, chunk: usize, length: usize) -> F::Acc {
        let (start, end) = (chunk * CHUNK, length.min((chunk + 1) * CHUNK));
        let Some((&inner, outer)) = self.plan.reduced.split_last() else {
            return self.row(base, 1, 1);
        };
        let mut at = Odometer::new(outer, start / inner.size);
        let (mut acc, mut done, mut column) = (F::ACC, start, start % inner.size);
        while done < end {
            let n = (inner.size - column).min(end - done);
            acc = F::combine(acc, self.row(base + at.input + column * inner.input, inner.input, n));
            (done, column) = (done + n, 0);
            at.advance();
        }
        acc
    }

    fn row(&self, offset: usize, stride: usize, n: usize) -> F::Acc {
        let mut gathered = [const { MaybeUninit::<T>::uninit() }; BLOCK];
        let mut acc = F::ACC;
        let ahead = self.ahead && stride == 1;
        for start in (0..n).step_by(BLOCK) {
            let n = BLOCK.min(n - start);
            let mut from = self.input.wrapping_add(offset + start * stride);
            if stride != 1 {
                for (i, slot) in gathered[..n].iter_mut().enumerate() {
                    // SAFETY: `reduce`'s caller promises the elements.
                    slot.write(unsafe { from.add(i * stride).read() });
                }
                from = gathered.as_ptr().cast();
            }
            acc = F::absorb(acc, self.isa.run(Row::<F, T> { from, n, ahead, fold: PhantomData }));
        }
        acc
    }

    fn reduce_columns(&self) {
        let Some((&inner, outer)) = self.plan.kept.split_last() else {
            unreachable!("the innermost axis is kept")
        };
        let (length, blocks) = (self.plan.length(), inner.size.div_ceil(COLUMNS));
        let depth = (CHUNK / inner.size.min(COLUMNS)).max(1);
        let (tasks, chunks) = (count(outer) * blocks, length.div_ceil(depth));
        let part = |task: usize, chunk: usize| {
            let at = Odometer::new(outer, task / blocks);
            let (first, rows) = (task % blocks * COLUMNS, chunk * depth..length.min((chunk + 1) * depth));
            self.column_chunk(at.input + first * inner.input, inner, first, rows)
        };
        let finish = |task: usize, accs: [F::Acc; COLUMNS]| {
            let at = Odometer::new(outer, task / blocks);
            let first = task % blocks * COLUMNS;
            for (column, &acc) in (first..inner.size).zip(&accs) {
                self.write(at.output + column * inner.output, acc);
            }
        };
        let add = |mut sum: [F::Acc; COLUMNS], part: [F::Acc; COLUMNS]| {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum = F::combine(*sum, part));
            sum
        };
        if chunks == 1 || tasks >= MANY {
            let work = length * inner.size.min(COLUMNS);
            for_each_group(tasks, (CHUNK / work).max(1), |range| {
                for task in range {
                    finish(
                        task,
                        (0..chunks).fold([F::ACC; COLUMNS], |sum, chunk| add(sum, part(task, chunk))),
                    );
                }
            });
            return;
        }
        let parts =
            parallel::map_chunks(chunks * tasks, 1, |index| part(index.start % tasks, index.start / tasks));
        for task in 0..tasks {
            let sum =
                parts[task..].iter().step_by(tasks).fold([F::ACC; COLUMNS], |sum, &part| add(sum, part));
            finish(task, sum);
        }
    }

    /// A chunk of rows of up to [`COLUMNS`] columns.
    fn column_chunk(
        &self,
        base: usize,
        inner: Axis,
        first: usize,
        rows: std::ops::Range<usize>,
    ) -> [F::Acc; COLUMNS] {
        let mut accs = [F::ACC; COLUMNS];
        let width = COLUMNS.min(inner.size - first);
        let Some((&run, outer)) = self.plan.reduced.split_last() else {
            self.columns(base, [1, inner.input], [1, width], &mut accs);
            return accs;
        };
        let mut at = Odometer::new(outer, rows.start / run.size);
        let (mut done, mut row) = (rows.start, rows.start % run.size);
        while done < rows.end {
            let n = (run.size - row).min(rows.end - done);
            let offset = base + at.input + row * run.input;
            self.columns(offset, [run.input, inner.input], [n, width], &mut accs);
            (done, row) = (done + n, 0);
            at.advance();
        }
        accs
    }

    fn columns(
        &self,
        offset: usize,
        [row, column]: [usize; 2],
        sizes: [usize; 2],
        accs: &mut [F::Acc; COLUMNS],
    ) {
        let from = self.input.wrapping_add(offset);
        if column == 1 {
            return self.isa.run(Columns::<F, T> { from, row, sizes, accs });
        }
        // SAFETY: `reduce`'s caller promises the elements.
        unsafe { strided_columns::<F, T>(from, [row, column], sizes, accs) }
    }
}

/// Up to [`BLOCK`] consecutive elements.
#[inline(always)]
unsafe fn row<F: Fold<T>, T: Copy>(from: *const T, n: usize, ahead: bool) -> F::Lane {
    let mut lanes = [F::LANE; LANES];
    let whole = n - n % LANES;
    // SAFETY: the caller promises `n` elements.
    unsafe {
        for at in (0..whole).step_by(LANES) {
            if ahead {
                stream::read_ahead(from.add(at).cast(), LANES * size_of::<T>());
            }
            for (lane, slot) in lanes.iter_mut().enumerate() {
                *slot = F::step(*slot, from.add(at + lane).read());
            }
        }
        let mut tail = F::LANE;
        for at in whole..n {
            tail = F::step(tail, from.add(at).read());
        }
        if whole == 0 {
            return tail;
        }
        // What a function is given the address of has to lie in memory; a copy leaves the lanes in registers.
        let mut copy: [F::Lane; LANES] = std::array::from_fn(|lane| lanes[lane]);
        F::join(join_lanes::<F, T>(&mut copy), tail)
    }
}

/// All lanes put together, pairwise. Not inlined: for each instruction set again it would be most of the code of [`row`].
#[inline(never)]
fn join_lanes<F: Fold<T>, T: Copy>(lanes: &mut [F::Lane; LANES]) -> F::Lane {
    let mut width = LANES / 2;
    while width > 0 {
        let (left, right) = lanes.split_at_mut(width);
        for (a, &b) in left.iter_mut().zip(&*right) {
            *a = F::join(*a, b);
        }
        width /= 2;
    }
    lanes[0]
}

/// Rows of up to [`COLUMNS`] consecutive columns.
#[inline(always)]
unsafe fn columns<F: Fold<T>, T: Copy>(
    from: *const T,
    row: usize,
    [rows, width]: [usize; 2],
    accs: &mut [F::Acc; COLUMNS],
) {
    for start in (0..rows).step_by(DEPTH) {
        let mut lanes = [F::LANE; COLUMNS];
        for r in start..rows.min(start + DEPTH) {
            let from = from.wrapping_add(r * row);
            // SAFETY: the caller promises the elements.
            unsafe {
                if width == COLUMNS {
                    for (c, lane) in lanes.iter_mut().enumerate() {
                        *lane = F::step(*lane, from.add(c).read());
                    }
                } else {
                    for (c, lane) in lanes[..width].iter_mut().enumerate() {
                        *lane = F::step(*lane, from.add(c).read());
                    }
                }
            }
        }
        absorb::<F, T>(&mut accs[..width], &lanes);
    }
}

/// The same for columns apart from each other, without an instruction set of its own: memory is what limits it.
#[inline(never)]
unsafe fn strided_columns<F: Fold<T>, T: Copy>(
    from: *const T,
    [row, column]: [usize; 2],
    [rows, width]: [usize; 2],
    accs: &mut [F::Acc; COLUMNS],
) {
    for start in (0..rows).step_by(DEPTH) {
        let mut lanes = [F::LANE; COLUMNS];
        for r in start..rows.min(start + DEPTH) {
            for (c, lane) in lanes[..width].iter_mut().enumerate() {
                // SAFETY: the caller promises the elements.
                *lane = F::step(*lane, unsafe { from.add(r * row + c * column).read() });
            }
        }
        absorb::<F, T>(&mut accs[..width], &lanes);
    }
}

#[inline(never)]
fn absorb<F: Fold<T>, T: Copy>(accs: &mut [F::Acc], lanes: &[F::Lane; COLUMNS]) {
    for (acc, &lane) in accs.iter_mut().zip(lanes) {
        *acc = F::absorb(*acc, lane);
    }
}

/// [`row`] as code to be compiled for each instruction set.
struct Row<F, T> {
    from: *const T,
    n: usize,
    ahead: bool,
    fold: PhantomData<F>,
}

impl<F: Fold<T>, T: Copy> Kernel for Row<F, T> {
    type Output = F::Lane;
    #[inline(always)]
    fn run<const FMA: bool>(self) -> F::Lane {
        // SAFETY: whoever made this knows of `n` elements.
        unsafe { row::<F, T>(self.from, self.n, self.ahead) }
    }
}

/// [`columns`] as code to be compiled for each instruction set.
struct Columns<'a, F: Fold<T>, T: Copy> {
    from: *const T,
    /// From a row to the next.
    row: usize,
    /// Rows and columns.
    sizes: [usize; 2],
    accs: &'a mut [F::Acc; COLUMNS],
}

impl<F: Fold<T>, T: Copy> Kernel for Columns<'_, F, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // SAFETY: whoever made this knows of the elements.
        unsafe { columns::<F, T>(self.from, self.row, self.sizes, self.accs) }
    }
}
