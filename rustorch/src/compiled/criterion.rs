//! Losses that know their gradients.

use std::mem::MaybeUninit;

use crate::kernels::cross_entropy::{self as kernel, Targets};
use crate::nn::functional::Reduction;
use crate::nn::{CrossEntropyLoss, MSELoss};
use crate::{DType, Error, Result, Tensor, enable_grad, no_grad};

/// How far an output is from its target: a loss of `nn`, or a function `|output, target|` that gives one.
pub trait Criterion {
    /// The loss, a scalar.
    ///
    /// # Errors
    /// If output and target do not fit.
    fn loss(&self, output: &Tensor, target: &Tensor) -> Result<Tensor>;

    /// The loss, and its gradient with respect to `output` into `gradient`, which is contiguous and has the output's shape and dtype.
    ///
    /// # Errors
    /// As [`Criterion::loss`].
    #[doc(hidden)]
    fn derive(&self, output: &Tensor, target: &Tensor, gradient: &Tensor, _: &mut Workspace) -> Result<f32> {
        by_tape(self, output, target, gradient)
    }
}

/// Loss and gradient by operations on tensors.
fn by_tape<C: Criterion + ?Sized>(
    criterion: &C,
    output: &Tensor,
    target: &Tensor,
    gradient: &Tensor,
) -> Result<f32> {
    let leaf = output.detach().requires_grad_(true)?;
    let loss = enable_grad(|| criterion.loss(&leaf, target))?;
    loss.backward()?;
    match leaf.grad() {
        Some(found) => no_grad(|| gradient.copy_(&found))?,
        None => no_grad(|| gradient.zero_())?,
    };
    loss.to_dtype(DType::F32).item()
}

/// Memory that losses use again and again.
#[doc(hidden)]
#[derive(Default)]
pub struct Workspace {
    labels: Vec<i64>,
    losses: Vec<f32>,
    normalizers: Vec<f32>,
}

impl<F: Fn(&Tensor, &Tensor) -> Result<Tensor>> Criterion for F {
    fn loss(&self, output: &Tensor, target: &Tensor) -> Result<Tensor> {
        self(output, target)
    }
}

impl Criterion for MSELoss {
    #[inline]
    fn loss(&self, output: &Tensor, target: &Tensor) -> Result<Tensor> {
        self.forward(output, target)
    }
}

impl Criterion for CrossEntropyLoss {
    fn loss(&self, output: &Tensor, target: &Tensor) -> Result<Tensor> {
        self.forward(output, target)
    }

    #[inline]
    fn derive(
        &self,
        output: &Tensor,
        target: &Tensor,
        gradient: &Tensor,
        space: &mut Workspace,
    ) -> Result<f32> {
        if output.rank() == 2 && fits(self, output, target) {
            fused(self, output, target, gradient, space)
        } else {
            by_tape(self, output, target, gradient)
        }
    }
}

/// The cross-entropy of every position of a sequence: logits `[.., classes]` with labels `[..]`, where
/// [`CrossEntropyLoss`] alone wants the classes at axis 1.
///
/// ```
/// use rustorch::{Tensor, compiled::{Criterion, Tokens}, nn::CrossEntropyLoss};
/// let loss = Tokens(CrossEntropyLoss::new()).loss(&Tensor::zeros([2, 3, 5]), &Tensor::full([2, 3], 1i64))?;
/// assert!((loss.item::<f32>()? - 5f32.ln()).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub struct Tokens(pub CrossEntropyLoss);

impl Criterion for Tokens {
    #[inline]
    fn loss(&self, output: &Tensor, target: &Tensor) -> Result<Tensor> {
        self.0.forward(&output.flatten(0, -2)?, &target.flatten(0, -1)?)
    }

    #[inline]
    fn derive(
        &self,
        output: &Tensor,
        target: &Tensor,
        gradient: &Tensor,
        space: &mut Workspace,
    ) -> Result<f32> {
        if output.rank() > 1 && fits(&self.0, output, target) {
            fused(&self.0, output, target, gradient, space)
        } else {
            by_tape(self, output, target, gradient)
        }
    }
}

/// Whether the fused kernel does for this loss: labels, no weights, a mean or a sum.
#[inline]
fn fits(loss: &CrossEntropyLoss, output: &Tensor, target: &Tensor) -> bool {
    let smoothing = loss.options.label_smoothing;
    loss.options.weight.is_none()
        && loss.options.reduction != Reduction::None
        && (0.0..=1.0).contains(&smoothing)
        && target.dtype() == DType::I64
        && target.is_contiguous()
        && output.dtype() == DType::F32
        && output.is_contiguous()
        && output.shape()[..output.rank() - 1] == *target.shape()
}

/// Loss and gradient in two passes over the logits, without a tape.
fn fused(
    loss: &CrossEntropyLoss,
    output: &Tensor,
    target: &Tensor,
    gradient: &Tensor,
    space: &mut Workspace,
) -> Result<f32> {
    let classes = output.shape()[output.rank() - 1];
    let rows = target.numel();
    let _guards = (output.storage().read(), target.storage().read());
    // SAFETY: `fits` has checked shapes and dtypes; the inputs are locked, the gradient is the caller's alone.
    let (logits, labels, gradient) = unsafe {
        (
            std::slice::from_raw_parts(output.host_ptr().cast::<f32>().cast_const(), output.numel()),
            std::slice::from_raw_parts(target.host_ptr().cast::<i64>().cast_const(), rows),
            std::slice::from_raw_parts_mut(gradient.host_ptr().cast::<MaybeUninit<f32>>(), gradient.numel()),
        )
    };
    let ignored = loss.options.ignore_index;
    space.labels.clear();
    for &label in labels {
        if label != ignored && !usize::try_from(label).is_ok_and(|label| label < classes) {
            return Err(Error::Index {
                op: "cross_entropy",
                index: label,
                axis: output.rank() - 1,
                size: classes,
            });
        }
        space.labels.push(if label == ignored { -1 } else { label });
    }
    space.losses.resize(rows, 0.0);
    space.normalizers.resize(rows, 0.0);
    let smoothing = loss.options.label_smoothing;
    let targets = Targets { classes, labels: &space.labels, weights: None, smoothing };
    kernel::forward(logits, &targets, &mut space.losses, &mut space.normalizers);
    let counted = space.labels.iter().filter(|label| **label >= 0).count();
    let scale = if loss.options.reduction == Reduction::Mean { 1.0 / counted as f64 } else { 1.0 };
    kernel::backward(logits, &targets, &space.normalizers, |_| scale, gradient);
    let total: f64 = space.losses.iter().map(|&loss| f64::from(loss)).sum();
    Ok((total * scale) as f32)
}
