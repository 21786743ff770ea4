//! Counts.

use crate::ops::indexing::to_indices;
use crate::tensor::try_collect;
use crate::{DType, Error, Result, Tensor, no_grad};

impl Tensor {
    /// How often each number from 0 stands in a vector of non-negative integers, or the sum of the weights of its
    /// places (`torch.bincount`). The result has at least `min_length` entries; it is `I64`, with weights `F32` if
    /// they are and else `F64`.
    ///
    /// # Errors
    /// If the tensor is not a vector of integers, one is negative, or there are not as many weights.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1i64, 3, 1]).bincount(None, 0)?.to_vec::<i64>()?, [0, 2, 0, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn bincount(&self, weights: Option<&Tensor>, min_length: usize) -> Result<Tensor> {
        const OP: &str = "bincount";
        if self.rank() != 1 || !self.dtype().is_int() {
            return Err(Error::argument(
                OP,
                format!("shape {:?} {}, expected a vector of integers", self.shape(), self.dtype()),
            ));
        }
        let values = to_indices(OP, &no_grad(|| self.to_dtype(DType::I64)))?;
        if let Some(bad) = values.iter().find(|&&value| value < 0) {
            return Err(Error::argument(OP, format!("{bad} is negative")));
        }
        let length =
            values.iter().max().map_or(0, |&greatest| (greatest as usize).saturating_add(1)).max(min_length);
        let Some(weights) = weights else {
            let mut counts = try_collect(length, std::iter::repeat_n(0i64, length))?;
            values.iter().for_each(|&value| counts[value as usize] += 1);
            return Tensor::from_vec(counts, [length]);
        };
        if weights.shape() != self.shape() {
            return Err(Error::argument(
                OP,
                format!("weights {:?} for {} numbers", weights.shape(), values.len()),
            ));
        }
        let dtype = if weights.dtype() == DType::F32 { DType::F32 } else { DType::F64 };
        let sums = Tensor::try_full(&[length], 0.0, dtype, self.device())?;
        no_grad(|| sums.index_add(0, &self.to_dtype(DType::I64), &weights.to_dtype(dtype)))
    }

    /// How many elements lie in each of `bins` equal intervals from `low` to `high`, both included; if these are
    /// equal, from the least to the greatest element (`torch.histc`). Other elements and NaN are not counted.
    ///
    /// # Errors
    /// If the dtype is not floating-point, there are no bins, or a bound is not finite or they are in the wrong
    /// order.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let counts = Tensor::from([1.0f32, 2.0, 1.0]).histc(4, 0.0, 3.0)?;
    /// assert_eq!(counts.to_vec::<f32>()?, [0.0, 2.0, 1.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn histc(&self, bins: usize, low: f64, high: f64) -> Result<Tensor> {
        const OP: &str = "histc";
        if !self.dtype().is_float() {
            return Err(Error::DType { op: OP, dtype: self.dtype(), expected: "a floating-point dtype" });
        }
        let values = no_grad(|| self.to_dtype(DType::F64).to_vec::<f64>())?;
        let (mut low, mut high) = (low, high);
        if low == high && !values.is_empty() {
            // From NaN to NaN if there is one.
            let nan = values.iter().copied().find(|x| x.is_nan());
            low = nan.unwrap_or_else(|| values.iter().copied().fold(f64::INFINITY, f64::min));
            high = nan.unwrap_or_else(|| values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }
        if low == high {
            (low, high) = (low - 1.0, high + 1.0);
        }
        if bins == 0 || !(low.is_finite() && high.is_finite() && low < high) {
            return Err(Error::argument(OP, format!("{bins} bins from {low} to {high}")));
        }
        let mut counts = try_collect(bins, std::iter::repeat_n(0.0f64, bins))?;
        for x in values.into_iter().filter(|x| (low..=high).contains(x)) {
            let bin = ((x - low) / (high - low) * bins as f64) as usize;
            counts[bin.min(bins - 1)] += 1.0;
        }
        Ok(Tensor::from_vec(counts, [bins])?.to_dtype(self.dtype()))
    }
}
