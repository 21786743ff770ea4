//! Joining tensors and taking them apart.

use super::{fits, require};
use crate::error::{Dims, Result, ShapeError, normalize_axis};
use crate::size::{Relation, Size};

/// The shape of tensors laid end to end along `dim`. As in PyTorch, tensors of shape `[0]` are skipped.
///
/// # Errors
/// When there are none, or two differ in rank or in another axis.
pub fn cat<S: Size>(shapes: &[&[S]], dim: isize, claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "cat";
    let skipped = |shape: &[S]| matches!(shape, [only] if only.is(0));
    let first = shapes.iter().find(|shape| !skipped(shape)).or(shapes.first());
    let Some(&first) = first else {
        return Err(ShapeError::argument(
            OP,
            "tensors",
            "there is nothing to join: the list of tensors is empty",
        ));
    };
    if first.is_empty() {
        return Err(ShapeError::input(OP, 0, "scalars have no axis to be joined along; use stack"));
    }
    let axis = normalize_axis(OP, dim, first.len())?;
    let mut total = S::constant(0);
    for (input, shape) in shapes.iter().enumerate() {
        if skipped(shape) && !skipped(first) {
            continue;
        }
        same_except(OP, first, input, shape, Some(axis), claims)?;
        total = fits(OP, total.plus(&shape[axis]), || format!("axis {axis} of the result"))?;
    }
    let mut shape = first.to_vec();
    shape[axis] = total;
    Ok(shape)
}

/// The shape of equal tensors stacked along a new axis `dim`.
///
/// # Errors
/// When there are none, or two shapes differ.
pub fn stack<S: Size>(shapes: &[&[S]], dim: isize, claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "stack";
    let Some(&first) = shapes.first() else {
        return Err(ShapeError::argument(
            OP,
            "tensors",
            "there is nothing to stack: the list of tensors is empty",
        ));
    };
    let axis = normalize_axis(OP, dim, first.len() + 1)?;
    for (input, shape) in shapes.iter().enumerate() {
        same_except(OP, first, input, shape, None, claims)?;
    }
    let mut shape = first.to_vec();
    shape.insert(axis, S::constant(shapes.len()));
    Ok(shape)
}

/// The shapes of pieces of `size` along `dim`; a last one takes what is left.
///
/// # Errors
/// When the axis is out of range, `size` is 0 but the axis is not, or the number of pieces is not known.
pub fn split<S: Size>(input: &[S], size: &S, dim: isize, claims: &mut S::Claims) -> Result<Vec<Vec<S>>> {
    const OP: &str = "split";
    let axis = axis_of(OP, input, dim)?;
    if input[axis].as_constant() == Some(0) && size.as_constant() == Some(0) {
        // Nothing is one piece of nothing.
        return Ok(vec![input.to_vec()]);
    }
    require(claims, size, Relation::AtLeast, &S::constant(1), || {
        ShapeError::argument(
            OP,
            "split_size",
            format!("pieces of {size} would never end: the size must be at least 1"),
        )
    })?;
    if let (Some(total), Some(piece)) = (input[axis].as_constant(), size.as_constant()) {
        return Ok(pieces(input, axis, total, piece));
    }
    require(claims, &input[axis], Relation::MultipleOf, size, || uneven(OP, input, axis, size))?;
    let number = input[axis].over(size).and_then(|n| n.as_constant()).ok_or_else(|| {
        let message = format!(
            "how many pieces of {size} axis {axis} of {} has is not known; {OP} takes the size of a piece, chunk their number",
            Dims(input)
        );
        ShapeError::argument(OP, "split_size", message).at_axis(axis)
    })?;
    Ok(vec![replaced(input, axis, size.clone()); number])
}

/// The shapes of pieces of these `sizes` along `dim`.
///
/// # Errors
/// When the axis is out of range or the sizes do not add up to its size.
pub fn split_sizes<S: Size>(
    input: &[S],
    sizes: &[S],
    dim: isize,
    claims: &mut S::Claims,
) -> Result<Vec<Vec<S>>> {
    const OP: &str = "split";
    let axis = axis_of(OP, input, dim)?;
    let mut total = S::constant(0);
    for size in sizes {
        total = fits(OP, total.plus(size), || format!("the sum of {}", Dims(sizes)))?;
    }
    require(claims, &total, Relation::Equal, &input[axis], || {
        let message = format!(
            "the sizes {} add up to {total}, but axis {axis} of {} is {}",
            Dims(sizes),
            Dims(input),
            input[axis]
        );
        ShapeError::argument(OP, "split_size", message).at_axis(axis)
    })?;
    Ok(sizes.iter().map(|size| replaced(input, axis, size.clone())).collect())
}

