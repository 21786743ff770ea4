//! The loops of a reduction.
//!
//! There are some sixty folds of a dtype, so what is compiled for each is only [`Loops`]; what splits and walks an operand
//! knows accumulators as [`Slot`]s.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::fold::Fold;
use super::for_each_group;
use super::plan::{Axis, Odometer, Plan, count};
use crate::{Isa, Kernel, isa, keep_small, parallel, stream, strided};

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

/// Room for an accumulator of any fold.
type Slot = MaybeUninit<u128>;

/// Room for the accumulators of a block of columns, which lie one behind the other.
type Slots = [Slot; COLUMNS];

/// The code of one fold of one dtype.
///
/// All pointers to elements are to as many as the sizes say, those to accumulators to as many that have been cleared.
pub struct Loops {
    /// Bytes of an element.
    element: usize,
    /// Bytes of an element as `row` and `columns` take it.
    taken: usize,
    /// Makes elements what `row` and `columns` take, if that is another type.
    widen: Option<Widen>,
    /// Bytes of a result.
    result: usize,
    /// Makes so many accumulators those of no numbers.
    clear: unsafe fn(accs: *mut Slot, n: usize),
    /// Takes consecutive elements into an accumulator; reads ahead if told to.
    row: unsafe fn(isa: Isa, from: *const u8, n: usize, ahead: bool, acc: *mut Slot),
    /// Takes rows of consecutive elements, `stride` from one to the next, into an accumulator per column.
    columns: unsafe fn(isa: Isa, from: *const u8, stride: usize, sizes: [usize; 2], accs: *mut Slot),
    /// Puts the second accumulators together with the first.
    combine: unsafe fn(accs: *mut Slot, others: *const Slot, n: usize),
    /// Writes the results, `stride` elements apart.
    finish: unsafe fn(accs: *const Slot, n: usize, to: *mut u8, stride: usize, divisor: f64),
}

/// Converts `n` elements, `stride` apart, to neighbouring ones of another type.
type Widen = unsafe fn(from: *const u8, stride: usize, n: usize, to: *mut u8);

/// Numbers that are folded as numbers `W` are, once they have been converted, block by block: half types and small integers have no
/// loops of their own.
pub(super) trait FoldedAs<W>: Copy {
    /// The number as the other type.
    fn widen(self) -> W;
}

/// [`Widen`] for two types.
unsafe fn widen<T: FoldedAs<W>, W>(from: *const u8, stride: usize, n: usize, to: *mut u8) {
    let (from, to) = (from.cast::<T>(), to.cast::<W>());
    // SAFETY: the caller promises the elements, and room for them.
    unsafe {
        if stride == 1 {
            (0..n).for_each(|i| to.add(i).write(from.add(i).read().widen()));
        } else {
            (0..n).for_each(|i| to.add(i).write(from.add(i * stride).read().widen()));
        }
    }
}

impl Loops {
    /// Those of numbers that are folded as others.
    pub(super) fn widened<F, T: FoldedAs<W>, W: Copy>() -> Self
    where
        F: Fold<T> + Fold<W, Acc = <F as Fold<T>>::Acc>,
    {
        Self {
            element: size_of::<T>(),
            widen: Some(widen::<T, W>),
            result: size_of::<<F as Fold<T>>::Out>(),
            finish: finish::<F, T>,
            ..<F as Fold<W>>::loops()
        }
    }

    /// Those of numbers that are folded as they are.
    pub(super) fn of<F: Fold<T>, T: Copy>() -> Self {
        const { assert!(size_of::<F::Acc>() <= size_of::<Slot>() && align_of::<F::Acc>() <= align_of::<Slot>()) };
        Self {
            element: size_of::<T>(),
            taken: size_of::<T>(),
            widen: None,
            result: size_of::<F::Out>(),
            clear: |accs, n| {
                // SAFETY: as said at `Loops`; so below.
                (0..n).for_each(|i| unsafe { accs.cast::<F::Acc>().add(i).write(F::ACC) });
            },
            row: |isa, from, n, ahead, acc| {
                let acc = acc.cast::<F::Acc>();
                for start in (0..n).step_by(BLOCK) {
                    let from = from.cast::<T>().wrapping_add(start);
                    let row = Row::<F, T> { from, n: BLOCK.min(n - start), ahead, fold: PhantomData };
                    let lane = isa.run(row);
                    // SAFETY: as above.
                    unsafe { acc.write(F::absorb(acc.read(), lane)) };
                }
            },
            columns: |isa, from, row, sizes, accs| {
                // SAFETY: as above.
                let accs = unsafe { std::slice::from_raw_parts_mut(accs.cast::<F::Acc>(), sizes[1]) };
                isa.run(Columns::<F, T> { from: from.cast(), row, sizes, accs });
            },
            combine: |accs, others, n| {
                let (accs, others) = (accs.cast::<F::Acc>(), others.cast::<F::Acc>());
                // SAFETY: as above.
                (0..n).for_each(|i| unsafe {
                    accs.add(i).write(F::combine(accs.add(i).read(), others.add(i).read()));
                });
            },
            finish: finish::<F, T>,
        }
    }
}

