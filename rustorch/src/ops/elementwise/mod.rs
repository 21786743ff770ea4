//! Elementwise operations: one table entry each.
//!
//! An entry ([`Elementwise`]) is an expression and, per input, the expression of its gradient. Both are compiled three
//! times from the same tokens: as a SIMD loop for the CPU ([`kernel`]), as text for CUDA, and, for the gradient, as
//! tensor operations ([`traced`]), which run when the gradient itself is to be differentiated. The tables are in
//! [`table`]; what an expression may say is in [`lanes`].

mod cast;
#[allow(missing_docs, reason = "what `model!` expands to calls it")]
pub mod chain;
mod complex;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod flat;
mod fuse;
mod hyperbolic;
pub(crate) mod kernel;
#[allow(missing_docs, reason = "the words of expressions; exported for what `fuse!` expands to alone")]
pub mod lanes;
mod macros;
mod operand;
mod raw;
mod special;
pub(crate) mod table;
mod traced;

use smallvec::SmallVec;

pub(crate) use cast::{Number, cast, for_each_row};
#[cfg(feature = "cuda")]
pub(crate) use cuda::fill as cuda_fill;
pub use fuse::{FusedNumber, number};
pub use kernel::{Domain, Kernel, Params};
pub(crate) use kernel::{MAX_INPUTS, MAX_PARAMS};
pub use operand::Operand;
pub(crate) use operand::result_dtype;
pub(crate) use raw::{copy_strided, flat, strided};
pub use traced::Traced;

use crate::autograd::{self, BackwardFn, Ctx, Grads, Saved};
use crate::layout::{Dims, Layout};
use crate::storage::{Storage, lock_for_write};
use crate::{DType, Device, Error, Result, Scalar, Tensor};

/// One entry of the table.
pub struct Elementwise {
    /// What messages and the tape call it.
    pub name: &'static str,
    /// The numbers it is defined for.
    pub domain: Domain,
    /// Whether the result is a truth value.
    pub truth: bool,
    /// The loop for a compute dtype, if the entry has one.
    pub kernel: fn(DType) -> Option<Kernel>,
    /// The expression's text, its inputs and its parameters, for CUDA.
    pub source: Source,
    /// How to differentiate with respect to each input; empty if there is no gradient.
    pub gradients: &'static [Gradient],
}

/// An expression as text.
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "read by the CUDA feature"))]
pub struct Source {
    /// The names of its inputs.
    pub inputs: &'static [&'static str],
    /// The names of its parameters.
    pub params: &'static [&'static str],
    /// The text itself.
    pub expression: &'static str,
}

/// The gradient of an entry with respect to one input, as an expression over [`Variable`]s.
pub struct Gradient {
    /// What it mentions, in the order of the kernel's inputs.
    pub uses: &'static [Variable],
    /// The loop for a compute dtype, if there is one.
    pub kernel: fn(DType) -> Option<Kernel>,
    /// The expression's text, for CUDA.
    pub source: Source,
    /// The expression over tensor operations.
    pub trace: for<'a> fn(&[Traced<'a>], &Params) -> Traced<'a>,
}

impl Gradient {
    /// Whether it is the gradient of the result as it is.
    pub fn is_identity(&self) -> bool {
        self.source.expression == "g"
    }
}

/// What a gradient's expression may mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The gradient of the result.
    Grad,
    /// An input of the operation.
    Input(usize),
    /// The result of the operation.
    Output,
}

/// Computes an entry.
pub(crate) fn apply(entry: &'static Elementwise, inputs: &[Operand<'_>], params: Params) -> Result<Tensor> {
    apply_as(entry, inputs, params, result_dtype(inputs))
}

