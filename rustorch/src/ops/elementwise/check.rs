//! What an operation refuses, and what it must copy before it writes.

use super::launch::result_layout;
use super::{Domain, Elementwise, Operand, result_dtype};
use crate::{DType, Error, Result, Scalar, Tensor, autograd};

/// Whether the result of an operation in place has the target's shape, and a dtype that converts to its.
pub(super) fn check_inplace_result(
    op: &'static str,
    target: &Tensor,
    inputs: &[Operand<'_>],
    result: DType,
) -> Result<()> {
    let layout = result_layout(op, inputs)?;
    if layout.shape != target.layout().shape {
        return Err(Error::argument(
            op,
            format!("in place on shape {:?}, but the result has shape {:?}", target.shape(), layout.shape),
        ));
    }
    if result.category() > target.dtype().category() && result != DType::Bool {
        return Err(Error::argument(
            op,
            format!(
                "in place on {}, but the result is {result}, which does not convert to it",
                target.dtype()
            ),
        ));
    }
    Ok(())
}

/// What cannot be seen from the operands' common dtype alone.
pub(crate) fn check_operands(entry: &Elementwise, left: &Tensor, right: &Operand<'_>) -> Result<()> {
    match entry.domain {
        Domain::Numeric if [left.dtype(), right.dtype()].contains(&DType::Bool) => {
            Err(Error::DType { op: entry.name, dtype: DType::Bool, expected: entry.domain.expected() })
        }
        Domain::Power => check_exponent(entry, left, right),
        Domain::Division => check_divisor(entry, left, right),
        _ => Ok(()),
    }
}

/// Integers have powers only by numbers that are not negative and that their dtype holds.
fn check_exponent(entry: &Elementwise, left: &Tensor, right: &Operand<'_>) -> Result<()> {
    let &Operand::Scalar(Scalar::Int(exponent)) = right else { return Ok(()) };
    let dtype = result_dtype(&[Operand::Tensor(left), *right]);
    if !dtype.is_int() {
        return Ok(());
    }
    if exponent < 0 {
        let message =
            format!("the exponent of integers is {exponent}, expected at least 0; convert to a float first");
        return Err(Error::argument(entry.name, message));
    }
    right.scalar().map_or(Ok(()), |exponent| exponent.check_fits(entry.name, dtype))
}

/// Integer division has no result for a zero divisor; floats have infinities and NaN.
fn check_divisor(entry: &Elementwise, left: &Tensor, right: &Operand<'_>) -> Result<()> {
    if result_dtype(&[Operand::Tensor(left), *right]).is_differentiable() {
        return Ok(());
    }
    let zero = match right {
        Operand::Scalar(scalar) => scalar.to_f64() == 0.0,
        Operand::Tensor(tensor) => autograd::no_grad(|| tensor.logical_not().any().item::<bool>())?,
    };
    if zero { Err(Error::argument(entry.name, "an integer divisor is zero")) } else { Ok(()) }
}

/// A copy of an operand that shares storage with the target: among its elements, so that the loop might read what it
/// has already overwritten, or to be saved for the gradient.
pub(super) fn copy_if_overwritten(target: &Tensor, other: &Operand<'_>, saved: bool) -> Option<Tensor> {
    let other = other.tensor()?;
    (other.shares_storage(target) && (saved || other.layout() != target.layout())).then(|| other.copy())
}
