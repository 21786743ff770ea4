//! Losses between probabilities.

use super::loss::{Reduction, check_same_shape};
use crate::autograd::{Grads, Saved, record};
use crate::{DType, Error, Result, Tensor, no_grad};

/// The binary cross-entropy `-(y log x + (1 - y) log(1 - x))` of probabilities `x` (`torch.nn.functional.binary_cross_entropy`).
/// Logarithms are limited to -100, as in PyTorch. `weight` is a factor per element, which broadcasts.
///
/// # Errors
/// If the shapes of input and target differ, or an input or target is not between 0 and 1.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let (x, y) = (Tensor::from([0.5f32, 0.0]), Tensor::from([1.0f32, 0.0]));
/// let loss = F::binary_cross_entropy(&x, &y, None, F::Reduction::Sum)?;
/// assert_eq!(loss.item::<f32>()?, 0.6931472);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn binary_cross_entropy(
    input: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    const OP: &str = "binary_cross_entropy";
    check_same_shape(OP, input, target)?;
    check_probabilities(OP, "input", input)?;
    check_probabilities(OP, "target", target)?;
    let losses = no_grad(|| {
        let (yes, no) = limited_logs(input)?;
        target.sub(1.0)?.mul(&no)?.sub(&target.mul(&yes)?)
    })?;
    record(OP, &[&losses], &[input, target], || {
        let (x, y) = (Saved::input(input), Saved::input(target));
        Box::new(move |ctx| {
            let (x, y, grad) = (x.unpack(ctx)?, y.unpack(ctx)?, ctx.grad()?);
            let slope = x.mul(&x.neg().add(1.0)?)?.clamp(1e-12, f64::INFINITY)?;
            let dx = grad.mul(&x.sub(&y)?)?.div(&slope)?;
            let dy = match ctx.needs(1) {
                // Without the limit that the loss has, as in PyTorch.
                true => Some(grad.mul(&x.neg().log1p().sub(&x.log())?)?.to_dtype(y.dtype())),
                false => None,
            };
            Ok(Grads::from_iter([Some(dx.to_dtype(x.dtype())), dy]))
        })
    });
    match weight {
        Some(weight) => Ok(reduction.apply(losses.mul(weight)?)),
        None => Ok(reduction.apply(losses)),
    }
}

/// NaN is no probability either.
#[inline]
fn check_probabilities(op: &'static str, name: &str, tensor: &Tensor) -> Result<()> {
    let inside = |tensor: &Tensor| tensor.ge(0.0)?.logical_and(&tensor.le(1.0)?)?.all().item::<bool>();
    if no_grad(|| inside(tensor))? {
        return Ok(());
    }
    let (low, high) = no_grad(|| tensor.to_dtype(DType::F64).aminmax());
    let (low, high) = (low.item::<f64>()?, high.item::<f64>()?);
    Err(Error::argument(
        op,
        format!("the {name} goes from {low} to {high}, expected probabilities from 0 to 1"),
    ))
}

/// `log x` and `log(1 - x)`, at least -100.
fn limited_logs(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let limit = |log: Tensor| log.clamp(-100.0, f64::INFINITY);
    Ok((limit(x.log())?, limit(x.neg().log1p())?))
}

/// [`binary_cross_entropy`] of `σ(x)`, without overflow (`torch.nn.functional.binary_cross_entropy_with_logits`).
/// `weight` is a factor per element, `pos_weight` one of the positive part; both broadcast.
///
/// # Errors
/// If the shapes of input and target differ, or a weight does not broadcast.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let (x, y) = (Tensor::from([0.0f32, 1000.0]), Tensor::from([1.0f32, 1.0]));
/// let loss = F::binary_cross_entropy_with_logits(&x, &y, None, None, F::Reduction::Sum)?;
/// assert_eq!(loss.item::<f32>()?, 0.6931472);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn binary_cross_entropy_with_logits(
    input: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    pos_weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    check_same_shape("binary_cross_entropy_with_logits", input, target)?;
    let losses = logits_losses(input, target, pos_weight)?;
    match weight {
        Some(weight) => Ok(reduction.apply(losses.mul(weight)?)),
        None => Ok(reduction.apply(losses)),
    }
}

/// `-(w y log σ(x) + (1 - y) log σ(-x))`, where `w` is 1 if it is not given.
fn logits_losses(input: &Tensor, target: &Tensor, pos_weight: Option<&Tensor>) -> Result<Tensor> {
    let compute = || {
        let positive = match pos_weight {
            Some(pos_weight) => input.log_sigmoid().mul(&pos_weight.sub(1.0)?.mul(target)?.add(1.0)?)?,
            None => input.log_sigmoid(),
        };
        target.neg().add(1.0)?.mul(input)?.sub(&positive)
    };
    if pos_weight.is_some_and(Tensor::requires_grad) {
        return compute();
    }
    let losses = no_grad(compute)?;
    record("binary_cross_entropy_with_logits", &[&losses], &[input, target], || {
        let (x, y, w) = (Saved::input(input), Saved::input(target), pos_weight.map(Saved::input));
        Box::new(move |ctx| {
            let (x, y, grad) = (x.unpack(ctx)?, y.unpack(ctx)?, ctx.grad()?);
            // One product with the gradient each, so that an infinite one meets no zero that is not the slope's.
            let (dx, dy) = match w.as_ref().map(|w| w.unpack(ctx)).transpose()? {
                None => (x.sigmoid().sub(&y)?, x.neg()),
                Some(w) => {
                    let t = w.mul(&y)?;
                    let dx = t.add(1.0)?.sub(&y)?.mul(&x.sigmoid())?.sub(&t)?;
                    (dx, x.neg().log_sigmoid().sub(&x.log_sigmoid().mul(&w)?)?)
                }
            };
            let dy =
                if ctx.needs(1) { Some(grad.mul(&dy)?.sum_to(y.shape())?.to_dtype(y.dtype())) } else { None };
            Ok(Grads::from_iter([Some(grad.mul(&dx)?.sum_to(x.shape())?.to_dtype(x.dtype())), dy]))
        })
    });
    Ok(losses)
}

/// What becomes of the losses of [`kl_div`]'s elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KlReduction {
    /// They stay.
    None,
    /// The mean of the elements: PyTorch's default, though not the mathematical definition.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// The sum divided by the size of axis 0: the mean divergence.
    BatchMean,
}

/// The Kullback-Leibler divergence `y·(log y - x)` of a distribution `y` from one of which `x` are the logarithms
/// (`torch.nn.functional.kl_div`). With `log_target` the target is given by its logarithms too.
///
/// # Errors
/// If the shapes differ.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let (x, y) = (Tensor::from([[0.5f32, 0.5]]).log(), Tensor::from([[1.0f32, 0.0]]));
/// assert_eq!(F::kl_div(&x, &y, F::KlReduction::BatchMean, false)?.item::<f32>()?, 0.6931472);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn kl_div(input: &Tensor, target: &Tensor, reduction: KlReduction, log_target: bool) -> Result<Tensor> {
    check_same_shape("kl_div", input, target)?;
    let losses = if log_target {
        target.exp().mul(&target.sub(input)?)?
    } else {
        // y log y is 0 at 0.
        target.xlogy(target)?.sub(&target.mul(input)?)?
    };
    match reduction {
        KlReduction::None => Ok(losses),
        KlReduction::Mean => losses.mean_dim((), false),
        KlReduction::Sum => losses.sum_dim((), false),
        KlReduction::BatchMean => {
            let batch = input.shape().first().copied().unwrap_or(1);
            losses.sum_dim((), false)?.div(batch as f64)
        }
    }
}