/// Computes an entry on inputs promoted to `common`.
pub(crate) fn apply_as(
    entry: &'static Elementwise,
    inputs: &[Operand<'_>],
    params: Params,
    common: DType,
) -> Result<Tensor> {
    let compute = entry.compute_dtype(common)?;
    let compute = if entry.truth { operand::comparable(inputs, compute) } else { compute };
    let result = if entry.truth { DType::Bool } else { compute };
    let rounded = entry.rounds_numbers(compute).then(|| operand::rounded(inputs, compute));
    let inputs = rounded.as_deref().unwrap_or(inputs);
    let output = launch(entry.name, entry.kernel, &entry.source, inputs, compute, result, params)?;
    record(entry, &output, inputs, params, compute)?;
    Ok(output)
}

/// Computes an entry in place of its first input.
pub(crate) fn apply_inplace(
    entry: &'static Elementwise,
    target: &Tensor,
    others: &[Operand<'_>],
    params: Params,
) -> Result<Tensor> {
    let tensors: SmallVec<[&Tensor; 3]> = others.iter().filter_map(Operand::tensor).collect();
    let before = autograd::check_inplace(entry.name, target, &tensors)?;
    let separate: SmallVec<[Option<Tensor>; 3]> =
        others.iter().map(|other| copy_if_overwritten(target, other, before.is_needed())).collect();
    let mut inputs: SmallVec<[Operand<'_>; 3]> = SmallVec::new();
    inputs.push(Operand::Tensor(target));
    inputs.extend_from_slice(others);
    let compute = entry.compute_dtype(result_dtype(&inputs))?;
    let result = if entry.truth { DType::Bool } else { compute };
    check_inplace_result(entry.name, target, &inputs, result)?;
    if before.is_needed() && (target.base().is_some() || entry.truth) {
        // The history of a view is that of its base, which `copy_` knows how to extend.
        let copy = target.copy();
        let mut operands: SmallVec<[Operand<'_>; 3]> = SmallVec::from_slice(&[Operand::Tensor(&copy)]);
        operands.extend_from_slice(others);
        return target.copy_(&apply(entry, &operands, params)?);
    }
    let saves_target = before.is_needed()
        && entry.gradients.iter().any(|gradient| gradient.uses.contains(&Variable::Input(0)));
    // The copy carries the history that the target has before the write, for gradients of the gradient.
    let original = saves_target.then(|| target.copy());
    for (input, copy) in inputs[1..].iter_mut().zip(&separate) {
        *input = copy.as_ref().map_or(*input, Operand::Tensor);
    }
    let rounded = entry.rounds_numbers(compute).then(|| operand::rounded(&inputs, compute));
    let operands = rounded.as_deref().unwrap_or(&inputs);
    launch_into(entry.name, entry.kernel, &entry.source, operands, compute, target, params)?;
    let mut saved: SmallVec<[Operand<'_>; 3]> = SmallVec::from_slice(operands);
    if let Some(original) = &original {
        saved[0] = Operand::Tensor(original);
    }
    let make = || backward(entry, &saved, Some(Saved::output(target, 0)), params, compute);
    autograd::record_inplace(entry.name, target, before, make)?;
    Ok(target.clone())
}

impl Elementwise {
    /// The dtype in which inputs of a common dtype are computed.
    fn compute_dtype(&self, common: DType) -> Result<DType> {
        let dtype = self.domain.promote(common);
        let refuses = match self.domain {
            Domain::Numeric | Domain::Quantity => common == DType::Bool,
            Domain::Wide => dtype != dtype.compute(),
            _ => false,
        };
        if refuses || (self.kernel)(dtype.compute()).is_none() {
            return Err(Error::DType { op: self.name, dtype: common, expected: self.domain.expected() });
        }
        Ok(dtype)
    }

    /// Whether numbers are rounded to the dtype of the tensors before they are used, and not only to the wider one of
    /// the lanes: then `x.eq(0.1)` holds for what became of 0.1 in half precision.
    fn rounds_numbers(&self, dtype: DType) -> bool {
        (self.truth || self.domain == Domain::Division) && dtype.is_float() && dtype != dtype.compute()
    }
}

/// Runs a kernel into a new tensor.
fn launch(
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
fn launch_into(
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
fn result_layout(op: &'static str, inputs: &[Operand<'_>]) -> Result<Layout> {
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

fn check_inplace_result(
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

/// A copy of an operand that shares memory with the target: in another arrangement, so that the loop would read what
/// it has already overwritten, or to be saved for the gradient.
fn copy_if_overwritten(target: &Tensor, other: &Operand<'_>, saved: bool) -> Option<Tensor> {
    let other = other.tensor()?;
    (other.shares_storage(target) && (saved || other.layout() != target.layout())).then(|| other.copy())
}

fn record(
    entry: &'static Elementwise,
    output: &Tensor,
    inputs: &[Operand<'_>],
    params: Params,
    compute: DType,
) -> Result<()> {
    let tensors: SmallVec<[&Tensor; 3]> = inputs.iter().filter_map(Operand::tensor).collect();
    if !autograd::is_needed(&tensors) {
        return Ok(());
    }
    if let Some(tensor) = tensors.iter().find(|tensor| tensor.is_inference()) {
        return Err(Error::Autograd(format!(
            "{}: an operand of shape {:?} was made in inference mode and cannot be saved for the gradient; copy it first",
            entry.name,
            tensor.shape()
        )));
    }
    if entry.gradients.is_empty() && !entry.truth {
        autograd::record_not_differentiable(entry.name, output, &tensors);
        return Ok(());
    }
    autograd::record(entry.name, &[output], &tensors, || {
        let saves_output = entry.gradients.iter().any(|gradient| gradient.uses.contains(&Variable::Output));
        let output = saves_output.then(|| Saved::output(output, 0));
        backward(entry, inputs, output, params, compute)
    });
    Ok(())
}

/// An operand as its gradient needs it.
struct SavedOperand {
    value: Option<SavedValue>,
    /// Shape, dtype and device, if it is a tensor and so may need a gradient.
    tensor: Option<(Dims, DType, Device)>,
}

enum SavedValue {
    Tensor(Saved),
    Scalar(crate::Scalar),
}

/// The backward function of an entry: evaluates each gradient's expression, then sums over what was broadcast.
fn backward(
    entry: &'static Elementwise,
    inputs: &[Operand<'_>],
    output: Option<Saved>,
    params: Params,
    compute: DType,
) -> BackwardFn {
    let tensors: SmallVec<[&Tensor; 3]> = inputs.iter().filter_map(Operand::tensor).collect();
    if entry.gradients.is_empty() {
        return autograd::not_differentiable(entry.name);
    }
    let differentiated = |k: usize| inputs[k].tensor().is_some_and(Tensor::requires_grad);
    let used = |k: usize| {
        let mentions = |(of, gradient): (usize, &Gradient)| {
            gradient.uses.contains(&Variable::Input(k)) && (differentiated(of) || tensors.len() == 1)
        };
        entry.gradients.iter().enumerate().any(mentions)
    };
    let save = |(k, input): (usize, &Operand<'_>)| SavedOperand {
        value: used(k).then(|| match input {
            Operand::Tensor(tensor) => SavedValue::Tensor(Saved::input(tensor)),
            Operand::Scalar(scalar) => SavedValue::Scalar(*scalar),
        }),
        tensor: input.tensor().map(|tensor| (tensor.layout().shape.clone(), tensor.dtype(), tensor.device())),
    };
    let saved: SmallVec<[SavedOperand; 3]> = inputs.iter().enumerate().map(save).collect();
    Box::new(move |ctx: &Ctx<'_>| {
        let mut grads = Grads::new();
        for (k, operand) in saved.iter().enumerate() {
            let Some((shape, dtype, device)) = &operand.tensor else { continue };
            if !ctx.needs(grads.len()) {
                grads.push(None);
                continue;
            }
            let full =
                evaluate(&entry.gradients[k], entry.name, ctx, &saved, output.as_ref(), &params, compute)?;
            grads.push(Some(full.sum_to(shape)?.to_dtype(*dtype).to_device(*device)?));
        }
        Ok(grads)
    })
}

/// The value of a gradient's expression: by its fused kernel, or by tensor operations when they are to be recorded.
fn evaluate(
    gradient: &Gradient,
    op: &'static str,
    ctx: &Ctx<'_>,
    inputs: &[SavedOperand],
    output: Option<&Saved>,
    params: &Params,
    compute: DType,
) -> Result<Tensor> {
    let mut tensors: SmallVec<[Tensor; MAX_INPUTS]> = SmallVec::new();
    let mut scalars: SmallVec<[(usize, crate::Scalar); 2]> = SmallVec::new();
    for (position, variable) in gradient.uses.iter().enumerate() {
        match variable {
            Variable::Grad => tensors.push(ctx.grad()?.clone()),
            Variable::Output => tensors.push(output.expect("saved because it is used").unpack(ctx)?),
            Variable::Input(k) => match inputs[*k].value.as_ref().expect("saved because it is used") {
                SavedValue::Tensor(saved) => tensors.push(saved.unpack(ctx)?),
                SavedValue::Scalar(scalar) => scalars.push((position, *scalar)),
            },
        }
    }
    let mut operands: SmallVec<[Operand<'_>; MAX_INPUTS]> = tensors.iter().map(Operand::Tensor).collect();
    for (position, scalar) in scalars {
        operands.insert(position, Operand::Scalar(scalar));
    }
    // An expression without tensors is a constant, for which there is nothing to launch.
    if ctx.create_graph() || tensors.is_empty() {
        return traced::evaluate(gradient.trace, &operands, params, ctx.grad()?);
    }
    launch(op, gradient.kernel, &gradient.source, &operands, compute, compute, *params)
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
