//! Random numbers whose distribution is given by tensors.

use super::default_generator;
use crate::kernels::random::Stream;
use crate::{DType, Error, Operand, Result, Tensor, no_grad};

impl Tensor {
    /// Each element is 1 with the probability that this tensor's element says, otherwise 0 (`torch.bernoulli`). The
    /// gradient is zero, as the result does not vary with the probabilities.
    ///
    /// # Errors
    /// If an element is not between 0 and 1, and for integer dtypes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([0.0f32, 1.0]).bernoulli()?.to_vec::<f32>()?, [0.0, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn bernoulli(&self) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return Err(Error::DType {
                op: "bernoulli",
                dtype: self.dtype(),
                expected: "a floating-point dtype",
            });
        }
        no_grad(|| {
            let outside = self.ge(0.0)?.logical_and(&self.le(1.0)?)?.logical_not();
            if outside.any().item::<bool>()? {
                return Err(Error::argument("bernoulli", "a probability is not between 0 and 1"));
            }
            let numbers = Tensor::rand_with(
                self.shape(),
                if self.dtype() == DType::F64 { DType::F64 } else { DType::F32 },
            );
            Ok(numbers.lt(self)?.to_dtype(self.dtype()))
        })
    }

    /// Numbers from normal distributions, whose means are this tensor's elements (`torch.normal` with tensors). The
    /// standard deviations broadcast with them.
    ///
    /// # Errors
    /// If a standard deviation is negative, the shapes do not broadcast, or the means are integers.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let means = Tensor::from([1.0f32, -1.0]);
    /// assert_eq!(means.normal_around(0.0)?.to_vec::<f32>()?, [1.0, -1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn normal_around<'a>(&self, std: impl Into<Operand<'a>>) -> Result<Tensor> {
        let std = std.into();
        if !self.dtype().is_float() {
            return Err(Error::DType { op: "normal", dtype: self.dtype(), expected: "floating-point means" });
        }
        let negative = match std {
            Operand::Scalar(std) => std.to_f64() < 0.0,
            Operand::Tensor(std) => no_grad(|| std.lt(0.0)?.any().item::<bool>())?,
        };
        if negative {
            return Err(Error::argument("normal", "a standard deviation is negative"));
        }
        no_grad(|| {
            let scale = self.zeros_like().add(std)?;
            self.add(&scale.mul(&scale.randn_like())?)
        })
    }

    /// `count` positions per row, drawn with probabilities proportional to the row's elements (`torch.multinomial`).
    /// The tensor is a vector or a matrix; the result is `I64`.
    ///
    /// # Errors
    /// If the rank is neither 1 nor 2, a weight is negative or not finite, a row has no positive weight, or, without
    /// replacement, more positions are asked for than have one.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let weights = Tensor::from([0.0f32, 3.0, 0.0, 1.0]);
    /// let mut drawn = weights.multinomial(2, false)?.to_vec::<i64>()?;
    /// drawn.sort();
    /// assert_eq!(drawn, [1, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn multinomial(&self, count: usize, replacement: bool) -> Result<Tensor> {
        if !matches!(self.rank(), 1 | 2) || !self.dtype().is_float() {
            return Err(Error::argument(
                "multinomial",
                format!(
                    "weights of shape {:?} {}, expected a float vector or matrix",
                    self.shape(),
                    self.dtype()
                ),
            ));
        }
        let columns = self.shape()[self.rank() - 1];
        let weights = no_grad(|| self.to_dtype(DType::F64).to_vec::<f64>())?;
        let rows = if self.rank() == 2 { self.shape()[0] } else { 1 };
        let per_row = if replacement { count } else { columns };
        let mut drawn = crate::tensor::try_collect(rows.saturating_mul(count), std::iter::empty())?;
        let stream = default_generator().reserve(rows * per_row);
        for row in 0..rows {
            let weights = &weights[row * columns..][..columns];
            check_weights(weights, row, count, replacement)?;
            let uniform = |i: usize| unit(stream, row * per_row + i);
            if replacement {
                draw_with_replacement(weights, count, uniform, &mut drawn);
            } else {
                draw_without_replacement(weights, count, uniform, &mut drawn);
            }
        }
        let mut shape = self.shape().to_vec();
        shape[self.rank() - 1] = count;
        Tensor::from_vec(drawn, shape)
    }
}

#[inline]
fn check_weights(weights: &[f64], row: usize, count: usize, replacement: bool) -> Result<()> {
    let error = |message| Err(Error::argument("multinomial", message));
    if let Some((column, weight)) =
        weights.iter().enumerate().find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0))
    {
        return error(format!(
            "weight {column} of row {row} is {weight}, but must be finite and not negative"
        ));
    }
    let positive = weights.iter().filter(|&&weight| weight > 0.0).count();
    if positive == 0 {
        return error(format!("no weight of row {row} is positive"));
    }
    if !replacement && count > positive {
        return error(format!(
            "{count} different positions of row {row}, which has {positive} positive weights"
        ));
    }
    Ok(())
}

/// Uniform number `index` of a stream, in `(0, 1)`.
#[inline]
fn unit(stream: Stream, index: usize) -> f64 {
    let [a, b, c, d] = stream.block(index as u64 / 2);
    let (high, low) = if index.is_multiple_of(2) { (a, b) } else { (c, d) };
    (((u64::from(high) << 32 | u64::from(low)) >> 12) as f64 + 0.5) * 2.0f64.powi(-52)
}

/// Looks uniform numbers up in the running sums.
fn draw_with_replacement(
    weights: &[f64],
    count: usize,
    uniform: impl Fn(usize) -> f64,
    drawn: &mut Vec<i64>,
) {
    let sums: Vec<f64> = weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let total = sums.last().copied().unwrap_or(0.0);
    let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
    drawn.extend((0..count).map(|i| {
        let target = uniform(i) * total;
        sums.partition_point(|&sum| sum <= target).min(last) as i64
    }));
}

/// The positions whose exponential waiting times, at rates equal to the weights, end first (Efraimidis and Spirakis
/// 2006).
fn draw_without_replacement(
    weights: &[f64],
    count: usize,
    uniform: impl Fn(usize) -> f64,
    drawn: &mut Vec<i64>,
) {
    let mut times: Vec<(f64, usize)> = weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(i, weight)| (-uniform(i).ln() / weight, i))
        .collect();
    times.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    drawn.extend(times[..count].iter().map(|&(_, i)| i as i64));
}
