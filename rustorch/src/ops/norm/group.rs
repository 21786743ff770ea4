//! Normalisation of groups of channels (axis 1) of each sample by their own statistics, with weight and bias, fused.

use super::{Backward, Operands, places, pointer, record_norm, room, through_unit};
use crate::dtype::dispatch;
use crate::kernels::group_norm::{self as kernel, Gradients, Norm};
use crate::kernels::{Float, isa};
use crate::{Result, Tensor};

const OP: &str = "group_norm";

/// What is normalised.
#[derive(Clone, Copy)]
pub(crate) struct Groups {
    /// Into how many groups channels are cut, which divides them.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f64,
}

impl Groups {
    /// The kernel's description of an input.
    fn describe<T: Float>(&self, input: &Tensor, weight: Option<*const T>) -> Norm<T> {
        Norm {
            batch: input.shape()[0],
            channels: input.shape()[1],
            positions: input.shape()[2..].iter().product(),
            groups: self.groups,
            eps: T::of(self.eps),
            weight,
            bias: None,
        }
    }
}

/// `(x - mean) / √(var + eps) · weight + bias` for `x` of `[batch, channels, ..]`; the operands are such as
/// [`is_fused`](super::is_fused) says, weight and bias of a value per channel.
#[inline]
pub(crate) fn group_norm(
    groups: Groups,
    input: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (dtype, device) = (input.dtype(), input.device());
    let output = Tensor::uninit(input.shape(), dtype, device)?;
    let vector = || Tensor::uninit(&[input.shape()[0] * groups.groups], dtype, device);
    let (mean, rstd) = (vector()?, vector()?);
    let operands = Operands::new([Some(input), weight, bias]);
    let guards = operands.lock();
    dispatch!(float dtype, OP, T => {
        let [x, weight, bias] = operands.pointers::<T>();
        let norm = Norm { bias, ..groups.describe(input, weight) };
        let kept = Some((mean.host_ptr().cast(), rstd.host_ptr().cast()));
        let x = x.expect("the input is there");
        // SAFETY: contiguous and of the sizes said, the inputs locked, the outputs ours alone.
        unsafe { kernel::forward(isa(), &norm, x, output.host_ptr().cast(), kept) }
    });
    drop(guards);
    record_norm(OP, &output, input, weight, bias, Normalised { groups, mean, rstd });
    Ok(output)
}

/// What the backward pass needs: the mean of each group and its reciprocal standard deviation.
struct Normalised {
    groups: Groups,
    mean: Tensor,
    rstd: Tensor,
}

impl Backward for Normalised {
    fn fused(
        &self,
        x: &Tensor,
        weight: Option<&Tensor>,
        dy: &Tensor,
        wanted: [bool; 3],
    ) -> Result<[Option<Tensor>; 3]> {
        let operands = Operands::new([Some(x), Some(dy), weight]);
        let gradients = room(wanted, x, &x.shape()[1..2])?;
        let _guards = operands.lock();
        dispatch!(float x.dtype(), OP, T => {
            let [values, dy, weight] = operands.pointers::<T>();
            let [dx, dweight, dbias] = places(&gradients);
            let norm = self.groups.describe(x, weight);
            let outputs = Gradients {
                x: values.expect("the input is there"),
                dy: dy.expect("the gradient is there"),
                mean: pointer(&self.mean),
                rstd: pointer(&self.rstd),
                dx,
                dweight,
                dbias,
            };
            // SAFETY: as in `group_norm`; mean and rstd are this node's own.
            unsafe { kernel::backward(isa(), &norm, &outputs) }
        });
        Ok(gradients)
    }

    fn composite(&self, x: &Tensor, weight: Option<&Tensor>, dy: &Tensor) -> Result<[Option<Tensor>; 3]> {
        let (batch, channels) = (x.shape()[0], x.shape()[1]);
        let cut = [batch, self.groups.groups, x.numel() / (batch * self.groups.groups).max(1)];
        let mean = |tensor: &Tensor| tensor.mean_dim(2, true);
        let groups = x.reshape(cut)?;
        let distance = groups.sub(&mean(&groups)?)?;
        let scale = mean(&distance.square())?.add(self.groups.eps)?.rsqrt();
        let unit = distance.mul(&scale)?;
        let mut per_channel = vec![1; x.rank()];
        per_channel[1] = channels;
        let g = match weight {
            Some(weight) => dy.mul(&weight.reshape(per_channel)?)?,
            None => dy.clone(),
        };
        let dx = through_unit([&g.reshape(cut)?, &unit, &scale], true, mean)?.reshape(x.shape())?;
        let axes: Vec<isize> = (0..x.rank() as isize).filter(|&axis| axis != 1).collect();
        let sum = |tensor: &Tensor| tensor.sum_dim(axes.as_slice(), false);
        Ok([Some(dx), Some(sum(&dy.mul(&unit.reshape(x.shape())?)?)?), Some(sum(dy)?)])
    }
}
