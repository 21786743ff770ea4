//! Norms and angles of vectors.

use rustorch_shape::rules;

use crate::{Error, Result, Tensor};

/// Vectors along an axis divided by their `p`-norm, which counts as at least `eps` (`torch.nn.functional.normalize`).
/// PyTorch's defaults are `p = 2`, axis 1, `eps = 1e-12`.
///
/// # Errors
/// If there is no such axis, or the dtype has no fractions.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let y = F::normalize(&Tensor::from([[3.0f64, 4.0]]), 2.0, 1, 1e-12)?;
/// assert!(y.allclose(&Tensor::from([[0.6f64, 0.8]]), 1e-12, 0.0)?);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn normalize(input: &Tensor, p: f64, axis: isize, eps: f64) -> Result<Tensor> {
    input.div(&input.norm_dim(p, axis, true)?.clamp(eps, f64::INFINITY)?)
}

/// The cosine of the angle between vectors along an axis, which broadcast; norms count as at least `eps`
/// (`torch.nn.functional.cosine_similarity`). PyTorch's defaults are axis 1, `eps = 1e-8`.
///
/// # Errors
/// If the shapes do not broadcast, there is no such axis, or `eps` is negative or NaN.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let (a, b) = (Tensor::from([[1.0f64, 0.0]]), Tensor::from([[3.0f64, 4.0]]));
/// assert!((F::cosine_similarity(&a, &b, 1, 1e-8)?.item::<f64>()? - 0.6).abs() < 1e-12);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn cosine_similarity(a: &Tensor, b: &Tensor, axis: isize, eps: f64) -> Result<Tensor> {
    if eps.is_nan() || eps < 0.0 {
        return Err(Error::argument("cosine_similarity", format!("eps is {eps}, expected at least 0")));
    }
    let shape = rules::broadcast("cosine_similarity", a.shape(), b.shape(), &mut ())?;
    let (a, b) = (a.expand(shape.as_slice())?, b.expand(shape.as_slice())?);
    normalize(&a, 2.0, axis, eps)?.mul(&normalize(&b, 2.0, axis, eps)?)?.sum_dim(axis, false)
}
