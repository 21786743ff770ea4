//! Running extremes.

use super::{Rows, record_picks};
use crate::dtype::dispatch;
use crate::kernels::accumulate::Comparable;
use crate::{Result, Tensor};

impl Tensor {
    /// The greatest entry along an axis so far, and the last position where it was found, as `I64` (`torch.cummax`).
    /// After a NaN all are NaN.
    ///
    /// # Errors
    /// If there is no such axis or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (values, positions) = Tensor::from([1, 3, 2, 3]).cummax(0)?;
    /// assert_eq!((values.to_vec::<i32>()?, positions.to_vec::<i64>()?), (vec![1, 3, 3, 3], vec![0, 1, 1, 3]));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn cummax(&self, axis: isize) -> Result<(Tensor, Tensor)> {
        self.running("cummax", axis, true)
    }

    /// The least entry along an axis so far, and the last position where it was found, as `I64` (`torch.cummin`).
    ///
    /// # Errors
    /// If there is no such axis or the dtype is complex.
    #[inline]
    pub fn cummin(&self, axis: isize) -> Result<(Tensor, Tensor)> {
        self.running("cummin", axis, false)
    }

    fn running(&self, op: &'static str, axis: isize, greatest: bool) -> Result<(Tensor, Tensor)> {
        let rows = Rows::new(op, self, axis)?;
        let (values, positions) = rows.outputs(rows.len)?;
        dispatch!(ordered self.dtype(), op, T => {
            rows.for_each::<T>((&values, &positions), rows.len, |row, values, positions, _| {
                let mut best = 0;
                for (at, &x) in row.iter().enumerate() {
                    let kept = if greatest { x.less(row[best]) } else { row[best].less(x) };
                    if x.is_nan() || (!row[best].is_nan() && !kept) {
                        best = at;
                    }
                    (values[at], positions[at]) = (row[best], best as i64);
                }
            });
        });
        let (values, positions) = (rows.restore(values)?, rows.restore(positions)?);
        record_picks(op, self, &values, &positions, rows.axis, true);
        Ok((values, positions))
    }
}
