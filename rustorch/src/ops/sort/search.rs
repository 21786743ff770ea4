//! Places in sorted sequences.

use crate::dtype::dispatch;
use crate::kernels::accumulate::Comparable;
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::ops::indexing::require_host;
use crate::{DType, Error, Operand, Result, Tensor, no_grad};

impl Tensor {
    /// For each value the position in this ascending sequence where it could be inserted: before equal entries or,
    /// with `right`, behind them (`torch.searchsorted`). The sequence is a vector, or has a row for each row of the
    /// values, whose other axes are equal. The result is `I64`; NaN is inserted at the end.
    ///
    /// # Errors
    /// If the shapes do not fit, or a dtype is complex. Whether the sequence is sorted is not checked.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let sequence = Tensor::from([1.0f32, 3.0, 5.0]);
    /// let values = Tensor::from([0.0f32, 3.0, 9.0]);
    /// assert_eq!(sequence.searchsorted(&values, false)?.to_vec::<i64>()?, [0, 1, 3]);
    /// assert_eq!(sequence.searchsorted(&values, true)?.to_vec::<i64>()?, [0, 2, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn searchsorted<'a>(&self, values: impl Into<Operand<'a>>, right: bool) -> Result<Tensor> {
        const OP: &str = "searchsorted";
        let values = match values.into() {
            Operand::Tensor(values) => values.clone(),
            Operand::Scalar(value) => Tensor::try_full(&[], value, self.dtype(), self.device())?,
        };
        let fits = self.rank() == 1
            || (self.rank() > 1
                && values.rank() == self.rank()
                && values.shape()[..self.rank() - 1] == self.shape()[..self.rank() - 1]);
        if !fits {
            return Err(Error::argument(
                OP,
                format!("values of shape {:?} in sequences of shape {:?}", values.shape(), self.shape()),
            ));
        }
        require_host(OP, &[self, &values])?;
        let common = self.dtype().promote(values.dtype());
        let prepare = |tensor: &Tensor| no_grad(|| tensor.to_dtype(common).contiguous());
        let (sequence, values) = (prepare(self), prepare(&values));
        let output = Tensor::uninit(values.shape(), DType::I64, self.device())?;
        let len = self.shape()[self.rank() - 1];
        // One vector serves all values; else each row of values has its own.
        let per_row = if self.rank() == 1 { values.numel() } else { values.shape()[values.rank() - 1] };
        let _guards = (sequence.storage().read(), values.storage().read());
        dispatch!(ordered common, OP, T => {
            let rows = Shared(sequence.host_ptr().cast_const().cast::<T>());
            let from = Shared(values.host_ptr().cast_const().cast::<T>());
            let to = Shared(output.host_ptr().cast::<i64>());
            parallel::for_each_chunk(values.numel(), GRAIN / 32, |range| {
                for at in range {
                    // SAFETY: all are contiguous and locked or new, and `at` and its row lie inside them.
                    unsafe {
                        let row = std::slice::from_raw_parts(rows.get().add(at / per_row * len), len);
                        let value = from.get().add(at).read();
                        let before = |entry: &T| if right { !value.less(*entry) } else { entry.less(value) };
                        // NaN compares with nothing, and belongs behind everything but, without `right`, other NaNs.
                        let position = row.partition_point(|entry| value.is_nan() || (!entry.is_nan() && before(entry)));
                        to.get().add(at).write(position as i64);
                    }
                }
            });
        });
        Ok(output)
    }

    /// The number of the bucket of each element, between ascending boundaries: `boundaries[i-1] < x <= boundaries[i]`,
    /// or, with `right`, `boundaries[i-1] <= x < boundaries[i]` (`torch.bucketize`). The result is `I64`.
    ///
    /// # Errors
    /// If the boundaries are not a vector, or a dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let buckets = Tensor::from([3.0f32, 6.0, 9.0]).bucketize(&Tensor::from([1.0f32, 3.0, 5.0, 7.0]), false)?;
    /// assert_eq!(buckets.to_vec::<i64>()?, [1, 3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn bucketize(&self, boundaries: &Tensor, right: bool) -> Result<Tensor> {
        if boundaries.rank() != 1 {
            return Err(Error::argument(
                "bucketize",
                format!("boundaries of shape {:?}, expected a vector", boundaries.shape()),
            ));
        }
        boundaries.searchsorted(self, right)
    }
}
