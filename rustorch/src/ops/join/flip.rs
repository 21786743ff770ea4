//! Entries in another order.

use crate::tensor::Axes;
use crate::{Error, Result, Tensor};

impl Tensor {
    /// The entries of axes in reverse order, all axes for `()` (`torch.flip`). A copy: strides are not negative.
    ///
    /// # Errors
    /// If there are no such axes or one is named twice.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).flip(1)?.to_vec::<i32>()?, [2, 1, 4, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn flip(&self, axes: impl Axes) -> Result<Tensor> {
        self.flip_along(axes.into_axes())
    }

    #[inline]
    fn flip_along(&self, axes: Option<Vec<isize>>) -> Result<Tensor> {
        let axes = match axes {
            Some(axes) => rustorch_shape::normalize_axes("flip", &axes, self.rank())?,
            None => (0..self.rank()).collect(),
        };
        let mut result = self.clone();
        for &axis in axes.iter().filter(|&&axis| axis < self.rank()) {
            let size = self.shape()[axis];
            let backward: Vec<i64> = (0..size as i64).rev().collect();
            result = result.index_select(axis as isize, &Tensor::from_vec(backward, [size])?)?;
        }
        Ok(if result.is_same(self) { self.copy() } else { result })
    }

    /// The entries of axis 1 in reverse order (`torch.fliplr`).
    ///
    /// # Errors
    /// If the rank is below 2.
    #[inline]
    pub fn fliplr(&self) -> Result<Tensor> {
        self.require_rank("fliplr", 2)?;
        self.flip(1)
    }

    /// The entries of axis 0 in reverse order (`torch.flipud`).
    ///
    /// # Errors
    /// If the tensor has no axes.
    #[inline]
    pub fn flipud(&self) -> Result<Tensor> {
        self.require_rank("flipud", 1)?;
        self.flip(0)
    }

    /// The tensor turned by `turns` quarters in the plane of two axes, from the first towards the second
    /// (`torch.rot90`).
    ///
    /// # Errors
    /// If there are no such axes or they are the same.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).rot90(1, [0, 1])?.to_vec::<i32>()?, [2, 4, 1, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn rot90(&self, turns: isize, plane: [isize; 2]) -> Result<Tensor> {
        self.require_rank("rot90", 2)?;
        rustorch_shape::normalize_axes("rot90", &plane, self.rank())?;
        let [from, to] = plane;
        match turns.rem_euclid(4) {
            0 => Ok(self.copy()),
            1 => self.flip(to)?.transpose(from, to),
            2 => self.flip(plane),
            _ => self.flip(from)?.transpose(from, to),
        }
    }

    /// The entries of axes moved on by as many places, those that leave the end coming in at the start; for `()` as
    /// axes, the elements of the flattened tensor (`torch.roll`).
    ///
    /// # Errors
    /// If there are not as many shifts as axes, or no such axes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert_eq!(x.roll(1, ())?.to_vec::<i32>()?, [4, 1, 2, 3]);
    /// assert_eq!(x.roll([1, 1], [0, 1])?.to_vec::<i32>()?, [4, 3, 2, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn roll(&self, shifts: impl Axes, axes: impl Axes) -> Result<Tensor> {
        self.roll_along(shifts.into_axes(), axes.into_axes())
    }

    #[inline]
    fn roll_along(&self, shifts: Option<Vec<isize>>, axes: Option<Vec<isize>>) -> Result<Tensor> {
        const OP: &str = "roll";
        let shifts = shifts.unwrap_or_default();
        let Some(axes) = axes else {
            let &[shift] = shifts.as_slice() else {
                return Err(Error::argument(
                    OP,
                    format!("{} shifts of a flattened tensor, expected one", shifts.len()),
                ));
            };
            return self.reshape(-1)?.roll(shift, 0)?.reshape(self.shape());
        };
        if let (0, Some(axis)) = (self.rank(), axes.first()) {
            return Err(Error::argument(OP, format!("there is no axis {axis}: the tensor has no axes")));
        }
        if shifts.len() != axes.len() {
            return Err(Error::argument(OP, format!("{} shifts for {} axes", shifts.len(), axes.len())));
        }
        let mut result = self.clone();
        for (&shift, &axis) in shifts.iter().zip(&axes) {
            let at = self.axis(OP, axis)?;
            let size = self.shape().get(at).copied().unwrap_or(1);
            let shift = if size == 0 { 0 } else { shift.rem_euclid(size as isize) as usize };
            if shift != 0 {
                let (head, tail) =
                    (result.narrow(axis, 0, size - shift)?, result.narrow(axis, size - shift, shift)?);
                result = Tensor::cat(&[tail, head], axis)?;
            }
        }
        Ok(if result.is_same(self) { self.copy() } else { result })
    }

    fn require_rank(&self, op: &'static str, least: usize) -> Result<()> {
        if self.rank() >= least {
            return Ok(());
        }
        Err(Error::argument(
            op,
            format!("shape {:?} has rank {}, expected at least {least}", self.shape(), self.rank()),
        ))
    }
}
