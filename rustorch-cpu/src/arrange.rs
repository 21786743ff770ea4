//! Elements in other places along their axes: on every axis the position of a result says which position of the tensor it is a copy of,
//! whatever the other axes do. A gradient is the sum over all copies.

use super::accumulate::Accumulate;
use super::parallel::{self, GRAIN, Shared};

/// The position of what is no copy.
pub const FILL: usize = usize::MAX;

/// Rows of the result and of the tensor, and what of one row is a copy of what of the other: the same in every row.
pub struct Map {
    /// Elements of a row of the tensor, and of the result.
    row: [usize; 2],
    /// For every row of the result, that of the tensor.
    rows: Rows,
    runs: Vec<Run>,
}

/// Elements of a row of the result that are copies of as many one after the other, or of none.
struct Run {
    to: usize,
    from: usize,
    len: usize,
}

/// Rows by the rows that they are copies of.
enum Rows {
    /// So many, each of its own.
    Same(usize),
    Listed(Vec<usize>),
}

impl Rows {
    fn count(&self) -> usize {
        match self {
            Rows::Same(count) => *count,
            Rows::Listed(rows) => rows.len(),
        }
    }

    #[inline(always)]
    fn of(&self, row: usize) -> usize {
        match self {
            Rows::Same(_) => row,
            Rows::Listed(rows) => rows[row],
        }
    }
}

impl Map {
    /// By the positions of each axis, [`FILL`] where there is no copy, and the sizes of the tensor.
    pub fn new(axes: &[Vec<usize>], own: &[usize]) -> Self {
        debug_assert_eq!(axes.len(), own.len());
        let is_whole = |axis: &usize| axes[*axis].iter().copied().eq(0..own[*axis]);
        let last = (0..axes.len()).rev().find(|axis| !is_whole(axis)).unwrap_or(0);
        let inner = own.get(last + 1..).unwrap_or_default().iter().product();
        let (along, outer) = axes.get(last).map_or((&[0][..], &[][..]), |along| (along, &axes[..last]));
        let mut runs: Vec<Run> = Vec::new();
        for (at, &position) in along.iter().enumerate() {
            let from = if position == FILL { FILL } else { position * inner };
            match runs.last_mut() {
                Some(run) if from == FILL && run.from == FILL => run.len += inner,
                Some(run) if from != FILL && run.from != FILL && run.from + run.len == from => {
                    run.len += inner;
                }
                _ => runs.push(Run { to: at * inner, from, len: inner }),
            }
        }
        let rows = if (0..outer.len()).all(|axis| is_whole(&axis)) {
            Rows::Same(own[..outer.len()].iter().product())
        } else {
            let mut rows = vec![0];
            for (positions, size) in outer.iter().zip(own) {
                let row =
                    |row: usize, at: usize| if row == FILL || at == FILL { FILL } else { row * size + at };
                rows = rows
                    .iter()
                    .flat_map(|&before| positions.iter().map(move |&at| row(before, at)))
                    .collect();
            }
            Rows::Listed(rows)
        };
        let from = own.get(last).copied().unwrap_or(1);
        Map { row: [from * inner, along.len() * inner], rows, runs }
    }

    /// Writes the result.
    ///
    /// # Safety
    /// Elements of the shapes of which the map was made; they do not overlap.
    pub unsafe fn copy<T: Copy + Sync>(&self, from: *const T, to: *mut T, fill: T) {
        let shared = Shared((from, to));
        let count = self.runs.len().max(1);
        let grain = GRAIN / (self.row[1] / count).max(1);
        parallel::for_each_chunk(self.rows.count() * self.runs.len(), grain.max(1), |range| {
            let (from, to) = shared.get();
            let (mut row, mut at, mut left) = (range.start / count, range.start % count, range.len());
            while left > 0 {
                let runs = &self.runs[at..count.min(at + left)];
                let (there, to) = (self.rows.of(row), to.wrapping_add(row * self.row[1]));
                let from = from.wrapping_add(there.wrapping_mul(self.row[0]));
                for run in runs {
                    // SAFETY: the caller's promise; runs of the result are disjoint.
                    unsafe {
                        match there == FILL || run.from == FILL {
                            true => fill_run(to.add(run.to), run.len, fill),
                            false => copy_run(from.add(run.from), to.add(run.to), run.len),
                        }
                    }
                }
                (row, at, left) = (row + 1, 0, left - runs.len());
            }
        });
    }
}

