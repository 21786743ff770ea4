//! What attention may see.

use crate::{DType, Error, Result, Tensor, no_grad};

/// What [`MultiheadAttention`](super::MultiheadAttention) may see, and what it gives; PyTorch's defaults but for the weights, which
/// are not made unless asked for.
///
/// As in PyTorch, and unlike in
/// [`scaled_dot_product_attention`](crate::nn::functional::scaled_dot_product_attention()), `true` hides.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttentionMasks<'a> {
    /// `[l, s]`, or `[batch · num_heads, l, s]`: bools, where `true` hides, or what is added to the scores.
    pub attn_mask: Option<&'a Tensor>,
    /// `[batch, s]`, or `[s]` without a batch: bools, where `true` hides a key, or what is added to its scores.
    pub key_padding_mask: Option<&'a Tensor>,
    /// Whether position `i` sees only positions up to `i`; not looked at if there is an `attn_mask`.
    pub is_causal: bool,
    /// Whether to give the weights.
    pub need_weights: bool,
    /// Whether to give each head's weights and not their mean.
    pub per_head_weights: bool,
}

/// The sizes of a batch of scores.
#[derive(Clone, Copy)]
pub(super) struct Scores {
    pub batch: usize,
    pub heads: usize,
    pub queries: usize,
    pub keys: usize,
}

/// Masks made one.
pub(super) enum Merged {
    /// Only whether it is causal.
    Causal(bool),
    /// Which keys are seen, or what is added; broadcasts to `[batch, heads, l, s]`.
    Mask(Tensor),
}

/// One mask of several. `extra` keys at the end are seen by all.
#[inline]
pub(super) fn merge(
    op: &'static str,
    masks: &AttentionMasks<'_>,
    scores: Scores,
    extra: usize,
) -> Result<Merged> {
    let Scores { batch, heads, queries, keys } = scores;
    if masks.attn_mask.is_none() && masks.key_padding_mask.is_none() && (extra == 0 || !masks.is_causal) {
        return Ok(Merged::Causal(masks.is_causal));
    }
    let mut parts = Vec::new();
    if let Some(mask) = masks.attn_mask {
        parts.push(match mask.shape() {
            shape if *shape == [queries, keys] => mask.clone(),
            shape if *shape == [batch * heads, queries, keys] => {
                mask.reshape([batch, heads, queries, keys])?
            }
            shape => {
                let message = format!(
                    "attn_mask has shape {shape:?}, expected {:?} or {:?}",
                    [queries, keys],
                    [batch * heads, queries, keys]
                );
                return Err(Error::argument(op, message));
            }
        });
    } else if masks.is_causal {
        parts
            .push(no_grad(|| Tensor::arange(0, queries, 1)?.unsqueeze(1)?.lt(&Tensor::arange(0, keys, 1)?))?);
    }
    if let Some(mask) = masks.key_padding_mask {
        if mask.shape() != [batch, keys] {
            let message =
                format!("key_padding_mask has shape {:?}, expected {:?}", mask.shape(), [batch, keys]);
            return Err(Error::argument(op, message));
        }
        parts.push(mask.reshape([batch, 1, 1, keys])?);
    }
    let (mut hidden, mut added): (Option<Tensor>, Option<Tensor>) = (None, None);
    for part in parts {
        let part = if extra > 0 { with_extra(&part, extra)? } else { part };
        match part.dtype() {
            DType::Bool => hidden = Some(hidden.map_or(Ok(part.clone()), |other| other.logical_or(&part))?),
            dtype if dtype.is_float() => {
                added = Some(added.map_or(Ok(part.clone()), |other| other.add(&part))?)
            }
            dtype => {
                return Err(Error::DType {
                    op,
                    dtype,
                    expected: "a mask of bools or floating-point numbers",
                });
            }
        }
    }
    Ok(match (hidden, added) {
        (Some(hidden), Some(added)) => Merged::Mask(Tensor::where_(&hidden, f64::NEG_INFINITY, &added)?),
        (Some(hidden), None) => Merged::Mask(hidden.logical_not()),
        (None, Some(added)) => Merged::Mask(added),
        (None, None) => Merged::Causal(false),
    })
}

/// The mask with keys at the end that all see.
fn with_extra(mask: &Tensor, extra: usize) -> Result<Tensor> {
    let mut shape = mask.shape().to_vec();
    let last = shape.len() - 1;
    shape[last] = extra;
    Tensor::cat(&[mask.clone(), Tensor::try_full(&shape, 0.0, mask.dtype(), mask.device())?], -1)
}
