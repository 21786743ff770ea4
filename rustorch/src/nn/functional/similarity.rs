//! Norms and angles of vectors, and attention.

use rustorch_shape::rules;

use crate::{DType, Error, Result, Tensor, no_grad};

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
/// If the shapes do not broadcast, or there is no such axis.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let (a, b) = (Tensor::from([[1.0f64, 0.0]]), Tensor::from([[3.0f64, 4.0]]));
/// assert!((F::cosine_similarity(&a, &b, 1, 1e-8)?.item::<f64>()? - 0.6).abs() < 1e-12);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn cosine_similarity(a: &Tensor, b: &Tensor, axis: isize, eps: f64) -> Result<Tensor> {
    let shape = rules::broadcast("cosine_similarity", a.shape(), b.shape(), &mut ())?;
    let (a, b) = (a.expand(shape.as_slice())?, b.expand(shape.as_slice())?);
    normalize(&a, 2.0, axis, eps)?.mul(&normalize(&b, 2.0, axis, eps)?)?.sum_dim(axis, false)
}

/// The options of [`scaled_dot_product_attention`], with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::functional::AttentionOptions;
/// let options = AttentionOptions { causal: true, ..Default::default() };
/// assert_eq!(options.scale, None);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AttentionOptions<'a> {
    /// Which positions may be seen, as bools, or what is added to the scores; broadcasts to them.
    pub mask: Option<&'a Tensor>,
    /// The probability with which a weight is dropped.
    pub dropout: f64,
    /// Whether position `i` sees only positions up to `i`.
    pub causal: bool,
    /// The factor of the scores; `1/√features` unless set.
    pub scale: Option<f64>,
}

/// `softmax(q kᵀ · scale + mask) v`: `[…, l, e]`, `[…, s, e]` and `[…, s, v]` give `[…, l, v]`
/// (`torch.nn.functional.scaled_dot_product_attention`; Vaswani et al. 2017). A position that sees nothing gives zeros.
///
/// # Errors
/// If the shapes do not fit, or both a mask and `causal` are given.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[1.0f32, 0.0], [0.0, 1.0]]);
/// let options = F::AttentionOptions { causal: true, ..Default::default() };
/// let y = F::scaled_dot_product_attention(&x, &x, &x, options)?;
/// assert_eq!(y.select(0, 0)?.to_vec::<f32>()?, [1.0, 0.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn scaled_dot_product_attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    options: AttentionOptions<'_>,
) -> Result<Tensor> {
    const OP: &str = "scaled_dot_product_attention";
    let mask_shape = options.mask.map(Tensor::shape);
    rules::attention(query.shape(), key.shape(), value.shape(), mask_shape, &mut ())?;
    if options.causal && options.mask.is_some() {
        return Err(Error::argument(OP, "both a mask and causal are given; put the one into the other"));
    }
    let scale = options.scale.unwrap_or_else(|| 1.0 / (query.shape()[query.rank() - 1] as f64).sqrt());
    let mut scores = query.mul(scale)?.matmul(&key.transpose(-1, -2)?)?;
    let (length, keys) = (query.size(-2)?, key.size(-2)?);
    let causal = match options.causal {
        true => {
            Some(no_grad(|| Tensor::arange(0, length, 1)?.unsqueeze(1)?.ge(&Tensor::arange(0, keys, 1)?))?)
        }
        false => None,
    };
    scores = match options.mask.or(causal.as_ref()) {
        Some(mask) if mask.dtype() == DType::Bool => Tensor::where_(mask, &scores, f64::NEG_INFINITY)?,
        Some(mask) => scores.add(mask)?,
        None => scores,
    };
    let mut weights = if options.mask.is_some() {
        // Where nothing is seen, softmax would be 0/0.
        let blind = no_grad(|| scores.isneginf().all_dim(-1, true))?;
        Tensor::where_(&blind, 0.0, &Tensor::where_(&blind, 0.0, &scores)?.softmax(-1)?)?
    } else {
        scores.softmax(-1)?
    };
    if options.dropout > 0.0 {
        weights = weights.dropout(options.dropout)?;
    }
    weights.matmul(value)
}
