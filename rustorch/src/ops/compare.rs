//! Whether tensors are equal, or close to each other.

use crate::{DType, Error, Result, Tensor, no_grad};

impl Tensor {
    /// Whether each pair of elements differs by at most `atol + rtol · |other|` (`torch.isclose`). Infinities are close
    /// to themselves; NaNs are if `equal_nan`. The shapes broadcast.
    ///
    /// # Errors
    /// If the dtypes differ, the shapes do not broadcast, or a tolerance is negative.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([1.0f32, 2.0]).isclose(&Tensor::from([1.0f32, 2.1]), 1e-3, 0.0, false)?;
    /// assert_eq!(x.to_vec::<bool>()?, [true, false]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn isclose(&self, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<Tensor> {
        const OP: &str = "isclose";
        if self.dtype() != other.dtype() {
            return Err(Error::argument(
                OP,
                format!("{} and {} are different dtypes", self.dtype(), other.dtype()),
            ));
        }
        if !(rtol >= 0.0 && atol >= 0.0) {
            return Err(Error::argument(OP, format!("tolerances {rtol} and {atol} must not be negative")));
        }
        no_grad(|| {
            let exact = !self.dtype().is_differentiable();
            let wide = |tensor: &Tensor| if exact { tensor.to_dtype(DType::F64) } else { tensor.clone() };
            let (a, b) = (wide(self), wide(other));
            let allowed = b.abs().mul(rtol)?.add(atol)?;
            let distance = a.sub(&b)?.abs();
            let near = distance.le(&allowed)?.logical_and(&distance.isfinite())?;
            let close = self.eq(other)?.logical_or(&near)?;
            if equal_nan { close.logical_or(&self.isnan().logical_and(&other.isnan())?) } else { Ok(close) }
        })
    }

    /// Whether all elements are close in the sense of [`Tensor::isclose`], NaNs being unequal (`torch.allclose`).
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert!(Tensor::from([1.0f32]).allclose(&Tensor::from([1.0f32 + 1e-7]), 1e-5, 1e-8)?);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn allclose(&self, other: &Tensor, rtol: f64, atol: f64) -> Result<bool> {
        let far = self.isclose(other, rtol, atol, false)?.logical_not();
        Ok(!far.any().item::<bool>()?)
    }

    /// Whether both tensors have the same shape and the same elements, NaNs being unequal (`torch.equal`).
    ///
    /// # Errors
    /// If the tensors are on different devices.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert!(Tensor::from([1, 2]).equal(&Tensor::from([1, 2]))?);
    /// assert!(!Tensor::from([1, 2]).equal(&Tensor::from([[1, 2]]))?);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn equal(&self, other: &Tensor) -> Result<bool> {
        if self.shape() != other.shape() {
            return Ok(false);
        }
        no_grad(|| Ok(!self.ne(other)?.any().item::<bool>()?))
    }
}
