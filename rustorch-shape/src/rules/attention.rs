//! Scaled dot-product attention.

use super::{broadcast, require};
use crate::error::{Dims, Operand, Result, ShapeError};
use crate::size::{Relation, Size};

const OP: &str = "scaled_dot_product_attention";

/// `softmax(q kᵀ / √e + mask) v`: query `[.., l, e]`, key `[.., s, e]`, value `[.., s, v]` and a mask
/// that broadcasts to `[.., l, s]` give `[.., l, v]`; leading axes broadcast.
///
/// # Errors
/// When an operand has fewer than two axes, or sizes that must be equal are not.
pub fn attention<S: Size>(
    query: &[S],
    key: &[S],
    value: &[S],
    mask: Option<&[S]>,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    const NAMES: [&str; 3] = ["query", "key", "value"];
    for (input, shape) in [query, key, value].into_iter().enumerate() {
        if shape.len() < 2 {
            let message = format!(
                "the {} has shape {}, but at least [length, features] is needed",
                NAMES[input],
                Dims(shape)
            );
            return Err(ShapeError::input(OP, input, message));
        }
    }
    let tail = |shape: &[S]| (shape[shape.len() - 2].clone(), shape[shape.len() - 1].clone());
    let ((length, features), (keys, key_features), (values, width)) = (tail(query), tail(key), tail(value));
    require(claims, &key_features, Relation::Equal, &features, || {
        let message = format!(
            "the key {} has {key_features} features (its last axis), but the query {} has {features}",
            Dims(key),
            Dims(query)
        );
        ShapeError::input(OP, 1, message).at_axis(key.len() - 1)
    })?;
    require(claims, &values, Relation::Equal, &keys, || {
        let message = format!(
            "the value {} has {values} positions (axis {}), but the key {} has {keys}",
            Dims(value),
            value.len() - 2,
            Dims(key)
        );
        ShapeError::input(OP, 2, message).at_axis(value.len() - 2)
    })?;
    let mut shape = query[..query.len() - 2].to_vec();
    for (input, other) in [(1, key), (2, value)] {
        shape = broadcast(OP, &shape, &other[..other.len() - 2], claims).map_err(|error| ShapeError {
            operand: Operand::Input(input),
            message: format!("the leading axes of query and {} differ: {}", NAMES[input], error.message),
            ..error
        })?;
    }
    if let Some(mask) = mask {
        let scores = [&shape[..], &[length.clone(), keys]].concat();
        let masked = broadcast(OP, &scores, mask, claims);
        if !masked.as_ref().is_ok_and(|masked| masked.len() == scores.len()) {
            let message =
                format!("the mask {} does not broadcast to the scores {}", Dims(mask), Dims(&scores));
            return Err(ShapeError::input(OP, 3, message));
        }
    }
    shape.extend([length, width]);
    Ok(shape)
}

/// [`attention`] in which each head (axis -3) of key and value serves a group of the query's heads, whose number is
/// a multiple of theirs (Ainslie et al., "GQA", 2023).
///
/// # Errors
/// As [`attention`]; also when an operand has no axis of heads, or the numbers of heads do not fit.
///
/// ```
/// use rustorch_shape::rules::grouped_attention;
/// let shape = grouped_attention(&[2, 8, 5, 4], &[2, 2, 6, 4], &[2, 2, 6, 3], None, &mut ());
/// assert_eq!(shape, Ok(vec![2, 8, 5, 3]));
/// let error = grouped_attention(&[8, 5, 4], &[3, 6, 4], &[3, 6, 4], None, &mut ()).unwrap_err();
/// assert!(error.to_string().contains("8 heads (axis 0), which is no multiple of the 3 of the key"));
/// ```
pub fn grouped_attention<S: Size>(
    query: &[S],
    key: &[S],
    value: &[S],
    mask: Option<&[S]>,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let heads = |input: usize, name: &str, shape: &[S]| match shape.len().checked_sub(3) {
        Some(axis) => Ok(shape[axis].clone()),
        None => {
            let message = format!(
                "the {name} has shape {}, but at least [heads, length, features] is needed to group heads",
                Dims(shape)
            );
            Err(ShapeError::input(OP, input, message))
        }
    };
    let (many, few, values) = (heads(0, "query", query)?, heads(1, "key", key)?, heads(2, "value", value)?);
    require(claims, &values, Relation::Equal, &few, || {
        let message = format!(
            "the value {} has {values} heads (axis {}), but the key {} has {few}",
            Dims(value),
            value.len() - 3,
            Dims(key)
        );
        ShapeError::input(OP, 2, message).at_axis(value.len() - 3)
    })?;
    require(claims, &many, Relation::MultipleOf, &few, || {
        let message = format!(
            "the query {} has {many} heads (axis {}), which is no multiple of the {few} of the key {}",
            Dims(query),
            query.len() - 3,
            Dims(key)
        );
        ShapeError::input(OP, 0, message).at_axis(query.len() - 3)
    })?;
    let repeated = |shape: &[S]| {
        let mut shape = shape.to_vec();
        let axis = shape.len() - 3;
        shape[axis] = many.clone();
        shape
    };
    attention(query, &repeated(key), &repeated(value), mask, claims)
}

