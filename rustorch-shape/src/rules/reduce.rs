//! Reductions over axes.

use crate::error::{Dims, Result, ShapeError, normalize_axes, normalize_axis};
use crate::size::Size;

/// The shape after reducing `axes` (none: all of them); `keepdim` leaves them as 1.
///
/// # Errors
/// When an axis is out of range or named twice.
pub fn reduce<S: Size>(op: &'static str, input: &[S], axes: &[isize], keepdim: bool) -> Result<Vec<S>> {
    if axes.is_empty() {
        return Ok(if keepdim { vec![S::constant(1); input.len()] } else { Vec::new() });
    }
    let axes = normalize_axes(op, axes, input.len())?;
    let mut shape = Vec::with_capacity(input.len());
    for (axis, size) in input.iter().enumerate() {
        if !axes.contains(&axis) {
            shape.push(size.clone());
        } else if keepdim {
            shape.push(S::constant(1));
        }
    }
    Ok(shape)
}

/// [`reduce`] for what has no value over nothing: `max`, `min`, `argmax`.
///
/// # Errors
/// As [`reduce`], and when an axis to reduce is empty.
pub fn arg_reduce<S: Size>(op: &'static str, input: &[S], axes: &[isize], keepdim: bool) -> Result<Vec<S>> {
    let shape = reduce(op, input, axes, keepdim)?;
    let reduced = normalize_axes(op, axes, input.len())?;
    let empty =
        (0..input.len()).find(|axis| input[*axis].is(0) && (axes.is_empty() || reduced.contains(axis)));
    match empty {
        Some(axis) => {
            let message =
                format!("axis {axis} of {} is empty, and {op} of nothing has no value", Dims(input));
            Err(ShapeError::input(op, 0, message).at_axis(axis))
        }
        None => Ok(shape),
    }
}

/// The shape of what keeps its input's while working along one axis: `softmax`, `cumsum`, `sort`.
///
/// # Errors
/// When the axis is out of range.
pub fn cumulative<S: Size>(op: &'static str, input: &[S], dim: isize) -> Result<Vec<S>> {
    normalize_axis(op, dim, input.len())?;
    Ok(input.to_vec())
}
