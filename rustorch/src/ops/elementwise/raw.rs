//! The loops of the table over bare `f32` memory, for compiled networks.

use smallvec::SmallVec;

use super::cpu::{self, Loop};
use super::kernel::{self, Kernel, MAX_INPUTS, Params};
use super::{Elementwise, operand};
use crate::layout::{Dims, contiguous_strides};
use crate::{DType, Scalar};

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

/// An operand of [`truth`]: elements with strides, broadcast from a tensor of a rank, or a number.
#[derive(Clone)]
pub(crate) enum Mixed {
    Values { ptr: *const u8, dtype: DType, strides: Dims, rank: usize },
    Number(Scalar),
}

/// A comparison of operands of any dtypes, to contiguous truth values of this shape.
///
/// # Safety
/// The operands are readable wherever shape and strides lead, the output is writable and overlaps none of them.
pub(crate) unsafe fn truth(entry: &Elementwise, inputs: &[Mixed], output: *mut u8, shape: &[usize]) {
    let common = operand::promoted(inputs.iter().map(|input| match input {
        Mixed::Values { dtype, rank, .. } => (Some(*rank), *dtype),
        Mixed::Number(number) => (None, number.dtype()),
    }));
    let numbers: SmallVec<[super::Operand<'_>; MAX_INPUTS]> = inputs
        .iter()
        .filter_map(|input| match input {
            Mixed::Number(number) => Some(super::Operand::Scalar(*number)),
            Mixed::Values { .. } => None,
        })
        .collect();
    let compute = operand::comparable(&numbers, entry.domain.promote(common)).compute();
    let kernel = (entry.kernel)(compute).expect("real numbers are compared");
    let constants: SmallVec<[Option<operand::Constant>; MAX_INPUTS]> = inputs
        .iter()
        .map(|input| match input {
            Mixed::Number(number) => Some(operand::Constant::new(*number, compute)),
            Mixed::Values { .. } => None,
        })
        .collect();
    let operands: SmallVec<[cpu::Operand; MAX_INPUTS]> = inputs
        .iter()
        .zip(&constants)
        .map(|(input, constant)| match (input, constant) {
            (Mixed::Values { ptr, dtype, strides, .. }, _) => {
                cpu::Operand { ptr: *ptr, dtype: *dtype, strides: strides.clone() }
            }
            (Mixed::Number(_), constant) => cpu::Operand {
                ptr: constant.as_ref().map_or(std::ptr::null(), operand::Constant::ptr),
                dtype: compute,
                strides: Dims::from_elem(0, shape.len()),
            },
        })
        .collect();
    let produces = if compute == DType::U8 { DType::U8 } else { DType::Bool };
    let output = cpu::Operand { ptr: output, dtype: DType::Bool, strides: contiguous_strides(shape) };
    let job = Loop { kernel, compute, produces, params: [0.0; 4], shape, inputs: &operands, output };
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
