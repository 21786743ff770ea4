//! The walk over the operand of a reduction. It knows accumulators as [`Slot`]s, and of elements only what [`Loops`] say.

use super::fold::Fold;
use super::for_each_group;
use super::loops::{BLOCK, COLUMNS, DEPTH, Loops, Slot, Slots};
use super::plan::{Axis, Odometer, Plan, count};
use crate::{Isa, isa, parallel, stream, strided};

/// Elements that are reduced in one go; longer reductions are put together from such chunks.
const CHUNK: usize = 1 << 15;
/// With fewer tasks than this, the chunks of each are shared out instead.
const MANY: usize = 32;

///
/// # Safety
/// `input` must be readable at all offsets of the plan, and `output` writable for as many results, by this call alone.
#[inline]
pub unsafe fn reduce<F: Fold<T>, T: Copy>(plan: &Plan, input: *const u8, output: *mut u8, divisor: f64) {
    // SAFETY: the caller's promise.
    unsafe { run(F::loops(), plan, input, output, divisor) };
}

/// [`reduce`] by these loops.
///
/// # Safety
/// As there.
unsafe fn run(loops: Loops, plan: &Plan, input: *const u8, output: *mut u8, divisor: f64) {
    let isa = isa();
    let mut identity = Slot::uninit();
    // SAFETY: room for one accumulator.
    unsafe { (loops.clear)(&mut identity, 1) };
    let ahead = plan.results() * plan.length() * loops.element >= stream::READ_AHEAD;
    Job { plan, loops, input, output, divisor, isa, ahead, identity }.run();
}

struct Job<'a> {
    plan: &'a Plan,
    loops: Loops,
    input: *const u8,
    output: *mut u8,
    divisor: f64,
    isa: Isa,
    /// Whether rows are read ahead, for operands beyond the caches.
    ahead: bool,
    /// The accumulator of no numbers.
    identity: Slot,
}

// SAFETY: `reduce`'s caller keeps the memory alive and untouched, and tasks write to different results.
unsafe impl Sync for Job<'_> {}

