//! Normalisation of rows by their own statistics, with weight and bias, fused: layer, RMS and group norm.

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::isa;
use crate::kernels::layer_norm::{self as kernel, Gradients, Norm};
use crate::{Result, Tensor};

/// What is normalised, and how.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    /// The name of the operation.
    pub op: &'static str,
    /// How many of the last axes make a row.
    pub axes: usize,
    /// Added to the variance, or to the mean square.
    pub eps: f64,
    /// Whether the mean is subtracted; not for RMS normalisation.
    pub centred: bool,
}

/// Whether [`layer_norm`] takes these operands: `F32` or `F64` of one dtype in main memory.
pub(crate) fn is_fused(input: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>) -> bool {
    let dtype = input.dtype();
    let fits = |tensor: &Tensor| tensor.dtype() == dtype && tensor.device().is_cpu();
    dtype.is_float()
        && dtype.compute() == dtype
        && [Some(input), weight, bias].into_iter().flatten().all(fits)
}

/// `(x - mean) / √(var + eps) · weight + bias` over the last axes, whose shape weight and bias have; the operands are such as
/// [`is_fused`] says.
pub(crate) fn layer_norm(
    rows: Rows,
    input: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (output, mean, rstd) = forward(rows, input, weight, bias)?;
    let inputs: Vec<&Tensor> = [Some(input), weight, bias].into_iter().flatten().collect();
    record(rows.op, &[&output], &inputs, || {
        let (saved, saved_weight) = (Saved::input(input), weight.map(Saved::input));
        let bias_shape = bias.map(|bias| bias.shape().to_vec());
        Box::new(move |ctx: &Ctx<'_>| {
            let (x, dy) = (saved.unpack(ctx)?, ctx.grad()?);
            let weight = saved_weight.as_ref().map(|weight| weight.unpack(ctx)).transpose()?;
            let weight = weight.as_ref();
            if ctx.create_graph() {
                let mut grads = composite(rows, &x, weight, dy)?;
                if let Some(shape) = &bias_shape {
                    grads.push(Some(dy.sum_to(shape)?));
                }
                return Ok(Grads::from_iter(grads));
            }
            let bias_at = 1 + usize::from(weight.is_some());
            let wanted =
                [ctx.needs(0), weight.is_some() && ctx.needs(1), bias_shape.is_some() && ctx.needs(bias_at)];
            let [dx, dweight, dbias] = backward(rows, &x, weight, dy, &mean, &rstd, wanted)?;
            let mut grads = vec![dx];
            grads.extend(weight.is_some().then_some(dweight));
            grads.extend(bias_shape.is_some().then_some(dbias));
            Ok(Grads::from_iter(grads))
        })
    });
    Ok(output)
}

/// The sizes of `rows` and of a row.
fn sizes(input: &Tensor, axes: usize) -> (usize, usize) {
    let (outer, row) = input.shape().split_at(input.rank() - axes);
    (outer.iter().product(), row.iter().product())
}

/// The result, and what the backward pass needs: the mean of each row and its reciprocal standard deviation.
fn forward(
    rows: Rows,
    input: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<(Tensor, Tensor, Tensor)> {
    let (x, weight, bias) =
        crate::no_grad(|| (input.contiguous(), weight.map(Tensor::contiguous), bias.map(Tensor::contiguous)));
    let (dtype, device) = (x.dtype(), x.device());
    let (count, dim) = sizes(&x, rows.axes);
    let output = Tensor::uninit(x.shape(), dtype, device)?;
    let mean = Tensor::uninit(&[if rows.centred { count } else { 0 }], dtype, device)?;
    let rstd = Tensor::uninit(&[count], dtype, device)?;
    let _guards: Vec<_> = [Some(&x), weight.as_ref(), bias.as_ref()]
        .into_iter()
        .flatten()
        .map(|t| t.storage().read())
        .collect();
    dispatch!(float dtype, rows.op, T => {
        let pointer = |tensor: &Tensor| tensor.host_ptr().cast_const().cast::<T>();
        let norm = Norm {
            rows: count,
            dim,
            eps: rows.eps as T,
            centred: rows.centred,
            weight: weight.as_ref().map(pointer),
            bias: bias.as_ref().map(pointer),
        };
        let kept = Some((mean.host_ptr().cast(), rstd.host_ptr().cast()));
        // SAFETY: contiguous and of the sizes said, the inputs locked, the outputs ours alone.
        unsafe { kernel::forward(isa(), &norm, pointer(&x), output.host_ptr().cast(), kept) }
    });
    Ok((output, mean, rstd))
}

/// The wanted gradients of input, weight and bias by one kernel.
fn backward(
    rows: Rows,
    x: &Tensor,
    weight: Option<&Tensor>,
    dy: &Tensor,
    mean: &Tensor,
    rstd: &Tensor,
    wanted: [bool; 3],
) -> Result<[Option<Tensor>; 3]> {
    let (x, dy, weight) = (x.contiguous(), dy.contiguous(), weight.map(Tensor::contiguous));
    let (dtype, device) = (x.dtype(), x.device());
    let (count, dim) = sizes(&x, rows.axes);
    let row_shape = &x.shape()[x.rank() - rows.axes..];
    let make =
        |wanted: bool, shape: &[usize]| wanted.then(|| Tensor::uninit(shape, dtype, device)).transpose();
    let outputs = [make(wanted[0], x.shape())?, make(wanted[1], row_shape)?, make(wanted[2], row_shape)?];
    let _guards: Vec<_> =
        [Some(&x), Some(&dy), weight.as_ref()].into_iter().flatten().map(|t| t.storage().read()).collect();
    dispatch!(float dtype, rows.op, T => {
        let pointer = |tensor: &Tensor| tensor.host_ptr().cast_const().cast::<T>();
        let norm = Norm {
            rows: count,
            dim,
            eps: rows.eps as T,
            centred: rows.centred,
            weight: weight.as_ref().map(pointer),
            bias: None,
        };
        let output = |at: usize| outputs[at].as_ref().map(|tensor| tensor.host_ptr().cast::<T>());
        let gradients = Gradients {
            x: pointer(&x),
            dy: pointer(&dy),
            mean: pointer(mean),
            rstd: pointer(rstd),
            dx: output(0),
            dweight: output(1),
            dbias: output(2),
        };
        // SAFETY: as in `forward`; mean and rstd are this node's own.
        unsafe { kernel::backward(isa(), &norm, &gradients) }
    });
    Ok(outputs)
}

/// The gradients of input and weight by operations that can be differentiated again.
fn composite(rows: Rows, x: &Tensor, weight: Option<&Tensor>, dy: &Tensor) -> Result<Vec<Option<Tensor>>> {
    let axes: Vec<isize> = (1..=rows.axes as isize).map(|axis| -axis).collect();
    let mean = |tensor: &Tensor| tensor.mean_dim(axes.as_slice(), true);
    let centred = if rows.centred { x.sub(&mean(x)?)? } else { x.clone() };
    let scale = mean(&centred.square())?.add(rows.eps)?.rsqrt();
    let unit = centred.mul(&scale)?;
    let g = match weight {
        Some(weight) => dy.mul(weight)?,
        None => dy.clone(),
    };
    let mut dx = g.sub(&unit.mul(&mean(&g.mul(&unit)?)?)?)?;
    if rows.centred {
        dx = dx.sub(&mean(&g)?)?;
    }
    let mut grads = vec![Some(dx.mul(&scale)?)];
    if let Some(weight) = weight {
        grads.push(Some(dy.mul(&unit)?.sum_to(weight.shape())?));
    }
    Ok(grads)
}
