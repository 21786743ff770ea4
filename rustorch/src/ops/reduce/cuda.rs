//! Reductions on CUDA.

use rustorch_cuda::{Axis, Elements, Reduction, reduce};

use crate::{DType, Device, Error, Result, Tensor, cuda};

/// The sums of the rows of `columns` elements of a contiguous tensor, into a contiguous one.
pub(super) fn sum_rows(op: &'static str, input: &Tensor, columns: usize, output: &Tensor) -> Result<()> {
    let Device::Cuda(ordinal) = input.device() else { unreachable!("kernels are chosen by device") };
    let unavailable = |dtype: DType| Error::Unavailable { op, device: input.device(), dtype };
    let from = cuda::dtype(input.dtype()).ok_or_else(|| unavailable(input.dtype()))?;
    let to = cuda::dtype(output.dtype()).ok_or_else(|| unavailable(output.dtype()))?;
    let axis = Axis { outer: output.numel(), dim: columns, inner: 1 };
    reduce(
        &cuda::device(ordinal)?,
        Reduction::Sum,
        axis,
        1.0,
        (from, elements(input)),
        (to, elements(output)),
    )
    .map_err(|error| cuda::from_driver(ordinal, error))
}

fn elements(tensor: &Tensor) -> Elements<'_> {
    Elements { buffer: tensor.storage().cuda_buffer(), offset: tensor.layout().offset }
}
