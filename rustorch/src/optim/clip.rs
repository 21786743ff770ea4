//! Limits on gradients (`torch.nn.utils.clip_grad`).

use crate::{Error, Result, Tensor, no_grad};

/// Scales all gradients together, in place, so that the norm of all of them as one vector is at most `max_norm`; returns
/// the norm that they had (`torch.nn.utils.clip_grad_norm_`).
///
/// `norm_type` is the order of the norm: 2, 1, `f64::INFINITY` or any other positive number. Gradients are scaled by
/// `max_norm / (norm + 1e-6)` where that is below 1. Parameters without a gradient are passed over.
///
/// # Errors
/// If `max_norm` is negative or NaN, if `norm_type` is not positive, or if gradients lie on different devices.
///
/// ```
/// use rustorch::{Tensor, optim::clip_grad_norm_};
/// let w = Tensor::from([3.0f32, 4.0]).requires_grad_(true)?;
/// w.square().sum().backward()?;
/// let norm = clip_grad_norm_(&[w.clone()], 1.0, 2.0)?;
/// assert_eq!(norm, 10.0);
/// assert!((w.grad().unwrap().to_vec::<f32>()?[1] - 0.8).abs() < 1e-5);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn clip_grad_norm_(parameters: &[Tensor], max_norm: f64, norm_type: f64) -> Result<f64> {
    const OP: &str = "clip_grad_norm_";
    if max_norm.is_nan() || max_norm < 0.0 {
        return Err(Error::argument(OP, format!("max_norm is {max_norm}, expected a number, at least 0")));
    }
    if norm_type.is_nan() || norm_type <= 0.0 {
        return Err(Error::argument(OP, format!("norm_type is {norm_type}, expected a positive number")));
    }
    let gradients: Vec<Tensor> = parameters.iter().filter_map(Tensor::grad).collect();
    no_grad(|| {
        let norms = gradients.iter().map(|g| norm(g, norm_type)).collect::<Result<Vec<f64>>>()?;
        let total = combine(&norms, norm_type);
        let scale = max_norm / (total + 1e-6);
        // A norm that is NaN makes the gradients NaN, as in PyTorch, rather than pass unseen.
        if scale < 1.0 || scale.is_nan() {
            for gradient in &gradients {
                gradient.mul_(scale)?;
            }
        }
        Ok(total)
    })
}

/// Limits every element of all gradients to `-limit ..= limit`, in place (`torch.nn.utils.clip_grad_value_`).
///
/// # Errors
/// If the limit is negative or NaN.
///
/// ```
/// use rustorch::{Tensor, optim::clip_grad_value_};
/// let w = Tensor::from([3.0f32, -0.1]).requires_grad_(true)?;
/// w.square().sum().backward()?;
/// clip_grad_value_(&[w.clone()], 1.0)?;
/// assert_eq!(w.grad().unwrap().to_vec::<f32>()?, [1.0, -0.2]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn clip_grad_value_(parameters: &[Tensor], limit: f64) -> Result<()> {
    if limit.is_nan() || limit < 0.0 {
        return Err(Error::argument(
            "clip_grad_value_",
            format!("the limit is {limit}, expected a number, at least 0"),
        ));
    }
    no_grad(|| {
        for gradient in parameters.iter().filter_map(Tensor::grad) {
            gradient.copy_(&gradient.clamp(-limit, limit)?)?;
        }
        Ok(())
    })
}

/// The norm of one gradient.
fn norm(gradient: &Tensor, order: f64) -> Result<f64> {
    let magnitudes = gradient.abs();
    let magnitudes: Vec<f64> = magnitudes.to_dtype(crate::DType::F64).to_vec()?;
    Ok(combine(&magnitudes, order))
}

/// The norm of a vector of norms, or of magnitudes.
fn combine(norms: &[f64], order: f64) -> f64 {
    if order == f64::INFINITY {
        return norms.iter().fold(0.0, |a: f64, &b| if b > a || b.is_nan() { b } else { a });
    }
    if order == 2.0 {
        return norms.iter().map(|norm| norm * norm).sum::<f64>().sqrt();
    }
    norms.iter().map(|norm| norm.powf(order)).sum::<f64>().powf(1.0 / order)
}
