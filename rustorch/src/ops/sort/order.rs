//! Whole rows in order.

use super::{Rows, record_picks};
use crate::dtype::dispatch;
use crate::kernels::sort::{first_of_row, sort_row};
use crate::{Error, Result, Tensor, no_grad};

impl Tensor {
    /// The entries along an axis in ascending or descending order, and the positions from which they come, as `I64`
    /// (`torch.sort`). NaN counts as the greatest number. The order of equal entries is always kept, so `stable` asks
    /// for what is given anyway.
    ///
    /// # Errors
    /// If there is no such axis or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (values, positions) = Tensor::from([3.0f32, 1.0, f32::NAN, 2.0]).sort(0, false, true)?;
    /// assert_eq!(values.to_vec::<f32>()?[..3], [1.0, 2.0, 3.0]);
    /// assert_eq!(positions.to_vec::<i64>()?, [1, 3, 0, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn sort(&self, axis: isize, descending: bool, stable: bool) -> Result<(Tensor, Tensor)> {
        const OP: &str = "sort";
        // The packed keys order equal elements by position: there is no faster way that would not.
        let _ = stable;
        let rows = Rows::new(OP, self, axis)?;
        let (values, positions) = rows.outputs(rows.len)?;
        dispatch!(ordered self.dtype(), OP, T => {
            rows.for_each::<T>((&values, &positions), rows.len, |row, values, positions, scratch| {
                sort_row(row, descending, scratch, |rank, at| {
                    values[rank] = row[at];
                    positions[rank] = at as i64;
                });
            });
        });
        let (values, positions) = (rows.restore(values)?, rows.restore(positions)?);
        record_picks(OP, self, &values, &positions, rows.axis, true);
        Ok((values, positions))
    }

    /// The positions that would sort an axis (`torch.argsort`).
    ///
    /// # Errors
    /// As [`Tensor::sort`].
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([30, 10, 20]).argsort(0, true, false)?.to_vec::<i64>()?, [0, 2, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn argsort(&self, axis: isize, descending: bool, stable: bool) -> Result<Tensor> {
        Ok(no_grad(|| self.sort(axis, descending, stable))?.1)
    }

    /// The entries along axis 0 in ascending order (`torch.msort`).
    ///
    /// # Errors
    /// As [`Tensor::sort`].
    #[inline]
    pub fn msort(&self) -> Result<Tensor> {
        Ok(self.sort(0, false, false)?.0)
    }

    /// The `k` greatest or least entries along an axis, and their positions, as `I64` (`torch.topk`). They come in
    /// order, also if not `sorted`; of equal entries the first ones.
    ///
    /// # Errors
    /// If there is no such axis, it has fewer than `k` entries, or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (values, positions) = Tensor::from([1.0f32, 5.0, 3.0]).topk(2, 0, true, true)?;
    /// assert_eq!((values.to_vec::<f32>()?, positions.to_vec::<i64>()?), (vec![5.0, 3.0], vec![1, 2]));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn topk(&self, k: usize, axis: isize, largest: bool, sorted: bool) -> Result<(Tensor, Tensor)> {
        const OP: &str = "topk";
        let _ = sorted;
        let rows = Rows::new(OP, self, axis)?;
        if k > rows.len {
            return Err(Error::argument(
                OP,
                format!("{k} entries of axis {} of size {}", rows.axis, rows.len),
            ));
        }
        let (values, positions) = rows.outputs(k)?;
        dispatch!(ordered self.dtype(), OP, T => {
            rows.for_each::<T>((&values, &positions), k, |row, values, positions, scratch| {
                first_of_row(row, k, largest, scratch, |rank, at| {
                    values[rank] = row[at];
                    positions[rank] = at as i64;
                });
            });
        });
        let (values, positions) = (rows.restore(values)?, rows.restore(positions)?);
        record_picks(OP, self, &values, &positions, rows.axis, true);
        Ok((values, positions))
    }
}
