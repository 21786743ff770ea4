//! Losses.

use super::{broadcast, require};
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

/// Scores `[batch, classes, ..]` against class numbers `[batch, ..]` or probabilities
/// `[batch, classes, ..]`; also `[classes]` against a scalar. `reduced` says whether the losses are
/// averaged or summed to a scalar.
///
/// # Errors
/// When the scores have no axis of classes or the target's shape is neither of the two.
pub fn cross_entropy<S: Size>(
    op: &'static str,
    input: &[S],
    target: &[S],
    reduced: bool,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    if input.is_empty() {
        return Err(ShapeError::input(
            op,
            0,
            "the scores are a scalar, but [batch, classes] or [classes] is needed",
        ));
    }
    let class_axis = usize::from(input.len() > 1);
    let mut losses = input.to_vec();
    losses.remove(class_axis);
    let expected = if target.len() == input.len() { input } else { &losses };
    let error = |axis: Option<usize>| {
        let at = axis.map_or(String::new(), |axis| {
            format!(" (axis {axis}: {}, not {})", target[axis], expected[axis])
        });
        let message = format!(
            "the target {} does not fit the scores {}{at}: class numbers {} or probabilities {} are needed",
            Dims(target),
            Dims(input),
            Dims(&losses),
            Dims(input)
        );
        ShapeError { axis, ..ShapeError::input(op, 1, message) }
    };
    if target.len() != expected.len() {
        return Err(error(None));
    }
    for (axis, (size, wanted)) in target.iter().zip(expected).enumerate() {
        require(claims, size, Relation::Equal, wanted, || error(Some(axis)))?;
    }
    Ok(if reduced { Vec::new() } else { losses })
}

/// A loss between elements, whose operands broadcast: `mse_loss`, `l1_loss`.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn elementwise_loss<S: Size>(
    op: &'static str,
    input: &[S],
    target: &[S],
    reduced: bool,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let losses = broadcast(op, input, target, claims)?;
    Ok(if reduced { Vec::new() } else { losses })
}
