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
