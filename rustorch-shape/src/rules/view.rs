//! Rules that rearrange axes without touching elements.

use super::{numel, require};
use crate::error::{Dims, Operand, Result, ShapeError, normalize_axes, normalize_axis, normalize_named};
use crate::size::{Relation, Size};
use std::fmt;

/// The shape of `input` seen as `target`, of which one size may be left to inference (`None`,
/// PyTorch's `-1`).
///
/// # Errors
/// When the numbers of elements differ, the sizes given do not divide that of the input, or more
/// than one is to be inferred.
///
/// ```
/// use rustorch_shape::rules::reshape;
/// assert_eq!(reshape(&[4, 6], &[Some(3), None], &mut ()), Ok(vec![3, 8]));
/// let error = reshape(&[4, 6], &[Some(5), None], &mut ()).unwrap_err();
/// assert_eq!(error.to_string(), "reshape: [4, 6] has 4 × 6 = 24 elements, which cannot be divided among [5, _]");
/// ```
pub fn reshape<S: Size>(input: &[S], target: &[Option<S>], claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "reshape";
    let error = |message| ShapeError::argument(OP, "shape", message);
    let unknown = target.iter().filter(|size| size.is_none()).count();
    if unknown > 1 {
        return Err(error(format!(
            "only one size can be inferred, but {} asks for {unknown}",
            Target(target)
        )));
    }
    let given: Vec<S> = target.iter().flatten().cloned().collect();
    let (total, part) = (numel(OP, input)?, numel(OP, &given)?);
    if unknown == 0 {
        require(claims, &total, Relation::Equal, &part, || {
            error(format!(
                "{} has {} elements, but {} has {}",
                Dims(input),
                Product(input),
                Dims(&given),
                Product(&given)
            ))
        })?;
        return Ok(given);
    }
    if part.is(0) {
        return Err(error(format!(
            "the size to infer in {} could be anything, since another is 0",
            Target(target)
        )));
    }
    require(claims, &total, Relation::MultipleOf, &part, || {
        error(format!(
            "{} has {} elements, which cannot be divided among {}",
            Dims(input),
            Product(input),
            Target(target)
        ))
    })?;
    let inferred = super::fits(OP, total.over(&part), || format!("the inferred size of {}", Target(target)))?;
    Ok(target.iter().map(|size| size.clone().unwrap_or_else(|| inferred.clone())).collect())
}

/// The shape with the axes from `start` to `end`, both included, merged into one.
///
/// # Errors
/// When an axis is out of range or `end` stands before `start`.
pub fn flatten<S: Size>(input: &[S], start: isize, end: isize) -> Result<Vec<S>> {
    const OP: &str = "flatten";
    let first = normalize_named(OP, "start_dim", start, input.len())?;
    let last = normalize_named(OP, "end_dim", end, input.len())?;
    if last < first {
        let message = format!("the last axis, {last}, stands before the first, {first}");
        return Err(ShapeError::argument(OP, "end_dim", message));
    }
    if input.is_empty() {
        return Ok(vec![S::constant(1)]);
    }
    let mut shape = input[..first].to_vec();
    shape.push(numel(OP, &input[first..=last])?);
    shape.extend_from_slice(&input[last + 1..]);
    Ok(shape)
}

/// The shape with axis `dim` split into `sizes`, of which one may be inferred.
///
/// # Errors
/// When the axis is out of range, or its size is not the product of `sizes`.
pub fn unflatten<S: Size>(
    input: &[S],
    dim: isize,
    sizes: &[Option<S>],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    const OP: &str = "unflatten";
    let axis = normalize_axis(OP, dim, input.len())?;
    if input.is_empty() || sizes.is_empty() {
        return Err(ShapeError::argument(
            OP,
            "sizes",
            "a scalar has no axis to split, and an axis must become at least one",
        ));
    }
    let parts = reshape(&input[axis..=axis], sizes, claims).map_err(|error| {
        let message = format!(
            "axis {axis} of {} is {}, which cannot become {}",
            Dims(input),
            input[axis],
            Target(sizes)
        );
        ShapeError { op: OP, axis: Some(axis), message, ..error }
    })?;
    Ok([&input[..axis], &parts, &input[axis + 1..]].concat())
}

