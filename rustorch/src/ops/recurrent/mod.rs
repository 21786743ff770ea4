//! A recurrent layer in one direction: fused on the CPU, step by step elsewhere and where a gradient is differentiated.

mod composite;
mod launch;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::autograd::{BackwardFn, Ctx, GradOptions, Grads, Saved, grad, is_needed, record};
use crate::kernels::recurrent::Cell;
use crate::{DType, Error, Result, Tensor, no_grad};

/// The parameters of a layer in one direction, in PyTorch's layouts: `gates` is 4 for an LSTM, 3 for a GRU, else 1.
#[derive(Clone, Debug)]
pub struct RecurrentWeights {
    /// `[gates · hidden_size, input size]`
    pub weight_ih: Tensor,
    /// `[gates · hidden_size, output size]`
    pub weight_hh: Tensor,
    /// `[gates · hidden_size]`
    pub bias_ih: Option<Tensor>,
    /// `[gates · hidden_size]`
    pub bias_hh: Option<Tensor>,
    /// `[proj_size, hidden_size]`, of an LSTM with projections.
    pub weight_hr: Option<Tensor>,
}

/// How the rows of the sequences lie.
#[derive(Clone, Debug)]
pub(crate) struct Sequences {
    pub steps: usize,
    pub batch: usize,
    /// How many sequences take part in each step, the first ones; not growing. `None`: all do.
    pub batch_sizes: Option<Arc<[usize]>>,
    /// From the last step to the first.
    pub reverse: bool,
}

/// What a layer gives: the output of every row, the last states `[batch, output size]`, and an LSTM's cells.
pub(crate) struct Outputs {
    pub y: Tensor,
    pub h: Tensor,
    pub c: Option<Tensor>,
}

/// What the layer is given, in the order in which the node has it as inputs.
#[derive(Clone)]
struct Inputs {
    x: Tensor,
    weights: RecurrentWeights,
    h0: Option<Tensor>,
    c0: Option<Tensor>,
}

/// The layer for rows `[rows, input size]`, those of each step one after another; shapes have been checked.
#[inline]
pub(crate) fn layer(
    cell: Cell,
    sequences: &Sequences,
    x: &Tensor,
    weights: &RecurrentWeights,
    (h0, c0): (Option<&Tensor>, Option<&Tensor>),
) -> Result<Outputs> {
    let inputs = Inputs { x: x.clone(), weights: weights.clone(), h0: h0.cloned(), c0: c0.cloned() };
    inputs.check(name(cell))?;
    let dtype = x.dtype();
    let half = dtype.compute() != dtype;
    if !x.device().is_cpu() || weights.weight_hr.is_some() || half {
        // Half precision is computed in F32, rounded once at the end.
        let compute = if half && x.device().is_cpu() { dtype.compute() } else { dtype };
        let Outputs { y, h, c } = composite::layer(cell, sequences, &inputs.to_dtype(compute))?;
        return Ok(Outputs { y: y.to_dtype(dtype), h: h.to_dtype(dtype), c: c.map(|c| c.to_dtype(dtype)) });
    }
    fused(cell, sequences, inputs)
}

fn name(cell: Cell) -> &'static str {
    match cell {
        Cell::Lstm => "lstm",
        Cell::Gru => "gru",
        Cell::Tanh | Cell::Relu => "rnn",
    }
}

impl Inputs {
    fn list(&self) -> SmallVec<[&Tensor; 7]> {
        let RecurrentWeights { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr: _ } = &self.weights;
        let optional = [bias_ih, bias_hh, &self.h0, &self.c0].into_iter().flat_map(Option::as_ref);
        [&self.x, weight_ih, weight_hh].into_iter().chain(optional).collect()
    }

    /// The same with other tensors, in the order of [`list`](Self::list).
    #[inline]
    fn with(&self, tensors: impl IntoIterator<Item = Tensor>) -> Self {
        let mut tensors = tensors.into_iter();
        let mut next = || tensors.next().expect("as many tensors as the list has");
        let (x, weight_ih, weight_hh) = (next(), next(), next());
        let mut optional = |present: bool| present.then(&mut next);
        let bias_ih = optional(self.weights.bias_ih.is_some());
        let bias_hh = optional(self.weights.bias_hh.is_some());
        let (h0, c0) = (optional(self.h0.is_some()), optional(self.c0.is_some()));
        let weight_hr = self.weights.weight_hr.clone();
        Self { x, weights: RecurrentWeights { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr }, h0, c0 }
    }

