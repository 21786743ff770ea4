//! Pooling over the last two axes.
//!
//! The gradient of max pooling scatters, that of scattering gathers; averaging and spreading are each the adjoint of
//! the other. So both differentiate to any order.

mod stages;

pub(crate) use stages::{Along, Stage};

use std::sync::Arc;

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::pooling::{self as kernel, Axis, Pooling, Window};
use crate::{DType, Device, Error, Result, Tensor};

/// The windows of a pooling of images.
pub(crate) struct Windows {
    pub op: &'static str,
    pub size: [usize; 2],
    pub rows: Vec<Window>,
    pub columns: Vec<Window>,
    pub dilation: [usize; 2],
    pub divisor: Option<usize>,
    /// Where the windows come from, if they lie at regular distances.
    pub axes: Option<[Axis; 2]>,
}

impl Windows {
    pub fn pooling(&self, planes: usize) -> Pooling<'_> {
        let Self { size, rows, columns, dilation, divisor, axes, .. } = self;
        Pooling { planes, size: *size, rows, columns, dilation: *dilation, divisor: *divisor, axes: *axes }
    }

    pub fn output(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    /// Refuses windows that see nothing, which only padding with dilation can make.
    pub fn check(&self) -> Result<()> {
        let empty = |windows: &[Window]| windows.iter().position(|window| window.taps == 0);
        let found = [("row", empty(&self.rows)), ("column", empty(&self.columns))];
        match found.into_iter().find_map(|(name, at)| Some((name, at?))) {
            Some((name, at)) => {
                let Self { op, size, dilation, .. } = self;
                let message = format!(
                    "the windows of output {name} {at} see only padding of the input {size:?}: the dilation {dilation:?} steps over it"
                );
                Err(Error::argument(op, message))
            }
            None => Ok(()),
        }
    }
}

/// A window per output along one axis. `padding` elements lie before the axis and, at least, after it.
fn windows(
    size: usize,
    count: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    include_padding: bool,
) -> Vec<Window> {
    let window = |index: usize| {
        let first = (index * stride) as isize - padding as isize;
        // The first tap inside, and how many are.
        let skipped = if first < 0 { first.unsigned_abs().div_ceil(dilation) } else { 0 };
        let start = (first + (skipped * dilation) as isize) as usize;
        let inside = if start < size { (size - 1 - start) / dilation + 1 } else { 0 };
        let taps = inside.min(kernel.saturating_sub(skipped));
        let end = (first + kernel as isize).min((size + padding) as isize);
        let extent = if include_padding { (end - first).max(1) as usize } else { taps };
        Window { start, taps, extent }
    };
    (0..count).map(window).collect()
}

/// A window per output along one axis of adaptive pooling: output `i` of `n` sees `⌊i·size/n⌋ .. ⌈(i + 1)·size/n⌉`.
fn adaptive_windows(size: usize, count: usize) -> Vec<Window> {
    let window = |index: usize| {
        let (start, end) = (index * size / count, ((index + 1) * size).div_ceil(count));
        Window { start, taps: end - start, extent: end - start }
    };
    (0..count).map(window).collect()
}

/// The greatest element of every window.
pub(crate) fn max_pool(x: &Tensor, windows: Windows) -> Result<Tensor> {
    if crate::is_grad_enabled() && x.requires_grad() {
        return Ok(max_pool_with_places(x, windows)?.0);
    }
    Ok(maxima(x, &windows, false)?.0)
}

/// The greatest element of every window, and its place in its plane as `I32`.
pub(crate) fn max_pool_with_places(x: &Tensor, windows: Windows) -> Result<(Tensor, Tensor)> {
    let (output, places) = maxima(x, &windows, true)?;
    let windows = Arc::new(windows);
    record(windows.op, &[&output], &[x], || {
        let (windows, places) = (windows.clone(), Saved::input(&places));
        Box::new(move |ctx: &Ctx<'_>| {
            Ok(Grads::from_iter([Some(scatter(ctx.grad()?, &places.unpack(ctx)?, &windows)?)]))
        })
    });
    Ok((output, places))
}

/// The maxima, and their places if `wanted`: else, no elements.
fn maxima(x: &Tensor, windows: &Windows, wanted: bool) -> Result<(Tensor, Tensor)> {
    windows.check()?;
    let (raw, shape, planes) = planes(x, windows.op, windows.output())?;
    let output = Tensor::uninit(&shape, x.dtype(), Device::Cpu)?;
    let places = Tensor::uninit(if wanted { &shape } else { &[0] }, DType::I32, Device::Cpu)?;
    let guard = raw.storage().read();
    dispatch!(float x.dtype(), windows.op, T => {
        // SAFETY: contiguous, the input locked, the outputs ours alone.
        unsafe {
            let places = wanted.then(|| write(&places));
            kernel::max_forward::<T>(&windows.pooling(planes), read(&raw), write(&output), places);
        }
    });
    drop(guard);
    Ok((output, places))
}

/// The gradient of max pooling: each element goes back to its place.
fn scatter(dy: &Tensor, places: &Tensor, windows: &Arc<Windows>) -> Result<Tensor> {
    let (raw, shape, planes) = planes(dy, windows.op, windows.size)?;
    let output = Tensor::uninit(&shape, dy.dtype(), Device::Cpu)?;
    let guards = (raw.storage().read(), places.storage().read());
    dispatch!(float dy.dtype(), windows.op, T => {
        // SAFETY: contiguous, the inputs locked, the output ours alone.
        unsafe { kernel::scatter::<T>(&windows.pooling(planes), read(&raw), read(places), write(&output)) }
    });
    drop(guards);
    record("max_pool_backward", &[&output], &[dy], || {
        let (windows, places) = (windows.clone(), Saved::input(places));
        Box::new(move |ctx: &Ctx<'_>| {
            Ok(Grads::from_iter([Some(gather(ctx.grad()?, &places.unpack(ctx)?, &windows)?)]))
        })
    });
    Ok(output)
}

