//! Extrema with their positions.

use half::{bf16, f16};

use super::for_each_group;
use super::plan::{Odometer, Plan, count};

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
                let arg = if max { arg_of::<$t, true> } else { arg_of::<$t, false> };
                // SAFETY: the caller's promise.
                unsafe { arg(plan, input, values, indices) };
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

/// [`arg`] of one type.
///
/// # Safety
/// As there.
unsafe fn arg_of<T: Ordered, const MAX: bool>(
    plan: &Plan,
    input: *const T,
    values: *mut T,
    indices: *mut i64,
) {
    let job = Job { plan, input, values, indices };
    let (stride, length) = plan.reduced.last().map_or((0, 1), |axis| (axis.input, axis.size));
    let (results, job) = (plan.results(), &job);
    if results == 0 {
        return;
    }
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
                    let best = job.columns::<MAX>(start, [stride, inner.input], [length, width]);
                    for (column, &position) in best[..width].iter().enumerate() {
                        let from = start + column * inner.input + position * stride;
                        job.write(from, at.output + (first + column) * inner.output, position);
                    }
                }
            });
        }
        _ => for_each_group(results, (GRAIN / length).max(1), |range| {
            let mut at = Odometer::new(&plan.kept, range.start);
            for _ in range {
                let position = job.row::<MAX>(at.input, stride, length);
                job.write(at.input + position * stride, at.output, position);
                at.advance();
            }
        }),
    }
}

struct Job<'a, T> {
    plan: &'a Plan,
    input: *const T,
    values: *mut T,
    indices: *mut i64,
}

// SAFETY: `arg`'s caller keeps the memory alive and untouched, and tasks write to different results.
unsafe impl<T> Sync for Job<'_, T> {}

impl<T: Ordered> Job<'_, T> {
    #[inline(always)]
    fn key(&self, offset: usize) -> T::Key {
        debug_assert!(self.plan.length() > 0);
        // SAFETY: the offset is inside the plan.
        unsafe { self.input.add(offset).read() }.key()
    }

    fn write(&self, from: usize, to: usize, position: usize) {
        // SAFETY: both offsets are inside the plan, and each result is written once.
        unsafe {
            self.indices.add(to).write(position as i64);
            if !self.values.is_null() {
                self.values.add(to).write(self.input.add(from).read());
            }
        }
    }

    /// The position of the extremum of a row.
    fn row<const MAX: bool>(&self, start: usize, stride: usize, length: usize) -> usize {
        let (mut best, mut position) = (self.key(start), 0);
        for first in (0..length).step_by(BLOCK) {
            if T::is_nan(best) {
                break;
            }
            let range = first..length.min(first + BLOCK);
            let better = range
                .clone()
                .fold(false, |any, i| any | replaces::<T, MAX>(self.key(start + i * stride), best));
            if better {
                for i in range {
                    let key = self.key(start + i * stride);
                    if replaces::<T, MAX>(key, best) {
                        (best, position) = (key, i);
                    }
                }
            }
        }
        position
    }

    /// The positions of the extrema of columns.
    fn columns<const MAX: bool>(
        &self,
        start: usize,
        [row, column]: [usize; 2],
        [length, width]: [usize; 2],
    ) -> [usize; COLUMNS] {
        let mut best: [T::Key; COLUMNS] =
            std::array::from_fn(|c| self.key(start + c.min(width - 1) * column));
        let mut position = [0; COLUMNS];
        for i in 1..length {
            for c in 0..width {
                let key = self.key(start + i * row + c * column);
                let better = replaces::<T, MAX>(key, best[c]);
                best[c] = if better { key } else { best[c] };
                position[c] = if better { i } else { position[c] };
            }
        }
        position
    }
}
