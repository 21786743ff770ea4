//! Repeating, moving and padding.

use super::{fits, require};
use crate::error::{Dims, Operand, Result, ShapeError, normalize_axes, normalize_axis};
use crate::size::{Relation, Size};

/// The shape of `input` laid side by side with itself, `repeats` times along each axis; more repeats than axes add
/// leading ones.
///
/// # Errors
/// When there are fewer repeats than axes.
pub fn repeat<S: Size>(input: &[S], repeats: &[S]) -> Result<Vec<S>> {
    const OP: &str = "repeat";
    let Some(new) = repeats.len().checked_sub(input.len()) else {
        let message = format!(
            "{} repeats are too few for {}, which has {} axes: every axis needs one",
            repeats.len(),
            Dims(input),
            input.len()
        );
        return Err(ShapeError::argument(OP, "repeats", message));
    };
    let one = S::constant(1);
    let sizes = repeats.iter().enumerate().map(|(axis, times)| {
        let size = axis.checked_sub(new).map_or(&one, |old| &input[old]);
        fits(OP, size.times(times), || format!("axis {axis} of the result"))
    });
    sizes.collect()
}

/// The shape with every entry of `dim` repeated in place.
///
/// # Errors
/// When the axis is out of range.
pub fn repeat_interleave<S: Size>(input: &[S], repeats: &S, dim: isize) -> Result<Vec<S>> {
    const OP: &str = "repeat_interleave";
    let axis = normalize_axis(OP, dim, input.len())?;
    let mut shape = input.to_vec();
    if let Some(size) = shape.get_mut(axis) {
        *size = fits(OP, size.times(repeats), || format!("axis {axis} of the result"))?;
    }
    Ok(shape)
}

/// The shape, which moving elements along `dims` keeps.
///
/// # Errors
/// When an axis is out of range or named twice, or there is not one shift for each.
pub fn roll<S: Size>(input: &[S], shifts: &[isize], dims: &[isize]) -> Result<Vec<S>> {
    const OP: &str = "roll";
    let axes = normalize_axes(OP, dims, input.len())
        .map_err(|error| ShapeError { operand: Operand::Argument("dims"), ..error })?;
    if shifts.len() != axes.len() {
        let message =
            format!("{shifts:?} has {} shifts, but {dims:?} names {} axes", shifts.len(), axes.len());
        return Err(ShapeError::argument(OP, "shifts", message));
    }
    Ok(input.to_vec())
}

/// The shape with the axes `source` moved to `destination`; the others keep their order.
///
/// # Errors
/// When an axis is out of range or named twice, or the lists differ in length.
pub fn movedim<S: Size>(input: &[S], source: &[isize], destination: &[isize]) -> Result<Vec<S>> {
    const OP: &str = "movedim";
    if source.len() != destination.len() {
        let message =
            format!("{source:?} and {destination:?} differ in length: every axis needs a destination");
        return Err(ShapeError::argument(OP, "destination", message));
    }
    let named = |name| move |error| ShapeError { operand: Operand::Argument(name), ..error };
    let from = normalize_axes(OP, source, input.len()).map_err(named("source"))?;
    let to = normalize_axes(OP, destination, input.len()).map_err(named("destination"))?;
    let mut others = (0..input.len()).filter(|axis| !from.contains(axis));
    let place = |axis| to.iter().position(|at| *at == axis).map(|i| from[i]);
    let order = (0..input.len()).filter_map(|axis| place(axis).or_else(|| others.next()));
    Ok(order.map(|axis| input[axis].clone()).collect())
}

/// The shape with axis `dim` halved: gated linear units.
///
/// # Errors
/// When the axis is out of range or its size is odd.
pub fn glu<S: Size>(op: &'static str, input: &[S], dim: isize, claims: &mut S::Claims) -> Result<Vec<S>> {
    let axis = normalize_axis(op, dim, input.len())?;
    let two = S::constant(2);
    let mut shape = input.to_vec();
    let Some(size) = shape.get_mut(axis) else {
        return Err(ShapeError::input(op, 0, "a scalar has no axis to halve"));
    };
    require(claims, size, Relation::MultipleOf, &two, || {
        let message = format!("axis {axis} of {} is {size}, which has no two equal halves", Dims(input));
        ShapeError::input(op, 0, message).at_axis(axis)
    })?;
    *size = fits(op, size.over(&two), || format!("half of axis {axis}"))?;
    Ok(shape)
}