/// A run of numbers; calls for few of them would cost more than those do.
///
/// # Safety
/// `len` elements can be written.
#[inline(always)]
unsafe fn fill_run<T: Copy>(to: *mut T, len: usize, fill: T) {
    // SAFETY: the caller's promise.
    unsafe {
        match len {
            1 => *to = fill,
            2 => to.cast::<[T; 2]>().write([fill; 2]),
            3 => to.cast::<[T; 3]>().write([fill; 3]),
            _ => std::slice::from_raw_parts_mut(to, len).fill(fill),
        }
    }
}

/// A run of copies.
///
/// # Safety
/// `len` elements can be read and written, which do not overlap.
#[inline(always)]
unsafe fn copy_run<T: Copy>(from: *const T, to: *mut T, len: usize) {
    macro_rules! short {
        ($($size:literal)*) => {
            match len {
                $($size => *to.cast::<[T; $size]>() = *from.cast::<[T; $size]>(),)*
                _ => std::ptr::copy_nonoverlapping(from, to, len),
            }
        };
    }
    // SAFETY: the caller's promise; arrays are aligned as their elements are.
    unsafe { short!(1 2 3 4 5 6 7 8) }
}

/// The way back: the rows of the result that are copies of each row of the tensor, one row after the other.
pub struct Copies {
    map: Map,
    users: Users,
}

/// The rows that are copies of each.
enum Users {
    /// Of so many, only itself.
    Same(usize),
    Listed {
        /// Where in `users` those of each row begin, and where the last ones end.
        starts: Vec<usize>,
        users: Vec<usize>,
    },
}

impl Copies {
    /// Of a map from a tensor of so many elements.
    pub fn new(map: Map, numel: usize) -> Self {
        let count = numel / map.row[0].max(1);
        let users = match &map.rows {
            Rows::Same(_) => Users::Same(count),
            Rows::Listed(rows) => {
                let mut starts = vec![0; count + 1];
                rows.iter().filter(|row| **row != FILL).for_each(|row| starts[row + 1] += 1);
                for row in 0..count {
                    starts[row + 1] += starts[row];
                }
                let (mut next, mut users) = (starts.clone(), vec![0; starts[count]]);
                for (user, row) in rows.iter().enumerate().filter(|(_, row)| **row != FILL) {
                    users[next[*row]] = user;
                    next[*row] += 1;
                }
                Users::Listed { starts, users }
            }
        };
        Self { map, users }
    }

    /// Adds up the gradients of all copies, in their order.
    ///
    /// # Safety
    /// As for [`Map::copy`]: `from` has the shape of the result, `to` that of the tensor. Zero is all bits 0.
    pub unsafe fn add_up<T: Accumulate + Sync>(&self, from: *const T, to: *mut T) {
        let shared = Shared((from, to));
        let [own, row] = self.map.row;
        let (rows, uses) = match &self.users {
            Users::Same(rows) => (*rows, *rows),
            Users::Listed { starts, users } => (starts.len() - 1, users.len()),
        };
        let work = own + row * uses / rows.max(1);
        parallel::for_each_chunk(rows, (GRAIN / work.max(1)).max(1), |range| {
            let (from, to) = shared.get();
            for at in range {
                let to = to.wrapping_add(at * own);
                // SAFETY: the caller's promise; rows of the tensor are disjoint.
                unsafe { to.write_bytes(0, own) };
                let add = |user: usize| {
                    let from = from.wrapping_add(user * row);
                    for run in self.map.runs.iter().filter(|run| run.from != FILL) {
                        // SAFETY: as above.
                        let (sums, more) = unsafe {
                            (
                                std::slice::from_raw_parts_mut(to.add(run.from), run.len),
                                std::slice::from_raw_parts(from.add(run.to), run.len),
                            )
                        };
                        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.plus(*more));
                    }
                };
                match &self.users {
                    Users::Same(_) => add(at),
                    Users::Listed { starts, users } => {
                        users[starts[at]..starts[at + 1]].iter().copied().for_each(add);
                    }
                }
            }
        });
    }
}
