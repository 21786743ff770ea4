//! Elements in other places along their axes: padded, rolled, reversed, repeated, stretched. On every axis the position of a result says
//! which position of the tensor it is a copy of, whatever the other axes do; a gradient is the sum over all copies.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::kernels::arrange::{Copies, FILL, Map};
use crate::{PadMode, Result};

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

impl Arrange<'_> {
    /// The position of the tensor, which has `from` of them on this axis, for each of the `to` of the result.
    fn positions(&self, axis: usize, rank: usize, from: usize, to: usize) -> Result<Vec<usize>, String> {
        match *self {
            Arrange::Pad { sizes, mode, .. } => {
                let place = 2 * (rank - 1 - axis);
                let Some(&[left, right]) = sizes.get(place..place + 2) else { return Ok((0..to).collect()) };
                let mode = PadMode::parse(mode, 0.0).ok_or_else(|| format!("there is no mode {mode:?}"))?;
                // No axis is that long.
                let [left, right] = [left, right].map(|size| isize::try_from(size).unwrap_or(isize::MAX));
                if !mode.fits(from, left, right) {
                    let asks = "asks for more than an axis of size";
                    return Err(format!("padding of ({left}, {right}) {asks} {from} has"));
                }
                mode.positions(from, left, right).map_err(|error| error.to_string())
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

/// The map of these options; what is wrong where there is none.
#[inline]
fn map(options: Arrange<'_>, own: &[usize], result: &[usize]) -> Result<Map, String> {
    if let Arrange::Pad { value, .. } = options
        && value.is_finite()
        && !options.fill().is_finite()
    {
        return Err(format!("{value:e} is no float32"));
    }
    let rank = result.len();
    // Axes that the tensor has not are of size 1.
    let mut sizes = vec![1; rank - own.len()];
    sizes.extend(own);
    let mut axes = Vec::with_capacity(rank);
    for (axis, (&from, &to)) in sizes.iter().zip(result).enumerate() {
        let positions = options.positions(axis, rank, from, to)?;
        if positions.len() != to || positions.iter().any(|at| *at != FILL && *at >= from) {
            return Err(format!("axis {axis} of size {from} does not become one of size {to}"));
        }
        axes.push(positions);
    }
    Ok(Map::new(&axes, &sizes))
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
        let map = self.fact(|| Ok(map(options, shape, outputs[0])))?;
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
        let copies = self
            .fact(|| Ok(map(options, shapes[0], outputs[0]).map(|map| Copies::new(map, numel(shapes[0])))))?;
        let copies = match &*copies {
            Ok(copies) => copies,
            Err(why) => return self.refuse(why.clone()),
        };
        let dx = self.numbers(x.len, false);
        if !self.planning {
            // SAFETY: buffers of the pass of these shapes.
            unsafe { copies.add_up(g.f32().cast_const(), dx.f32()) };
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
            let map = map(options, own, result).expect("fits");
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
            let copies = Copies::new(map, x.len());
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
            assert!(map(options, &[size], &[size + 3]).is_err(), "{mode}");
        }
        let options = Arrange::Pad { sizes: &[1, 0], mode: "constant", value: 1e300 };
        assert!(map(options, &[2], &[3]).is_err());
    }
}
