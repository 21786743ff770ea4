//! Scaled dot-product attention.

mod composite;
mod launch;

use rustorch_shape::rules;
use smallvec::{SmallVec, smallvec};

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::kernels::attention::Dropout;
use crate::nn::functional::AttentionOptions;
use crate::{DType, Error, Result, Tensor, no_grad, random};

const OP: &str = "scaled_dot_product_attention";

/// What is done besides the products.
#[derive(Clone)]
struct Options {
    /// Bools, or of the operands' dtype.
    mask: Option<Tensor>,
    causal: bool,
    scale: f64,
    dropout: f64,
}

/// `softmax(q kᵀ · scale + mask) v`.
#[inline]
pub(crate) fn attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    options: AttentionOptions<'_>,
) -> Result<Tensor> {
    let shape = check(query, key, value, &options)?;
    let dtype = query.dtype();
    let compute = dtype.compute();
    let [query, key, value] = [query, key, value].map(|tensor| tensor.to_dtype(compute));
    let mask = options.mask.map(|mask| match mask.dtype() {
        DType::Bool => mask.clone(),
        _ => mask.to_dtype(compute),
    });
    let features = query.size(-1)? as f64;
    let scale = options.scale.unwrap_or_else(|| 1.0 / features.sqrt());
    let prepared = Options { mask, causal: options.causal, scale, dropout: options.dropout };
    let output = match options.enable_gqa {
        true => grouped(&query, &key, &value, prepared)?.reshape(shape)?,
        false => broadcast(&query, &key, &value, prepared)?,
    };
    Ok(output.to_dtype(dtype))
}

/// Checks everything that a user may get wrong; the shape of the result.
fn check(query: &Tensor, key: &Tensor, value: &Tensor, options: &AttentionOptions<'_>) -> Result<Vec<usize>> {
    let mask = options.mask.map(Tensor::shape);
    let rule = if options.enable_gqa { rules::grouped_attention } else { rules::attention };
    let shape = rule(query.shape(), key.shape(), value.shape(), mask, &mut ())?;
    let dtype = query.dtype();
    if !dtype.is_float() {
        return Err(Error::DType { op: OP, dtype, expected: "a floating-point dtype" });
    }
    for (name, other) in [("key", key), ("value", value)] {
        if other.dtype() != dtype {
            let message = format!("the query is {dtype}, but the {name} is {}", other.dtype());
            return Err(Error::argument(OP, message));
        }
    }
    for other in [Some(key), Some(value), options.mask].into_iter().flatten() {
        if other.device() != query.device() {
            return Err(Error::DeviceMismatch { op: OP, left: query.device(), right: other.device() });
        }
    }
    if let Some(mask) = options.mask {
        if !mask.dtype().is_float() && mask.dtype() != DType::Bool {
            let expected = "a mask of bools or floating-point numbers";
            return Err(Error::DType { op: OP, dtype: mask.dtype(), expected });
        }
        if options.causal {
            let message = "both a mask and causal are given; put the one into the other";
            return Err(Error::argument(OP, message));
        }
    }
    if !(0.0..=1.0).contains(&options.dropout) {
        let message = format!("dropout is {}, expected a probability from 0 to 1", options.dropout);
        return Err(Error::argument(OP, message));
    }
    Ok(shape)
}

/// With an axis more, along which a head of key and value is the same for a group of the query's heads.
fn grouped(query: &Tensor, key: &Tensor, value: &Tensor, options: Options) -> Result<Tensor> {
    let (heads, few) = (query.size(-3)?, key.size(-3)?);
    let group = heads.checked_div(few).unwrap_or(0);
    let split = |tensor: &Tensor| tensor.unflatten(-3, [few, group]);
    let mask = match options.mask {
        Some(mask) if mask.rank() > 2 && mask.size(-3)? == heads => Some(split(&mask)?),
        Some(mask) if mask.rank() > 2 => Some(mask.unsqueeze(-3)?),
        mask => mask,
    };
    let shared = |tensor: &Tensor| tensor.unsqueeze(-3);
    broadcast(&split(query)?, &shared(key)?, &shared(value)?, Options { mask, ..options })
}

/// With the leading axes of all operands the same; strides of 0 where they were not.
#[inline]
fn broadcast(query: &Tensor, key: &Tensor, value: &Tensor, mut options: Options) -> Result<Tensor> {
    let shape = rules::attention(query.shape(), key.shape(), value.shape(), None, &mut ())?;
    let leading = &shape[..shape.len() - 2];
    let expand = |tensor: &Tensor| -> Result<Tensor> {
        let matrix = &tensor.shape()[tensor.rank() - 2..];
        if tensor.shape()[..tensor.rank() - 2] == *leading {
            return Ok(tensor.clone());
        }
        tensor.expand([leading, matrix].concat().as_slice())
    };
    let (query, key, value) = (expand(query)?, expand(key)?, expand(value)?);
    if let Some(mask) = &mut options.mask {
        *mask = mask.expand([leading, &[query.size(-2)?, key.size(-2)?]].concat().as_slice())?;
    }
    if !query.device().is_cpu() || options.dropout >= 1.0 {
        return composite::forward(&query, &key, &value, &options);
    }
    fused(&query, &key, &value, options)
}

/// By one kernel, for `F32` and `F64` on the CPU.
fn fused(query: &Tensor, key: &Tensor, value: &Tensor, options: Options) -> Result<Tensor> {
    let dropout = (options.dropout > 0.0).then(|| {
        let heads = query.shape()[..query.rank() - 2].iter().product();
        let blocks = Dropout::blocks(heads, query.shape()[query.rank() - 2], key.shape()[key.rank() - 2]);
        Dropout { stream: random::reserve(2 * blocks), p: options.dropout }
    });
    let (output, normalizers) = no_grad(|| launch::forward(query, key, value, &options, dropout))?;
    // Only what is added to the scores has a gradient.
    let added = options.mask.clone().filter(|mask| mask.dtype() != DType::Bool);
    let (adds, mut operands): (_, SmallVec<[&Tensor; 4]>) = (added.is_some(), smallvec![query, key, value]);
    operands.extend(&added);
    record(OP, &[&output], &operands, || {
        let inputs = [query, key, value].map(Saved::input);
        let saved = Saved::output(&output, 0);
        let mask = options.mask.as_ref().map(Saved::input);
        Box::new(move |ctx: &Ctx<'_>| {
            let [query, key, value] = &inputs;
            let inputs = [query.unpack(ctx)?, key.unpack(ctx)?, value.unpack(ctx)?];
            let mask = mask.as_ref().map(|mask| mask.unpack(ctx)).transpose()?;
            let options = Options { mask, ..options.clone() };
            let wanted = [ctx.needs(0), ctx.needs(1), ctx.needs(2), adds && ctx.needs(3)];
            let grads = match ctx.create_graph() {
                true => composite::backward(&inputs, ctx.grad()?, &options, dropout)?.map(Some),
                false => {
                    let saved = (&saved.unpack(ctx)?, &normalizers);
                    launch::backward(&inputs, ctx.grad()?, saved, &options, dropout, wanted)?
                }
            };
            Ok(Grads::from_iter(grads.into_iter().take(if adds { 4 } else { 3 })))
        })
    });
    Ok(output)
}
