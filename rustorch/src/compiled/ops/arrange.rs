//! Elements in other places along their axes: padded, rolled, reversed, repeated, stretched. On every axis the position of a result says
//! which position of the tensor it is a copy of, whatever the other axes do; a gradient is the sum over all copies.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::parallel::{self, GRAIN, Shared};

/// Which position of the tensor each position of the result is a copy of.
#[derive(Clone, Copy)]
pub enum Arrange<'a> {
    /// `pad`: so many positions at the ends of the last axes, `[left, right]` of the last one first.
    Pad {
        /// How many.
        sizes: &'a [usize],
        /// What stands there, by PyTorch's name.
        mode: &'a str,
        /// The number, in the mode "constant".
        value: f64,
    },
    /// `roll`: positions of axes moved on, back in at the start.
    Roll {
        /// By how many.
        shifts: &'a [isize],
        /// Which axes.
        axes: &'a [usize],
    },
    /// `flip`: these axes from their end.
    Flip(&'a [usize]),
    /// `repeat` and `expand`: the tensor side by side with itself, as often as the result has room for.
    Tile,
    /// `repeat_interleave`: every position of an axis so many times.
    Each {
        /// Which axis.
        axis: usize,
        /// How many times.
        count: usize,
    },
}

/// The position of what is no copy.
const FILL: usize = usize::MAX;

impl Arrange<'_> {
    /// The position of the tensor, which has `from` of them on this axis, for each of the `to` of the result.
    fn positions(&self, axis: usize, rank: usize, from: usize, to: usize) -> Result<Vec<usize>, String> {
        match *self {
            Arrange::Pad { sizes, mode, .. } => {
                let place = 2 * (rank - 1 - axis);
                match sizes.get(place..place + 2) {
                    Some(&[left, right]) if (left, right) != (0, 0) => padded(mode, left, right, from),
                    _ => Ok((0..to).collect()),
                }
            }
            Arrange::Roll { shifts, axes } => {
                let moved = axes.iter().zip(shifts).filter(|(moved, _)| **moved == axis);
                let size = from.max(1) as isize;
                let shift = moved.fold(0, |all, (_, shift)| (all + shift.rem_euclid(size)).rem_euclid(size));
                let first = from - shift as usize;
                Ok((first..from).chain(0..first).collect())
            }
            Arrange::Flip(axes) if axes.contains(&axis) => Ok((0..to).rev().collect()),
            Arrange::Flip(_) => Ok((0..to).collect()),
            Arrange::Tile => Ok((0..to).map(|at| at % from).collect()),
            Arrange::Each { axis: each, count } if each == axis => Ok((0..to).map(|at| at / count).collect()),
            Arrange::Each { .. } => Ok((0..to).collect()),
        }
    }

    /// What stands where there is no copy.
    fn fill(&self) -> f32 {
        if let Arrange::Pad { value, .. } = self { *value as f32 } else { 0.0 }
    }
}

/// The positions of a padded axis.
fn padded(mode: &str, left: usize, right: usize, size: usize) -> Result<Vec<usize>, String> {
    let most = match mode {
        "constant" => usize::MAX,
        "reflect" => size.saturating_sub(1),
        "circular" => size,
        _ if size == 0 => 0,
        _ => usize::MAX,
    };
    if left > most || right > most {
        return Err(format!("padding of ({left}, {right}) asks for more than an axis of size {size} has"));
    }
    let (before, after): (Vec<usize>, Vec<usize>) = match mode {
        "constant" => (vec![FILL; left], vec![FILL; right]),
        "reflect" => ((1..=left).rev().collect(), (0..right).map(|at| size - 2 - at).collect()),
        "circular" => ((size - left..size).collect(), (0..right).collect()),
        _ => (vec![0; left], vec![size - 1; right]),
    };
    Ok(before.into_iter().chain(0..size).chain(after).collect())
}

/// Rows of the result and of the tensor, and what of one row is a copy of what of the other: the same in every row.
struct Map {
    /// Elements of a row of the tensor, and of the result.
    row: [usize; 2],
    /// For every row of the result, that of the tensor.
    rows: Vec<usize>,
    runs: Vec<Run>,
}

/// Elements of a row of the result that are copies of as many one after the other, or of none.
struct Run {
    to: usize,
    from: usize,
    len: usize,
}

