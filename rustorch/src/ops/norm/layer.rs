//! Normalisation of rows by their own statistics, with weight and bias, fused: layer and RMS norm.

use super::{Backward, Operands, places, pointer, record_norm, room, through_unit};
use crate::dtype::dispatch;
use crate::kernels::layer_norm::{self as kernel, Gradients, Norm};
use crate::kernels::{Float, isa};
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

impl Rows {
    /// The kernel's description of an input.
    fn describe<T: Float>(&self, input: &Tensor, weight: Option<*const T>) -> Norm<T> {
        let (outer, row) = input.shape().split_at(input.rank() - self.axes);
        Norm {
            rows: outer.iter().product(),
            dim: row.iter().product(),
            eps: T::of(self.eps),
            centred: self.centred,
            weight,
            bias: None,
        }
    }
}

/// `(x - mean) / √(var + eps) · weight + bias` over the last axes, whose shape weight and bias have; the operands are such as
/// [`is_fused`](super::is_fused) says.
pub(crate) fn layer_norm(
    rows: Rows,
    input: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (dtype, device) = (input.dtype(), input.device());
    let count = input.shape()[..input.rank() - rows.axes].iter().product();
    let output = Tensor::uninit(input.shape(), dtype, device)?;
    let mean = Tensor::uninit(&[if rows.centred { count } else { 0 }], dtype, device)?;
    let rstd = Tensor::uninit(&[count], dtype, device)?;
    let operands = Operands::new([Some(input), weight, bias]);
    let guards = operands.lock();
    dispatch!(float dtype, rows.op, T => {
        let [x, weight, bias] = operands.pointers::<T>();
        let norm = Norm { bias, ..rows.describe(input, weight) };
        let kept = Some((mean.host_ptr().cast(), rstd.host_ptr().cast()));
        let x = x.expect("the input is there");
        // SAFETY: contiguous and of the sizes said, the inputs locked, the outputs ours alone.
        unsafe { kernel::forward(isa(), &norm, x, output.host_ptr().cast(), kept) }
    });
    drop(guards);
    record_norm(rows.op, &output, input, weight, bias, Normalised { rows, mean, rstd });
    Ok(output)
}

/// What the backward pass needs: the mean of each row and its reciprocal standard deviation.
struct Normalised {
    rows: Rows,
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
        let gradients = room(wanted, x, &x.shape()[x.rank() - self.rows.axes..])?;
        let _guards = operands.lock();
        dispatch!(float x.dtype(), self.rows.op, T => {
            let [values, dy, weight] = operands.pointers::<T>();
            let [dx, dweight, dbias] = places(&gradients);
            let norm = self.rows.describe(x, weight);
            let outputs = Gradients {
                x: values.expect("the input is there"),
                dy: dy.expect("the gradient is there"),
                mean: pointer(&self.mean),
                rstd: pointer(&self.rstd),
                dx,
                dweight,
                dbias,
            };
            // SAFETY: as in `layer_norm`; mean and rstd are this node's own.
            unsafe { kernel::backward(isa(), &norm, &outputs) }
        });
        Ok(gradients)
    }

    fn composite(&self, x: &Tensor, weight: Option<&Tensor>, dy: &Tensor) -> Result<[Option<Tensor>; 3]> {
        let Rows { axes, eps, centred, .. } = self.rows;
        let row = &x.shape()[x.rank() - axes..];
        let axes: Vec<isize> = (1..=axes as isize).map(|axis| -axis).collect();
        let mean = |tensor: &Tensor| tensor.mean_dim(axes.as_slice(), true);
        let distance = if centred { x.sub(&mean(x)?)? } else { x.clone() };
        let scale = mean(&distance.square())?.add(eps)?.rsqrt();
        let unit = distance.mul(&scale)?;
        let g = match weight {
            Some(weight) => dy.mul(weight)?,
            None => dy.clone(),
        };
        let dx = through_unit([&g, &unit, &scale], centred, mean)?;
        Ok([Some(dx), Some(dy.mul(&unit)?.sum_to(row)?), Some(dy.sum_to(row)?)])
    }
}
