//! Attention by operations that can be differentiated again, with all weights in memory.

use super::Options;
use crate::dtype::dispatch;
use crate::kernels::attention::Dropout;
use crate::{DType, Result, Tensor, no_grad};

/// The result.
pub(super) fn forward(query: &Tensor, key: &Tensor, value: &Tensor, options: &Options) -> Result<Tensor> {
    let mut weights = weights(query, key, options)?;
    if options.dropout > 0.0 {
        weights = weights.dropout(options.dropout)?;
    }
    weights.matmul(value)
}

/// The gradients of query, key, value and of what is added to the scores, for the weights that `dropout` kept.
pub(super) fn backward(
    [query, key, value]: &[Tensor; 3],
    grad: &Tensor,
    options: &Options,
    dropout: Option<Dropout>,
) -> Result<[Tensor; 4]> {
    let weights = weights(query, key, options)?;
    let kept = dropout.map(|dropout| factors(&weights, dropout)).transpose()?;
    let thin = |tensor: Tensor| match &kept {
        Some(kept) => tensor.mul(kept),
        None => Ok(tensor),
    };
    let dvalue = thin(weights.clone())?.transpose(-1, -2)?.matmul(grad)?;
    let weighted = thin(grad.matmul(&value.transpose(-1, -2)?)?)?.mul(&weights)?;
    let dmask = weighted.sub(&weights.mul(&weighted.sum_dim(-1, true)?)?)?;
    let dscores = dmask.mul(options.scale)?;
    Ok([dscores.matmul(key)?, dscores.transpose(-1, -2)?.matmul(query)?, dvalue, dmask])
}

/// `softmax(q kᵀ · scale + mask)`, zeros where a query sees nothing.
#[inline]
fn weights(query: &Tensor, key: &Tensor, options: &Options) -> Result<Tensor> {
    let scores = query.mul(options.scale)?.matmul(&key.transpose(-1, -2)?)?;
    let (length, keys) = (query.size(-2)?, key.size(-2)?);
    let earlier = || Tensor::arange(0, length, 1)?.unsqueeze(1)?.ge(&Tensor::arange(0, keys, 1)?);
    let mask = match (&options.mask, options.causal) {
        (Some(mask), _) => mask.clone(),
        (None, true) => no_grad(|| earlier()?.to_device(query.device()))?,
        (None, false) => return scores.softmax(-1),
    };
    let scores = match mask.dtype() {
        DType::Bool => Tensor::where_(&mask, &scores, f64::NEG_INFINITY)?,
        _ => scores.add(&mask)?,
    };
    if keys == 0 {
        return scores.softmax(-1);
    }
    // Where nothing is seen, softmax would be 0/0.
    let blind = no_grad(|| scores.isneginf().all_dim(-1, true))?;
    Tensor::where_(&blind, 0.0, &Tensor::where_(&blind, 0.0, &scores)?.softmax(-1)?)
}

/// What the kernel multiplied the weights by.
fn factors(weights: &Tensor, dropout: Dropout) -> Result<Tensor> {
    let keys = weights.size(-1)?;
    let factors = Tensor::uninit(weights.shape(), weights.dtype(), weights.device())?;
    dispatch!(float weights.dtype(), super::OP, T => {
        // SAFETY: fresh, contiguous and ours alone; the kernel writes all of it before it is read.
        let all = unsafe { std::slice::from_raw_parts_mut(factors.host_ptr().cast::<T>(), factors.numel()) };
        for (row, factors) in all.chunks_mut(keys.max(1)).enumerate() {
            dropout.factors(keys, row, 0, factors);
        }
    });
    Ok(factors)
}