impl Map {
    #[inline]
    fn new(options: Arrange<'_>, own: &[usize], result: &[usize]) -> Result<Self, String> {
        if let Arrange::Pad { value, .. } = options
            && value.is_finite()
            && !options.fill().is_finite()
        {
            return Err(format!("{value:e} is no float32"));
        }
        let rank = result.len();
        let new_axes = rank - own.len();
        let size = |axis: usize| if axis < new_axes { 1 } else { own[axis - new_axes] };
        let mut axes = Vec::with_capacity(rank);
        for (axis, &to) in result.iter().enumerate() {
            let positions = options.positions(axis, rank, size(axis), to)?;
            if positions.len() != to || positions.iter().any(|at| *at != FILL && *at >= size(axis)) {
                return Err(format!("axis {axis} of size {} does not become one of size {to}", size(axis)));
            }
            axes.push(positions);
        }
        let is_whole = |axis: &usize| axes[*axis].iter().copied().eq(0..size(*axis));
        let last = (0..rank).rev().find(|axis| !is_whole(axis)).unwrap_or(0);
        let inner = numel(result.get(last + 1..).unwrap_or_default());
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
        let mut rows = vec![0];
        for (axis, positions) in outer.iter().enumerate() {
            let row =
                |row: usize, at: usize| if row == FILL || at == FILL { FILL } else { row * size(axis) + at };
            rows = rows.iter().flat_map(|&before| positions.iter().map(move |&at| row(before, at))).collect();
        }
        let from = if rank == 0 { 1 } else { size(last) };
        Ok(Map { row: [from * inner, along.len() * inner], rows, runs })
    }

    /// Writes the result.
    ///
    /// # Safety
    /// Elements of the shapes of which the map was made; they do not overlap.
    unsafe fn copy<T: Copy + Sync>(&self, from: *const T, to: *mut T, fill: T) {
        let shared = Shared((from, to));
        let count = self.runs.len().max(1);
        let grain = GRAIN / (self.row[1] / count).max(1);
        parallel::for_each_chunk(self.rows.len() * self.runs.len(), grain.max(1), |range| {
            let (from, to) = shared.get();
            let (mut row, mut at) = (range.start / count, range.start % count);
            for _ in range {
                let run = &self.runs[at];
                let to = to.wrapping_add(row * self.row[1] + run.to);
                // SAFETY: the caller's promise; runs of the result are disjoint.
                unsafe {
                    match self.rows[row] {
                        there if there == FILL || run.from == FILL => {
                            std::slice::from_raw_parts_mut(to, run.len).fill(fill);
                        }
                        there => {
                            let from = from.wrapping_add(there * self.row[0] + run.from);
                            match run.len {
                                1 => *to = *from,
                                len => std::ptr::copy_nonoverlapping(from, to, len),
                            }
                        }
                    }
                }
                at += 1;
                if at == count {
                    (row, at) = (row + 1, 0);
                }
            }
        });
    }
}

/// The way back: the rows of the result that are copies of each row of the tensor, one row after the other.
struct Copies {
    map: Map,
    /// Where in `users` those of each row begin, and where the last ones end.
    starts: Vec<usize>,
    users: Vec<usize>,
}

impl Copies {
    #[inline]
    fn new(map: Map, rows: usize) -> Self {
        let mut starts = vec![0; rows + 1];
        map.rows.iter().filter(|row| **row != FILL).for_each(|row| starts[row + 1] += 1);
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let (mut next, mut users) = (starts.clone(), vec![0; starts[rows]]);
        for (user, row) in map.rows.iter().enumerate().filter(|(_, row)| **row != FILL) {
            users[next[*row]] = user;
            next[*row] += 1;
        }
        Self { map, starts, users }
    }

    /// Adds up the gradients of all copies, in their order.
    ///
    /// # Safety
    /// As for [`Map::copy`]: `from` has the shape of the result, `to` that of the tensor.
    unsafe fn add_up(&self, from: *const f32, to: *mut f32) {
        let shared = Shared((from, to));
        let [own, row] = self.map.row;
        let rows = self.starts.len() - 1;
        let work = own + row * self.users.len() / rows.max(1);
        parallel::for_each_chunk(rows, (GRAIN / work.max(1)).max(1), |range| {
            let (from, to) = shared.get();
            for at in range {
                let to = to.wrapping_add(at * own);
                // SAFETY: the caller's promise; rows of the tensor are disjoint.
                unsafe { to.write_bytes(0, own) };
                for user in &self.users[self.starts[at]..self.starts[at + 1]] {
                    let from = from.wrapping_add(user * row);
                    for run in self.map.runs.iter().filter(|run| run.from != FILL) {
                        // SAFETY: as above.
                        let (sums, more) = unsafe {
                            (
                                std::slice::from_raw_parts_mut(to.add(run.from), run.len),
                                std::slice::from_raw_parts(from.add(run.to), run.len),
                            )
                        };
                        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                    }
                }
            }
        });
    }
}