impl Job<'_> {
    fn run(&self) {
        let results = self.plan.results();
        if results == 0 {
            return;
        }
        if self.plan.length() == 0 {
            return (0..results).for_each(|result| self.write(result, &[self.identity], 1, 1));
        }
        if self.plan.rows { self.reduce_rows() } else { self.reduce_columns() }
    }

    /// Writes `n` results from `offset` on.
    fn write(&self, offset: usize, accs: &[Slot], n: usize, stride: usize) {
        let to = self.output.wrapping_add(offset * self.loops.result);
        // SAFETY: every offset is that of one result.
        unsafe { (self.loops.finish)(accs.as_ptr(), n, to, stride, self.divisor) }
    }

    fn combine(&self, accs: &mut [Slot], others: &[Slot]) {
        // SAFETY: both are whole blocks, or one each.
        unsafe { (self.loops.combine)(accs.as_mut_ptr(), others.as_ptr(), others.len()) }
    }

    fn reduce_rows(&self) {
        let (results, length) = (self.plan.results(), self.plan.length());
        let chunks = length.div_ceil(CHUNK);
        if chunks == 1 || results >= MANY {
            for_each_group(results, (CHUNK / length).max(1), |range| {
                let mut at = Odometer::new(&self.plan.kept, range.start);
                for _ in range {
                    let mut acc = self.row_chunk(at.input, 0, length);
                    for chunk in 1..chunks {
                        self.combine(&mut acc, &self.row_chunk(at.input, chunk, length));
                    }
                    self.write(at.output, &acc, 1, 1);
                    at.advance();
                }
            });
            return;
        }
        for result in 0..results {
            let at = Odometer::new(&self.plan.kept, result);
            let parts =
                parallel::map_chunks(chunks, 1, |chunk| self.row_chunk(at.input, chunk.start, length));
            let mut acc = [self.identity];
            parts.iter().for_each(|part| self.combine(&mut acc, part));
            self.write(at.output, &acc, 1, 1);
        }
    }

    /// A chunk of the elements behind one result.
    fn row_chunk(&self, base: usize, chunk: usize, length: usize) -> [Slot; 1] {
        let (start, end) = (chunk * CHUNK, length.min((chunk + 1) * CHUNK));
        let mut acc = [self.identity];
        let Some((&inner, outer)) = self.plan.reduced.split_last() else {
            self.row(base, 1, 1, &mut acc[0]);
            return acc;
        };
        let mut at = Odometer::new(outer, start / inner.size);
        let (mut done, mut column) = (start, start % inner.size);
        while done < end {
            let n = (inner.size - column).min(end - done);
            self.row(base + at.input + column * inner.input, inner.input, n, &mut acc[0]);
            (done, column) = (done + n, 0);
            at.advance();
        }
        acc
    }

    fn row(&self, offset: usize, stride: usize, n: usize, acc: &mut Slot) {
        let from = self.input.wrapping_add(offset * self.loops.element);
        if stride == 1 && self.loops.widen.is_none() {
            // SAFETY: `reduce`'s caller promises the elements.
            return unsafe { (self.loops.row)(self.isa, from, n, self.ahead, acc) };
        }
        self.gathered_row(from, stride, n, acc);
    }

    /// Brings elements that are apart, or of another type than the loops take, together.
    unsafe fn gather(&self, from: *const u8, stride: usize, n: usize, to: *mut u8) {
        // SAFETY: the caller promises the elements and room for them.
        unsafe {
            match self.loops.widen {
                Some(widen) => widen(from, stride, n, to),
                None => strided::copy(self.loops.element, from, stride, to, 1, n),
            }
        }
    }

    /// Elements that have to be gathered.
    #[inline(never)]
    fn gathered_row(&self, from: *const u8, stride: usize, n: usize, acc: &mut Slot) {
        let size = self.loops.element;
        let mut gathered = [Slot::uninit(); BLOCK];
        for start in (0..n).step_by(BLOCK) {
            let (n, from) = (BLOCK.min(n - start), from.wrapping_add(start * stride * size));
            let to = gathered.as_mut_ptr().cast();
            // SAFETY: `reduce`'s caller promises the elements; there is room for `BLOCK` of any dtype.
            unsafe {
                self.gather(from, stride, n, to);
                (self.loops.row)(self.isa, to, n, false, acc);
            }
        }
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
        let finish = |task: usize, accs: &Slots| {
            let at = Odometer::new(outer, task / blocks);
            let first = task % blocks * COLUMNS;
            let width = COLUMNS.min(inner.size - first);
            self.write(at.output + first * inner.output, accs, width, inner.output);
        };
        if chunks == 1 || tasks >= MANY {
            let work = length * inner.size.min(COLUMNS);
            for_each_group(tasks, (CHUNK / work).max(1), |range| {
                for task in range {
                    let mut sum = part(task, 0);
                    (1..chunks).for_each(|chunk| self.combine(&mut sum, &part(task, chunk)));
                    finish(task, &sum);
                }
            });
            return;
        }
        let mut parts =
            parallel::map_chunks(chunks * tasks, 1, |index| part(index.start % tasks, index.start / tasks));
        let (sums, rest) = parts.split_at_mut(tasks);
        for (task, sum) in sums.iter_mut().enumerate() {
            rest[task..].iter().step_by(tasks).for_each(|part| self.combine(sum, part));
            finish(task, sum);
        }
    }

    /// A chunk of rows of up to [`COLUMNS`] columns.
    fn column_chunk(&self, base: usize, inner: Axis, first: usize, rows: std::ops::Range<usize>) -> Slots {
        let mut accs = [Slot::uninit(); COLUMNS];
        // SAFETY: room for so many.
        unsafe { (self.loops.clear)(accs.as_mut_ptr(), COLUMNS) };
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

    fn columns(&self, offset: usize, [row, column]: [usize; 2], sizes: [usize; 2], accs: &mut Slots) {
        let from = self.input.wrapping_add(offset * self.loops.element);
        if column == 1 && self.loops.widen.is_none() {
            // SAFETY: `reduce`'s caller promises the elements.
            return unsafe { (self.loops.columns)(self.isa, from, row, sizes, accs.as_mut_ptr()) };
        }
        self.gathered_columns(from, [row, column], sizes, accs);
    }

    /// Elements that have to be gathered.
    #[inline(never)]
    fn gathered_columns(
        &self,
        from: *const u8,
        [row, column]: [usize; 2],
        [rows, width]: [usize; 2],
        accs: &mut Slots,
    ) {
        let size = self.loops.element;
        let mut gathered = [Slot::uninit(); DEPTH * COLUMNS];
        let to: *mut u8 = gathered.as_mut_ptr().cast();
        for start in (0..rows).step_by(DEPTH) {
            let n = DEPTH.min(rows - start);
            // SAFETY: `reduce`'s caller promises the elements; there is room for `DEPTH · COLUMNS` of any dtype.
            unsafe {
                for r in 0..n {
                    let from = from.wrapping_add((start + r) * row * size);
                    self.gather(from, column, width, to.add(r * width * self.loops.taken));
                }
                (self.loops.columns)(self.isa, to, width, [n, width], accs.as_mut_ptr());
            }
        }
    }
}
