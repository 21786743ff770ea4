//! Bilinear maps.

use crate::{Result, Tensor, einsum};

/// `x₁ᵀ W x₂ + b` for every output: `[…, in1], […, in2] → […, out]` by a weight of `[out, in1, in2]` and a bias of
/// `[out]` (`torch.nn.functional.bilinear`); leading axes broadcast.
///
/// # Errors
/// If the features differ from the weight's, or the leading axes from each other.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let (a, b) = (Tensor::from([[1.0f32, 2.0]]), Tensor::from([[3.0f32, 4.0]]));
/// let weight = Tensor::from([[[1.0f32, 0.0], [0.0, 1.0]]]);
/// assert_eq!(f::bilinear(&a, &b, &weight, None)?.to_vec::<f32>()?, [11.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn bilinear(first: &Tensor, second: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    rustorch_shape::rules::bilinear(first.shape(), second.shape(), weight.shape(), &mut ())?;
    let product = einsum("...i,oij,...j->...o", &[first, weight, second])?;
    match bias {
        Some(bias) => product.add(bias),
        None => Ok(product),
    }
}
