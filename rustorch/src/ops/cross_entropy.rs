//! The cross-entropy of rows of logits with class labels, fused.

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::cross_entropy::{self as kernel, Targets};
use crate::{DType, Device, Error, Result, Tensor};

/// Labels and what goes with them, owned for the backward pass.
#[derive(Clone)]
pub(crate) struct Labels {
    pub classes: usize,
    /// The class of each row; negative for rows that do not count.
    pub labels: Vec<i64>,
    pub weights: Option<Vec<f64>>,
    pub smoothing: f64,
}

impl Labels {
    fn targets(&self) -> Targets<'_> {
        let Self { classes, labels, weights, smoothing } = self;
        Targets { classes: *classes, labels, weights: weights.as_deref(), smoothing: *smoothing }
    }

    /// The target distributions as a matrix `[rows, classes]`.
    fn distributions(&self, dtype: DType) -> Result<Tensor> {
        let weight = |class: usize| self.weights.as_ref().map_or(1.0, |weights| weights[class]);
        let mut matrix = Vec::with_capacity(self.labels.len() * self.classes);
        for &label in &self.labels {
            let spread = if label < 0 { 0.0 } else { self.smoothing / self.classes as f64 };
            let row = (0..self.classes).map(|class| {
                // No term where there is none: 0 times an infinite weight would be NaN. A row that is left out is smoothed by 0.
                let smooth = if self.smoothing > 0.0 { spread * weight(class) } else { 0.0 };
                if label == class as i64 { (1.0 - self.smoothing) * weight(class) + smooth } else { smooth }
            });
            matrix.extend(row);
        }
        Ok(Tensor::from_vec(matrix, [self.labels.len(), self.classes])?.to_dtype(dtype))
    }
}

/// The loss of each row of a matrix of logits: `[rows, classes] → [rows]`, for `F32` and `F64`.
pub(crate) fn cross_entropy(logits: &Tensor, labels: Labels) -> Result<Tensor> {
    let (device, dtype) = (logits.device(), logits.dtype());
    if device != Device::Cpu {
        return Err(Error::Unavailable { op: "cross_entropy", device, dtype });
    }
    let rows = labels.labels.len();
    let x = crate::no_grad(|| logits.contiguous());
    let losses = Tensor::uninit(&[rows], dtype, device)?;
    let normalizers = Tensor::uninit(&[rows], dtype, device)?;
    let guard = x.storage().read();
    dispatch!(float dtype, "cross_entropy", T => {
        // SAFETY: contiguous, the input locked, the outputs ours alone; all of the checked sizes.
        let (x, losses, normalizers) = unsafe {
            (
                std::slice::from_raw_parts(x.host_ptr().cast::<T>(), x.numel()),
                std::slice::from_raw_parts_mut(losses.host_ptr().cast::<T>(), rows),
                std::slice::from_raw_parts_mut(normalizers.host_ptr().cast::<T>(), rows),
            )
        };
        kernel::forward(x, &labels.targets(), losses, normalizers);
    });
    drop(guard);
    record("cross_entropy", &[&losses], &[logits], || {
        let saved = Saved::input(logits);
        Box::new(move |ctx: &Ctx<'_>| {
            let (grad, logits) = (ctx.grad()?, saved.unpack(ctx)?);
            let gradient = match ctx.create_graph() {
                true => {
                    let target = labels.distributions(dtype)?;
                    let mass = target.sum_dim(1, true)?;
                    // What is left out has no gradient, also of a mean over nothing, whose own is infinite.
                    let left_out = Tensor::from_vec(
                        labels.labels.iter().map(|&label| label < 0).collect(),
                        [labels.labels.len()],
                    )?;
                    let grad = grad.masked_fill(&left_out, 0.0)?.unsqueeze(1)?;
                    let mut term = target.mul(&grad)?;
                    if labels.smoothing == 0.0 {
                        // Other classes have no term: 0 times an infinite gradient would be NaN.
                        let own = Tensor::from_vec(labels.labels.clone(), [labels.labels.len(), 1])?;
                        term = Tensor::where_(&own.eq(&Tensor::arange(0, labels.classes, 1)?)?, &term, 0.0)?;
                    }
                    logits.softmax(1)?.mul(&mass.mul(&grad)?)?.sub(&term)?
                }
                false => fused_gradient(&logits, &labels, &normalizers, grad)?,
            };
            Ok(Grads::from_iter([Some(gradient)]))
        })
    });
    Ok(losses)
}

fn fused_gradient(logits: &Tensor, labels: &Labels, normalizers: &Tensor, grad: &Tensor) -> Result<Tensor> {
    let dtype = logits.dtype();
    let x = logits.contiguous();
    let scales = grad.to_dtype(DType::F64).to_vec::<f64>()?;
    let output = Tensor::uninit(logits.shape(), dtype, logits.device())?;
    let _guards = (x.storage().read(), normalizers.storage().read());
    dispatch!(float dtype, "cross_entropy", T => {
        // SAFETY: contiguous, the inputs locked, the output ours alone; all of the checked sizes.
        let (x, normalizers, output) = unsafe {
            (
                std::slice::from_raw_parts(x.host_ptr().cast::<T>(), x.numel()),
                std::slice::from_raw_parts(normalizers.host_ptr().cast::<T>(), normalizers.numel()),
                std::slice::from_raw_parts_mut(output.host_ptr().cast(), output.numel()),
            )
        };
        kernel::backward::<T>(x, &labels.targets(), normalizers, |row| scales[row], output);
    });
    Ok(output)
}
