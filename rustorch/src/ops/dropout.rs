//! Dropout.

use crate::{DType, Error, Result, Tensor};

impl Tensor {
    /// The tensor with each element zeroed with probability `p` and the others divided by `1 - p`
    /// (`torch.nn.functional.dropout`; Srivastava et al. 2014). Random numbers come from the default generator.
    ///
    /// # Errors
    /// If `p` is not from 0 to 1, or the dtype is not a floating-point or complex type.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::ones([1000]).dropout(0.5)?;
    /// assert!(y.to_vec::<f32>()?.iter().all(|&v| v == 0.0 || v == 2.0));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn dropout(&self, p: f64) -> Result<Tensor> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::argument("dropout", format!("p is {p}, expected a probability from 0 to 1")));
        }
        if !self.dtype().is_differentiable() {
            return Err(Error::DType {
                op: "dropout",
                dtype: self.dtype(),
                expected: "a floating-point or complex dtype",
            });
        }
        if p == 0.0 {
            return Ok(self.clone());
        }
        if p == 1.0 {
            return self.mul(0.0);
        }
        let keep = Tensor::uninit(self.shape(), DType::Bool, self.device())?.bernoulli_(1.0 - p)?;
        // One pass: 0 + x · keep / (1 - p).
        let zero = Tensor::try_full(&[], 0.0, self.dtype(), self.device())?;
        zero.addcmul(self, &keep, 1.0 / (1.0 - p))
    }
}
