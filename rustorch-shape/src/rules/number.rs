//! Numbers that operations take beside their tensors. Those that PyTorch refuses are refused.

use crate::error::{Result, ShapeError};

/// `alpha` of `celu`, by which it divides.
///
/// # Errors
/// When it is 0.
#[inline]
pub fn celu(op: &'static str, alpha: f64) -> Result<()> {
    if alpha != 0.0 {
        return Ok(());
    }
    let message = format!("`alpha` is {alpha}, but `x` is divided by it; expected another number");
    Err(ShapeError::argument(op, "alpha", message))
}

/// By how much `softshrink` moves elements.
///
/// # Errors
/// When it is negative, infinite or NaN.
#[inline]
pub fn softshrink(op: &'static str, lambda: f64) -> Result<()> {
    if lambda >= 0.0 && lambda.is_finite() {
        return Ok(());
    }
    let message = format!("`lambd` is {lambda}, expected a finite number of at least 0");
    Err(ShapeError::argument(op, "lambd", message))
}

/// The bounds of `hardtanh`. NaN is one: then everything becomes NaN.
///
/// # Errors
/// When the lower one is above the upper one.
#[inline]
pub fn hardtanh(op: &'static str, low: f64, high: f64) -> Result<()> {
    if low > high {
        let message = format!("the lower bound `min_val` is {low}, above the upper bound `max_val`, {high}");
        return Err(ShapeError::argument(op, "max_val", message));
    }
    Ok(())
}

/// The bounds of a `Hardtanh` layer.
///
/// # Errors
/// When the lower one is not below the upper one.
pub fn hardtanh_layer(op: &'static str, low: f64, high: f64) -> Result<()> {
    if low == high {
        let message = format!("`min_val` and `max_val` are both {low}, expected a greater `max_val`");
        return Err(ShapeError::argument(op, "max_val", message));
    }
    hardtanh(op, low, high)
}

/// The bounds of the slopes of `rrelu`.
///
/// # Errors
/// When one is infinite or NaN, or the lower one is above the upper one.
pub fn rrelu(op: &'static str, lower: f64, upper: f64) -> Result<()> {
    for (name, bound) in [("lower", lower), ("upper", upper)] {
        if !bound.is_finite() {
            return Err(ShapeError::argument(
                op,
                name,
                format!("`{name}` is {bound}, expected a finite number"),
            ));
        }
    }
    if lower > upper {
        let message = format!("`lower` is {lower}, above `upper`, {upper}");
        return Err(ShapeError::argument(op, "upper", message));
    }
    Ok(())
}

/// What `batch_norm` adds to the variance. NaN is allowed: then everything becomes NaN.
///
/// # Errors
/// When it is negative, or 0 in training.
pub fn batch_norm_eps(op: &'static str, eps: f64, training: bool) -> Result<()> {
    if eps < 0.0 || training && eps == 0.0 {
        let expected = if training { "more than 0 in training" } else { "at least 0" };
        return Err(ShapeError::argument(op, "eps", format!("`eps` is {eps}, expected {expected}")));
    }
    Ok(())
}
