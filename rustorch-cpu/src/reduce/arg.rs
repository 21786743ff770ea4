//! Extrema with their positions.

use super::for_each_group;
use super::plan::{Odometer, Plan, count};
use crate::{bf16, f16};

/// Columns at a time.
const COLUMNS: usize = 64;
/// Elements worth a second thread.
const GRAIN: usize = 1 << 15;
/// Elements whose extremum is found first, before it is asked where it is.
const BLOCK: usize = 64;

/// Numbers with an order; NaN, if there is one, comes before all.
pub trait Ordered: Copy + 'static {
    /// What is compared.
    type Key: Copy + PartialOrd;
    /// The number as it is compared.
    fn key(self) -> Self::Key;
    /// Whether a key is NaN.
    fn is_nan(key: Self::Key) -> bool;
    /// [`arg`], compiled in this crate.
    ///
    /// # Safety
    /// As there.
    unsafe fn arg(max: bool, plan: &Plan, input: *const Self, values: *mut Self, indices: *mut i64);
}

macro_rules! ordered {
    ($($t:ty: $key:ty, $to:expr, $nan:expr;)*) => {$(
        impl Ordered for $t {
            type Key = $key;
            #[inline(always)]
            fn key(self) -> $key { let to: fn($t) -> $key = $to; to(self) }
            #[inline(always)]
            fn is_nan(key: $key) -> bool { let nan: fn($key) -> bool = $nan; nan(key) }
            unsafe fn arg(max: bool, plan: &Plan, input: *const $t, values: *mut $t, indices: *mut i64) {
                let (row, columns) =
                    if max { (row::<$t, true> as Row, columns::<$t, true> as Columns) } else { (row::<$t, false> as Row, columns::<$t, false> as Columns) };
                let job = Job { plan, input: input.cast(), values: values.cast(), indices, size: size_of::<$t>(), row, columns };
                // SAFETY: the caller's promise.
                unsafe { job.run() };
            }
        }
    )*};
}

ordered! {
    f32: f32, |x| x, |x| x.is_nan();
    f64: f64, |x| x, |x| x.is_nan();
    f16: f32, |x| x.to_f32(), |x| x.is_nan();
    bf16: f32, |x| x.to_f32(), |x| x.is_nan();
    u8: u8, |x| x, |_| false;
    i8: i8, |x| x, |_| false;
    i16: i16, |x| x, |_| false;
    i32: i32, |x| x, |_| false;
    i64: i64, |x| x, |_| false;
}

/// Whether `new` is to replace `old`, which stands before it.
#[inline(always)]
fn replaces<T: Ordered, const MAX: bool>(new: T::Key, old: T::Key) -> bool {
    let beyond = if MAX { new > old } else { new < old };
    beyond || (T::is_nan(new) && !T::is_nan(old))
}

/// Writes the extremum along the one reduced axis of the plan, and its first position there; `values` may be null.
///
/// # Safety
/// `input` must be readable at all offsets of the plan, and both results writable, by this call alone. The reduced axis
/// must not be empty.
#[inline]
pub unsafe fn arg<T: Ordered, const MAX: bool>(
    plan: &Plan,
    input: *const T,
    values: *mut T,
    indices: *mut i64,
) {
    // SAFETY: the caller's promise.
    unsafe { T::arg(MAX, plan, input, values, indices) };
}

/// The position of the extremum of a row: where it begins, the bytes from an element to the next, and its elements.
type Row = unsafe fn(*const u8, usize, usize) -> usize;
/// The positions of the extrema of columns: where the first begins, the bytes from a row to the next and from a column to the next, and
/// the numbers of both.
type Columns = unsafe fn(*const u8, [usize; 2], [usize; 2]) -> [usize; COLUMNS];

/// The walk over all rows or columns, which knows of the elements only how many bytes they have.
struct Job<'a> {
    plan: &'a Plan,
    input: *const u8,
    values: *mut u8,
    indices: *mut i64,
    size: usize,
    row: Row,
    columns: Columns,
}

// SAFETY: `arg`'s caller keeps the memory alive and untouched, and tasks write to different results.
unsafe impl Sync for Job<'_> {}

