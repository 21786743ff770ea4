//! One entry of each row, chosen by rank or by frequency.

use super::{Rows, record_picks};
use crate::autograd::{Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::accumulate::Comparable;
use crate::kernels::sort::{Scratch, SortKey, nth_of_row, sort_row};
use crate::{DType, Error, Result, Tensor, no_grad};

/// Which entry of a row to pick.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// That of this rank, from 0, in ascending order.
    Rank(usize),
    /// The middle one, the lower of two; NaN if there is one.
    Median,
    /// The most frequent one, of several the least.
    Mode,
}

impl Pick {
    /// The position of the entry.
    fn position<T: SortKey + Comparable>(self, row: &[T], scratch: &mut Scratch) -> usize {
        match self {
            Self::Rank(rank) => nth_of_row(row, rank, scratch),
            Self::Median => match row.iter().position(|x| x.is_nan()) {
                Some(nan) => nan,
                None => nth_of_row(row, (row.len() - 1) / 2, scratch),
            },
            Self::Mode => {
                let (mut best, mut best_count, mut count) = (0, 0, 0);
                let mut previous = None;
                sort_row(row, false, scratch, |_, at| {
                    let key = row[at].key();
                    count = if previous == Some(key) { count + 1 } else { 1 };
                    previous = Some(key);
                    // The last of equal entries, as in PyTorch.
                    if count > best_count || (count == best_count && row[best].key() == key) {
                        (best, best_count) = (at, count);
                    }
                });
                best
            }
        }
    }
}

impl Tensor {
    fn pick(&self, op: &'static str, axis: isize, keepdim: bool, pick: Pick) -> Result<(Tensor, Tensor)> {
        let rows = Rows::new(op, self, axis)?;
        rows.require_entries(op)?;
        let (values, positions) = rows.outputs(1)?;
        dispatch!(ordered self.dtype(), op, T => {
            rows.for_each::<T>((&values, &positions), 1, |row, value, position, scratch| {
                let at = pick.position(row, scratch);
                (value[0], position[0]) = (row[at], at as i64);
            });
        });
        let (values, positions) = (rows.reduced(values, keepdim)?, rows.reduced(positions, keepdim)?);
        record_picks(op, self, &values, &positions, rows.axis, keepdim);
        Ok((values, positions))
    }

    /// The `k`-th least entry along an axis, counted from 1, and its position, as `I64` (`torch.kthvalue`). NaN counts
    /// as the greatest number.
    ///
    /// # Errors
    /// If there is no such axis, `k` is 0 or greater than its size, or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (value, position) = Tensor::from([3.0f32, 1.0, 2.0]).kthvalue(2, 0, false)?;
    /// assert_eq!((value.item::<f32>()?, position.item::<i64>()?), (2.0, 2));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn kthvalue(&self, k: usize, axis: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        const OP: &str = "kthvalue";
        let at = self.axis(OP, axis)?;
        let size = self.shape().get(at).copied().unwrap_or(1);
        if k == 0 || k > size {
            return Err(Error::argument(
                OP,
                format!("k is {k}, but axis {at} has size {size}: expected 1 to {size}"),
            ));
        }
        self.pick(OP, axis, keepdim, Pick::Rank(k - 1))
    }

    /// The middle of all elements, of an even number the lower one; NaN if there is one (`torch.median`). Without
    /// elements it is NaN. Equal elements share the gradient.
    ///
    /// # Errors
    /// If the dtype is complex, or there are no elements and it is an integer.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[3.0f32, 1.0], [2.0, 4.0]]).median()?.item::<f32>()?, 2.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn median(&self) -> Result<Tensor> {
        let output = match self.numel() == 0 && self.dtype().is_float() {
            true => Tensor::try_full(&[], f64::NAN, self.dtype(), self.device())?,
            false => no_grad(|| Ok::<_, Error>(self.reshape(-1)?.median_dim(0, false)?.0))?,
        };
        record("median", &[&output], &[self], || {
            let (input, value) = (Saved::input(self), Saved::output(&output, 0));
            Box::new(move |ctx| {
                let (input, value) = (input.unpack(ctx)?, value.unpack(ctx)?);
                let share = no_grad(|| {
                    let both_nan = input.isnan().logical_and(&value.isnan())?;
                    let equal = input.eq(&value)?.logical_or(&both_nan)?.to_dtype(input.dtype());
                    equal.div(&equal.sum())
                })?;
                Ok(Grads::from_iter([Some(share.mul(ctx.grad()?)?)]))
            })
        });
        Ok(output)
    }

    /// The middle entry along an axis, and its position (`torch.median` with `dim`).
    ///
    /// # Errors
    /// If there is no such axis, it is empty, or the dtype is complex.
    #[inline]
    pub fn median_dim(&self, axis: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.pick("median", axis, keepdim, Pick::Median)
    }

    /// The most frequent entry along an axis, of several the least, and the last position where it stands
    /// (`torch.mode`).
    ///
    /// # Errors
    /// If there is no such axis, it is empty, or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (value, position) = Tensor::from([6, 5, 1, 0, 2, 2, 5]).mode(0, false)?;
    /// assert_eq!((value.item::<i32>()?, position.item::<i64>()?), (2, 5));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn mode(&self, axis: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        if self.dtype() == DType::Bool {
            let (values, positions) = no_grad(|| self.to_dtype(DType::U8)).mode(axis, keepdim)?;
            return Ok((values.to_dtype(DType::Bool), positions));
        }
        self.pick("mode", axis, keepdim, Pick::Mode)
    }
}
