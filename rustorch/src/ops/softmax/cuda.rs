//! Softmax on CUDA.

use rustorch_cuda::{Axis, Elements, softmax, softmax_backward};

use crate::kernels::softmax::{Kind, Shape};
use crate::{Device, Result, Tensor, cuda};

/// The softmax of a contiguous tensor, or, given a result and its gradient, the gradient of the input; into a fresh
/// tensor. The inputs are locked by the caller.
pub(super) fn run(kind: Kind, shape: Shape, inputs: &[&Tensor], output: &Tensor) -> Result<()> {
    let Device::Cuda(ordinal) = output.device() else { unreachable!("kernels are chosen by device") };
    let device = cuda::device(ordinal)?;
    let dtype = cuda::dtype(output.dtype()).expect("floats have kernels");
    let axis = Axis { outer: shape.outer, dim: shape.dim, inner: shape.inner };
    let log = kind == Kind::LogSoftmax;
    let queued = match inputs {
        [x] => softmax(&device, dtype, axis, log, elements(x), elements(output)),
        [y, dy] => softmax_backward(&device, dtype, axis, log, elements(dy), elements(y), elements(output)),
        _ => unreachable!("one input forward, two backward"),
    };
    queued.map_err(|error| cuda::from_driver(ordinal, error))
}

fn elements(tensor: &Tensor) -> Elements<'_> {
    Elements { buffer: tensor.storage().cuda_buffer(), offset: tensor.layout().offset }
}