/// The elements at the places of the maxima.
fn gather(x: &Tensor, places: &Tensor, windows: &Arc<Windows>) -> Result<Tensor> {
    let (raw, shape, planes) = planes(x, windows.op, windows.output())?;
    let output = Tensor::uninit(&shape, x.dtype(), Device::Cpu)?;
    let guards = (raw.storage().read(), places.storage().read());
    dispatch!(float x.dtype(), windows.op, T => {
        // SAFETY: contiguous, the inputs locked, the output ours alone.
        unsafe { kernel::gather::<T>(&windows.pooling(planes), read(&raw), read(places), write(&output)) }
    });
    drop(guards);
    record("max_pool_gather", &[&output], &[x], || {
        let (windows, places) = (windows.clone(), Saved::input(places));
        Box::new(move |ctx: &Ctx<'_>| {
            Ok(Grads::from_iter([Some(scatter(ctx.grad()?, &places.unpack(ctx)?, &windows)?)]))
        })
    });
    Ok(output)
}

/// The average of every window.
pub(crate) fn avg_pool(x: &Tensor, windows: Windows) -> Result<Tensor> {
    windows.check()?;
    average(x, &Arc::new(windows))
}

fn average(x: &Tensor, windows: &Arc<Windows>) -> Result<Tensor> {
    if x.dtype() == DType::I64 {
        return average_integers(x, windows);
    }
    let (raw, shape, planes) = planes(x, windows.op, windows.output())?;
    let output = Tensor::uninit(&shape, x.dtype(), Device::Cpu)?;
    let guard = raw.storage().read();
    dispatch!(float x.dtype(), windows.op, T => {
        // SAFETY: contiguous, the input locked, the output ours alone.
        unsafe { kernel::average::<T>(&windows.pooling(planes), read(&raw), write(&output)) }
    });
    drop(guard);
    record(windows.op, &[&output], &[x], || {
        let windows = windows.clone();
        Box::new(move |ctx: &Ctx<'_>| Ok(Grads::from_iter([Some(spread(ctx.grad()?, &windows)?)])))
    });
    Ok(output)
}

/// Averages rounded towards zero, of the only integers that PyTorch averages.
fn average_integers(x: &Tensor, windows: &Windows) -> Result<Tensor> {
    let (raw, shape, _) = planes(x, windows.op, windows.output())?;
    let mut averages = Vec::with_capacity(shape.iter().product());
    let [height, width] = windows.size;
    for plane in raw.to_vec::<i64>()?.chunks((height * width).max(1)) {
        for row in &windows.rows {
            for column in &windows.columns {
                let line = |at: usize| &plane[at * width + column.start..][..column.taps];
                let sum =
                    (row.start..row.start + row.taps).flat_map(line).copied().fold(0, i64::wrapping_add);
                averages.push(sum / windows.divisor.unwrap_or(row.extent * column.extent) as i64);
            }
        }
    }
    Tensor::from_vec(averages, shape)
}

/// The gradient of averaging: each element is spread over its window.
fn spread(dy: &Tensor, windows: &Arc<Windows>) -> Result<Tensor> {
    let (raw, shape, planes) = planes(dy, windows.op, windows.size)?;
    let output = Tensor::uninit(&shape, dy.dtype(), Device::Cpu)?;
    let guard = raw.storage().read();
    dispatch!(float dy.dtype(), windows.op, T => {
        // SAFETY: contiguous, the input locked, the output ours alone.
        unsafe { kernel::spread::<T>(&windows.pooling(planes), read(&raw), write(&output)) }
    });
    drop(guard);
    record("avg_pool_backward", &[&output], &[dy], || {
        let windows = windows.clone();
        Box::new(move |ctx: &Ctx<'_>| Ok(Grads::from_iter([Some(average(ctx.grad()?, &windows)?)])))
    });
    Ok(output)
}

/// The tensor in row-major order, the shape of a result with planes of another size, and the number of planes.
fn planes(tensor: &Tensor, op: &'static str, size: [usize; 2]) -> Result<(Tensor, Vec<usize>, usize)> {
    let (device, dtype) = (tensor.device(), tensor.dtype());
    if device != Device::Cpu {
        return Err(Error::Unavailable { op, device, dtype });
    }
    let leading = &tensor.shape()[..tensor.rank() - 2];
    let shape = leading.iter().copied().chain(size).collect();
    Ok((crate::no_grad(|| tensor.contiguous()), shape, leading.iter().product()))
}

/// # Safety
/// The tensor is contiguous, of this dtype, and locked for reading while the slice lives.
unsafe fn read<T>(tensor: &Tensor) -> &[T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(tensor.host_ptr().cast(), tensor.numel()) }
}

/// # Safety
/// The tensor is contiguous, of this dtype, and nobody else uses its memory while the slice lives.
#[expect(clippy::mut_from_ref, reason = "a tensor's memory is not part of the handle")]
unsafe fn write<T>(tensor: &Tensor) -> &mut [std::mem::MaybeUninit<T>] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(tensor.host_ptr().cast(), tensor.numel()) }
}
