//! Elementwise operations on the tape.

use smallvec::SmallVec;

use super::launch::launch;
use super::{Elementwise, Gradient, MAX_INPUTS, Operand, Params, Variable, traced};
use crate::autograd::{self, BackwardFn, Ctx, Grads, Saved};
use crate::layout::Dims;
use crate::{DType, Device, Error, Result, Scalar, Tensor};

/// Records an operation, if one of its inputs is differentiated.
pub(super) fn record(
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
    if entry.gradients.is_empty() && !entry.truth {
        autograd::record_not_differentiable(entry.name, output, &tensors);
        return Ok(());
    }
    refuse_inference(entry, inputs)?;
    autograd::record(entry.name, &[output], &tensors, || {
        let saves_output = entry.gradients.iter().any(|gradient| gradient.uses.contains(&Variable::Output));
        let output = saves_output.then(|| Saved::output(output, 0));
        backward(entry, inputs, output, params, compute)
    });
    Ok(())
}

/// Refuses tensors made in inference mode, whose changes nothing would notice, where the gradient reads them.
fn refuse_inference(entry: &Elementwise, inputs: &[Operand<'_>]) -> Result<()> {
    let is_bad =
        |k: usize| inputs[k].tensor().is_some_and(Tensor::is_inference) && is_saved(entry, inputs, k);
    let Some(tensor) = (0..inputs.len()).find(|&k| is_bad(k)).and_then(|k| inputs[k].tensor()) else {
        return Ok(());
    };
    Err(Error::Autograd(format!(
        "{}: an operand of shape {:?} was made in inference mode and cannot be saved for the gradient; copy it first",
        entry.name,
        tensor.shape()
    )))
}

/// Whether the gradient of an operation on these inputs reads one of them.
fn is_saved(entry: &Elementwise, inputs: &[Operand<'_>], k: usize) -> bool {
    let is_alone = inputs.iter().filter_map(Operand::tensor).count() == 1;
    let mentions = |(of, gradient): (usize, &Gradient)| {
        gradient.uses.contains(&Variable::Input(k))
            && (is_alone || inputs[of].tensor().is_some_and(Tensor::requires_grad))
    };
    entry.gradients.iter().enumerate().any(mentions)
}

/// An operand as its gradient needs it.
struct SavedOperand {
    value: Option<SavedValue>,
    /// Shape, dtype and device, if it is a tensor and so may need a gradient.
    tensor: Option<(Dims, DType, Device)>,
}

enum SavedValue {
    Tensor(Saved),
    Scalar(Scalar),
}

/// The backward function of an entry: evaluates each gradient's expression, then sums over what was broadcast.
pub(super) fn backward(
    entry: &'static Elementwise,
    inputs: &[Operand<'_>],
    output: Option<Saved>,
    params: Params,
    compute: DType,
) -> BackwardFn {
    if entry.gradients.is_empty() {
        return autograd::not_differentiable(entry.name);
    }
    let save = |(k, input): (usize, &Operand<'_>)| SavedOperand {
        value: is_saved(entry, inputs, k).then(|| match input {
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
    let mut scalars: SmallVec<[(usize, Scalar); 2]> = SmallVec::new();
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
        let value = traced::evaluate(gradient.trace, &operands, params, ctx.grad()?)?;
        let read = |(position, tensor)| (gradient.uses[position] != Variable::Grad).then_some(tensor);
        let positions = (0..gradient.uses.len()).filter(|&k| operands[k].tensor().is_some());
        let sources: SmallVec<[&Tensor; 3]> = positions.zip(&tensors).filter_map(read).collect();
        return Ok(with_zero_derivative(op, value, &sources));
    }
    launch(op, gradient.kernel, &gradient.source, &operands, compute, compute, *params)
}

/// A gradient that reads tensors only to choose, as that of `relu`: it depends on them, with a derivative of 0. Without
/// this it would be a constant, of which no gradient can be asked.
fn with_zero_derivative(op: &'static str, value: Tensor, sources: &[&Tensor]) -> Tensor {
    if value.requires_grad() || !autograd::is_needed(sources) {
        return value;
    }
    let value = value.detach();
    autograd::record(op, &[&value], sources, || {
        let like = |source: &&Tensor| (source.layout().shape.clone(), source.dtype(), source.device());
        let like: SmallVec<[(Dims, DType, Device); 3]> = sources.iter().map(like).collect();
        Box::new(move |ctx| {
            let zeros = |(k, (shape, dtype, device)): (usize, &(Dims, DType, Device))| {
                ctx.needs(k).then(|| Tensor::try_full(shape, 0.0, *dtype, *device)).transpose()
            };
            like.iter().enumerate().map(zeros).collect()
        })
    });
    value
}
