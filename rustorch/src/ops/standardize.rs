//! `(x - mean) / √(var + eps)` over axes: what batch, layer, group and instance norm share.

use crate::autograd::{Grads, Saved, record};
use crate::{DType, Error, Result, Tensor, no_grad};

/// Elements less their mean, divided by their standard deviation, over `axes`; half precision is computed in `F32`.
pub(crate) fn standardize(op: &'static str, input: &Tensor, axes: Vec<isize>, eps: f64) -> Result<Tensor> {
    let dtype = input.dtype();
    if !dtype.is_float() {
        return Err(Error::DType { op, dtype, expected: "a floating-point dtype" });
    }
    if matches!(dtype, DType::F16 | DType::BF16) {
        return Ok(standardize(op, &input.to_dtype(DType::F32), axes, eps)?.to_dtype(dtype));
    }
    let (output, scale) = no_grad(|| {
        let (var, mean) = input.var_mean(axes.as_slice(), 0.0, true)?;
        let scale = var.add(eps)?.rsqrt();
        Ok::<_, Error>((input.sub(&mean)?.mul(&scale)?, scale))
    })?;
    record(op, &[&output], &[input], || {
        let (input, value) = (Saved::input(input), Saved::output(&output, 0));
        Box::new(move |ctx| {
            let (grad, value) = (ctx.grad()?, value.unpack(ctx)?);
            // The scale depends on the input too, which matters when the gradient is itself differentiated.
            let scale = match ctx.create_graph() {
                true => input.unpack(ctx)?.var_dim(axes.as_slice(), 0.0, true)?.add(eps)?.rsqrt(),
                false => scale.clone(),
            };
            let along = value.mul(&grad.mul(&value)?.mean_dim(axes.as_slice(), true)?)?;
            let dx = grad.sub(&grad.mean_dim(axes.as_slice(), true)?)?.sub(&along)?.mul(&scale)?;
            Ok(Grads::from_iter([Some(dx)]))
        })
    });
    Ok(output)
}
