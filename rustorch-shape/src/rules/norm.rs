//! Normalisation layers, which all keep the shape of their input.

use super::conv::check_groups;
use super::{count, leading_axes, require, require_rank};
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

/// Normalisation over batch and positions, per channel (axis 1). `ranks` are those that the layer
/// takes: 2 and 3 for `BatchNorm1d`, 4 for `BatchNorm2d`, 5 for `BatchNorm3d`.
///
/// # Errors
/// When the rank or the number of channels does not fit.
pub fn batch_norm<S: Size>(
    op: &'static str,
    input: &[S],
    channels: &S,
    ranks: &[usize],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let layout = match ranks {
        [2, 3] => "[batch, channels] or [batch, channels, length]",
        [4] => "[batch, channels, height, width]",
        [5] => "[batch, channels, depth, height, width]",
        _ => "[batch, channels, ..]",
    };
    require_rank(op, 0, input, ranks, layout)?;
    check_channels(op, input, 1, channels, claims)?;
    Ok(input.to_vec())
}

/// Normalisation of each channel over its positions, the last `spatial` axes. A batch may stand before the channels.
///
/// # Errors
/// When the rank or the number of channels does not fit, or `of_input` and there is a single position: the statistics of
/// one number say nothing.
pub fn instance_norm<S: Size>(
    op: &'static str,
    input: &[S],
    channels: &S,
    spatial: usize,
    of_input: bool,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let first = leading_axes(op, input, spatial)?;
    check_channels(op, input, first - 1, channels, claims)?;
    if of_input && input[first..].iter().all(|size| size.is(1)) {
        let message =
            format!("the input {} has one position per channel, which has no statistics", Dims(input));
        return Err(ShapeError::input(op, 0, message));
    }
    Ok(input.to_vec())
}

/// Normalisation over the last axes, whose sizes are `normalized`.
///
/// # Errors
/// When `normalized` is empty or the input does not end in it.
pub fn layer_norm<S: Size>(
    op: &'static str,
    input: &[S],
    normalized: &[S],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    if normalized.is_empty() || normalized.len() > input.len() {
        let message =
            format!("the input {} has no {} last axes to normalise over", Dims(input), normalized.len());
        return Err(ShapeError::input(op, 0, message));
    }
    let offset = input.len() - normalized.len();
    for (axis, (size, expected)) in (offset..).zip(input[offset..].iter().zip(normalized)) {
        require(claims, size, Relation::Equal, expected, || {
            let message = format!(
                "axis {axis} of the input {} is {size}, but the layer normalises over {}",
                Dims(input),
                Dims(normalized)
            );
            ShapeError::input(op, 0, message).at_axis(axis)
        })?;
    }
    Ok(input.to_vec())
}

/// Normalisation within groups of channels (axis 1).
///
/// # Errors
/// When the input has no axis 1, the channels differ, or the groups do not divide them.
pub fn group_norm<S: Size>(input: &[S], groups: &S, channels: &S, claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "group_norm";
    check_groups(OP, channels, "channels", groups, claims)
        .map_err(|error| ShapeError { operand: crate::Operand::Argument("num_groups"), ..error })?;
    if input.len() < 2 {
        let message = format!(
            "the input has shape {} of rank {}, but at least [batch, channels] is needed",
            Dims(input),
            input.len()
        );
        return Err(ShapeError::input(OP, 0, message));
    }
    check_channels(OP, input, 1, channels, claims)?;
    Ok(input.to_vec())
}

/// The shape of what changes values but not shapes.
///
/// # Errors
/// Never; the signature is that of a rule.
pub fn same<S: Size>(input: &[S]) -> Result<Vec<S>> {
    Ok(input.to_vec())
}

fn check_channels<S: Size>(
    op: &'static str,
    input: &[S],
    axis: usize,
    channels: &S,
    claims: &mut S::Claims,
) -> Result<()> {
    require(claims, &input[axis], Relation::Equal, channels, || {
        let message = format!(
            "the input {} has {} (axis {axis}), but the layer normalises {channels}",
            Dims(input),
            count(&input[axis], "channel")
        );
        ShapeError::input(op, 0, message).at_axis(axis)
    })
}
