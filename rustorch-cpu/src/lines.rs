//! The walk behind gather, scatter, index_select, index_add and advanced indexing: along lines parallel to one axis, an
//! index says which entry of one tensor belongs to which entry of another.

use std::ops::Range;

use super::parallel::{self, GRAIN};
use crate::Dims;

/// Lines whose offsets are computed at once, so that the loop over an axis may run outside the loop over lines.
const BATCH: usize = 64;
/// The fewest consecutive elements that a thread is given of runs that are shared among threads.
const COLUMNS: usize = 64;

/// Which strides belong to what.
#[derive(Debug, Clone, Default)]
pub struct Strides<T> {
    /// Of the tensor whose entries the index names.
    pub addressed: T,
    /// Of the tensor of values, one per index entry.
    pub values: T,
    /// Of the index.
    pub index: T,
}

/// An indexed walk. Index entry `k` of line `l` connects element `l·addressed + index[l, k]·axis.addressed` of one tensor
/// with element `l·values + k·axis.values` of another.
#[derive(Debug, Clone)]
pub struct Lines {
    /// The sizes of all axes but the indexed one.
    pub shape: Dims,
    /// The strides of those axes.
    pub strides: Strides<Dims>,
    /// The number of index entries along the indexed axis.
    pub count: usize,
    /// The strides of that axis.
    pub axis: Strides<usize>,
}

/// What the walk writes to, which decides how it may be divided among threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The values: each is visited once.
    Values,
    /// The addressed elements: several visits of one are made by one thread, in the order of the index.
    Addressed,
}

/// A pointer to the index that may cross threads.
#[derive(Clone, Copy)]
struct Index(*const i64);

// SAFETY: the index is only read, and the caller of `for_each` keeps writers out.
unsafe impl Sync for Index {}

/// A part of the walk.
struct Part {
    lines: Range<usize>,
    entries: Range<usize>,
    columns: Range<usize>,
}

impl Lines {
    /// Calls `visit(addressed, value, len)` for runs of `len` elements that are consecutive in both tensors.
    ///
    /// # Safety
    /// The index must be readable wherever shape and strides lead, and its entries not negative.
    pub unsafe fn for_each(
        mut self,
        index: *const i64,
        access: Access,
        visit: impl Fn(usize, usize, usize) + Sync,
    ) {
        let run = self.split_run();
        let index = Index(index);
        self.share(run, access, &|part| self.part(index, part, &visit));
    }

    /// Calls `walk` for parts that together are the whole walk, on several threads if there is enough to do.
    fn share(&self, run: usize, access: Access, walk: &(dyn Fn(Part) + Sync)) {
        let lines: usize = self.shape.iter().product();
        let work = lines * self.count * run;
        if work == 0 {
            return;
        }
        let whole = |lines, entries, columns| walk(Part { lines, entries, columns });
        if work <= GRAIN || parallel::available_threads() == 1 {
            whole(0..lines, 0..self.count, 0..run);
        } else if lines >= 4 * parallel::num_threads() {
            let grain = (GRAIN / (self.count * run)).max(1);
            parallel::for_each(lines.div_ceil(grain), |i| {
                whole(i * grain..lines.min((i + 1) * grain), 0..self.count, 0..run);
            });
        } else if access == Access::Values {
            let grain = (GRAIN / (lines * run)).max(1);
            parallel::for_each(self.count.div_ceil(grain), |i| {
                whole(0..lines, i * grain..self.count.min((i + 1) * grain), 0..run);
            });
        } else {
            let grain = (run.div_ceil(parallel::num_threads())).max(COLUMNS);
            parallel::for_each(run.div_ceil(grain), |i| {
                whole(0..lines, 0..self.count, i * grain..run.min((i + 1) * grain));
            });
        }
    }

    /// Drops axes of size 1 and takes off the last axes as far as both tensors are contiguous along them and the index
    /// does not vary: the number of elements in such a run.
    fn split_run(&mut self) -> usize {
        let mut run = 1;
        let mut taking = true;
        for at in (0..self.shape.len()).rev() {
            let size = self.shape[at];
            let strides = &self.strides;
            let follows = strides.addressed[at] == run && strides.values[at] == run && strides.index[at] == 0;
            taking &= follows || size == 1;
            if taking || size == 1 {
                run *= if follows { size } else { 1 };
                self.shape.remove(at);
                self.strides.addressed.remove(at);
                self.strides.values.remove(at);
                self.strides.index.remove(at);
            }
        }
        run
    }

