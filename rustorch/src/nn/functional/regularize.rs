//! Dropout.

use crate::{Error, Result, Tensor};

/// In training, [`Tensor::dropout`]; otherwise the input as it is (`torch.nn.functional.dropout`).
///
/// # Errors
/// If `p` is not from 0 to 1, or the dtype is not a floating-point or complex type.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::ones([4]);
/// assert_eq!(F::dropout(&x, 0.5, false)?.to_vec::<f32>()?, [1.0; 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn dropout(input: &Tensor, p: f64, training: bool) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::argument("dropout", format!("p is {p}, expected a probability from 0 to 1")));
    }
    if training { input.dropout(p) } else { Ok(input.clone()) }
}
