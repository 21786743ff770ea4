//! Axes made longer, or shorter, at their ends.

use crate::tensor::Sizes;
use crate::tensor::try_collect;
use crate::{Error, Result, Tensor};

/// What [`Tensor::pad`] puts around a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// A number.
    Constant(f64),
    /// The tensor mirrored at its first and last entry, which are not repeated.
    Reflect,
    /// Its first and last entry.
    Replicate,
    /// The entries of its other end.
    Circular,
}

const OP: &str = "pad";

impl Tensor {
    /// The tensor with entries added at the ends of its last axes (`torch.nn.functional.pad`): `[left, right]` of the
    /// last axis, then the same of the one before, and so on. With `Constant`, negative numbers take entries off.
    ///
    /// # Errors
    /// If the number of sizes is odd or more than twice the rank, an axis would get a negative size, or a mode other
    /// than `Constant` asks for entries that the axis does not have.
    ///
    /// ```
    /// use rustorch::{PadMode, Tensor};
    /// let x = Tensor::from([[1.0f32, 2.0, 3.0]]);
    /// assert_eq!(x.pad([1, 2], PadMode::Constant(0.0))?.to_vec::<f32>()?, [0.0, 1.0, 2.0, 3.0, 0.0, 0.0]);
    /// assert_eq!(x.pad([2, 1], PadMode::Reflect)?.to_vec::<f32>()?, [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn pad(&self, padding: impl Sizes, mode: PadMode) -> Result<Tensor> {
        self.padded(padding.into_sizes(), mode)
    }

    fn padded(&self, padding: Vec<isize>, mode: PadMode) -> Result<Tensor> {
        if !padding.len().is_multiple_of(2) || padding.len() > 2 * self.rank() {
            return Err(Error::argument(
                OP,
                format!(
                    "{} sizes {padding:?}, expected two per axis, for at most {} axes",
                    padding.len(),
                    self.rank()
                ),
            ));
        }
        let ends = |axis: usize| {
            let from_end = 2 * (self.rank() - 1 - axis);
            padding.get(from_end..from_end + 2).map_or((0, 0), |pair| (pair[0], pair[1]))
        };
        for axis in 0..self.rank() {
            let (left, right) = ends(axis);
            let size = self.shape()[axis] as isize;
            let total = left.checked_add(right).and_then(|ends| ends.checked_add(size));
            let kept = left.min(0).saturating_add(right.min(0)).saturating_add(size);
            if total.is_none_or(|total| total < 0) || kept < 0 {
                return Err(Error::argument(
                    OP,
                    format!(
                        "axis {axis} of {:?} would get size {}",
                        self.shape(),
                        left as i128 + right as i128 + size as i128
                    ),
                ));
            }
        }
        match mode {
            PadMode::Constant(value) => self.pad_constant(ends, value),
            _ => (0..self.rank()).try_fold(self.clone(), |tensor, axis| match ends(axis) {
                (0, 0) => Ok(tensor),
                ends => tensor.pad_axis(axis, ends, mode),
            }),
        }
    }

    fn pad_constant(&self, ends: impl Fn(usize) -> (isize, isize), value: f64) -> Result<Tensor> {
        let shape: Vec<usize> = (0..self.rank())
            .map(|axis| self.shape()[axis].saturating_add_signed(ends(axis).0 + ends(axis).1))
            .collect();
        let output = Tensor::try_full(&shape, value, self.dtype(), self.device())?;
        let (mut inside, mut kept) = (output.clone(), self.clone());
        for axis in 0..self.rank() {
            let (left, right) = ends(axis);
            let size = self.shape()[axis].saturating_add_signed(left.min(0) + right.min(0));
            inside = inside.narrow(axis as isize, left.max(0) as usize, size)?;
            kept = kept.narrow(axis as isize, left.min(0).unsigned_abs(), size)?;
        }
        inside.copy_(&kept)?;
        Ok(output)
    }

    fn pad_axis(&self, axis: usize, (left, right): (isize, isize), mode: PadMode) -> Result<Tensor> {
        let size = self.shape()[axis] as isize;
        let most = match mode {
            PadMode::Reflect => size - 1,
            PadMode::Circular => size,
            _ if size == 0 => 0,
            _ => isize::MAX,
        };
        if left > most || right > most {
            return Err(Error::argument(
                OP,
                format!(
                    "{mode:?} padding of ({left}, {right}) asks for more than axis {axis} of size {size} has"
                ),
            ));
        }
        // What negative padding leaves is what a circular one repeats.
        let (first, kept) = (-left.min(0), (size + left.min(0) + right.min(0)).max(1));
        let entry = |at: isize| match mode {
            PadMode::Reflect if at < 0 => -at,
            PadMode::Reflect if at >= size => 2 * (size - 1) - at,
            PadMode::Circular => first + (at - first).rem_euclid(kept),
            _ => at.clamp(0, size - 1),
        };
        let count = (size + left + right) as usize;
        let positions = try_collect(count, (-left..size + right).map(|at| entry(at) as i64))?;
        self.index_select(axis as isize, &Tensor::from_vec(positions, [count])?)
    }
}