/// The shapes of at most `chunks` pieces along `dim`, all but the last equally large.
///
/// # Errors
/// When the axis is out of range, `chunks` is 0, or a symbolic axis cannot be divided evenly.
pub fn chunk<S: Size>(input: &[S], chunks: usize, dim: isize, claims: &mut S::Claims) -> Result<Vec<Vec<S>>> {
    const OP: &str = "chunk";
    let axis = axis_of(OP, input, dim)?;
    if chunks == 0 {
        return Err(ShapeError::argument(OP, "chunks", "the number of pieces is 0, but must be at least 1"));
    }
    if let Some(total) = input[axis].as_constant() {
        // PyTorch keeps all pieces of an empty axis.
        if total == 0 {
            let mut all = Vec::new();
            all.try_reserve_exact(chunks).map_err(|_| {
                ShapeError::argument(OP, "chunks", format!("memory does not hold {chunks} pieces"))
            })?;
            all.resize(chunks, input.to_vec());
            return Ok(all);
        }
        return Ok(pieces(input, axis, total, total.div_ceil(chunks)));
    }
    let number = S::constant(chunks);
    require(claims, &input[axis], Relation::MultipleOf, &number, || {
        let message = format!(
            "axis {axis} of {} is {}, which must be a multiple of {chunks} for {chunks} equal pieces",
            Dims(input),
            input[axis]
        );
        ShapeError::input(OP, 0, message).at_axis(axis)
    })?;
    let size = fits(OP, input[axis].over(&number), || format!("a piece of axis {axis}"))?;
    Ok(vec![replaced(input, axis, size); chunks])
}

fn same_except<S: Size>(
    op: &'static str,
    first: &[S],
    input: usize,
    shape: &[S],
    except: Option<usize>,
    claims: &mut S::Claims,
) -> Result<()> {
    if shape.len() != first.len() {
        let message = format!(
            "tensor {input} of the list has shape {} of rank {}, the first has {} of rank {}",
            Dims(shape),
            shape.len(),
            Dims(first),
            first.len()
        );
        return Err(ShapeError::input(op, input, message));
    }
    for (axis, (size, expected)) in shape.iter().zip(first).enumerate() {
        if Some(axis) == except {
            continue;
        }
        require(claims, size, Relation::Equal, expected, || {
            let but = except
                .map_or(String::new(), |joined| format!("; only axis {joined}, which is joined, may differ"));
            let message = format!(
                "axis {axis} of tensor {input} of the list, {}, is {size}, but that of the first, {}, is {expected}{but}",
                Dims(shape),
                Dims(first)
            );
            ShapeError::input(op, input, message).at_axis(axis)
        })?;
    }
    Ok(())
}

fn axis_of<S: Size>(op: &'static str, input: &[S], dim: isize) -> Result<usize> {
    if input.is_empty() {
        return Err(ShapeError::input(op, 0, "a scalar has no axis to be divided"));
    }
    normalize_axis(op, dim, input.len())
}

fn pieces<S: Size>(input: &[S], axis: usize, total: usize, piece: usize) -> Vec<Vec<S>> {
    let number = total.div_ceil(piece).max(1);
    (0..number).map(|i| replaced(input, axis, S::constant(piece.min(total - i * piece)))).collect()
}

fn uneven<S: Size>(op: &'static str, input: &[S], axis: usize, size: &S) -> ShapeError {
    let message =
        format!("axis {axis} of {} is {}, which pieces of {size} do not make up", Dims(input), input[axis]);
    ShapeError::argument(op, "split_size", message).at_axis(axis)
}

fn replaced<S: Size>(input: &[S], axis: usize, size: S) -> Vec<S> {
    let mut shape = input.to_vec();
    shape[axis] = size;
    shape
}
