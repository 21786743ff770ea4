//! Gradients of reductions as loops over the elements, for tensors and for compiled networks.

use super::spread::Spread;
use crate::kernels::reduce::{Plan, Sum, reduce};
use crate::layout::contiguous_strides;
use crate::{DType, Device, Result, Tensor, no_grad};

/// What a reduction of contiguous elements goes over.
pub(crate) struct Walk {
    /// From elements to results.
    pub plan: Plan,
    /// From results to elements.
    pub spread: Spread,
}

impl Walk {
    /// A reduction over these axes.
    pub fn new(shape: &[usize], axes: &[usize]) -> Self {
        let reduced: Vec<bool> = (0..shape.len()).map(|axis| axes.contains(&axis)).collect();
        Self {
            plan: Plan::new(shape, &contiguous_strides(shape), &reduced),
            spread: Spread::new(shape, axes),
        }
    }
}

/// The gradient of an extremum: `g` shared by the elements that attain it. The last two of the results are working memory.
///
/// # Safety
/// `x`, `dx` and the second have the elements, `y`, `g` and the third the results of the reduction; what is written overlaps nothing
/// else.
pub(crate) unsafe fn share_extremum(
    plan: &Plan,
    spread: &Spread,
    [x, y, g]: [*const f32; 3],
    [dx, attain, counts]: [*mut f32; 3],
    attains: impl Fn(f32, f32) -> bool + Sync,
) {
    // SAFETY: the caller's promise.
    unsafe {
        spread.run(x, [y; 2], attain, |x, y, _| f32::from(attains(x, y)));
        reduce::<Sum, f32>(plan, attain.cast_const().cast(), counts.cast(), 1.0);
        spread.run(attain, [g, counts], dx, |attains, g, count| g * (attains / count));
    }
}

/// The gradient of a variance, `2 g (x - mean) / degrees`, or of its root `y`. The last of the results is working memory.
///
/// # Safety
/// `x` and `dx` have the elements, the others `results` each; what is written overlaps nothing else. Of a variance, nothing is asked of
/// `y`.
pub(crate) unsafe fn spread_deviation(
    spread: &Spread,
    [x, y, g, mean]: [*const f32; 4],
    [dx, factor]: [*mut f32; 2],
    results: usize,
    (degrees, is_root): (f32, bool),
) {
    let twice = 2.0 / degrees;
    let whole = Spread::new(&[results], &[]);
    // SAFETY: the caller's promise.
    unsafe {
        match is_root {
            false => whole.run(g, [g; 2], factor, |g, _, _| g * twice),
            true => {
                whole.run(g, [y; 2], factor, |g, y, _| if y == 0.0 { 0.0 } else { g * twice / (y * 2.0) })
            }
        }
        spread.run(x, [factor, mean], dx, |x, factor, mean| factor * (x - mean));
    }
}

/// Whether the loops of this module apply.
fn apply(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|tensor| tensor.dtype() == DType::F32 && tensor.device().is_cpu())
}

fn like(tensor: &Tensor) -> Result<Tensor> {
    Tensor::uninit(tensor.shape(), DType::F32, Device::Cpu)
}

fn axes(of: &[isize]) -> Vec<usize> {
    of.iter().map(|axis| axis.unsigned_abs()).collect()
}

/// The gradient of an extremum `y` of `x` over axes, for `F32` on the CPU; with `nan`, NaN attains NaN.
pub(super) fn extremum([x, y, g]: [&Tensor; 3], over: &[isize], nan: bool) -> Result<Option<Tensor>> {
    if !apply(&[x, y, g]) {
        return Ok(None);
    }
    let [x, y, g] = [x, y, g].map(|tensor| no_grad(|| tensor.contiguous()));
    let walk = Walk::new(x.shape(), &axes(over));
    let (dx, attain, counts) = (like(&x)?, like(&x)?, like(&y)?);
    let _guards = [&x, &y, &g].map(|tensor| tensor.storage().read());
    let from = [&x, &y, &g].map(|tensor| tensor.host_ptr().cast_const().cast());
    let to = [&dx, &attain, &counts].map(|tensor| tensor.host_ptr().cast());
    let attains = |x: f32, y: f32| x == y || nan && x.is_nan() && y.is_nan();
    // SAFETY: the operands are locked, contiguous and of these shapes, the results ours alone.
    unsafe { share_extremum(&walk.plan, &walk.spread, from, to, attains) };
    Ok(Some(dx))
}

/// The gradient of a variance of `x` over axes, or of its root if that is given, for `F32` on the CPU.
pub(super) fn deviation(
    x: &Tensor,
    root: Option<&Tensor>,
    g: &Tensor,
    over: &[isize],
    degrees: f64,
) -> Result<Option<Tensor>> {
    let y = root.unwrap_or(g);
    if !apply(&[x, y, g]) {
        return Ok(None);
    }
    let [x, y, g] = [x, y, g].map(|tensor| no_grad(|| tensor.contiguous()));
    let walk = Walk::new(x.shape(), &axes(over));
    let (dx, factor, mean) = (like(&x)?, like(&g)?, like(&g)?);
    let _guards = [&x, &y, &g].map(|tensor| tensor.storage().read());
    let from = [&x, &y, &g, &mean].map(|tensor| tensor.host_ptr().cast_const().cast());
    let to = [&dx, &factor].map(|tensor| tensor.host_ptr().cast());
    // SAFETY: the operands are locked, contiguous and of these shapes, the others ours alone.
    unsafe {
        reduce::<Sum, f32>(&walk.plan, x.host_ptr(), mean.host_ptr(), walk.plan.length() as f64);
        spread_deviation(&walk.spread, from, to, g.numel(), (degrees as f32, root.is_some()));
    }
    Ok(Some(dx))
}
