//! Hands tensors to the kernels.

use super::{Cell, Inputs, Outputs, Sequences, name};
use crate::autograd::Grads;
use crate::dtype::dispatch;
use crate::kernels::isa;
use crate::kernels::recurrent::{
    Backward, Forward, Geometry, Gradient, Source, Weights, backward as back, forward as run,
};
use crate::{Result, Tensor};

fn geometry<'a>(cell: Cell, sequences: &'a Sequences, inputs: &Inputs) -> Geometry<'a> {
    Geometry {
        cell,
        steps: sequences.steps,
        batch: sequences.batch,
        input: inputs.weights.weight_ih.shape()[1],
        hidden: inputs.weights.weight_hh.shape()[1],
        reverse: sequences.reverse,
        batch_sizes: sequences.batch_sizes.as_deref(),
    }
}

fn weights<T>(inputs: &Inputs) -> Weights<T> {
    let read = |tensor: &Tensor| tensor.host_ptr().cast::<T>().cast_const();
    let weights = &inputs.weights;
    Weights {
        input: read(&weights.weight_ih),
        hidden: read(&weights.weight_hh),
        input_bias: weights.bias_ih.as_ref().map(read),
        hidden_bias: weights.bias_hh.as_ref().map(read),
    }
}

/// The outputs, and what the backward pass needs of the way there.
pub(super) fn forward(
    cell: Cell,
    sequences: &Sequences,
    inputs: &Inputs,
    keep: bool,
) -> Result<(Outputs, Tensor)> {
    let inputs = inputs.with(inputs.list().into_iter().map(Tensor::contiguous));
    let geometry = geometry(cell, sequences, &inputs);
    let (dtype, device) = (inputs.x.dtype(), inputs.x.device());
    let fresh = |shape: &[usize]| Tensor::uninit(shape, dtype, device);
    let state = || fresh(&[geometry.batch, geometry.hidden]);
    let (y, h, c) = (fresh(&[geometry.rows(), geometry.hidden])?, state()?, state()?);
    let saved = fresh(&[geometry.saved_len(keep)])?;
    let workspace = fresh(&[geometry.forward_workspace_len(0)])?;
    let _guards: Vec<_> = inputs.list().into_iter().map(|tensor| tensor.storage().read()).collect();
    dispatch!(float dtype, name(cell), T => {
        let read = |tensor: &Tensor| tensor.host_ptr().cast::<T>().cast_const();
        let io = Forward {
            x: Source::Rows(read(&inputs.x)),
            packed: None,
            products: None,
            h0: inputs.h0.as_ref().map(read),
            c0: inputs.c0.as_ref().map(read),
            y: y.host_ptr().cast(),
            y_stride: geometry.hidden,
            hn: h.host_ptr().cast(),
            cn: c.host_ptr().cast(),
            saved: saved.host_ptr().cast(),
            keep,
            workspace: workspace.host_ptr().cast(),
        };
        // SAFETY: shapes have been checked; the inputs are contiguous and locked, the outputs fresh, ours alone and of the
        // sizes that the geometry says.
        unsafe { run(isa(), &geometry, &weights::<T>(&inputs), &io) };
    });
    Ok((Outputs { y, h, c: (cell == Cell::Lstm).then_some(c) }, saved))
}

/// The gradients of the inputs that are wanted, in their order; `grads` are those of the outputs, contiguous.
pub(super) fn backward(
    cell: Cell,
    sequences: &Sequences,
    inputs: &Inputs,
    saved: &Tensor,
    grads: &[Option<Tensor>],
    wanted: &[bool],
) -> Result<Grads> {
    let inputs = inputs.with(inputs.list().into_iter().map(Tensor::contiguous));
    let geometry = geometry(cell, sequences, &inputs);
    let (dtype, device) = (inputs.x.dtype(), inputs.x.device());
    let list = inputs.list();
    let fresh = list
        .iter()
        .zip(wanted)
        .map(|(like, wanted)| wanted.then(|| Tensor::uninit(like.shape(), dtype, device)).transpose())
        .collect::<Result<Grads>>()?;
    let workspace = Tensor::uninit(&[geometry.backward_workspace_len(0)], dtype, device)?;
    let given = grads.iter().flatten().chain([saved]);
    let _guards: Vec<_> = list.iter().copied().chain(given).map(|tensor| tensor.storage().read()).collect();
    dispatch!(float dtype, name(cell), T => {
        let read = |tensor: &Tensor| tensor.host_ptr().cast::<T>().cast_const();
        let mut outputs = fresh.iter().map(|tensor| tensor.as_ref().map(|tensor| tensor.host_ptr().cast::<T>()));
        let mut next = |present: bool| if present { outputs.next().flatten() } else { None };
        let [dx, dinput, dhidden] = [(); 3].map(|()| next(true));
        let dinput_bias = next(inputs.weights.bias_ih.is_some());
        let dhidden_bias = next(inputs.weights.bias_hh.is_some());
        let (dh0, dc0) = (next(inputs.h0.is_some()), next(inputs.c0.is_some()));
        let grad = |output: usize| grads.get(output).and_then(Option::as_ref).map(read);
        let io = Backward {
            x: Source::Rows(read(&inputs.x)),
            saved: read(saved),
            dy: grad(0),
            dy_stride: geometry.hidden,
            dhn: grad(1),
            dcn: grad(2),
            dx: dx.map(Gradient::new),
            dh0,
            dc0,
            dinput: dinput.map(Gradient::new),
            dhidden: dhidden.map(Gradient::new),
            dinput_bias: dinput_bias.map(Gradient::new),
            dhidden_bias: dhidden_bias.map(Gradient::new),
            workspace: workspace.host_ptr().cast(),
        };
        // SAFETY: as in `forward`.
        unsafe { back(isa(), &geometry, &weights::<T>(&inputs), &io) };
    });
    Ok(fresh)
}
