//! Normalisation of channels (axis 1) by statistics of the batch or given ones, with weight and bias, fused.

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::batch_norm::{self as kernel, Finish, Gradients, Norm, Shape};
use crate::kernels::isa;
use crate::{Result, Tensor, no_grad};

const OP: &str = "batch_norm";

/// What channels are normalised by.
#[derive(Clone)]
pub(crate) struct Statistics {
    /// `[channels]`
    pub mean: Tensor,
    /// `[channels]`, divided by the count.
    pub var: Tensor,
    /// Whether they are those of the input, and so depend on it.
    pub of_batch: bool,
    /// Added to the variance.
    pub eps: f64,
}

/// Whether [`statistics`] and [`batch_norm`] take these operands: `F32` or `F64` of one dtype in main memory, and something to
/// normalise.
pub(crate) fn is_fused(input: &Tensor, vectors: &[Option<&Tensor>]) -> bool {
    let dtype = input.dtype();
    let fits = |tensor: &&Tensor| tensor.dtype() == dtype && tensor.device().is_cpu();
    dtype.is_float()
        && dtype.compute() == dtype
        && input.numel() > 0
        && vectors.iter().flatten().chain([&input]).all(fits)
}

/// Mean and variance of each channel of the input, unseen by autograd.
pub(crate) fn statistics(input: &Tensor, eps: f64) -> Result<Statistics> {
    let x = no_grad(|| input.contiguous());
    let shape = seen(&x);
    let vector = || Tensor::uninit(&[shape.channels], x.dtype(), x.device());
    let (mean, var) = (vector()?, vector()?);
    let _guard = x.storage().read();
    dispatch!(float x.dtype(), OP, T => {
        let output = |tensor: &Tensor| tensor.host_ptr().cast::<T>();
        // SAFETY: contiguous and locked; the outputs are ours alone, of a value per channel.
        unsafe { kernel::statistics::<T>(isa(), shape, pointer(&x), output(&mean), output(&var)) }
    });
    Ok(Statistics { mean, var, of_batch: true, eps })
}

/// `(x - mean) / √(var + eps) · weight + bias` for `x` of `[batch, channels, ..]`; the operands are such as [`is_fused`] says, the
/// vectors of a value per channel.
pub(crate) fn batch_norm(
    input: &Tensor,
    statistics: Statistics,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let output = forward(input, &statistics, weight, bias)?;
    let inputs: Vec<&Tensor> = [Some(input), weight, bias].into_iter().flatten().collect();
    record(OP, &[&output], &inputs, || {
        let (saved, saved_weight) = (Saved::input(input), weight.map(Saved::input));
        let has_bias = bias.is_some();
        Box::new(move |ctx: &Ctx<'_>| {
            let (x, dy) = (saved.unpack(ctx)?, ctx.grad()?);
            let weight = saved_weight.as_ref().map(|weight| weight.unpack(ctx)).transpose()?;
            let weight = weight.as_ref();
            let bias_at = 1 + usize::from(weight.is_some());
            let wanted = [ctx.needs(0), weight.is_some() && ctx.needs(1), has_bias && ctx.needs(bias_at)];
            let [dx, dweight, dbias] = match ctx.create_graph() {
                true => composite(&x, &statistics, weight, dy)?,
                false => backward(&x, &statistics, weight, dy, wanted)?,
            };
            let mut grads = vec![dx];
            grads.extend(weight.is_some().then_some(dweight));
            grads.extend(has_bias.then_some(dbias));
            Ok(Grads::from_iter(grads))
        })
    });
    Ok(output)
}

fn seen(x: &Tensor) -> Shape {
    Shape { batch: x.shape()[0], channels: x.shape()[1], inner: x.shape()[2..].iter().product() }
}

fn pointer<T>(tensor: &Tensor) -> *const T {
    tensor.host_ptr().cast_const().cast()
}