    #[inline]
    fn part(&self, index: Index, part: Part, visit: &impl Fn(usize, usize, usize)) {
        let mut offsets = [[0; 3]; BATCH];
        let mut position = Position::new(self, part.lines.start);
        let mut left = part.lines.len();
        let axis = &self.axis;
        let go = |[addressed, value, at]: [usize; 3], entry: usize| {
            // SAFETY: the caller of `for_each` says that the index reaches that far.
            let target = unsafe { index.0.add(at + entry * axis.index).read() } as usize;
            let (from, to) = (addressed + target * axis.addressed, value + entry * axis.values);
            visit(from + part.columns.start, to + part.columns.start, part.columns.len());
        };
        while left > 0 {
            let batch = &mut offsets[..left.min(BATCH)];
            batch.iter_mut().for_each(|slot| *slot = position.next());
            if axis.values <= 1 {
                batch.iter().for_each(|&line| part.entries.clone().for_each(|entry| go(line, entry)));
            } else {
                part.entries.clone().for_each(|entry| batch.iter().for_each(|&line| go(line, entry)));
            }
            left -= batch.len();
        }
    }
}

/// Walks the lines in row-major order.
struct Position<'a> {
    lines: &'a Lines,
    at: Dims,
    offsets: [usize; 3],
}

impl<'a> Position<'a> {
    fn new(lines: &'a Lines, start: usize) -> Self {
        let mut position = Self { lines, at: Dims::from_elem(0, lines.shape.len()), offsets: [0; 3] };
        let mut rest = start;
        for axis in (0..lines.shape.len()).rev() {
            let here = rest % lines.shape[axis];
            position.step(axis, here);
            rest /= lines.shape[axis];
        }
        position
    }

    fn strides(&self, axis: usize) -> [usize; 3] {
        let strides = &self.lines.strides;
        [strides.addressed[axis], strides.values[axis], strides.index[axis]]
    }

    fn step(&mut self, axis: usize, by: usize) {
        self.at[axis] += by;
        let strides = self.strides(axis);
        self.offsets.iter_mut().zip(strides).for_each(|(offset, stride)| *offset += by * stride);
    }

    /// The offsets of the present line; goes on to the next.
    fn next(&mut self) -> [usize; 3] {
        let now = self.offsets;
        for axis in (0..self.at.len()).rev() {
            self.step(axis, 1);
            if self.at[axis] < self.lines.shape[axis] {
                break;
            }
            let (size, strides) = (self.at[axis], self.strides(axis));
            self.offsets.iter_mut().zip(strides).for_each(|(offset, stride)| *offset -= size * stride);
            self.at[axis] = 0;
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn visits(lines: Lines, index: &[i64], access: Access) -> Vec<(usize, usize, usize)> {
        let seen = Mutex::new(Vec::new());
        // SAFETY: the tests pass an index as large as shape and strides say.
        unsafe { lines.for_each(index.as_ptr(), access, |a, v, n| seen.lock().unwrap().push((a, v, n))) };
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable_by_key(|&(_, value, _)| value);
        seen
    }

    #[test]
    fn contiguous_axes_become_runs() {
        // index_select of rows 2 and 0 from a tensor of shape [3, 2, 2].
        let lines = Lines {
            shape: [2, 2].as_slice().into(),
            strides: Strides {
                addressed: [2, 1].as_slice().into(),
                values: [2, 1].as_slice().into(),
                index: [0, 0].as_slice().into(),
            },
            count: 2,
            axis: Strides { addressed: 4, values: 4, index: 1 },
        };
        assert_eq!(visits(lines, &[2, 0], Access::Values), [(8, 0, 4), (0, 4, 4)]);
    }

    #[test]
    fn gather_along_the_first_axis() {
        // out[i][j] = x[index[i][j]][j] with x of shape [3, 2] and index of shape [2, 2].
        let lines = Lines {
            shape: [2].as_slice().into(),
            strides: Strides {
                addressed: [1].as_slice().into(),
                values: [1].as_slice().into(),
                index: [1].as_slice().into(),
            },
            count: 2,
            axis: Strides { addressed: 2, values: 2, index: 2 },
        };
        assert_eq!(
            visits(lines, &[2, 0, 1, 1], Access::Values),
            [(4, 0, 1), (1, 1, 1), (2, 2, 1), (3, 3, 1)]
        );
    }
}