impl Pass {
    /// The elements in other places.
    ///
    /// # Errors
    /// If what the elements are is unknown, or an axis has not what is asked of it.
    #[inline]
    pub fn arrange(
        &mut self,
        inputs: &[(Buf, &[usize])],
        options: Arrange<'_>,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        let dtype = self.expect_known(x, "a tensor of which elements are moved or repeated")?;
        if let (Arrange::Pad { .. }, false) = (options, x.is_numbers()) {
            self.expect_numbers(x, "a tensor to be padded")?;
        }
        let map = self.fact(|| Ok(Map::new(options, shape, outputs[0])))?;
        let map = match &*map {
            Ok(map) => map,
            Err(why) => return self.refuse(why.clone()),
        };
        let y = self.result_like(x, dtype, numel(outputs[0]));
        if !self.planning {
            // SAFETY: buffers of the pass of these shapes, whose elements have this size.
            unsafe {
                match dtype.size() {
                    1 => map.copy(x.ptr, y.ptr, 0u8),
                    2 => map.copy(x.ptr.cast(), y.ptr.cast(), 0u16),
                    8 => map.copy(x.ptr.cast(), y.ptr.cast(), 0u64),
                    _ => map.copy(x.ptr.cast(), y.ptr.cast(), options.fill().to_bits()),
                }
            }
        }
        self.save(x, false);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::arrange`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    #[inline]
    pub fn arrange_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        options: Arrange<'_>,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let x = self.saved();
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let copies = self.fact(|| {
            Ok(Map::new(options, shapes[0], outputs[0]).map(|map| {
                let rows = numel(shapes[0]) / map.row[0].max(1);
                Copies::new(map, rows)
            }))
        })?;
        let copies = match &*copies {
            Ok(copies) => copies,
            Err(why) => return self.refuse(why.clone()),
        };
        let dx = self.numbers(x.len, false);
        if !self.planning {
            // SAFETY: buffers of the pass of these shapes.
            unsafe { copies.add_up(g.f32(), dx.f32()) };
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements one by one.
    fn naive(options: Arrange<'_>, own: &[usize], result: &[usize], x: &[f32]) -> Vec<f32> {
        let new_axes = result.len() - own.len();
        let one = |mut at: usize| {
            let (mut place, mut step) = (0, 1);
            for axis in (0..result.len()).rev() {
                let size = if axis < new_axes { 1 } else { own[axis - new_axes] };
                let positions = options.positions(axis, result.len(), size, result[axis]).expect("fits");
                let position = positions[at % result[axis]];
                at /= result[axis];
                if position == FILL {
                    return options.fill();
                }
                place += position * step;
                step *= size;
            }
            x[place]
        };
        (0..numel(result)).map(one).collect()
    }

    #[test]
    fn rows_and_runs_are_the_elements_one_by_one() {
        let pad = |mode| Arrange::Pad { sizes: &[2, 1, 0, 0, 1, 3], mode, value: 0.5 };
        for (options, own, result) in [
            (pad("constant"), &[2, 3, 4][..], &[6, 3, 7][..]),
            (pad("replicate"), &[2, 3, 4], &[6, 3, 7]),
            (pad("reflect"), &[4, 3, 4], &[8, 3, 7]),
            (pad("circular"), &[3, 2, 2], &[7, 2, 5]),
            (Arrange::Roll { shifts: &[1, -1, 5], axes: &[0, 2, 0] }, &[4, 2, 3], &[4, 2, 3]),
            (Arrange::Flip(&[1]), &[2, 3, 4], &[2, 3, 4]),
            (Arrange::Tile, &[2, 1, 3], &[3, 4, 5, 3]),
            (Arrange::Each { axis: 1, count: 3 }, &[2, 2, 2], &[2, 6, 2]),
            (Arrange::Tile, &[], &[]),
        ] {
            let x: Vec<f32> = (0..numel(own)).map(|at| at as f32).collect();
            let map = Map::new(options, own, result).expect("fits");
            let mut y = vec![f32::NAN; numel(result)];
            // SAFETY: vectors of these shapes.
            unsafe { map.copy(x.as_ptr(), y.as_mut_ptr(), options.fill()) };
            assert_eq!(y, naive(options, own, result, &x));
            // The way back is the transpose: each element counts its copies, weighted by their places.
            let mut expected = vec![0.0; x.len()];
            let places: Vec<f32> = (0..y.len()).map(|at| at as f32).collect();
            let is_copy = naive(Arrange::clone(&options), own, result, &vec![-1.0; x.len()]);
            for ((place, source), copy) in places.iter().zip(&y).zip(is_copy) {
                if copy == -1.0 {
                    expected[*source as usize] += place;
                }
            }
            let rows = x.len() / map.row[0];
            let copies = Copies::new(map, rows);
            let mut sums = vec![f32::NAN; x.len()];
            // SAFETY: as above.
            unsafe { copies.add_up(places.as_ptr(), sums.as_mut_ptr()) };
            assert_eq!(sums, expected);
        }
    }

    #[test]
    fn more_than_an_axis_has_is_refused() {
        for (mode, size) in [("reflect", 3), ("circular", 2)] {
            let options = Arrange::Pad { sizes: &[3, 0], mode, value: 0.0 };
            assert!(Map::new(options, &[size], &[size + 3]).is_err(), "{mode}");
        }
        let options = Arrange::Pad { sizes: &[1, 0], mode: "constant", value: 1e300 };
        assert!(Map::new(options, &[2], &[3]).is_err());
    }
}
