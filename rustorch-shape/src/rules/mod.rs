//! The shape rules: one function per operation, from operand shapes to result shape or error.
//!
//! Every rule is generic over [`Size`], so that the library (`usize`) and the macros
//! ([`Poly`](crate::Poly)) apply the very same one. The last parameter takes the claims of symbolic
//! sizes; at run time it is `&mut ()`. Rules never panic and never wrap: a size that does not fit, a
//! kernel or stride of 0 and a window larger than its input are errors.

mod arrange;
mod attention;
mod broadcast;
mod conv;
mod join;
mod loss;
mod matmul;
mod multihead;
mod norm;
mod number;
mod pad;
mod pool;
mod recurrent;
mod reduce;
mod resample;
mod select;
mod view;

pub use arrange::{
    glu, image, matrices, movedim, outer, prelu, repeat, repeat_interleave, roll, take_along, topk, unbind,
};
pub use attention::{attention, grouped_attention};
pub use broadcast::{broadcast, broadcast_all, expand};
pub use conv::{ConvOptions, Padding, TransposeOptions, conv, conv_transpose};
pub use join::{cat, chunk, split, split_sizes, stack};
pub use loss::{cross_entropy, elementwise_loss};
pub use matmul::{bilinear, bmm, linear, matmul, mm};
pub use multihead::{
    Multihead, attention_mask, cross_attention, key_padding_mask, multihead_attention, self_attention,
};
pub use norm::{batch_norm, group_norm, instance_norm, layer_norm, same};
pub use number::{batch_norm_eps, celu, hardtanh, hardtanh_layer, rrelu, softshrink};
pub use pad::{Border, pad, pad_border, pad_layer};
pub use pool::{PoolOptions, adaptive_pool, pool, pool_divisor};
pub use recurrent::{Recurrent, RecurrentShapes, recurrent, recurrent_cell};
pub use reduce::{arg_reduce, cumulative, reduce};
pub use resample::{interpolate, interpolation_mode, pixel_shuffle, pixel_unshuffle};
pub use select::{embedding, gather, index_select, narrow, select, slice};
pub use view::{flatten, permute, reshape, squeeze, transpose, unflatten, unsqueeze};

use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size, Truth};

/// The number of elements of a shape.
///
/// # Errors
/// When it does not fit in a `usize`.
pub fn numel<S: Size>(op: &'static str, shape: &[S]) -> Result<S> {
    if shape.iter().any(|size| size.is(0)) {
        return Ok(S::constant(0));
    }
    let mut product = S::constant(1);
    for size in shape {
        product = fits(op, product.times(size), || format!("the number of elements of {}", Dims(shape)))?;
    }
    Ok(product)
}

/// Proves `left relation right`, or leaves it as a claim, or fails with `error`.
fn require<S: Size>(
    claims: &mut S::Claims,
    left: &S,
    relation: Relation,
    right: &S,
    error: impl FnOnce() -> ShapeError,
) -> Result<()> {
    match left.holds(relation, right) {
        Truth::True => Ok(()),
        Truth::False => Err(error()),
        Truth::Unknown => {
            S::claim(claims, left, relation, right, error());
            Ok(())
        }
    }
}

/// The size, or the error that `what` is too large to be one.
fn fits<S>(op: &'static str, size: Option<S>, what: impl FnOnce() -> String) -> Result<S> {
    size.ok_or_else(|| ShapeError::input(op, 0, format!("{} is too large to be a size", what())))
}

/// The shape of an input that has one of these ranks.
///
/// # Errors
/// When it has another.
pub fn ranked<S: Size>(op: &'static str, input: &[S], ranks: &[usize], layout: &str) -> Result<Vec<S>> {
    require_rank(op, 0, input, ranks, layout)?;
    Ok(input.to_vec())
}

/// The number of axes before the `spatial` last ones: channels, and perhaps a batch before them.
fn leading_axes<S: Size>(op: &'static str, input: &[S], spatial: usize) -> Result<usize> {
    let layout = match spatial {
        1 => "[batch, channels, length] or [channels, length]",
        2 => "[batch, channels, height, width] or [channels, height, width]",
        3 => "[batch, channels, depth, height, width] or [channels, depth, height, width]",
        _ => "[batch, channels, spatial ..] or [channels, spatial ..]",
    };
    require_rank(op, 0, input, &[spatial + 2, spatial + 1], layout)?;
    Ok(input.len() - spatial)
}

/// An error unless operand `input` has one of these ranks.
fn require_rank<S: Size>(
    op: &'static str,
    input: usize,
    shape: &[S],
    ranks: &[usize],
    layout: &str,
) -> Result<()> {
    if ranks.contains(&shape.len()) {
        return Ok(());
    }
    let ranks: Vec<String> = ranks.iter().map(usize::to_string).collect();
    let message = format!(
        "{} has shape {} of rank {}, but a tensor of rank {}, {layout}, is needed",
        operand(input),
        Dims(shape),
        shape.len(),
        ranks.join(" or "),
    );
    Err(ShapeError::input(op, input, message))
}

/// How messages call operand number `input`.
fn operand(input: usize) -> &'static str {
    match input {
        0 => "the input",
        1 => "the second operand",
        2 => "the third operand",
        _ => "an operand",
    }
}

/// `1 channel`, `3 channels`, `4*D channels`.
fn count<S: Size>(n: &S, noun: &str) -> String {
    if n.is(1) { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests;