    fn to_dtype(&self, dtype: DType) -> Self {
        let mut inputs = self.with(self.list().into_iter().map(|tensor| tensor.to_dtype(dtype)));
        inputs.weights.weight_hr = self.weights.weight_hr.as_ref().map(|weight| weight.to_dtype(dtype));
        inputs
    }

    fn check(&self, op: &'static str) -> Result<()> {
        let (dtype, device) = (self.x.dtype(), self.x.device());
        if !dtype.is_float() {
            return Err(Error::DType { op, dtype, expected: "a floating-point dtype" });
        }
        for other in self.list().into_iter().chain(&self.weights.weight_hr) {
            if other.dtype() != dtype {
                let message = format!("the input is {dtype}, but a weight or state is {}", other.dtype());
                return Err(Error::argument(op, message));
            }
            if other.device() != device {
                return Err(Error::DeviceMismatch { op, left: device, right: other.device() });
            }
        }
        Ok(())
    }
}

/// By one kernel.
fn fused(cell: Cell, sequences: &Sequences, inputs: Inputs) -> Result<Outputs> {
    let list = inputs.list();
    let keep = is_needed(&list);
    let (outputs, saved) = no_grad(|| launch::forward(cell, sequences, &inputs, keep))?;
    let given: SmallVec<[&Tensor; 3]> = [&outputs.y, &outputs.h].into_iter().chain(&outputs.c).collect();
    record(name(cell), &given, &list, || backward_of(cell, sequences.clone(), &inputs, saved));
    drop(given);
    Ok(outputs)
}

/// The backward function: the kernel, or, where the gradient is itself differentiated, the gradient of the same by steps.
#[inline]
fn backward_of(cell: Cell, sequences: Sequences, inputs: &Inputs, saved: Tensor) -> BackwardFn {
    let kept: Vec<Saved> = inputs.list().into_iter().map(Saved::input).collect();
    // Tells which of the optional inputs there are; holds no history.
    let pattern = inputs.with(inputs.list().into_iter().map(Tensor::detach));
    Box::new(move |ctx: &Ctx<'_>| {
        let tensors = kept.iter().map(|kept| kept.unpack(ctx)).collect::<Result<Vec<_>>>()?;
        let wanted: Vec<bool> = (0..tensors.len()).map(|input| ctx.needs(input)).collect();
        let inputs = pattern.with(tensors);
        if ctx.create_graph() {
            return traced(ctx, cell, &sequences, &inputs, &wanted);
        }
        let outputs = ctx.node.outputs.len();
        let grads: Vec<Option<Tensor>> =
            (0..outputs).map(|output| ctx.output_grad(output).map(Tensor::contiguous)).collect();
        launch::backward(cell, &sequences, &inputs, &saved, &grads, &wanted)
    })
}

fn traced(
    ctx: &Ctx<'_>,
    cell: Cell,
    sequences: &Sequences,
    inputs: &Inputs,
    wanted: &[bool],
) -> Result<Grads> {
    let Outputs { y, h, c } = composite::layer(cell, sequences, inputs)?;
    let reached = [Some(&y), Some(&h), c.as_ref()]
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, output)| Some((output, ctx.output_grad(index)?)));
    let (outputs, grads): (Vec<&Tensor>, Vec<Option<&Tensor>>) =
        reached.map(|(output, grad)| (output, Some(grad))).unzip();
    let list = inputs.list();
    let targets: Vec<&Tensor> =
        list.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(tensor, _)| *tensor).collect();
    let options = GradOptions { create_graph: true, allow_unused: true, ..GradOptions::default() };
    let mut found = grad(&outputs, &targets, &grads, options)?.into_iter();
    Ok(wanted.iter().map(|&wanted| if wanted { found.next().flatten() } else { None }).collect())
}
