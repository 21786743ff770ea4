//! Quantiles.

use crate::{DType, Error, Operand, Result, Tensor, no_grad};

/// What a quantile between two entries is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// On the line between them.
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// The nearer one; halfway, that of even rank.
    Nearest,
    /// The mean of both.
    Midpoint,
}

impl Tensor {
    /// The entries below which the fractions `q` of an axis, or of all elements, lie (`torch.quantile`). `q` is a
    /// number, or a vector of the tensor's dtype, whose entries then form a new first axis; with linear interpolation it has a
    /// gradient as well. NaN if there is one.
    ///
    /// # Errors
    /// If the dtype is neither `F32` nor `F64`, a fraction is not between 0 and 1, there is no such axis, or it is
    /// empty.
    ///
    /// ```
    /// use rustorch::{Interpolation, Tensor};
    /// let x = Tensor::from([0.0f32, 1.0, 2.0, 3.0]);
    /// assert_eq!(x.quantile(0.5, None, false, Interpolation::Linear)?.item::<f32>()?, 1.5);
    /// assert_eq!(x.quantile(0.5, None, false, Interpolation::Lower)?.item::<f32>()?, 1.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn quantile<'a>(
        &self,
        q: impl Into<Operand<'a>>,
        axis: Option<isize>,
        keepdim: bool,
        interpolation: Interpolation,
    ) -> Result<Tensor> {
        const OP: &str = "quantile";
        if !matches!(self.dtype(), DType::F32 | DType::F64) {
            return Err(Error::DType { op: OP, dtype: self.dtype(), expected: "float32 or float64" });
        }
        let q = q.into();
        let (fractions, scalar) = fractions(q, self.dtype())?;
        let differentiated = q.tensor().filter(|q| q.requires_grad());
        let rows = match axis {
            None => self.reshape(-1)?,
            Some(_) if self.rank() == 0 => self.reshape(1)?,
            Some(axis) => self.movedim(self.axis(OP, axis)?, -1)?,
        };
        let len = rows.shape()[rows.rank() - 1];
        if len == 0 {
            return Err(Error::argument(
                OP,
                format!("shape {:?} has nothing to take a quantile of", self.shape()),
            ));
        }
        let sorted = rows.sort(-1, false, false)?.0;
        let entry = |rank: usize| sorted.select(-1, rank as isize);
        let at = |index: usize, fraction: f64| -> Result<Tensor> {
            let rank = fraction * (len - 1) as f64;
            let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
            match (interpolation, differentiated) {
                (Interpolation::Lower, _) => entry(low),
                (Interpolation::Higher, _) => entry(high),
                (Interpolation::Nearest, _) => entry(rank.round_ties_even() as usize),
                (Interpolation::Midpoint, _) => entry(low)?.lerp(&entry(high)?, 0.5),
                (Interpolation::Linear, None) => entry(low)?.lerp(&entry(high)?, rank - low as f64),
                (Interpolation::Linear, Some(q)) => {
                    let q = if scalar { q.clone() } else { q.select(0, index as isize)? };
                    entry(low)?.lerp(&entry(high)?, &q.mul((len - 1) as f64)?.sub(low as f64)?)
                }
            }
        };
        // Sorting puts NaN last.
        let last = entry(len - 1)?;
        let poisoned = last.isnan();
        let values = fractions
            .iter()
            .enumerate()
            .map(|(index, &fraction)| Tensor::where_(&poisoned, &last, &at(index, fraction)?))
            .collect::<Result<Vec<_>>>()?;
        let keep = |value: &Tensor| -> Result<Tensor> {
            match axis {
                _ if !keepdim => Ok(value.clone()),
                None => value.reshape(vec![1usize; self.rank()]),
                Some(_) if self.rank() == 0 => Ok(value.clone()),
                Some(axis) => value.unsqueeze(axis),
            }
        };
        let values = values.iter().map(keep).collect::<Result<Vec<_>>>()?;
        if scalar { Ok(values[0].clone()) } else { Tensor::stack(&values, 0) }
    }
}

/// The fractions as numbers, and whether there is no axis of them.
#[inline]
fn fractions(q: Operand<'_>, dtype: DType) -> Result<(Vec<f64>, bool)> {
    const OP: &str = "quantile";
    let (fractions, scalar) = match q {
        Operand::Scalar(q) => (vec![q.to_f64()], true),
        Operand::Tensor(q) if q.rank() <= 1 && q.dtype() == dtype => {
            (no_grad(|| q.to_dtype(DType::F64)).to_vec::<f64>()?, q.rank() == 0)
        }
        Operand::Tensor(q) => {
            return Err(Error::argument(
                OP,
                format!(
                    "q has shape {:?} and dtype {}, expected a number or a vector of {dtype}",
                    q.shape(),
                    q.dtype()
                ),
            ));
        }
    };
    match fractions.iter().find(|q| !(0.0..=1.0).contains(*q)) {
        Some(bad) => Err(Error::argument(OP, format!("q is {bad}, but must be between 0 and 1"))),
        None if fractions.is_empty() => Err(Error::argument(OP, "q is empty")),
        None => Ok((fractions, scalar)),
    }
}
