//! Reductions on CUDA.

use rustorch_cuda::{Axis, Elements, Reduction as CudaReduction, reduce};

use super::{Kind, Reduction};
use crate::{DType, Device, Error, Result, Tensor, cuda, no_grad};

/// Computes a reduction into a contiguous tensor.
pub(super) fn run(reduction: &Reduction<'_>, kind: Kind, divisor: f64, output: &Tensor) -> Result<()> {
    let (op, input) = (reduction.op, reduction.input);
    let Device::Cuda(ordinal) = input.device() else { unreachable!("kernels are chosen by device") };
    let unavailable = |dtype: DType| Error::Unavailable { op, device: input.device(), dtype };
    let cuda_kind = match kind {
        Kind::Sum => CudaReduction::Sum,
        Kind::Product => CudaReduction::Prod,
        Kind::Max => CudaReduction::Max,
        Kind::Min => CudaReduction::Min,
        Kind::NanSum | Kind::SumAbs | Kind::SumSquares => return Err(unavailable(input.dtype())),
    };
    let from = cuda::dtype(input.dtype()).ok_or_else(|| unavailable(input.dtype()))?;
    let to = cuda::dtype(output.dtype()).ok_or_else(|| unavailable(output.dtype()))?;
    // The kept axes first, then the reduced ones.
    let (kept, reduced): (Vec<usize>, Vec<usize>) =
        (0..input.rank()).partition(|&axis| !reduction.reduced[axis]);
    let rows = no_grad(|| input.permute([kept, reduced].concat()).map(|view| view.contiguous()))?;
    let axis = Axis { outer: output.numel(), dim: reduction.count(), inner: 1 };
    let _guard = rows.storage().read();
    reduce(
        &cuda::device(ordinal)?,
        cuda_kind,
        axis,
        1.0 / divisor,
        (from, elements(&rows)),
        (to, elements(output)),
    )
    .map_err(|error| cuda::from_driver(ordinal, error))
}

fn elements(tensor: &Tensor) -> Elements<'_> {
    Elements { buffer: tensor.storage().cuda_buffer(), offset: tensor.layout().offset }
}
