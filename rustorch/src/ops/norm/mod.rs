//! Normalisation with weight and bias, fused: of channels ([`batch`]), of rows ([`layer`]) and of groups of channels ([`group`]).
//! Here is what the three share: which operands their kernels take, how those are locked, and the node on the tape.

pub(crate) mod batch;
pub(crate) mod group;
pub(crate) mod layer;

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::{Result, Tensor, no_grad};

/// Whether the kernels take these operands: `F32` or `F64` of one dtype in main memory.
#[inline]
pub(crate) fn is_fused(input: &Tensor, vectors: &[Option<&Tensor>]) -> bool {
    let dtype = input.dtype();
    let fits = |tensor: &&Tensor| tensor.dtype() == dtype && tensor.device().is_cpu();
    dtype.is_float() && dtype.compute() == dtype && vectors.iter().flatten().chain([&input]).all(fits)
}

/// Of input, weight and bias.
type Gradients = [Option<Tensor>; 3];

/// The backward half of a normalisation.
trait Backward: Send + Sync + 'static {
    /// The wanted gradients, by one kernel.
    fn fused(&self, x: &Tensor, weight: Option<&Tensor>, dy: &Tensor, wanted: [bool; 3])
    -> Result<Gradients>;
    /// All gradients, by operations that can be differentiated again.
    fn composite(&self, x: &Tensor, weight: Option<&Tensor>, dy: &Tensor) -> Result<Gradients>;
}

/// Records that `output` was made of the others.
#[inline]
fn record_norm(
    op: &'static str,
    output: &Tensor,
    input: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    norm: impl Backward,
) {
    let inputs: Vec<&Tensor> = [Some(input), weight, bias].into_iter().flatten().collect();
    record(op, &[output], &inputs, || {
        let (saved, saved_weight) = (Saved::input(input), weight.map(Saved::input));
        let has_bias = bias.is_some();
        Box::new(move |ctx: &Ctx<'_>| {
            let (x, dy) = (saved.unpack(ctx)?, ctx.grad()?);
            let weight = saved_weight.as_ref().map(|weight| weight.unpack(ctx)).transpose()?;
            let weight = weight.as_ref();
            let bias_at = 1 + usize::from(weight.is_some());
            let wanted = [ctx.needs(0), weight.is_some() && ctx.needs(1), has_bias && ctx.needs(bias_at)];
            let [dx, dweight, dbias] = match ctx.create_graph() {
                true => norm.composite(&x, weight, dy)?,
                false => norm.fused(&x, weight, dy, wanted)?,
            };
            let mut grads = vec![dx];
            grads.extend(weight.is_some().then_some(dweight));
            grads.extend(has_bias.then_some(dbias));
            Ok(Grads::from_iter(grads))
        })
    });
}

/// Operands of a kernel in row-major order, unseen by autograd.
struct Operands<const N: usize>([Option<Tensor>; N]);

impl<const N: usize> Operands<N> {
    fn new(tensors: [Option<&Tensor>; N]) -> Self {
        Self(no_grad(|| tensors.map(|tensor| tensor.map(Tensor::contiguous))))
    }

    /// Keeps writers away until the result is dropped.
    fn lock(&self) -> [Option<impl Drop + '_>; N] {
        self.0.each_ref().map(|tensor| tensor.as_ref().map(|tensor| tensor.storage().read()))
    }

    fn pointers<T>(&self) -> [Option<*const T>; N] {
        self.0.each_ref().map(|tensor| tensor.as_ref().map(pointer))
    }
}

fn pointer<T>(tensor: &Tensor) -> *const T {
    tensor.host_ptr().cast_const().cast()
}

/// Room for the wanted gradients of an input like `x`, and of weight and bias of shape `vector`.
fn room(wanted: [bool; 3], x: &Tensor, vector: &[usize]) -> Result<Gradients> {
    let make = |at: usize, shape: &[usize]| {
        wanted[at].then(|| Tensor::uninit(shape, x.dtype(), x.device())).transpose()
    };
    Ok([make(0, x.shape())?, make(1, vector)?, make(2, vector)?])
}

/// Where the kernel writes them.
fn places<T>(gradients: &Gradients) -> [Option<*mut T>; 3] {
    gradients.each_ref().map(|tensor| tensor.as_ref().map(|tensor| tensor.host_ptr().cast()))
}

/// `(g - unit·mean(g·unit) - mean(g))·scale`, the gradient of `unit = (x - mean(x))·scale`; where not `centred`, that of
/// `unit = x·scale`.
fn through_unit(
    [g, unit, scale]: [&Tensor; 3],
    centred: bool,
    mean: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut dx = g.sub(&unit.mul(&mean(&g.mul(unit)?)?)?)?;
    if centred {
        dx = dx.sub(&mean(g)?)?;
    }
    dx.mul(scale)
}
