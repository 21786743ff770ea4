//! Taking elements out: by index tensors and by ranges.

use super::{fits, require, require_rank};
use crate::error::{Dims, Result, ShapeError, normalize_axis};
use crate::size::{Relation, Size};

/// The shape of `torch.gather`, which is that of `index`.
///
/// # Errors
/// When the ranks differ, or `index` exceeds `input` on an axis other than `dim`.
pub fn gather<S: Size>(
    op: &'static str,
    input: &[S],
    dim: isize,
    index: &[S],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let axis = normalize_axis(op, dim, input.len())?;
    if input.len() != index.len() && !(input.len() <= 1 && index.len() <= 1) {
        let message = format!(
            "the index {} has rank {}, the input {} rank {}, and these must be equal",
            Dims(index),
            index.len(),
            Dims(input),
            input.len()
        );
        return Err(ShapeError::input(op, 1, message));
    }
    for (other, (size, limit)) in index.iter().zip(input).enumerate() {
        if other == axis {
            continue;
        }
        require(claims, limit, Relation::AtLeast, size, || {
            let message = format!(
                "axis {other} of the index {} is {size}, but the input {} has only {limit} there",
                Dims(index),
                Dims(input)
            );
            ShapeError::input(op, 1, message).at_axis(other)
        })?;
    }
    Ok(index.to_vec())
}

/// The shape with axis `dim` replaced by the entries that the vector `index` picks.
///
/// # Errors
/// When the axis is out of range or `index` has more than one axis.
pub fn index_select<S: Size>(input: &[S], dim: isize, index: &[S]) -> Result<Vec<S>> {
    const OP: &str = "index_select";
    let axis = normalize_axis(OP, dim, input.len())?;
    require_rank(OP, 1, index, &[1, 0], "a vector of positions")?;
    let mut shape = input.to_vec();
    if let Some(size) = shape.get_mut(axis) {
        *size = index.first().cloned().unwrap_or_else(|| S::constant(1));
    }
    Ok(shape)
}

/// The shape without axis `dim`, from which one position is taken.
///
/// # Errors
/// When the axis or the position is out of range.
pub fn select<S: Size>(input: &[S], dim: isize, index: &S, claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "select";
    let axis = axis_of(OP, input, dim)?;
    let least = fits(OP, index.plus(&S::constant(1)), || format!("position {index}"))?;
    require(claims, &input[axis], Relation::AtLeast, &least, || {
        let message = format!(
            "position {index} is outside axis {axis} of {}, which has size {}",
            Dims(input),
            input[axis]
        );
        ShapeError::argument(OP, "index", message).at_axis(axis)
    })?;
    let mut shape = input.to_vec();
    shape.remove(axis);
    Ok(shape)
}

/// The shape of `length` positions of axis `dim`, from `start` on.
///
/// # Errors
/// When the axis is out of range or the positions reach past its end.
pub fn narrow<S: Size>(
    input: &[S],
    dim: isize,
    start: &S,
    length: &S,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    const OP: &str = "narrow";
    let axis = axis_of(OP, input, dim)?;
    let end = fits(OP, start.plus(length), || format!("{start} + {length}"))?;
    require(claims, &input[axis], Relation::AtLeast, &end, || {
        let message = format!(
            "{length} positions from {start} on end at {end}, but axis {axis} of {} has size {}",
            Dims(input),
            input[axis]
        );
        ShapeError::argument(OP, "length", message).at_axis(axis)
    })?;
    let mut shape = input.to_vec();
    shape[axis] = length.clone();
    Ok(shape)
}

/// The shape of every `step`-th position of axis `dim` from `start` up to, without, `end`.
///
/// # Errors
/// When the axis is out of range, `step` is 0, or not `start <= end <= size`.
pub fn slice<S: Size>(
    input: &[S],
    dim: isize,
    start: &S,
    end: &S,
    step: &S,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    const OP: &str = "slice";
    let axis = axis_of(OP, input, dim)?;
    let one = S::constant(1);
    require(claims, step, Relation::AtLeast, &one, || {
        ShapeError::argument(OP, "step", format!("step is {step}, but must be at least 1"))
    })?;
    require(claims, end, Relation::AtLeast, start, || {
        ShapeError::argument(OP, "start", format!("the range {start}..{end} ends before it starts"))
            .at_axis(axis)
    })?;
    require(claims, &input[axis], Relation::AtLeast, end, || {
        let message =
            format!("{start}..{end} reaches past the end of axis {axis} of {}, {}", Dims(input), input[axis]);
        ShapeError::argument(OP, "end", message).at_axis(axis)
    })?;
    let length =
        end.minus(start).and_then(|n| n.plus(step)).and_then(|n| n.minus(&one)).and_then(|n| n.over(step));
    let mut shape = input.to_vec();
    shape[axis] = fits(OP, length, || format!("the range {start}..{end}"))?;
    Ok(shape)
}

/// `[..] -> [.., features]` by a table of `[entries, features]`.
///
/// # Errors
/// When the table is not a matrix.
pub fn embedding<S: Size>(indices: &[S], table: &[S]) -> Result<Vec<S>> {
    require_rank("embedding", 1, table, &[2], "[entries, features]")?;
    let mut shape = indices.to_vec();
    shape.push(table[1].clone());
    Ok(shape)
}

fn axis_of<S: Size>(op: &'static str, input: &[S], dim: isize) -> Result<usize> {
    if input.is_empty() {
        return Err(ShapeError::input(op, 0, "a scalar has no axis to take a part of"));
    }
    normalize_axis(op, dim, input.len())
}