fn forward(
    input: &Tensor,
    statistics: &Statistics,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (x, weight, bias) =
        no_grad(|| (input.contiguous(), weight.map(Tensor::contiguous), bias.map(Tensor::contiguous)));
    let Statistics { mean, var, eps, .. } = statistics;
    let output = Tensor::uninit(x.shape(), x.dtype(), x.device())?;
    let _guards: Vec<_> = [Some(&x), weight.as_ref(), bias.as_ref()]
        .into_iter()
        .flatten()
        .map(|tensor| tensor.storage().read())
        .collect();
    dispatch!(float x.dtype(), OP, T => {
        let norm = Norm::<T> {
            mean: pointer(mean),
            var: pointer(var),
            eps: *eps as T,
            weight: weight.as_ref().map(pointer),
            bias: bias.as_ref().map(pointer),
        };
        // SAFETY: contiguous and of the sizes said, the inputs locked, the output and the statistics ours alone.
        unsafe {
            kernel::forward(isa(), seen(&x), &norm, Finish::NONE, pointer(&x), output.host_ptr().cast());
        }
    });
    Ok(output)
}

/// The wanted gradients of input, weight and bias by one kernel.
fn backward(
    x: &Tensor,
    statistics: &Statistics,
    weight: Option<&Tensor>,
    dy: &Tensor,
    wanted: [bool; 3],
) -> Result<[Option<Tensor>; 3]> {
    let (x, dy, weight) = (x.contiguous(), dy.contiguous(), weight.map(Tensor::contiguous));
    let Statistics { mean, var, of_batch, eps } = statistics;
    let shape = seen(&x);
    let make = |wanted: bool, shape: &[usize]| {
        wanted.then(|| Tensor::uninit(shape, x.dtype(), x.device())).transpose()
    };
    let per_channel = [shape.channels];
    let outputs =
        [make(wanted[0], x.shape())?, make(wanted[1], &per_channel)?, make(wanted[2], &per_channel)?];
    let _guards: Vec<_> = [Some(&x), Some(&dy), weight.as_ref()]
        .into_iter()
        .flatten()
        .map(|tensor| tensor.storage().read())
        .collect();
    dispatch!(float x.dtype(), OP, T => {
        let norm = Norm::<T> {
            mean: pointer(mean),
            var: pointer(var),
            eps: *eps as T,
            weight: weight.as_ref().map(pointer),
            bias: None,
        };
        let output = |at: usize| outputs[at].as_ref().map(|tensor| tensor.host_ptr().cast::<T>());
        let gradients = Gradients {
            x: pointer(&x),
            dy: pointer(&dy),
            training: *of_batch,
            dx: output(0),
            dweight: output(1),
            dbias: output(2),
        };
        // SAFETY: as in `forward`.
        unsafe { kernel::backward(isa(), shape, &norm, &gradients) }
    });
    Ok(outputs)
}

/// The gradients by operations that can be differentiated again.
fn composite(
    x: &Tensor,
    statistics: &Statistics,
    weight: Option<&Tensor>,
    dy: &Tensor,
) -> Result<[Option<Tensor>; 3]> {
    let axes: Vec<isize> = (0..x.rank() as isize).filter(|&axis| axis != 1).collect();
    let mut kept = vec![1; x.rank()];
    kept[1] = x.shape()[1];
    let mean = |tensor: &Tensor| tensor.mean_dim(axes.as_slice(), true);
    let (centred, var) = match statistics.of_batch {
        true => {
            let centred = x.sub(&mean(x)?)?;
            let var = mean(&centred.square())?;
            (centred, var)
        }
        false => {
            (x.sub(&statistics.mean.reshape(kept.as_slice())?)?, statistics.var.reshape(kept.as_slice())?)
        }
    };
    let scale = var.add(statistics.eps)?.rsqrt();
    let unit = centred.mul(&scale)?;
    let g = match weight {
        Some(weight) => dy.mul(&weight.reshape(kept)?)?,
        None => dy.clone(),
    };
    let dx = match statistics.of_batch {
        true => g.sub(&unit.mul(&mean(&g.mul(&unit)?)?)?)?.sub(&mean(&g)?)?.mul(&scale)?,
        false => g.mul(&scale)?,
    };
    let sum = |tensor: &Tensor| tensor.sum_dim(axes.as_slice(), false);
    Ok([Some(dx), Some(sum(&dy.mul(&unit)?)?), Some(sum(dy)?)])
}
