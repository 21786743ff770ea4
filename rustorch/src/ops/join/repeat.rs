//! Entries repeated.

use crate::ops::indexing::to_indices;
use crate::tensor::IntoShape;
use crate::tensor::try_collect;
use crate::{Error, Result, Tensor, no_grad};

/// How often [`Tensor::repeat_interleave`] repeats entries: all as often, or each as often as a tensor of integers says.
pub enum Repeats<'a> {
    /// Every entry this often.
    Each(usize),
    /// Entry `i` as often as element `i`, `I64` or `I32`, says.
    PerEntry(&'a Tensor),
}

impl From<usize> for Repeats<'_> {
    fn from(times: usize) -> Self {
        Self::Each(times)
    }
}

impl<'a> From<&'a Tensor> for Repeats<'a> {
    fn from(times: &'a Tensor) -> Self {
        Self::PerEntry(times)
    }
}

impl Tensor {
    /// The whole tensor repeated along each axis, and along new ones in front (`torch.Tensor.repeat`).
    ///
    /// # Errors
    /// If there are fewer repeats than axes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1, 2]).repeat([2, 2])?.to_vec::<i32>()?, [1, 2, 1, 2, 1, 2, 1, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn repeat(&self, repeats: impl IntoShape) -> Result<Tensor> {
        self.repeated(repeats.into_shape())
    }

    #[inline]
    fn repeated(&self, repeats: Vec<usize>) -> Result<Tensor> {
        let Some(new) = repeats.len().checked_sub(self.rank()) else {
            return Err(Error::argument(
                "repeat",
                format!("{} repeats {repeats:?} are too few for shape {:?}", repeats.len(), self.shape()),
            ));
        };
        let own = |axis: usize| axis.checked_sub(new).map_or(1, |own| self.shape()[own]);
        // Each axis gets one in front of it, along which it is stretched, and which it then swallows.
        let (mut spread, mut stretched, mut merged) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, &times) in repeats.iter().enumerate() {
            spread.extend([1, own(axis)]);
            stretched.extend([times, own(axis)]);
            merged.push(times.checked_mul(own(axis)).ok_or_else(|| {
                Error::argument(
                    "repeat",
                    format!("axis {axis}, {} repeated {times} times, is too large", own(axis)),
                )
            })?);
        }
        let result = self.reshape(spread)?.expand(stretched)?.reshape(merged)?;
        // Where nothing is repeated the result would be a view, and a repeat owns its memory.
        Ok(if result.shares_storage(self) { result.copy() } else { result })
    }

    /// [`Tensor::repeat`], with missing repeats taken as 1 (`torch.tile`).
    ///
    /// # Errors
    /// If the result is too large.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([2, 3]).tile(2)?.shape(), [2, 6]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn tile(&self, repeats: impl IntoShape) -> Result<Tensor> {
        let repeats = repeats.into_shape();
        let missing = self.rank().saturating_sub(repeats.len());
        self.repeat(std::iter::repeat_n(1, missing).chain(repeats).collect::<Vec<_>>())
    }

    /// Each entry of an axis repeated, next to itself; without an axis, each element of the flattened tensor
    /// (`torch.repeat_interleave`).
    ///
    /// # Errors
    /// If there is no such axis, or the tensor of repeats does not have one non-negative integer per entry.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([1, 2]);
    /// assert_eq!(x.repeat_interleave(2, None)?.to_vec::<i32>()?, [1, 1, 2, 2]);
    /// assert_eq!(x.repeat_interleave(&Tensor::from([1i64, 3]), Some(0))?.to_vec::<i32>()?, [1, 2, 2, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn repeat_interleave<'a>(
        &self,
        repeats: impl Into<Repeats<'a>>,
        axis: Option<isize>,
    ) -> Result<Tensor> {
        const OP: &str = "repeat_interleave";
        let Some(axis) = axis else {
            return self.reshape(-1)?.repeat_interleave(repeats, Some(0));
        };
        let at = self.axis(OP, axis)?;
        let tensor = if self.rank() == 0 { self.reshape(1)? } else { self.clone() };
        let size = tensor.shape()[at];
        let times: Vec<usize> = match repeats.into() {
            Repeats::Each(times) => vec![times; size],
            Repeats::PerEntry(times) => {
                let values = to_indices(OP, times)?;
                let bad = values.iter().find(|&&times| times < 0);
                if let Some(bad) = bad {
                    return Err(Error::argument(OP, format!("{bad} repeats; they must not be negative")));
                }
                let values: Vec<usize> = values.into_iter().map(|times| times as usize).collect();
                if values.len() == 1 { vec![values[0]; size] } else { values }
            }
        };
        if times.len() != size {
            return Err(Error::argument(OP, format!("{} repeats for axis {at} of size {size}", times.len())));
        }
        let count = times.iter().try_fold(0usize, |sum, &times| sum.checked_add(times)).unwrap_or(usize::MAX);
        let repeated = times.iter().enumerate();
        let repeated = repeated.flat_map(|(entry, &times)| std::iter::repeat_n(entry as i64, times));
        let positions = try_collect(count, repeated)?;
        tensor.index_select(at as isize, &no_grad(|| Tensor::from_vec(positions, [count]))?)
    }
}
