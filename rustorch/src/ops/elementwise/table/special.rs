//! Special functions (`torch.special`).

use crate::ops::elementwise::macros::*;
use crate::ops::elementwise::special::MAX_ORDER;
use crate::ops::elementwise::{Operand, apply};
use crate::{Error, Result, Tensor};

// The order is a whole number.
entry!(T, value Real polygamma(x; order) = polygamma(order, x), [(g, x) = g * polygamma(order + T(1.0), x)]);

impl Tensor {
    /// The `order`-th derivative of [`Tensor::digamma`] (`torch.polygamma`).
    ///
    /// # Errors
    /// If the order is greater than 60, or the dtype is complex.
    ///
    /// ```
    /// # use rustorch::Tensor;
    /// let y = Tensor::from([1.0f32, 2.0]).polygamma(2)?;
    /// assert!(y.allclose(&Tensor::from([-2.404114f32, -0.404114]), 1e-5, 0.0)?);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn polygamma(&self, order: usize) -> Result<Tensor> {
        if order > MAX_ORDER {
            let message = format!("the order is {order}, of which more than {MAX_ORDER} are not supported");
            return Err(Error::argument("polygamma", message));
        }
        match order {
            0 => Ok(self.digamma()),
            1 => Ok(self.trigamma()),
            _ => apply(&polygamma::ENTRY, &[Operand::Tensor(self)], [order as f64, 0.0, 0.0, 0.0]),
        }
    }

    /// [`Tensor::polygamma`] in place.
    ///
    /// # Errors
    /// As there; also for tensors that cannot hold the result, and for leaves that require gradients.
    pub fn polygamma_(&self, order: usize) -> Result<Tensor> {
        self.replace("polygamma_", |x| x.polygamma(order))
    }
}

unary! {
    literal T;

    /// The error function `2/√π ∫₀ˣ exp(-t²) dt` (`torch.erf`).
    Real erf / erf_ (x) = erf(x), dx(g, x) = g * T(1.1283791670955126) * exp(-(x * x)), example [0.0, 1.0] => [0.0, 0.8427008];

    /// `1 - erf(x)`, exact for large `x` (`torch.erfc`).
    Real erfc / erfc_ (x) = erfc(x), dx(g, x) = -(g * T(1.1283791670955126) * exp(-(x * x))), example [0.0, 1.0] => [1.0, 0.15729921];

    /// The number whose `erf` is `x`; ±1 give ±∞ (`torch.erfinv`).
    Real erfinv / erfinv_ (x) = erfinv(x), dx(g, x) = g * T(0.886226925452758) * exp(erfinv(x) * erfinv(x)), example [0.0, 0.5] => [0.0, 0.47693628];

    /// The logarithm of the absolute value of the gamma function (`torch.lgamma`).
    Real lgamma / lgamma_ (x) = lgamma(x), dx(g, x) = g * digamma(x), example [1.0, 5.0] => [0.0, 3.1780539];

    /// The derivative of [`lgamma`](crate::Tensor::lgamma) (`torch.digamma`).
    Real digamma / digamma_ (x) = digamma(x), dx(g, x) = g * trigamma(x), example [1.0, 2.0] => [-0.5772157, 0.42278433];

    /// The derivative of [`digamma`](crate::Tensor::digamma) (`torch.polygamma(1, x)`).
    Real trigamma / trigamma_ (x) = trigamma(x), dx(g, x) = g * polygamma(T(2.0), x), example [1.0, 2.0] => [1.644934, 0.644934];

    /// `log(x / (1 - x))` (`torch.logit`).
    Real logit / logit_ (x) = log(x / (T(1.0) - x)), dx(g, x) = select(lt(x, T(0.0)), T(0.0) / T(0.0), select(gt(x, T(1.0)), T(0.0) / T(0.0), g / (x * (T(1.0) - x)))),
        example [0.5, 0.75] => [0.0, 1.0986123];

    /// `sin(πx) / (πx)`, 1 at 0 (`torch.sinc`).
    Analytic sinc / sinc_ (x) = select(eq(x, T(0.0)), T(1.0), sin(x * T(3.141592653589793)) / (x * T(3.141592653589793))),
        dx(g, x) = select(eq(x, T(0.0)), T(0.0),
            g * conj((cos(x * T(3.141592653589793)) - sin(x * T(3.141592653589793)) / (x * T(3.141592653589793))) / x)),
        example [0.0, 0.5] => [1.0, 0.63661975];
}

binary! {
    literal T;

    /// `a · log(b)`, 0 where `a` is 0 unless `b` is NaN (`torch.xlogy`).
    Real xlogy / xlogy_ (a, b) = select(ne(b, b), b, select(eq(a, T(0.0)), T(0.0), a * log(b))),
        // The logarithm of 1 where nothing flows, so that the derivative of what is not selected is finite.
        da(g, a, b) = g * log(select(eq(a, T(0.0)), select(le(b, T(0.0)), T(1.0), b),
            select(eq(g, T(0.0)), select(ne(b, b), b, T(1.0)), b))),
        db(g, a, b) = g * a / b,
        example [0.0f32, 2.0], 2.0 => [0.0f32, 1.3862944];
}