/// The shape of the `k` largest entries of `dim`.
///
/// # Errors
/// When the axis is out of range or has fewer entries.
pub fn topk<S: Size>(input: &[S], k: &S, dim: isize, claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "topk";
    let axis = normalize_axis(OP, dim, input.len())?;
    let mut shape = input.to_vec();
    let Some(size) = shape.get_mut(axis) else { return Ok(shape) };
    require(claims, size, Relation::AtLeast, k, || {
        let message = format!("{k} entries are asked for, but axis {axis} of {} has {size}", Dims(input));
        ShapeError::argument(OP, "k", message).at_axis(axis)
    })?;
    *size = k.clone();
    Ok(shape)
}

/// The shapes of all positions of `dim`, each without that axis.
///
/// # Errors
/// When the axis is out of range, or its size is not a number.
pub fn unbind<S: Size>(input: &[S], dim: isize) -> Result<Vec<Vec<S>>> {
    const OP: &str = "unbind";
    if input.is_empty() {
        return Err(ShapeError::input(OP, 0, "a scalar has no axis to be divided"));
    }
    let axis = normalize_axis(OP, dim, input.len())?;
    let Some(number) = input[axis].as_constant() else {
        let message = format!(
            "axis {axis} of {} is {}, but the number of tensors must be known: one name takes each",
            Dims(input),
            input[axis]
        );
        return Err(ShapeError::argument(OP, "dim", message).at_axis(axis));
    };
    let mut shape = input.to_vec();
    shape.remove(axis);
    Ok(vec![shape; number])
}

/// The shape of what works on the last two axes.
///
/// # Errors
/// When there are fewer than two.
pub fn matrices<S: Size>(op: &'static str, input: &[S]) -> Result<Vec<S>> {
    if input.len() < 2 {
        let message = format!("the input {} has no two last axes, which are the matrix", Dims(input));
        return Err(ShapeError::input(op, 0, message));
    }
    Ok(input.to_vec())
}

/// The shape of what works on images: `[batch, channels, h, w]` or `[channels, h, w]`.
///
/// # Errors
/// When the rank is another.
pub fn image<S: Size>(op: &'static str, input: &[S]) -> Result<Vec<S>> {
    super::require_rank(
        op,
        0,
        input,
        &[4, 3],
        "[batch, channels, height, width] or [channels, height, width]",
    )?;
    Ok(input.to_vec())
}

/// The shape of `torch.nn.functional.prelu`: that of its input. The weight has one element, or one for each channel,
/// which are axis 1.
///
/// # Errors
/// When the weight has another shape.
pub fn prelu<S: Size>(op: &'static str, input: &[S], weight: &[S], claims: &mut S::Claims) -> Result<Vec<S>> {
    let one = S::constant(1);
    let channels = input.get(1).unwrap_or(&one);
    let [size] = weight else {
        let message =
            format!("the weight is {}, but must be a vector: one element, or one per channel", Dims(weight));
        return Err(ShapeError::input(op, 1, message));
    };
    if !size.is(1) {
        require(claims, channels, Relation::Equal, size, || {
            let message = format!(
                "there are {size} weights, but the input {} has {} (axis 1)",
                Dims(input),
                super::count(channels, "channel")
            );
            ShapeError::input(op, 0, message).at_axis(1)
        })?;
    }
    Ok(input.to_vec())
}

/// `torch.outer`: `[n], [m] -> [n, m]`.
///
/// # Errors
/// When an operand is not a vector.
pub fn outer<S: Size>(left: &[S], right: &[S]) -> Result<Vec<S>> {
    super::require_rank("outer", 0, left, &[1], "a vector")?;
    super::require_rank("outer", 1, right, &[1], "a vector")?;
    Ok([left, right].concat())
}

/// The shape of `torch.take_along_dim`: axis `dim` of `index`, the other axes broadcast.
///
/// # Errors
/// When the axis is out of range, the ranks differ, or other axes do not broadcast.
pub fn take_along<S: Size>(
    op: &'static str,
    input: &[S],
    dim: isize,
    index: &[S],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let axis = normalize_axis(op, dim, input.len())?;
    if input.len() != index.len() || input.is_empty() {
        let message =
            format!("the index {} and the input {} must have the same rank", Dims(index), Dims(input));
        return Err(ShapeError::input(op, 1, message));
    }
    let (mut left, mut right) = (input.to_vec(), index.to_vec());
    (left[axis], right[axis]) = (S::constant(1), S::constant(1));
    let mut shape = super::broadcast(op, &left, &right, claims)?;
    shape[axis] = index[axis].clone();
    Ok(shape)
}
