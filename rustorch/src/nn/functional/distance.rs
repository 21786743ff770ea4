//! Losses that are quadratic near zero and linear far from it.

use super::loss::{Reduction, check_same_shape, l1_loss};
use crate::{Error, Result, Tensor};

/// `d² / 2·beta` where `d = |x - y| < beta`, otherwise `d - beta/2` (`torch.nn.functional.smooth_l1_loss`). PyTorch's
/// default for `beta` is 1; 0 gives [`l1_loss`].
///
/// # Errors
/// If the shapes differ, or `beta` is negative.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let loss = F::smooth_l1_loss(&Tensor::from([1.0f32, 2.5]), &Tensor::from([0.5f32, 0.0]), 1.0, F::Reduction::None)?;
/// assert_eq!(loss.to_vec::<f32>()?, [0.125, 2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn smooth_l1_loss(input: &Tensor, target: &Tensor, beta: f64, reduction: Reduction) -> Result<Tensor> {
    if beta.is_nan() || beta < 0.0 {
        return Err(Error::argument("smooth_l1_loss", format!("beta is {beta}, expected at least 0")));
    }
    if beta == 0.0 {
        return l1_loss(input, target, reduction);
    }
    check_same_shape("smooth_l1_loss", input, target)?;
    let distance = input.sub(target)?.abs();
    // A NaN is inside, where its gradient is one as well.
    let inside = distance.ge(beta)?.logical_not();
    let near = only(&inside, &distance)?.square().mul(0.5 / beta)?;
    Ok(reduction.apply(Tensor::where_(&inside, &near, &distance.sub(0.5 * beta)?)?))
}

/// `d² / 2` where `d = |x - y| <= delta`, otherwise `delta·(d - delta/2)` (`torch.nn.functional.huber_loss`; Huber 1964).
/// PyTorch's default for `delta` is 1.
///
/// # Errors
/// If the shapes differ, or `delta` is not positive.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let loss = F::huber_loss(&Tensor::from([1.0f32, 3.0]), &Tensor::from([0.5f32, 0.0]), 2.0, F::Reduction::None)?;
/// assert_eq!(loss.to_vec::<f32>()?, [0.125, 4.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn huber_loss(input: &Tensor, target: &Tensor, delta: f64, reduction: Reduction) -> Result<Tensor> {
    if delta.is_nan() || delta <= 0.0 {
        return Err(Error::argument("huber_loss", format!("delta is {delta}, expected more than 0")));
    }
    check_same_shape("huber_loss", input, target)?;
    let distance = input.sub(target)?.abs();
    let inside = distance.gt(delta)?.logical_not();
    let (near, far) = (only(&inside, &distance)?.square().mul(0.5)?, distance.sub(0.5 * delta)?.mul(delta)?);
    Ok(reduction.apply(Tensor::where_(&inside, &near, &far)?))
}

/// The distances inside, 0 elsewhere: the square of an infinite one has a gradient that is not a number, wherever it goes.
fn only(inside: &Tensor, distance: &Tensor) -> Result<Tensor> {
    Tensor::where_(inside, distance, 0.0)
}
