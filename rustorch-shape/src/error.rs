//! The one error of every shape rule, and the helper that turns `-1` into the last axis.

use std::fmt;

/// The result of a shape rule.
pub type Result<T> = std::result::Result<T, ShapeError>;

/// A shape that an operation cannot accept.
///
/// The text names the operation, the operand, the axis and both sizes. The fields say the same to
/// programs: inside a macro, [`operand`](Self::operand) picks the tokens that the message points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// The operation, as the user calls it: `matmul`, `conv2d`.
    pub op: &'static str,
    /// Whose fault it is.
    pub operand: Operand,
    /// The axis in question, counted from 0, where there is one.
    pub axis: Option<usize>,
    /// What is wrong, with the numbers, without the name of the operation.
    pub message: String,
}

/// The part of a call that a [`ShapeError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The tensor operand with this number, from 0.
    Input(usize),
    /// The argument or option with this name.
    Argument(&'static str),
}

impl ShapeError {
    /// An error about the tensor operand number `input`.
    #[cold]
    #[inline]
    pub fn input(op: &'static str, input: usize, message: impl Into<String>) -> Self {
        ShapeError { op, operand: Operand::Input(input), axis: None, message: message.into() }
    }

    /// An error about the argument called `name`.
    #[cold]
    #[inline]
    pub fn argument(op: &'static str, name: &'static str, message: impl Into<String>) -> Self {
        ShapeError { op, operand: Operand::Argument(name), axis: None, message: message.into() }
    }

    /// The same error, about this axis.
    #[must_use]
    pub fn at_axis(mut self, axis: usize) -> Self {
        self.axis = Some(axis);
        self
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op, self.message)
    }
}

impl std::error::Error for ShapeError {}

/// Writes a shape as `[batch, 3, 28]`.
pub struct Dims<'a, S>(pub &'a [S]);

impl<S: fmt::Display> fmt::Display for Dims<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, size) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{size}")?;
        }
        f.write_str("]")
    }
}

/// The axis that `axis` means in a shape of this rank: `-1` is the last one.
///
/// # Errors
/// When `axis` is outside `-rank..rank`. A rank of 0 counts as 1, as PyTorch has it, so that
/// reductions over axis 0 work on scalars.
///
/// ```
/// use rustorch_shape::normalize_axis;
/// assert_eq!(normalize_axis("softmax", -1, 3), Ok(2));
/// assert!(normalize_axis("softmax", 3, 3).is_err());
/// ```
pub fn normalize_axis(op: &'static str, axis: isize, rank: usize) -> Result<usize> {
    let span = rank.max(1) as isize;
    let index = if axis < 0 { axis.checked_add(span).unwrap_or(-1) } else { axis };
    if (0..span).contains(&index) {
        return Ok(index as usize);
    }
    let message = format!(
        "axis {axis} is out of range for a tensor of rank {rank}: axes go from {} to {}",
        -span,
        span - 1
    );
    Err(ShapeError::argument(op, "dim", message))
}

/// [`normalize_axis`] for an axis whose argument is called `name`.
pub(crate) fn normalize_named(
    op: &'static str,
    name: &'static str,
    axis: isize,
    rank: usize,
) -> Result<usize> {
    normalize_axis(op, axis, rank).map_err(|error| ShapeError { operand: Operand::Argument(name), ..error })
}

/// [`normalize_axis`] for several axes, which must differ from each other.
///
/// # Errors
/// When one is out of range, or two are the same axis.
pub fn normalize_axes(op: &'static str, axes: &[isize], rank: usize) -> Result<Vec<usize>> {
    let mut normal = Vec::with_capacity(axes.len());
    for &axis in axes {
        let index = normalize_axis(op, axis, rank)?;
        if normal.contains(&index) {
            return Err(ShapeError::argument(op, "dim", format!("axis {index} is named twice in {axes:?}")));
        }
        normal.push(index);
    }
    Ok(normal)
}