/// The shape without axes of size 1: those in `dims` (others among them stay), or all.
///
/// # Errors
/// When an axis is out of range or named twice, or is symbolic: it may or may not be 1.
pub fn squeeze<S: Size>(input: &[S], dims: Option<&[isize]>) -> Result<Vec<S>> {
    const OP: &str = "squeeze";
    let axes = match dims {
        Some(dims) => normalize_axes(OP, dims, input.len())?,
        None => (0..input.len()).collect(),
    };
    let mut shape = Vec::with_capacity(input.len());
    for (axis, size) in input.iter().enumerate() {
        if !axes.contains(&axis) {
            shape.push(size.clone());
            continue;
        }
        match size.as_constant() {
            Some(1) => {}
            Some(_) => shape.push(size.clone()),
            None => {
                let message = format!(
                    "axis {axis} of {} is {size}, which may or may not be 1; name the axes to squeeze",
                    Dims(input)
                );
                return Err(ShapeError::input(OP, 0, message).at_axis(axis));
            }
        }
    }
    Ok(shape)
}

/// The shape with a new axis of size 1 at `dim`, which may also be one past the last axis.
///
/// # Errors
/// When the axis is out of range.
pub fn unsqueeze<S: Size>(input: &[S], dim: isize) -> Result<Vec<S>> {
    let axis = normalize_axis("unsqueeze", dim, input.len() + 1)?;
    let mut shape = input.to_vec();
    shape.insert(axis, S::constant(1));
    Ok(shape)
}

/// The shape with its axes in the order `dims`.
///
/// # Errors
/// When `dims` is not a permutation of the axes.
pub fn permute<S: Size>(input: &[S], dims: &[isize]) -> Result<Vec<S>> {
    const OP: &str = "permute";
    if dims.len() != input.len() {
        let message = format!(
            "{dims:?} names {} axes, but the input {} has {}: every axis must be named once",
            dims.len(),
            Dims(input),
            input.len()
        );
        return Err(ShapeError::argument(OP, "dims", message));
    }
    let axes = normalize_axes(OP, dims, input.len())
        .map_err(|error| ShapeError { operand: Operand::Argument("dims"), ..error })?;
    Ok(axes.into_iter().map(|axis| input[axis].clone()).collect())
}

/// The shape with axes `a` and `b` exchanged.
///
/// # Errors
/// When an axis is out of range.
pub fn transpose<S: Size>(input: &[S], a: isize, b: isize) -> Result<Vec<S>> {
    const OP: &str = "transpose";
    let a = normalize_named(OP, "dim0", a, input.len())?;
    let b = normalize_named(OP, "dim1", b, input.len())?;
    let mut shape = input.to_vec();
    if !shape.is_empty() {
        shape.swap(a, b);
    }
    Ok(shape)
}

/// A target shape, the inferred size as `_`.
struct Target<'a, S>(&'a [Option<S>]);

impl<S: fmt::Display> fmt::Display for Target<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> =
            self.0.iter().map(|size| size.as_ref().map_or("_".into(), |size| size.to_string())).collect();
        write!(f, "[{}]", sizes.join(", "))
    }
}

/// How a number of elements comes about: `4 × 6 = 24`.
struct Product<'a, S>(&'a [S]);

impl<S: Size> fmt::Display for Product<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factors: Vec<String> = self.0.iter().map(S::to_string).collect();
        if factors.len() > 1 {
            write!(f, "{} = ", factors.join(" × "))?;
        }
        match numel("", self.0) {
            Ok(product) => write!(f, "{product}"),
            Err(_) => f.write_str("too many"),
        }
    }
}
