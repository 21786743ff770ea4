//! Images of another size, an axis at a time. Resampling is linear, and its gradient the transposed map, whose gradient is
//! resampling again; so both differentiate to any order.

use std::sync::Arc;

use crate::autograd::{Ctx, Grads, record};
use crate::kernels::resample::{self as kernel, Taps};
use crate::{DType, Device, Result, Tensor};

/// Whether [`resample`] computes tensors like this one.
pub(crate) fn resamples(x: &Tensor) -> bool {
    x.device() == Device::Cpu && matches!(x.dtype(), DType::F32 | DType::F64)
}

/// The elements along an axis from where `taps` says; only where [`resamples`].
#[inline]
pub(crate) fn resample(x: &Tensor, axis: usize, taps: &Arc<Taps>) -> Result<Tensor> {
    apply(x, axis, taps, false)
}

/// Resampling, or its transpose, which adds every element to where it would come from.
fn apply(x: &Tensor, axis: usize, taps: &Arc<Taps>, transposed: bool) -> Result<Tensor> {
    let sizes = [taps.from, taps.first.len()];
    let mut shape = x.shape().to_vec();
    debug_assert_eq!(shape[axis], sizes[usize::from(transposed)]);
    shape[axis] = sizes[usize::from(!transposed)];
    let around = [shape[..axis].iter().product(), shape[axis + 1..].iter().product()];
    let raw = crate::no_grad(|| x.contiguous());
    let output = Tensor::uninit(&shape, x.dtype(), Device::Cpu)?;
    let guard = raw.storage().read();
    let (from, to) = (raw.host_ptr(), output.host_ptr());
    // SAFETY: contiguous tensors of these shapes and dtypes, the input locked, the output ours alone.
    unsafe {
        match (x.dtype() == DType::F32, transposed) {
            (true, false) => kernel::forward::<f32>(taps, around, from.cast(), to.cast()),
            (true, true) => kernel::backward::<f32>(taps, around, from.cast(), to.cast()),
            (false, false) => kernel::forward::<f64>(taps, around, from.cast(), to.cast()),
            (false, true) => kernel::backward::<f64>(taps, around, from.cast(), to.cast()),
        }
    }
    drop(guard);
    record(if transposed { "interpolate_backward" } else { "interpolate" }, &[&output], &[x], || {
        let taps = taps.clone();
        Box::new(move |ctx: &Ctx<'_>| {
            Ok(Grads::from_iter([Some(apply(ctx.grad()?, axis, &taps, !transposed)?)]))
        })
    });
    Ok(output)
}
