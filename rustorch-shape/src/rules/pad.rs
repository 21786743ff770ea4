//! Entries added around the last axes.

use super::{fits, leading_axes, require};
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

/// What is put around an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// A number.
    Constant,
    /// The axis mirrored at its first and last entry, which are not repeated.
    Reflect,
    /// Its first and last entry.
    Replicate,
    /// The entries of its other end.
    Circular,
}

impl Border {
    /// The border of this name of PyTorch's, which is a number's if it is none of the others.
    pub fn of(mode: &str) -> Border {
        match mode {
            "reflect" => Border::Reflect,
            "replicate" => Border::Replicate,
            "circular" => Border::Circular,
            _ => Border::Constant,
        }
    }
}

/// The shape with entries added around the last axes: `[left, right]` of the last, then of the one before.
///
/// # Errors
/// When the number of sizes is odd or more than twice the rank.
pub fn pad<S: Size>(op: &'static str, input: &[S], padding: &[S]) -> Result<Vec<S>> {
    if !padding.len().is_multiple_of(2) || padding.len() > 2 * input.len() {
        let message = format!(
            "{} has {} sizes, but two for each of the last axes are needed, and {} has {} axes",
            Dims(padding),
            padding.len(),
            Dims(input),
            input.len()
        );
        return Err(ShapeError::argument(op, "padding", message));
    }
    let mut shape = input.to_vec();
    for (size, ends) in shape.iter_mut().rev().zip(padding.chunks(2)) {
        let padded = size.plus(&ends[0]).and_then(|size| size.plus(&ends[1]));
        *size = fits(op, padded, || "a padded axis".into())?;
    }
    Ok(shape)
}

/// Checks that every axis has the entries that its border consists of.
///
/// # Errors
/// When one has fewer.
pub fn pad_border<S: Size>(
    op: &'static str,
    input: &[S],
    padding: &[S],
    border: Border,
    claims: &mut S::Claims,
) -> Result<()> {
    let one = S::constant(1);
    let axes = (0..input.len()).rev().zip(padding.chunks(2));
    for (axis, end) in axes.flat_map(|(axis, ends)| ends.iter().map(move |end| (axis, end))) {
        let (needed, what) = match border {
            Border::Constant => return Ok(()),
            _ if end.is(0) => continue,
            Border::Reflect => (
                fits(op, end.plus(&one), || "a padded axis".into())?,
                "mirrors entries that an axis must have",
            ),
            Border::Circular => (end.clone(), "repeats entries that an axis must have"),
            Border::Replicate => (one.clone(), "repeats an entry that an axis must have"),
        };
        require(claims, &input[axis], Relation::AtLeast, &needed, || {
            let message = format!(
                "padding by {end} {what}: axis {axis} of {} is {}, but at least {needed} is needed",
                Dims(input),
                input[axis]
            );
            ShapeError::argument(op, "padding", message).at_axis(axis)
        })?;
    }
    Ok(())
}

/// Padding of half as many spatial axes as there are `padding`s, before which channels and perhaps a batch stand. A constant is
/// put around whatever has these axes.
///
/// # Errors
/// When the rank does not fit, or an axis has not the entries that its border consists of.
pub fn pad_layer<S: Size>(
    op: &'static str,
    input: &[S],
    padding: &[S],
    border: Border,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    if border != Border::Constant {
        let leading = leading_axes(op, input, padding.len() / 2)?;
        // As in PyTorch.
        if border != Border::Circular && leading == 2 && input[1].is(0) {
            let message = format!("the input {} has no channels", Dims(input));
            return Err(ShapeError::input(op, 0, message).at_axis(1));
        }
    }
    pad_border(op, input, padding, border, claims)?;
    pad(op, input, padding)
}
