//! Broadcasting: axes are aligned from the last, and a size of 1 stretches.

use super::require;
use crate::error::{Dims, Operand, Result, ShapeError};
use crate::size::{Relation, Size, Truth};

/// The shape of an elementwise operation on two operands.
///
/// # Errors
/// When two aligned sizes differ and neither is 1.
///
/// ```
/// use rustorch_shape::rules::broadcast;
/// assert_eq!(broadcast("add", &[8, 1, 6], &[7, 1], &mut ()), Ok(vec![8, 7, 6]));
/// let error = broadcast("add", &[2, 3], &[4], &mut ()).unwrap_err();
/// assert_eq!(error.to_string(), "add: shapes [2, 3] and [4] do not broadcast: axis 1 of the left is 3, axis 0 of the right is 4");
/// ```
pub fn broadcast<S: Size>(
    op: &'static str,
    left: &[S],
    right: &[S],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    if left == right {
        return Ok(left.to_vec());
    }
    let (longer, shorter) = if left.len() >= right.len() { (left, right) } else { (right, left) };
    let mut shape = longer.to_vec();
    let offset = longer.len() - shorter.len();
    for (axis, other) in (offset..).zip(shorter) {
        if shape[axis].is(1) {
            shape[axis] = other.clone();
        } else if !other.is(1) {
            let error = || {
                let from_end = longer.len() - axis;
                mismatch(op, left, right, left.len() - from_end, right.len() - from_end)
            };
            require(claims, &shape[axis], Relation::Equal, other, error)?;
            // Of two sizes claimed to be equal, the number says more.
            if other.as_constant().is_some() {
                shape[axis] = other.clone();
            }
        }
    }
    Ok(shape)
}

/// [`broadcast`] for any number of operands; none give the shape of a scalar.
///
/// # Errors
/// As [`broadcast`]; the error names the first operand that does not fit.
pub fn broadcast_all<S: Size>(op: &'static str, shapes: &[&[S]], claims: &mut S::Claims) -> Result<Vec<S>> {
    let Some((first, rest)) = shapes.split_first() else { return Ok(Vec::new()) };
    let mut shape = first.to_vec();
    for (input, next) in rest.iter().enumerate() {
        shape = broadcast(op, &shape, next, claims)
            .map_err(|error| ShapeError { operand: Operand::Input(input + 1), ..error })?;
    }
    Ok(shape)
}

/// The shape of `input` stretched to `target`, where `None` keeps a size (PyTorch's `-1`).
///
/// # Errors
/// When `target` has fewer axes, a size that is not 1 would change, or a new leading axis is `None`.
pub fn expand<S: Size>(input: &[S], target: &[Option<S>], claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "expand";
    if target.len() < input.len() {
        let message = format!(
            "{} sizes are too few for an input of rank {}, {}",
            target.len(),
            input.len(),
            Dims(input)
        );
        return Err(ShapeError::argument(OP, "sizes", message));
    }
    let new = target.len() - input.len();
    let mut shape = Vec::with_capacity(target.len());
    for (axis, size) in target.iter().enumerate() {
        let old = axis.checked_sub(new).map(|i| &input[i]);
        shape.push(match (old, size) {
            (Some(old), None) => old.clone(),
            (None, Some(size)) => size.clone(),
            (Some(old), Some(size)) => {
                if !old.is(1) {
                    require(claims, old, Relation::Equal, size, || {
                        let message = format!("axis {} of the input {} is {old} and cannot become {size}: only a size of 1 stretches", axis - new, Dims(input));
                        ShapeError::argument(OP, "sizes", message).at_axis(axis)
                    })?;
                }
                size.clone()
            }
            (None, None) => {
                let message = format!("axis {axis} is new, so its size cannot be left to the input {}", Dims(input));
                return Err(ShapeError::argument(OP, "sizes", message).at_axis(axis));
            }
        });
    }
    Ok(shape)
}

fn mismatch<S: Size>(op: &'static str, left: &[S], right: &[S], i: usize, j: usize) -> ShapeError {
    let (a, b) = (&left[i], &right[j]);
    let named = a.holds(Relation::Equal, b) == Truth::False
        && (a.as_constant().is_none() || b.as_constant().is_none());
    // Two names look as if they might be equal: say why that does not help.
    let why = if named { ", and these cannot be relied on to be equal" } else { "" };
    let message = format!(
        "shapes {} and {} do not broadcast: axis {i} of the left is {a}, axis {j} of the right is {b}{why}",
        Dims(left),
        Dims(right)
    );
    ShapeError::input(op, 1, message).at_axis(j)
}
