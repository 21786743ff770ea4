//! From tensors and numbers to a kernel's loop: the result's layout and device, locks, and the copy of elements.

use smallvec::SmallVec;

#[cfg(feature = "cuda")]
use super::cuda;
use super::{Kernel, MAX_INPUTS, Operand, Params, Source, cpu, flat, kernel, operand};
use crate::layout::{Dims, Layout};
use crate::storage::{Storage, lock_for_write};
use crate::{DType, Device, Error, Result, Tensor};

/// Runs a kernel into a new tensor.
pub(super) fn launch(
    op: &'static str,
    kernel: fn(DType) -> Option<Kernel>,
    source: &Source,
    inputs: &[Operand<'_>],
    compute: DType,
    result: DType,
    params: Params,
) -> Result<Tensor> {
    let device = common_device(op, inputs)?;
    let layout = result_layout(op, inputs)?;
    let numel = crate::tensor::checked_numel(&layout.shape).ok_or_else(|| {
        Error::argument(
            op,
            format!("the result's shape {:?} has more elements than can be counted", layout.shape),
        )
    })?;
    let storage = Storage::uninit(numel, result, device)?;
    let output = Tensor::from_parts(storage, layout, result);
    let _guards: SmallVec<[_; MAX_INPUTS]> =
        inputs.iter().filter_map(Operand::tensor).map(|tensor| tensor.storage().read()).collect();
    // SAFETY: the inputs are locked and the output is ours alone.
    unsafe { run(op, kernel, source, inputs, compute, &output, params)? };
    Ok(output)
}

/// Runs a kernel into an existing tensor, to whose shape the inputs broadcast.
pub(super) fn launch_into(
    op: &'static str,
    kernel: fn(DType) -> Option<Kernel>,
    source: &Source,
    inputs: &[Operand<'_>],
    compute: DType,
    target: &Tensor,
    params: Params,
) -> Result<()> {
    common_device(op, inputs)?;
    let sources: SmallVec<[&Storage; MAX_INPUTS]> =
        inputs.iter().filter_map(Operand::tensor).map(Tensor::storage).collect();
    let _guard = lock_for_write(target.storage(), &sources);
    // SAFETY: everything is locked, and overlapping inputs were copied by the caller.
    unsafe { run(op, kernel, source, inputs, compute, target, params) }
}

/// The device dispatch of elementwise operations.
unsafe fn run(
    op: &'static str,
    kernel: fn(DType) -> Option<Kernel>,
    #[cfg_attr(not(feature = "cuda"), allow(unused_variables))] source: &Source,
    inputs: &[Operand<'_>],
    compute: DType,
    output: &Tensor,
    params: Params,
) -> Result<()> {
    let lanes = compute.compute();
    let Some(kernel) = kernel(lanes) else {
        return Err(Error::Unavailable { op, device: output.device(), dtype: compute });
    };
    match output.device() {
        Device::Cpu => {
            if let Some(pointers) = flat_inputs(inputs, lanes, output) {
                let sizes = flat::Sizes { input: lanes.size(), output: output.dtype().size() };
                let whole =
                    kernel::Args { inputs: pointers, output: output.host_ptr(), len: output.numel(), params };
                // SAFETY: as promised by the caller; `flat_inputs` has checked the layouts.
                unsafe { flat::run(kernel, whole, sizes) };
                return Ok(());
            }
            let constants: SmallVec<[Option<operand::Constant>; MAX_INPUTS]> =
                inputs.iter().map(|input| input.constant(lanes)).collect();
            let operands: SmallVec<[cpu::Operand; MAX_INPUTS]> = inputs
                .iter()
                .zip(&constants)
                .map(|(input, constant)| host_operand(input, constant.as_ref(), lanes, output.shape()))
                .collect();
            let target = cpu::Operand {
                ptr: output.host_ptr(),
                dtype: output.dtype(),
                strides: output.layout().strides.clone(),
            };
            let produces =
                if output.dtype() == DType::Bool && lanes != DType::U8 { DType::Bool } else { lanes };
            let shape = output.shape();
            let job = cpu::Loop {
                kernel,
                compute: lanes,
                produces,
                params,
                shape,
                inputs: &operands,
                output: target,
            };
            // SAFETY: as promised by the caller.
            unsafe { job.run() };
            Ok(())
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => cuda::run(op, source, inputs, compute, output, params),
        #[cfg(not(feature = "cuda"))]
        device @ Device::Cuda(_) => Err(Error::no_cuda(device)),
    }
}

/// The inputs' addresses if all are laid out densely and exactly as the output, and nothing is to be converted or
/// overwritten.
fn flat_inputs(inputs: &[Operand<'_>], lanes: DType, output: &Tensor) -> Option<[*const u8; MAX_INPUTS]> {
    let produces = if output.dtype() == DType::Bool { DType::U8 } else { output.dtype() };
    if !output.layout().is_contiguous()
        || !(produces == lanes || output.dtype() == DType::Bool && lanes != DType::U8)
    {
        return None;
    }
    let mut pointers = [std::ptr::null(); MAX_INPUTS];
    for (pointer, input) in pointers.iter_mut().zip(inputs) {
        let tensor = input.tensor()?;
        let layout = tensor.layout();
        if tensor.dtype() != lanes || layout.shape != output.layout().shape || !layout.is_contiguous() {
            return None;
        }
        if tensor.shares_storage(output) {
            return None;
        }
        *pointer = tensor.host_ptr();
    }
    Some(pointers)
}

fn host_operand(
    input: &Operand<'_>,
    constant: Option<&operand::Constant>,
    lanes: DType,
    shape: &[usize],
) -> cpu::Operand {
    match (input, constant) {
        (Operand::Tensor(tensor), _) => cpu::Operand {
            ptr: tensor.host_ptr(),
            dtype: tensor.dtype(),
            strides: tensor.layout().broadcast_to(shape).strides,
        },
        (Operand::Scalar(_), Some(constant)) => {
            cpu::Operand { ptr: constant.ptr(), dtype: lanes, strides: Dims::from_elem(0, shape.len()) }
        }
        (Operand::Scalar(_), None) => unreachable!("a scalar has a constant"),
    }
}

/// The device that all tensors among the inputs are on. Tensors without axes in main memory mix with any, as numbers do.
fn common_device(op: &'static str, inputs: &[Operand<'_>]) -> Result<Device> {
    let mut device = None;
    for tensor in inputs
        .iter()
        .filter_map(Operand::tensor)
        .filter(|tensor| !(tensor.rank() == 0 && tensor.device().is_cpu()))
    {
        match device {
            Some(left) if left != tensor.device() => {
                return Err(Error::DeviceMismatch { op, left, right: tensor.device() });
            }
            _ => device = Some(tensor.device()),
        }
    }
    Ok(device.unwrap_or_default())
}

/// The layout of a result: the broadcast shape, in the order of memory that the inputs share, as in PyTorch.
pub(super) fn result_layout(op: &'static str, inputs: &[Operand<'_>]) -> Result<Layout> {
    let layouts = || inputs.iter().filter_map(Operand::tensor).map(Tensor::layout);
    let Some(first) = layouts().next() else { return Ok(Layout::contiguous(Dims::new())) };
    let mut shape = first.shape.clone();
    for layout in layouts().skip(1) {
        if layout.shape != shape {
            shape = rustorch_shape::rules::broadcast(op, &shape, &layout.shape, &mut ())?.into();
        }
    }
    if layouts().all(Layout::is_contiguous) {
        return Ok(Layout::contiguous(shape));
    }
    let strides: SmallVec<[Dims; 3]> = layouts().map(|layout| layout.broadcast_to(&shape).strides).collect();
    Ok(Layout::following(shape, &strides))
}

/// Copies elements, converted, into a new tensor of the given layout; unseen by autograd.
pub(crate) fn copy_elements(source: &Tensor, layout: Layout, dtype: DType) -> Result<Tensor> {
    let storage = Storage::uninit(layout.numel(), dtype, source.device())?;
    let output = Tensor::from_parts(storage, layout, dtype);
    let _guard = source.storage().read();
    // SAFETY: the source is locked and the output is ours alone.
    unsafe { copy_locked(source, &output)? };
    Ok(output)
}

/// Copies elements, broadcast and converted, into a tensor that shares no memory with the source unless both have the
/// same layout; unseen by autograd.
pub(crate) fn copy_elements_into(source: &Tensor, target: &Tensor) -> Result<()> {
    let _guard = lock_for_write(target.storage(), &[source.storage()]);
    // SAFETY: both are locked.
    unsafe { copy_locked(source, target) }
}

unsafe fn copy_locked(source: &Tensor, target: &Tensor) -> Result<()> {
    if source.device() != target.device() {
        let moved = source.move_raw(target.device())?;
        // SAFETY: the moved tensor is ours alone; the target is as promised by the caller.
        return unsafe { copy_locked(&moved, target) };
    }
    match target.device() {
        Device::Cpu => {
            let shape = target.shape();
            let dtype = target.dtype();
            let input = host_operand(&Operand::Tensor(source), None, dtype, shape);
            let output =
                cpu::Operand { ptr: target.host_ptr(), dtype, strides: target.layout().strides.clone() };
            // SAFETY: as promised by the caller.
            if unsafe { cpu::copy_transposed(shape, &input, &output) } {
                return Ok(());
            }
            let kernel = kernel::copy(dtype);
            let inputs = &[input];
            let job = cpu::Loop {
                kernel,
                compute: dtype,
                produces: dtype,
                params: [0.0; 4],
                shape,
                inputs,
                output,
            };
            // SAFETY: as promised by the caller.
            unsafe { job.run() };
            Ok(())
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => cuda::copy(source, target),
        #[cfg(not(feature = "cuda"))]
        device @ Device::Cuda(_) => Err(Error::no_cuda(device)),
    }
}
