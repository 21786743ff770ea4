//! The loops of the table over bare `f32` memory, for compiled networks.

use smallvec::SmallVec;

use super::cpu::{self, Loop};
use super::kernel::{self, Kernel, MAX_INPUTS, Params};
use crate::DType;
use crate::layout::{Dims, contiguous_strides};

/// An entry over `len` contiguous elements.
///
/// # Safety
/// The inputs hold `len` readable elements, the output as many writable ones, without overlap.
pub(crate) unsafe fn flat(kernel: Kernel, inputs: &[*const u8], output: *mut u8, len: usize, params: Params) {
    let mut pointers = [std::ptr::null(); MAX_INPUTS];
    pointers[..inputs.len()].copy_from_slice(inputs);
    let size = size_of::<f32>();
    let sizes = super::flat::Sizes { input: size, output: size };
    // SAFETY: the caller's promise.
    unsafe { super::flat::run(kernel, kernel::Args { inputs: pointers, output, len, params }, sizes) }
}

/// An entry over inputs with strides, to a contiguous output of this shape.
///
/// # Safety
/// The inputs are readable wherever shape and strides lead, the output is writable and overlaps none of them.
pub(crate) unsafe fn strided(
    kernel: Kernel,
    inputs: &[(*const u8, Dims)],
    output: *mut u8,
    shape: &[usize],
    params: Params,
) {
    let contiguous = contiguous_strides(shape);
    if inputs.iter().all(|(_, strides)| *strides == contiguous) {
        let pointers: SmallVec<[*const u8; MAX_INPUTS]> = inputs.iter().map(|(ptr, _)| *ptr).collect();
        // SAFETY: the caller's promise.
        return unsafe { flat(kernel, &pointers, output, shape.iter().product(), params) };
    }
    let operands: SmallVec<[cpu::Operand; MAX_INPUTS]> = inputs
        .iter()
        .map(|(ptr, strides)| cpu::Operand { ptr: *ptr, dtype: DType::F32, strides: strides.clone() })
        .collect();
    let output = cpu::Operand { ptr: output, dtype: DType::F32, strides: contiguous };
    let job =
        Loop { kernel, compute: DType::F32, produces: DType::F32, params, shape, inputs: &operands, output };
    // SAFETY: the caller's promise.
    unsafe { job.run() }
}

/// Copies elements with strides to others with strides.
///
/// # Safety
/// As for [`strided`]; no two elements of the output are the same.
pub(crate) unsafe fn copy_strided(
    dtype: DType,
    input: *const u8,
    from: Dims,
    output: *mut u8,
    to: Dims,
    shape: &[usize],
) {
    let input = cpu::Operand { ptr: input, dtype, strides: from };
    let output = cpu::Operand { ptr: output, dtype, strides: to };
    // SAFETY: the caller's promise.
    unsafe {
        if cpu::copy_transposed(shape, &input, &output) {
            return;
        }
        let (kernel, inputs) = (kernel::copy(dtype), &[input]);
        Loop { kernel, compute: dtype, produces: dtype, params: [0.0; 4], shape, inputs, output }.run();
    }
}
