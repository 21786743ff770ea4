//! Convolution in two dimensions, and by it in one.
//!
//! A convolution is linear in its input and in its weight, so it, its input gradient and its weight gradient are each
//! the derivative of one another: three operations that differentiate to any order.

use std::sync::Arc;

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::conv::{self as kernel, Conv2d, Direction, Epilogue, Target};
use crate::kernels::isa;
use crate::{DType, Device, Error, Result, Tensor};

/// `conv(x, weight) + bias`, all contiguous or not, of the geometry's shapes.
pub(crate) fn forward(
    geometry: Conv2d,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let shape = [geometry.batch, geometry.out_channels, geometry.out[0], geometry.out[1]];
    let [x_raw, weight_raw] = [x, weight].map(raw);
    let bias_raw = bias.map(raw);
    let output = prepare("conv2d", x, &shape)?;
    let _guards = (
        x_raw.storage().read(),
        weight_raw.storage().read(),
        bias_raw.as_ref().map(|bias| bias.storage().read()),
    );
    dispatch!(float x.dtype(), "conv2d", T => {
        let bias = bias_raw.as_ref().map(|bias| bias.host_ptr().cast::<T>().cast_const());
        let (x, y) = (x_raw.host_ptr().cast::<T>(), output.host_ptr().cast());
        let epilogue = Epilogue { bias, ..Epilogue::NONE };
        // Rows without elements may be more than can be walked through.
        if output.numel() > 0 {
            // SAFETY: contiguous tensors of the geometry's shapes, the inputs locked, the output ours alone.
            unsafe {
            match kept_weights::<T>(&geometry, &weight_raw) {
                Some(kept) => {
                    let target = Target::Plain(y);
                    kernel::forward_packed::<T>(isa(), &geometry, x, kept.1.as_ptr(), &epilogue, target);
                }
                None => kernel::forward::<T>(isa(), &geometry, x, weight_raw.host_ptr().cast(), &epilogue, y),
            }
            }
        }
    });
    let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
    record("conv2d", &[&output], &inputs, || {
        let saved = (Saved::input(x), Saved::input(weight));
        Box::new(move |ctx: &Ctx<'_>| {
            let dy = ctx.grad()?;
            let dx = if ctx.needs(0) { Some(input_grad(geometry, dy, &saved.1.unpack(ctx)?)?) } else { None };
            let dw =
                if ctx.needs(1) { Some(weight_grad(geometry, &saved.0.unpack(ctx)?, dy)?) } else { None };
            let mut grads = Grads::from_iter([dx, dw]);
            if ctx.node.edges.len() > 2 {
                grads.push(if ctx.needs(2) { Some(bias_grad(geometry, dy)?) } else { None });
            }
            Ok(grads)
        })
    });
    Ok(output)
}

/// The packed weights of a contiguous weight, locked for reading. They stay with its storage while gradients are off: in
/// training, they change at every step.
pub(crate) fn kept_weights<T: kernel::Element>(
    geometry: &Conv2d,
    weight: &Tensor,
) -> Option<Arc<(Key, Vec<T>)>> {
    if crate::is_grad_enabled() || !kernel::is_worth_keeping(geometry, Direction::Forward) {
        return None;
    }
    let make = || {
        let mut packed = vec![T::default(); kernel::packed_len::<T>(isa(), geometry, Direction::Forward)];
        let from = weight.host_ptr().cast();
        // SAFETY: the weight is contiguous and locked; the vector has the room that was asked for.
        unsafe { kernel::pack::<T>(isa(), geometry, Direction::Forward, from, packed.as_mut_ptr()) };
        packed
    };
    let key = Key { geometry: *geometry, start: weight.host_ptr() as usize };
    Some(weight.storage().derived(key, make))
}

/// What packed weights depend on besides the contents of the storage.
#[derive(PartialEq)]
pub(crate) struct Key {
    geometry: Conv2d,
    /// The first byte.
    start: usize,
}

