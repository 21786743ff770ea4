//! Existing tensors overwritten by random numbers. What they were before has no influence on the result, so its gradient
//! is zero.

use super::create::{integers, normal};
use super::default_generator;
use super::law::{Law, draw_into};
use crate::{Error, Result, Scalar, Tensor};

impl Tensor {
    /// Overwrites the elements with numbers drawn uniformly from `[low, high)` (`torch.Tensor.uniform_`).
    ///
    /// # Errors
    /// If the bounds or their distance are not finite in the tensor's dtype, or the bounds in the wrong order, for integer dtypes, and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([8]).uniform_(-0.1, 0.1)?;
    /// assert!(x.to_vec::<f32>()?.iter().all(|x| (-0.1..0.1).contains(x)));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn uniform_(&self, low: f64, high: f64) -> Result<Tensor> {
        if !(low.is_finite() && high.is_finite() && low <= high && (high - low).is_finite()) {
            return Err(Error::argument("uniform_", format!("[{low}, {high}) is not a finite range")));
        }
        for value in [low, high, high - low].into_iter().filter(|_| self.dtype().is_float()) {
            Scalar::Float(value).check_fits("uniform_", self.dtype())?;
        }
        draw_into(Law::Uniform { low, high }, "uniform_", self, default_generator())
    }

    /// Overwrites the elements with numbers from a normal distribution (`torch.Tensor.normal_`).
    ///
    /// # Errors
    /// If the standard deviation is negative, for integer dtypes, and for leaves that require gradients.
    #[inline]
    pub fn normal_(&self, mean: f64, std: f64) -> Result<Tensor> {
        draw_into(normal("normal_", mean, std)?, "normal_", self, default_generator())
    }

    /// Overwrites the elements with integers from `low` up to but without `high` (`torch.Tensor.random_`).
    ///
    /// # Errors
    /// If there are none, the dtype does not hold them, and for leaves that require gradients.
    #[inline]
    pub fn random_(&self, low: i64, high: i64) -> Result<Tensor> {
        draw_into(integers("random_", low, high, self.dtype())?, "random_", self, default_generator())
    }

    /// Overwrites each element with 1, with the given probability, or 0 (`torch.Tensor.bernoulli_`).
    ///
    /// # Errors
    /// If the probability is not between 0 and 1, and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([3]).bernoulli_(1.0)?.to_vec::<f32>()?, [1.0; 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn bernoulli_(&self, probability: f64) -> Result<Tensor> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(Error::argument("bernoulli_", format!("{probability} is not a probability")));
        }
        draw_into(Law::Bernoulli { probability }, "bernoulli_", self, default_generator())
    }

    /// Overwrites the elements with numbers of density `rate · exp(-rate · x)` (`torch.Tensor.exponential_`).
    ///
    /// # Errors
    /// If the rate is not positive, for integer dtypes, and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert!(Tensor::zeros([8]).exponential_(2.0)?.to_vec::<f32>()?.iter().all(|&x| x > 0.0));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn exponential_(&self, rate: f64) -> Result<Tensor> {
        positive("exponential_", "the rate", rate)?;
        draw_into(
            Law::Inverse(|u, [rate, _]| -u.ln() / rate, [rate, 0.0]),
            "exponential_",
            self,
            default_generator(),
        )
    }

    /// Overwrites the elements with numbers of density `width / (π (width² + (x - median)²))`
    /// (`torch.Tensor.cauchy_`).
    ///
    /// # Errors
    /// If the width is not positive, for integer dtypes, and for leaves that require gradients.
    #[inline]
    pub fn cauchy_(&self, median: f64, width: f64) -> Result<Tensor> {
        positive("cauchy_", "the width", width)?;
        let inverse =
            |u: f64, [median, width]: [f64; 2]| median + width * (std::f64::consts::PI * (u - 0.5)).tan();
        draw_into(Law::Inverse(inverse, [median, width]), "cauchy_", self, default_generator())
    }

    /// Overwrites the elements with the exponentials of normal numbers (`torch.Tensor.log_normal_`).
    ///
    /// # Errors
    /// If the standard deviation is negative, for integer dtypes, and for leaves that require gradients.
    #[inline]
    pub fn log_normal_(&self, mean: f64, std: f64) -> Result<Tensor> {
        self.normal_(mean, std)?.exp_()
    }

    /// Overwrites the elements with the numbers of the first success in independent trials, counted from 1
    /// (`torch.Tensor.geometric_`).
    ///
    /// # Errors
    /// If the probability of success is not between 0 and 1, for integer dtypes, and for leaves that require
    /// gradients.
    #[inline]
    pub fn geometric_(&self, probability: f64) -> Result<Tensor> {
        if !(probability > 0.0 && probability < 1.0) {
            return Err(Error::argument(
                "geometric_",
                format!("{probability} is not strictly between 0 and 1"),
            ));
        }
        let inverse = |u: f64, [log_failure, _]: [f64; 2]| (u.ln() / log_failure).ceil().max(1.0);
        draw_into(
            Law::Inverse(inverse, [(-probability).ln_1p(), 0.0]),
            "geometric_",
            self,
            default_generator(),
        )
    }
}

#[inline]
fn positive(op: &'static str, what: &str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::argument(op, format!("{what} is {value}, but must be positive")))
}
