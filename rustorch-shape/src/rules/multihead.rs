//! Attention by several heads, as layers have it.

use super::require;
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

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
#[derive(Debug)]
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

impl<S> Clone for Multihead<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Multihead<'_, S> {}

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

/// A sequence that attends to itself and to another: of one rank and one batch, with the features of the layer. Each is
/// given with its number among the operands and its name. The output has the shape of the first.
///
/// # Errors
/// When ranks or sizes do not fit, or the heads do not divide the features.
///
/// ```
/// use rustorch_shape::rules::{Multihead, cross_attention};
/// let layer = Multihead { op: "decoder", embed_dim: &8, num_heads: &2, kdim: &8, vdim: &8, batch_first: false };
/// let (tgt, memory) = ([5, 3, 8], [7, 4, 8]);
/// let error = cross_attention(layer, (0, "tgt", &tgt), (1, "memory", &memory), &mut ()).unwrap_err();
/// assert!(error.to_string().ends_with("the memory [7, 4, 8] is a batch of 4 (axis 1), but the tgt [5, 3, 8] one of 3"));
/// ```
pub fn cross_attention<S: Size>(
    layer: Multihead<'_, S>,
    (first, own, shape): (usize, &str, &[S]),
    (second, other, seen): (usize, &str, &[S]),
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let op = layer.op;
    check_heads(op, layer.embed_dim, layer.num_heads, claims)?;
    check_sequence(op, (first, own), shape, layer.embed_dim, claims)?;
    check_sequence(op, (second, other), seen, layer.embed_dim, claims)?;
    if shape.len() != seen.len() {
        let message = format!("the {other} {} and the {own} {} differ in rank", Dims(seen), Dims(shape));
        return Err(ShapeError::input(op, second, message));
    }
    if shape.len() == 3 {
        let batch = usize::from(!layer.batch_first);
        require(claims, &seen[batch], Relation::Equal, &shape[batch], || {
            let message = format!(
                "the {other} {} is a batch of {} (axis {batch}), but the {own} {} one of {}",
                Dims(seen),
                seen[batch],
                Dims(shape),
                shape[batch]
            );
            ShapeError::input(op, second, message).at_axis(batch)
        })?;
    }
    Ok(shape.to_vec())
}

/// A mask of attention: `[l, s]`, or `[batch · heads, l, s]`, for `l` queries and `s` keys.
///
/// # Errors
/// When it has another shape.
///
/// ```
/// use rustorch_shape::rules::{Multihead, attention_mask};
/// let layer = Multihead { op: "attention", embed_dim: &8, num_heads: &2, kdim: &8, vdim: &8, batch_first: true };
/// assert!(attention_mask(layer, ("mask", &[6, 5, 7]), &[3, 5, 8], &[3, 7, 8], &mut ()).is_ok());
/// let error = attention_mask(layer, ("mask", &[5, 5]), &[3, 5, 8], &[3, 7, 8], &mut ()).unwrap_err();
/// assert_eq!(error.to_string(), "attention: `mask` is [5, 5], but 5 queries and 7 keys need [5, 7] or [6, 5, 7]");
/// ```
pub fn attention_mask<S: Size>(
    layer: Multihead<'_, S>,
    (name, mask): (&'static str, &[S]),
    query: &[S],
    key: &[S],
    claims: &mut S::Claims,
) -> Result<()> {
    let (batch, length) = batch_and_length(layer, query.len());
    let (queries, keys) = (&query[length], &key[length]);
    let heads = batch.map_or(Some(layer.num_heads.clone()), |axis| query[axis].times(layer.num_heads));
    let full = heads.map(|heads| vec![heads, queries.clone(), keys.clone()]);
    let expected = vec![queries.clone(), keys.clone()];
    let wrong = || {
        let full = full.as_ref().map_or(String::new(), |full| format!(" or {}", Dims(full)));
        let message = format!(
            "`{name}` is {}, but {queries} queries and {keys} keys need {}{full}",
            Dims(mask),
            Dims(&expected)
        );
        ShapeError::argument(layer.op, name, message)
    };
    let wanted = match (mask.len(), &full) {
        (2, _) => &expected,
        (3, Some(full)) => full,
        _ => return Err(wrong()),
    };
    mask.iter()
        .zip(wanted)
        .try_for_each(|(found, wanted)| require(claims, found, Relation::Equal, wanted, wrong))
}

/// The keys that a batch hides: `[batch, s]`, or `[s]` without a batch.
///
/// # Errors
/// When it has another shape.
///
/// ```
/// use rustorch_shape::rules::{Multihead, key_padding_mask};
/// let layer = Multihead { op: "attention", embed_dim: &8, num_heads: &2, kdim: &8, vdim: &8, batch_first: true };
/// let error = key_padding_mask(layer, ("mask", &[7, 3]), &[3, 7, 8], &mut ()).unwrap_err();
/// assert_eq!(error.to_string(), "attention: `mask` is [7, 3], but for the keys [3, 7, 8] it must be [3, 7]");
/// ```
pub fn key_padding_mask<S: Size>(
    layer: Multihead<'_, S>,
    (name, mask): (&'static str, &[S]),
    key: &[S],
    claims: &mut S::Claims,
) -> Result<()> {
    let (batch, length) = batch_and_length(layer, key.len());
    let expected: Vec<S> = batch.into_iter().chain([length]).map(|axis| key[axis].clone()).collect();
    let wrong = || {
        let message = format!(
            "`{name}` is {}, but for the keys {} it must be {}",
            Dims(mask),
            Dims(key),
            Dims(&expected)
        );
        ShapeError::argument(layer.op, name, message)
    };
    if mask.len() != expected.len() {
        return Err(wrong());
    }
    mask.iter()
        .zip(&expected)
        .try_for_each(|(found, wanted)| require(claims, found, Relation::Equal, wanted, wrong))
}

/// The axes of batch, if there is one, and length.
fn batch_and_length<S>(layer: Multihead<'_, S>, rank: usize) -> (Option<usize>, usize) {
    match (rank, layer.batch_first) {
        (3, true) => (Some(0), 1),
        (3, false) => (Some(1), 0),
        _ => (None, 0),
    }
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