impl Job<'_> {
    /// # Safety
    /// As of [`arg`].
    unsafe fn run(&self) {
        let (plan, size) = (self.plan, self.size);
        let (stride, length) = plan.reduced.last().map_or((0, 1), |axis| (axis.input, axis.size));
        let results = plan.results();
        if results == 0 {
            return;
        }
        debug_assert!(plan.length() > 0);
        match plan.kept.split_last() {
            Some((&inner, outer)) if !plan.rows => {
                let blocks = inner.size.div_ceil(COLUMNS);
                let work = length * inner.size.min(COLUMNS);
                for_each_group(count(outer) * blocks, (GRAIN / work).max(1), |range| {
                    for task in range {
                        let at = Odometer::new(outer, task / blocks);
                        let first = task % blocks * COLUMNS;
                        let width = COLUMNS.min(inner.size - first);
                        let start = at.input + first * inner.input;
                        // SAFETY: the columns are inside the plan.
                        let best = unsafe {
                            (self.columns)(
                                self.at(start),
                                [stride * size, inner.input * size],
                                [length, width],
                            )
                        };
                        for (column, &position) in best[..width].iter().enumerate() {
                            let from = start + column * inner.input + position * stride;
                            self.write(from, at.output + (first + column) * inner.output, position);
                        }
                    }
                });
            }
            _ => for_each_group(results, (GRAIN / length).max(1), |range| {
                let mut at = Odometer::new(&plan.kept, range.start);
                for _ in range {
                    // SAFETY: the row is inside the plan.
                    let position = unsafe { (self.row)(self.at(at.input), stride * size, length) };
                    self.write(at.input + position * stride, at.output, position);
                    at.advance();
                }
            }),
        }
    }

    fn at(&self, offset: usize) -> *const u8 {
        self.input.wrapping_add(offset * self.size)
    }

    fn write(&self, from: usize, to: usize, position: usize) {
        // SAFETY: both offsets are inside the plan, and each result is written once.
        unsafe {
            self.indices.add(to).write(position as i64);
            if !self.values.is_null() {
                self.values.add(to * self.size).copy_from_nonoverlapping(self.at(from), self.size);
            }
        }
    }
}

/// # Safety
/// An element lies there.
#[inline(always)]
unsafe fn key<T: Ordered>(start: *const u8, offset: usize) -> T::Key {
    // SAFETY: the caller's promise.
    unsafe { start.add(offset).cast::<T>().read() }.key()
}

/// A [`Row`].
///
/// # Safety
/// The elements must be readable, and be at least one.
unsafe fn row<T: Ordered, const MAX: bool>(start: *const u8, stride: usize, length: usize) -> usize {
    // Lanes are found by LLVM where it knows that they are neighbours.
    if stride == size_of::<T>() {
        // SAFETY: the caller's promise.
        unsafe { row_with::<T, MAX>(start, size_of::<T>(), length) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { row_with::<T, MAX>(start, stride, length) }
    }
}

#[inline(always)]
unsafe fn row_with<T: Ordered, const MAX: bool>(start: *const u8, stride: usize, length: usize) -> usize {
    // SAFETY: the caller's promise, of every element of the row.
    let key = |i: usize| unsafe { key::<T>(start, i * stride) };
    let (mut best, mut position) = (key(0), 0);
    for first in (0..length).step_by(BLOCK) {
        if T::is_nan(best) {
            break;
        }
        let range = first..length.min(first + BLOCK);
        let better = range.clone().fold(false, |any, i| any | replaces::<T, MAX>(key(i), best));
        if better {
            for i in range {
                let key = key(i);
                if replaces::<T, MAX>(key, best) {
                    (best, position) = (key, i);
                }
            }
        }
    }
    position
}

/// [`Columns`].
///
/// # Safety
/// The elements must be readable, and every column have at least one; there must be a column, and no more than `COLUMNS`.
unsafe fn columns<T: Ordered, const MAX: bool>(
    start: *const u8,
    [row, column]: [usize; 2],
    [length, width]: [usize; 2],
) -> [usize; COLUMNS] {
    // SAFETY: the caller's promise, of every element of the columns.
    let key = |i: usize, c: usize| unsafe { key::<T>(start, i * row + c * column) };
    let mut best: [T::Key; COLUMNS] = std::array::from_fn(|c| key(0, c.min(width - 1)));
    let mut position = [0; COLUMNS];
    for i in 1..length {
        for c in 0..width {
            let key = key(i, c);
            let better = replaces::<T, MAX>(key, best[c]);
            best[c] = if better { key } else { best[c] };
            position[c] = if better { i } else { position[c] };
        }
    }
    position
}