/// The gradient of the input.
pub(crate) fn input_grad(geometry: Conv2d, dy: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let shape = [geometry.batch, geometry.in_channels, geometry.size[0], geometry.size[1]];
    let [dy_raw, weight_raw] = [dy, weight].map(raw);
    let output = prepare("conv2d", dy, &shape)?;
    let _guards = (dy_raw.storage().read(), weight_raw.storage().read());
    dispatch!(float dy.dtype(), "conv2d", T => {
        let (dy, w, dx) = (dy_raw.host_ptr().cast::<T>(), weight_raw.host_ptr().cast(), output.host_ptr().cast());
        if output.numel() > 0 {
            // SAFETY: as in `forward`.
            unsafe { kernel::input_grad::<T>(isa(), &geometry, dy, w, dx) }
        }
    });
    record("conv2d_input_grad", &[&output], &[dy, weight], || {
        let saved = (Saved::input(dy), Saved::input(weight));
        Box::new(move |ctx: &Ctx<'_>| {
            let g = ctx.grad()?;
            let ddy =
                if ctx.needs(0) { Some(forward(geometry, g, &saved.1.unpack(ctx)?, None)?) } else { None };
            let dw = if ctx.needs(1) { Some(weight_grad(geometry, g, &saved.0.unpack(ctx)?)?) } else { None };
            Ok(Grads::from_iter([ddy, dw]))
        })
    });
    Ok(output)
}

/// The gradient of the weight.
fn weight_grad(geometry: Conv2d, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let per_group = geometry.in_channels / geometry.groups;
    let shape = [geometry.out_channels, per_group, geometry.kernel[0], geometry.kernel[1]];
    let [x_raw, dy_raw] = [x, dy].map(raw);
    let output = prepare("conv2d", x, &shape)?;
    let _guards = (x_raw.storage().read(), dy_raw.storage().read());
    dispatch!(float x.dtype(), "conv2d", T => {
        let (x, dy, dw) = (x_raw.host_ptr().cast::<T>(), dy_raw.host_ptr().cast(), output.host_ptr().cast());
        if x_raw.numel() > 0 && dy_raw.numel() > 0 {
            // SAFETY: as in `forward`.
            unsafe { kernel::weight_grad::<T>(isa(), &geometry, x, dy, dw) }
        }
    });
    if x_raw.numel() == 0 || dy_raw.numel() == 0 {
        crate::no_grad(|| output.zero_())?;
    }
    record("conv2d_weight_grad", &[&output], &[x, dy], || {
        let saved = (Saved::input(x), Saved::input(dy));
        Box::new(move |ctx: &Ctx<'_>| {
            let g = ctx.grad()?;
            let dx = if ctx.needs(0) { Some(input_grad(geometry, &saved.1.unpack(ctx)?, g)?) } else { None };
            let ddy =
                if ctx.needs(1) { Some(forward(geometry, &saved.0.unpack(ctx)?, g, None)?) } else { None };
            Ok(Grads::from_iter([dx, ddy]))
        })
    });
    Ok(output)
}

/// The gradient of the bias: the sum over images and pixels.
fn bias_grad(geometry: Conv2d, dy: &Tensor) -> Result<Tensor> {
    if crate::is_grad_enabled() {
        return dy.sum_dim([0, 2, 3], false);
    }
    let dy_raw = raw(dy);
    let output = prepare("conv2d", dy, &[geometry.out_channels])?;
    let _guard = dy_raw.storage().read();
    dispatch!(float dy.dtype(), "conv2d", T => {
        // SAFETY: as in `forward`.
        unsafe { kernel::bias_grad::<T>(&geometry, dy_raw.host_ptr().cast(), output.host_ptr().cast()) }
    });
    Ok(output)
}

/// The tensor's elements in row-major order, unseen by autograd.
#[inline]
fn raw(tensor: &Tensor) -> Tensor {
    crate::no_grad(|| tensor.contiguous())
}

fn prepare(op: &'static str, like: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let (device, dtype) = (like.device(), like.dtype());
    if device != Device::Cpu {
        return Err(Error::Unavailable { op, device, dtype });
    }
    if !matches!(dtype, DType::F32 | DType::F64) {
        return Err(Error::DType { op, dtype, expected: "float32 or float64" });
    }
    Tensor::uninit(shape, dtype, device)
}
