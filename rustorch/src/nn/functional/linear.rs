//! Linear maps.

use crate::{Result, Tensor};

/// `x Wᵀ + b`: `[…, in_features] → […, out_features]` by a weight of `[out_features, in_features]` and a bias of
/// `[out_features]` (`torch.nn.functional.linear`). A weight of `[in_features]` gives `[…]`.
///
/// # Errors
/// If the features differ, or the dtypes or devices do.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let (x, w) = (Tensor::from([[1.0f32, 2.0]]), Tensor::from([[3.0f32, 4.0], [5.0, 6.0]]));
/// let y = f::linear(&x, &w, Some(&Tensor::from([0.5f32, 0.0])))?;
/// assert_eq!(y.to_vec::<f32>()?, [11.5, 17.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match (weight.rank(), bias) {
        (1, None) => input.matmul(weight),
        (1, Some(bias)) => input.matmul(weight)?.add(bias),
        _ => crate::ops::matmul::linear(input, weight, bias),
    }
}
