//! Normalisation of channels (axis 1) by statistics of the batch or given ones, with weight and bias, fused.

use super::{Backward, Operands, places, pointer, record_norm, room, through_unit};
use crate::dtype::dispatch;
use crate::kernels::batch_norm::{self as kernel, Finish, Gradients, Norm, Shape};
use crate::kernels::{Float, isa};
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

/// Mean and variance of each channel of the input, unseen by autograd. There must be something to normalise.
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

/// `(x - mean) / √(var + eps) · weight + bias` for `x` of `[batch, channels, ..]`; the operands are such as
/// [`is_fused`](super::is_fused) says, the vectors of a value per channel.
pub(crate) fn batch_norm(
    input: &Tensor,
    statistics: Statistics,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let output = Tensor::uninit(input.shape(), input.dtype(), input.device())?;
    let operands = Operands::new([Some(input), weight, bias]);
    let guards = operands.lock();
    dispatch!(float input.dtype(), OP, T => {
        let [x, weight, bias] = operands.pointers();
        let norm = Norm::<T> { bias, ..statistics.describe(weight) };
        let x = x.expect("the input is there");
        // SAFETY: contiguous and of the sizes said, the inputs locked, the output and the statistics ours alone.
        unsafe { kernel::forward(isa(), seen(input), &norm, Finish::NONE, x, output.host_ptr().cast()) }
    });
    drop(guards);
    record_norm(OP, &output, input, weight, bias, statistics);
    Ok(output)
}

fn seen(x: &Tensor) -> Shape {
    Shape { batch: x.shape()[0], channels: x.shape()[1], inner: x.shape()[2..].iter().product() }
}

impl Statistics {
    fn describe<T: Float>(&self, weight: Option<*const T>) -> Norm<T> {
        let (mean, var) = (pointer(&self.mean), pointer(&self.var));
        Norm { mean, var, eps: T::of(self.eps), weight, bias: None }
    }
}

impl Backward for Statistics {
    fn fused(
        &self,
        x: &Tensor,
        weight: Option<&Tensor>,
        dy: &Tensor,
        wanted: [bool; 3],
    ) -> Result<[Option<Tensor>; 3]> {
        let operands = Operands::new([Some(x), Some(dy), weight]);
        let shape = seen(x);
        let gradients = room(wanted, x, &[shape.channels])?;
        let _guards = operands.lock();
        dispatch!(float x.dtype(), OP, T => {
            let [x, dy, weight] = operands.pointers::<T>();
            let [dx, dweight, dbias] = places(&gradients);
            let (x, dy) = (x.expect("the input is there"), dy.expect("the gradient is there"));
            let outputs = Gradients { x, dy, training: self.of_batch, dx, dweight, dbias };
            // SAFETY: as in `batch_norm`.
            unsafe { kernel::backward(isa(), shape, &self.describe(weight), &outputs) }
        });
        Ok(gradients)
    }

    fn composite(&self, x: &Tensor, weight: Option<&Tensor>, dy: &Tensor) -> Result<[Option<Tensor>; 3]> {
        let axes: Vec<isize> = (0..x.rank() as isize).filter(|&axis| axis != 1).collect();
        let mut kept = vec![1; x.rank()];
        kept[1] = x.shape()[1];
        let mean = |tensor: &Tensor| tensor.mean_dim(axes.as_slice(), true);
        let (centred, var) = if self.of_batch {
            let centred = x.sub(&mean(x)?)?;
            let var = mean(&centred.square())?;
            (centred, var)
        } else {
            (x.sub(&self.mean.reshape(kept.as_slice())?)?, self.var.reshape(kept.as_slice())?)
        };
        let scale = var.add(self.eps)?.rsqrt();
        let unit = centred.mul(&scale)?;
        let g = match weight {
            Some(weight) => dy.mul(&weight.reshape(kept)?)?,
            None => dy.clone(),
        };
        let dx = if self.of_batch { through_unit([&g, &unit, &scale], true, mean)? } else { g.mul(&scale)? };
        let sum = |tensor: &Tensor| tensor.sum_dim(axes.as_slice(), false);
        Ok([Some(dx), Some(sum(&dy.mul(&unit)?)?), Some(sum(dy)?)])
    }
}
