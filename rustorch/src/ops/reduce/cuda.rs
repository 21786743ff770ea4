//! Reductions on CUDA.

use rustorch_cuda::{Axis, Elements, Reduction as Driver, reduce};

use super::{Kind, Reduction};
use crate::{DType, Device, Error, Result, Tensor, cuda, no_grad};

/// Computes a reduction into a fresh contiguous tensor, divided by `divisor`.
pub(super) fn run(reduction: &Reduction<'_>, kind: Kind, divisor: f64, output: &Tensor) -> Result<()> {
    let (op, input) = (reduction.op, reduction.input);
    let Device::Cuda(ordinal) = input.device() else { unreachable!("kernels are chosen by device") };
    let unavailable = |dtype: DType| Error::Unavailable { op, device: input.device(), dtype };
    let from = cuda::dtype(input.dtype()).ok_or_else(|| unavailable(input.dtype()))?;
    let to = cuda::dtype(output.dtype()).ok_or_else(|| unavailable(output.dtype()))?;
    let kind = match kind {
        Kind::Sum => Driver::Sum,
        Kind::NanSum => Driver::NanSum,
        Kind::Product => Driver::Prod,
        Kind::Max => Driver::Max,
        Kind::Min => Driver::Min,
        Kind::SumAbs => Driver::SumAbs,
        Kind::SumSquares => Driver::SumSquares,
    };
    let (input, axis) = as_one_axis(input, &reduction.reduced)?;
    let _guard = input.storage().read();
    reduce(&cuda::device(ordinal)?, kind, axis, divisor, (from, elements(&input)), (to, elements(output)))
        .map_err(|error| cuda::from_driver(ordinal, error))
}

/// The tensor as (outer, dim, inner) with the middle one reduced: where it lies, if it is contiguous and the reduced axes
/// are neighbours; otherwise a copy with the reduced axes last.
fn as_one_axis(input: &Tensor, reduced: &[bool]) -> Result<(Tensor, Axis)> {
    if input.is_contiguous()
        && let Some(axis) = middle(input.shape(), reduced)
    {
        return Ok((input.clone(), axis));
    }
    let axes = 0..input.rank();
    let order: Vec<usize> =
        axes.clone().filter(|&axis| !reduced[axis]).chain(axes.filter(|&axis| reduced[axis])).collect();
    let data = no_grad(|| input.permute(order).map(|view| view.contiguous()))?;
    let dim = size(input.shape(), |axis| reduced[axis]);
    Ok((data, Axis { outer: size(input.shape(), |axis| !reduced[axis]), dim, inner: 1 }))
}

/// The sizes before, of, and after the reduced axes, if nothing that is kept stands between them.
fn middle(shape: &[usize], reduced: &[bool]) -> Option<Axis> {
    let counts = |axis: &usize| reduced[*axis] && shape[*axis] != 1;
    let Some(first) = (0..shape.len()).find(counts) else {
        return Some(Axis { outer: shape.iter().product(), dim: 1, inner: 1 });
    };
    let last = (0..shape.len()).rfind(counts)?;
    let together = (first..=last).all(|axis| reduced[axis] || shape[axis] == 1);
    together.then(|| Axis {
        outer: size(shape, |axis| axis < first),
        dim: size(shape, |axis| (first..=last).contains(&axis)),
        inner: size(shape, |axis| axis > last),
    })
}

fn size(shape: &[usize], counts: impl Fn(usize) -> bool) -> usize {
    (0..shape.len()).filter(|&axis| counts(axis)).map(|axis| shape[axis]).product()
}

fn elements(tensor: &Tensor) -> Elements<'_> {
    Elements { buffer: tensor.storage().cuda_buffer(), offset: tensor.layout().offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_axes_are_one() {
        let axis = |outer, dim, inner| Some(Axis { outer, dim, inner });
        assert_eq!(middle(&[2, 3, 4], &[false, true, false]), axis(2, 3, 4));
        assert_eq!(middle(&[2, 3, 4], &[true, true, false]), axis(1, 6, 4));
        assert_eq!(middle(&[2, 3, 4], &[true, true, true]), axis(1, 24, 1));
        assert_eq!(middle(&[2, 3, 4], &[true, false, true]), None);
        assert_eq!(middle(&[2, 1, 4], &[true, false, true]), axis(1, 8, 1));
        assert_eq!(middle(&[2, 1, 4], &[false, true, false]), axis(8, 1, 1));
        assert_eq!(middle(&[], &[]), axis(1, 1, 1));
        assert_eq!(middle(&[2, 0], &[false, true]), axis(2, 0, 1));
    }
}