/// Attention of a sequence to itself by several heads: `[length, batch, features]` in any order of the first two, or
/// `[length, features]`, to the same shape.
///
/// # Errors
/// When the rank or the features do not fit, or the heads do not divide the features.
pub fn self_attention<S: Size>(
    op: &'static str,
    input: &[S],
    features: &S,
    heads: &S,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    check_heads(op, features, heads, claims)?;
    check_sequence(op, (0, "input"), input, features, claims)?;
    Ok(input.to_vec())
}

/// The sizes of attention by several heads.
#[derive(Clone, Copy, Debug)]
pub struct Multihead<'a, S> {
    /// The layer, as the user calls it.
    pub op: &'static str,
    /// Features of the query and the output.
    pub embed_dim: &'a S,
    /// Heads, which divide them.
    pub num_heads: &'a S,
    /// Features of the key.
    pub kdim: &'a S,
    /// Features of the value.
    pub vdim: &'a S,
    /// Whether the batch is axis 0 and not axis 1.
    pub batch_first: bool,
}

/// Query `[l, batch, embed_dim]`, key `[s, batch, kdim]` and value `[s, batch, vdim]` (with the batch first if
/// `batch_first`, or without one) give `[l, batch, embed_dim]`.
///
/// # Errors
/// When ranks or sizes do not fit, or the heads do not divide the features.
///
/// ```
/// use rustorch_shape::rules::{Multihead, multihead_attention};
/// let layer =
///     Multihead { op: "MultiheadAttention", embed_dim: &8, num_heads: &2, kdim: &8, vdim: &8, batch_first: true };
/// assert_eq!(multihead_attention(layer, &[3, 5, 8], &[3, 7, 8], &[3, 7, 8], &mut ()), Ok(vec![3, 5, 8]));
/// let error = multihead_attention(layer, &[3, 5, 8], &[3, 7, 8], &[3, 6, 8], &mut ()).unwrap_err();
/// assert!(error.to_string().ends_with("the value [3, 6, 8] has 6 positions (axis 1), but the key [3, 7, 8] has 7"));
/// ```
pub fn multihead_attention<S: Size>(
    layer: Multihead<'_, S>,
    query: &[S],
    key: &[S],
    value: &[S],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let op = layer.op;
    check_heads(op, layer.embed_dim, layer.num_heads, claims)?;
    check_sequence(op, (0, "query"), query, layer.embed_dim, claims)?;
    check_sequence(op, (1, "key"), key, layer.kdim, claims)?;
    check_sequence(op, (2, "value"), value, layer.vdim, claims)?;
    for (input, name, shape) in [(1, "key", key), (2, "value", value)] {
        if shape.len() != query.len() {
            let message = format!("the {name} {} and the query {} differ in rank", Dims(shape), Dims(query));
            return Err(ShapeError::input(op, input, message));
        }
    }
    let batched = query.len() == 3;
    let (length, batch) = if batched && layer.batch_first { (1, 0) } else { (0, 1) };
    require(claims, &value[length], Relation::Equal, &key[length], || {
        let message = format!(
            "the value {} has {} positions (axis {length}), but the key {} has {}",
            Dims(value),
            value[length],
            Dims(key),
            key[length]
        );
        ShapeError::input(op, 2, message).at_axis(length)
    })?;
    for (input, name, shape) in [(1, "key", key), (2, "value", value)] {
        if batched {
            require(claims, &shape[batch], Relation::Equal, &query[batch], || {
                let message = format!(
                    "the {name} {} is a batch of {} (axis {batch}), but the query {} one of {}",
                    Dims(shape),
                    shape[batch],
                    Dims(query),
                    query[batch]
                );
                ShapeError::input(op, input, message).at_axis(batch)
            })?;
        }
    }
    Ok(query.to_vec())
}

fn check_heads<S: Size>(op: &'static str, features: &S, heads: &S, claims: &mut S::Claims) -> Result<()> {
    require(claims, features, Relation::MultipleOf, heads, || {
        let message = format!("{heads} heads do not divide {features} features");
        ShapeError::argument(op, if op == "MultiheadAttention" { "num_heads" } else { "nhead" }, message)
    })
}

fn check_sequence<S: Size>(
    op: &'static str,
    (input, name): (usize, &str),
    shape: &[S],
    features: &S,
    claims: &mut S::Claims,
) -> Result<()> {
    if !matches!(shape.len(), 2 | 3) {
        let message = format!(
            "the {name} has shape {} of rank {}, but [length, batch, features] or [length, features] is needed",
            Dims(shape),
            shape.len()
        );
        return Err(ShapeError::input(op, input, message));
    }
    let last = shape.len() - 1;
    require(claims, &shape[last], Relation::Equal, features, || {
        let message = format!(
            "the {name} {} has {} features (axis {last}), but the layer takes {features}",
            Dims(shape),
            shape[last]
        );
        ShapeError::input(op, input, message).at_axis(last)
    })
}
