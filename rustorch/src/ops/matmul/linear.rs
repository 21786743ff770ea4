//! The linear map of a layer, with its bias added while the result is in the cache.

use super::{check_same_kind, launch};
use crate::autograd::{Ctx, Grads, Saved, record};
use crate::{Error, Result, Tensor};

/// `x Wᵀ + b`.
pub(crate) fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    check_same_kind("linear", input, weight)?;
    let shape = rustorch_shape::rules::linear(input.shape(), weight.shape(), &mut ())?;
    if let Some(bias) = bias {
        check_same_kind("linear", input, bias)?;
        if bias.shape() != [weight.shape()[0]] {
            return Err(Error::argument(
                "linear",
                format!(
                    "the bias has shape {:?}, but the weight {:?} has {} outputs",
                    bias.shape(),
                    weight.shape(),
                    weight.shape()[0]
                ),
            ));
        }
    }
    let vector = input.rank() == 1;
    let rows = if vector { input.unsqueeze(0)? } else { input.clone() };
    let contiguous = bias.map(|bias| crate::no_grad(|| bias.contiguous()));
    let transposed = crate::no_grad(|| weight.t())?;
    let output = launch::product("linear", &rows, &transposed, contiguous.as_ref())?;
    let inputs: Vec<&Tensor> = [&rows, weight].into_iter().chain(bias).collect();
    record("linear", &[&output], &inputs, || {
        let (x, w) = (Saved::input(&rows), Saved::input(weight));
        Box::new(move |ctx: &Ctx<'_>| backward(ctx, &x, &w))
    });
    if vector { output.reshape(shape) } else { Ok(output) }
}

fn backward(ctx: &Ctx<'_>, x: &Saved, w: &Saved) -> Result<Grads> {
    let grad = ctx.grad()?;
    let flat = |tensor: &Tensor| tensor.flatten(0, -2);
    let dx = if ctx.needs(0) { Some(grad.matmul(&conjugate(w.unpack(ctx)?))?) } else { None };
    let dw =
        if ctx.needs(1) { Some(flat(grad)?.t()?.matmul(&conjugate(flat(&x.unpack(ctx)?)?))?) } else { None };
    let mut grads = Grads::from_iter([dx, dw]);
    if ctx.node.edges.len() > 2 {
        grads.push(if ctx.needs(2) { Some(flat(grad)?.sum_dim(0, false)?) } else { None });
    }
    Ok(grads)
}

fn conjugate(tensor: Tensor) -> Tensor {
    if tensor.dtype().is_complex() { tensor.conj() } else { tensor }
}
