//! Attention.

use crate::{Result, Tensor};

/// The options of [`scaled_dot_product_attention`], with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::functional::AttentionOptions;
/// let options = AttentionOptions { causal: true, ..Default::default() };
/// assert_eq!(options.scale, None);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AttentionOptions<'a> {
    /// Which keys may be seen, as bools, or what is added to the scores; broadcasts to them.
    pub mask: Option<&'a Tensor>,
    /// The probability with which a weight is dropped.
    pub dropout: f64,
    /// Whether position `i` sees only positions up to `i`.
    pub causal: bool,
    /// The factor of the scores; `1/√e` unless set.
    pub scale: Option<f64>,
    /// Whether each head (axis -3) of key and value serves a group of the query's heads.
    pub enable_gqa: bool,
}

/// `softmax(q kᵀ · scale + mask) v` (`torch.nn.functional.scaled_dot_product_attention`; Vaswani et al. 2017).
///
/// Query `[…, l, e]`, key `[…, s, e]` and value `[…, s, v]` give `[…, l, v]`; leading axes broadcast, and so does the mask,
/// to `[…, l, s]`. All are of one floating-point dtype; half precision is computed in `F32`. A query that sees no key gives zeros,
/// and gradients of zero.
///
/// On the CPU this takes memory that is linear in `l` and `s`, forward and backward: the weights are made block by block,
/// and made again for the gradient (Dao et al., "FlashAttention", 2022). Operands are read where they lie, whatever their
/// strides, and the result lies in memory as the query does. The gradient of a mask is as large as all weights, and those are kept whole
/// if gradients are themselves differentiated.
///
/// # Errors
/// If the shapes, dtypes or devices do not fit, `dropout` is not a probability, or both a mask and `causal` are given.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[1.0f32, 0.0], [0.0, 1.0]]);
/// let options = F::AttentionOptions { causal: true, ..Default::default() };
/// let y = F::scaled_dot_product_attention(&x, &x, &x, options)?;
/// assert_eq!(y.select(0, 0)?.to_vec::<f32>()?, [1.0, 0.0]);
///
/// // Eight heads that share two keys and values.
/// let (q, k) = (Tensor::randn([1, 8, 5, 4]), Tensor::randn([1, 2, 6, 4]));
/// let options = F::AttentionOptions { enable_gqa: true, ..Default::default() };
/// assert_eq!(F::scaled_dot_product_attention(&q, &k, &k, options)?.shape(), [1, 8, 5, 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn scaled_dot_product_attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    options: AttentionOptions<'_>,
) -> Result<Tensor> {
    crate::ops::attention::attention(query, key, value, options)
}
