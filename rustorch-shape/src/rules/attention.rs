//! Scaled dot-product attention.

use super::{broadcast, require};
use crate::error::{Dims, Operand, Result, ShapeError};
use crate::size::{Relation, Size};

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
    const OP: &str = "scaled_dot_product_attention";
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