/// What [`Loops`] call `finish`.
unsafe fn finish<F: Fold<T>, T: Copy>(accs: *const Slot, n: usize, to: *mut u8, stride: usize, divisor: f64) {
    let (accs, to) = (accs.cast::<F::Acc>(), to.cast::<F::Out>());
    // SAFETY: as said at `Loops`.
    (0..n).for_each(|i| unsafe { to.add(i * stride).write(F::finish(accs.add(i).read(), divisor)) });
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

/// [`LANES`]; without `FMA` a number that the compiler does not know, so that loops over lanes are not written out.
#[inline(always)]
fn lanes_in<const FMA: bool>() -> usize {
    if FMA { LANES } else { std::hint::black_box(LANES) }
}

/// Up to [`BLOCK`] consecutive elements.
#[inline(always)]
unsafe fn row<F: Fold<T>, T: Copy, const FMA: bool>(from: *const T, n: usize, ahead: bool) -> F::Lane {
    let mut lanes = [F::LANE; LANES];
    let whole = n - n % LANES;
    // SAFETY: the caller promises `n` elements.
    unsafe {
        for at in (0..whole).step_by(LANES) {
            if ahead {
                stream::read_ahead(from.add(at).cast(), LANES * size_of::<T>());
            }
            for (lane, slot) in lanes[..lanes_in::<FMA>()].iter_mut().enumerate() {
                keep_small::<FMA>();
                *slot = F::step(*slot, from.add(at + lane).read());
            }
        }
        let mut tail = F::LANE;
        for at in whole..n {
            keep_small::<FMA>();
            tail = F::step(tail, from.add(at).read());
        }
        if whole == 0 {
            return tail;
        }
        // What a function is given the address of has to lie in memory; a copy leaves the lanes in registers.
        let mut copy = [F::LANE; LANES];
        #[expect(clippy::manual_memcpy, reason = "a copy of the whole is none for LLVM")]
        for lane in 0..LANES {
            copy[lane] = lanes[lane];
        }
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
unsafe fn columns<F: Fold<T>, T: Copy, const FMA: bool>(
    from: *const T,
    row: usize,
    [rows, width]: [usize; 2],
    accs: &mut [F::Acc],
) {
    for start in (0..rows).step_by(DEPTH) {
        let mut lanes = [F::LANE; COLUMNS];
        for r in start..rows.min(start + DEPTH) {
            let from = from.wrapping_add(r * row);
            // SAFETY: the caller promises the elements.
            unsafe {
                if FMA && width == COLUMNS {
                    for (c, lane) in lanes.iter_mut().enumerate() {
                        *lane = F::step(*lane, from.add(c).read());
                    }
                } else {
                    for (c, lane) in lanes[..width].iter_mut().enumerate() {
                        keep_small::<FMA>();
                        *lane = F::step(*lane, from.add(c).read());
                    }
                }
            }
        }
        absorb::<F, T>(accs, &lanes);
    }
}

#[inline(never)]
fn absorb<F: Fold<T>, T: Copy>(accs: &mut [F::Acc], lanes: &[F::Lane; COLUMNS]) {
    for (acc, &lane) in accs.iter_mut().zip(lanes) {
        *acc = F::absorb(*acc, lane);
    }
}

/// Whether 512 bits are worth their compilation: for numbers of 32 bits that are folded as they are.
const fn wide<F: Fold<T>, T: Copy>() -> bool {
    size_of::<T>() == 4 && size_of::<F::Lane>() == 4
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
    const WIDE: bool = wide::<F, T>();
    #[inline(always)]
    fn run<const FMA: bool>(self) -> F::Lane {
        // SAFETY: whoever made this knows of `n` elements.
        unsafe { row::<F, T, FMA>(self.from, self.n, self.ahead) }
    }
}

/// [`columns`] as code to be compiled for each instruction set.
struct Columns<'a, F: Fold<T>, T: Copy> {
    from: *const T,
    /// From a row to the next.
    row: usize,
    /// Rows and columns.
    sizes: [usize; 2],
    accs: &'a mut [F::Acc],
}

impl<F: Fold<T>, T: Copy> Kernel for Columns<'_, F, T> {
    type Output = ();
    const WIDE: bool = wide::<F, T>();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // SAFETY: whoever made this knows of the elements.
        unsafe { columns::<F, T, FMA>(self.from, self.row, self.sizes, self.accs) }
    }
}
