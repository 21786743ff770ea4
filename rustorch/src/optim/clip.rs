//! Limits on gradients (`torch.nn.utils.clip_grad`).

use crate::kernels::optim::{Array, limit, scale, sum_of_squares};
use crate::storage::Locks;
use crate::{DType, Error, Result, Tensor, no_grad};

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
#[inline]
pub fn clip_grad_norm_(parameters: &[Tensor], max_norm: f64, norm_type: f64) -> Result<f64> {
    Clipper::default().clip(parameters, max_norm, norm_type)
}

/// Memory for [`clip_grad_norm_`], kept from step to step.
#[derive(Default)]
pub(crate) struct Clipper {
    gradients: Vec<Tensor>,
    arrays: Vec<Array>,
    ends: Vec<usize>,
    locks: Locks,
}

impl Clipper {
    /// As [`clip_grad_norm_`].
    pub fn clip(&mut self, parameters: &[Tensor], max_norm: f64, norm_type: f64) -> Result<f64> {
        const OP: &str = "clip_grad_norm_";
        if max_norm.is_nan() || max_norm < 0.0 {
            return Err(Error::argument(
                OP,
                format!("max_norm is {max_norm}, expected a number, at least 0"),
            ));
        }
        if norm_type.is_nan() || norm_type <= 0.0 {
            return Err(Error::argument(OP, format!("norm_type is {norm_type}, expected a positive number")));
        }
        self.collect(parameters);
        let total = match norm_type == 2.0 && self.gradients.iter().all(is_plain) {
            true => self.together(max_norm),
            false => no_grad(|| one_by_one(&self.gradients, max_norm, norm_type)),
        };
        // A gradient that is held here could not be written to by the next step.
        self.gradients.clear();
        total
    }

    /// As [`clip_grad_value_`].
    pub fn limit(&mut self, parameters: &[Tensor], limit: f64) -> Result<()> {
        if limit.is_nan() || limit < 0.0 {
            return Err(Error::argument(
                "clip_grad_value_",
                format!("the limit is {limit}, expected a number, at least 0"),
            ));
        }
        self.collect(parameters);
        let result = match self.gradients.iter().all(is_plain) {
            true => self.limit_together(limit),
            false => no_grad(|| limit_one_by_one(&self.gradients, limit)),
        };
        self.gradients.clear();
        result
    }

    fn collect(&mut self, parameters: &[Tensor]) {
        self.gradients.clear();
        self.gradients.extend(parameters.iter().filter_map(Tensor::grad));
    }

    /// The limit as one loop over all gradients.
    fn limit_together(&mut self, bound: f64) -> Result<()> {
        let Self { gradients, arrays, ends, locks } = self;
        let guard = locks.lock(gradients.iter().map(Tensor::storage), std::iter::empty());
        if guard.shared {
            drop(guard);
            return no_grad(|| limit_one_by_one(gradients, bound));
        }
        list(gradients, arrays);
        // SAFETY: contiguous, locked, and each in a storage of its own.
        unsafe { limit(arrays, bound as f32, ends) };
        gradients.iter().for_each(|gradient| gradient.storage().bump_version());
        Ok(())
    }

    /// The Euclidean norm and the scaling as one loop each over all gradients.
    fn together(&mut self, max_norm: f64) -> Result<f64> {
        let Self { gradients, arrays, ends, locks } = self;
        let guard = locks.lock(gradients.iter().map(Tensor::storage), std::iter::empty());
        if guard.shared {
            drop(guard);
            return no_grad(|| one_by_one(gradients, max_norm, 2.0));
        }
        list(gradients, arrays);
        // SAFETY: contiguous, locked, and each in a storage of its own.
        let total = unsafe { sum_of_squares(arrays, ends) }.sqrt();
        if let Some(factor) = factor(max_norm, total) {
            // SAFETY: as above.
            unsafe { scale(arrays, factor as f32, ends) };
            gradients.iter().for_each(|gradient| gradient.storage().bump_version());
        }
        drop(guard);
        Ok(total)
    }
}

/// Whether the loops over all gradients do for this one.
fn is_plain(gradient: &Tensor) -> bool {
    gradient.dtype() == DType::F32 && gradient.device().is_cpu() && gradient.is_contiguous()
}

/// Where the elements of all gradients are.
fn list(gradients: &[Tensor], arrays: &mut Vec<Array>) {
    arrays.clear();
    arrays.extend(gradients.iter().map(|g| Array { ptr: g.host_ptr().cast(), len: g.numel() }));
}

/// What gradients of this norm are multiplied by, if they are.
fn factor(max_norm: f64, total: f64) -> Option<f64> {
    let factor = max_norm / (total + 1e-6);
    // A norm that is NaN makes the gradients NaN, as in PyTorch, rather than pass unseen.
    (factor < 1.0 || factor.is_nan()).then_some(factor)
}

fn one_by_one(gradients: &[Tensor], max_norm: f64, norm_type: f64) -> Result<f64> {
    let norms = gradients.iter().map(|g| norm(g, norm_type)).collect::<Result<Vec<f64>>>()?;
    let total = combine(&norms, norm_type);
    if let Some(factor) = factor(max_norm, total) {
        for gradient in gradients {
            gradient.mul_(factor)?;
        }
    }
    Ok(total)
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
#[inline]
pub fn clip_grad_value_(parameters: &[Tensor], limit: f64) -> Result<()> {
    Clipper::default().limit(parameters, limit)
}

fn limit_one_by_one(gradients: &[Tensor], limit: f64) -> Result<()> {
    gradients.iter().try_for_each(|gradient| gradient.copy_(&gradient.clamp(-limit, limit)?).map(drop))
}

/// The norm of one gradient.
#[inline]
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
