//! Normalisation.

use rustorch_shape::rules;

use crate::ops::norm::batch::{self, Statistics};
use crate::ops::norm::group::{self, Groups};
use crate::ops::norm::is_fused;
use crate::ops::norm::layer::{self, Rows};
use crate::ops::standardize::standardize;
use crate::{DType, Error, PadMode, Result, Tensor, no_grad};

/// `(x - mean) / √(var + eps) · weight + bias` over the last axes, whose sizes are `normalized`
/// (`torch.nn.functional.layer_norm`; Ba, Kiros and Hinton 2016). PyTorch's default for `eps` is 1e-5.
///
/// # Errors
/// If the input does not end in `normalized`, weight or bias have another shape, or the dtype has no fractions.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let y = F::layer_norm(&Tensor::from([[1.0f64, 3.0]]), &[2], None, None, 0.0)?;
/// assert_eq!(y.to_vec::<f64>()?, [-1.0, 1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn layer_norm(
    input: &Tensor,
    normalized: &[usize],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    rules::layer_norm("layer_norm", input.shape(), normalized, &mut ())?;
    check_affine("layer_norm", normalized, weight, bias)?;
    let rows = Rows { op: "layer_norm", axes: normalized.len(), eps, centred: true };
    normalize(rows, input, weight, bias)
}

/// `x / √(mean(x²) + eps) · weight` over the last axes, whose sizes are `normalized` (`torch.nn.functional.rms_norm`;
/// Zhang and Sennrich 2019). Without `eps`, the dtype's machine epsilon.
///
/// # Errors
/// As [`layer_norm`].
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let y = F::rms_norm(&Tensor::from([[3.0f64, 4.0]]), &[2], None, 0.0)?;
/// assert!((y.square().mean().item::<f64>()? - 1.0).abs() < 1e-12);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn rms_norm(
    input: &Tensor,
    normalized: &[usize],
    weight: Option<&Tensor>,
    eps: impl Into<Option<f64>>,
) -> Result<Tensor> {
    rules::layer_norm("rms_norm", input.shape(), normalized, &mut ())?;
    check_affine("rms_norm", normalized, weight, None)?;
    let eps = eps.into().unwrap_or(match input.dtype() {
        DType::F64 => f64::EPSILON,
        DType::F16 => crate::f16::EPSILON.to_f64(),
        DType::BF16 => crate::bf16::EPSILON.to_f64(),
        _ => f64::from(f32::EPSILON),
    });
    normalize(Rows { op: "rms_norm", axes: normalized.len(), eps, centred: false }, input, weight, None)
}

/// Rows normalised by the fused kernel where there is one for the operands, half precision by way of `F32`, and by
/// operations where there is none.
fn normalize(rows: Rows, input: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<Tensor> {
    if is_fused(input, &[weight, bias]) {
        return layer::layer_norm(rows, input, weight, bias);
    }
    let dtype = input.dtype();
    let one_dtype = weight.into_iter().chain(bias).all(|vector| vector.dtype() == dtype);
    if matches!(dtype, DType::F16 | DType::BF16) && one_dtype {
        let up = |tensor: &Tensor| tensor.to_dtype(DType::F32);
        return Ok(
            normalize(rows, &up(input), weight.map(up).as_ref(), bias.map(up).as_ref())?.to_dtype(dtype)
        );
    }
    let axes = last_axes(rows.axes);
    let normal = if rows.centred {
        standardize(rows.op, input, axes, rows.eps)?
    } else {
        input.mul(&input.square().mean_dim(axes, true)?.add(rows.eps)?.rsqrt())?
    };
    affine(normal, weight, bias)
}

/// How [`batch_norm`] normalises, with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::functional::BatchNormOptions;
/// assert_eq!(BatchNormOptions::default().eps, 1e-5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormOptions {
    /// Whether to normalise by the batch's own statistics, and to track them.
    pub training: bool,
    /// How much of the batch's statistics goes into the running ones.
    pub momentum: f64,
    /// Added to the variance.
    pub eps: f64,
}

impl Default for BatchNormOptions {
    fn default() -> Self {
        Self { training: false, momentum: 0.1, eps: 1e-5 }
    }
}

/// Normalisation per channel (axis 1), over the batch and all positions (`torch.nn.functional.batch_norm`; Ioffe and
/// Szegedy 2015). In training, or without running statistics, by those of the batch, which are blended into `running`
/// (mean and unbiased variance, `[channels]` each) in place; otherwise by `running`.
///
/// # Errors
/// If the input has no axis 1, a vector does not have one element per channel, training sees one value per channel, `eps` is
/// negative, or 0 in training, or the dtype has no fractions.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[1.0f64], [3.0]]);
/// let options = F::BatchNormOptions { training: true, eps: 1e-30, ..Default::default() };
/// assert_eq!(F::batch_norm(&x, None, None, None, options)?.to_vec::<f64>()?, [-1.0, 1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn batch_norm(
    input: &Tensor,
    running: Option<(&Tensor, &Tensor)>,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    options: BatchNormOptions,
) -> Result<Tensor> {
    const OP: &str = "batch_norm";
    let channels = channels(OP, input)?;
    check_affine(OP, &[channels], weight, bias)?;
    if let Some((mean, var)) = running {
        check_affine(OP, &[channels], Some(mean), Some(var))?;
    }
    rules::batch_norm_eps(OP, options.eps, options.training)?;
    if let Some(wide) = Wide::new(input, [weight, bias]) {
        let [weight, bias] = wide.vectors();
        return Ok(batch_norm(&wide.input, running, weight, bias, options)?.to_dtype(input.dtype()));
    }
    if options.training && input.numel() == channels {
        return Err(Error::argument(
            OP,
            format!("training needs more than one value per channel, but the input is {:?}", input.shape()),
        ));
    }
    let (mean, var) = running.unzip();
    if input.numel() > 0 && is_fused(input, &[weight, bias, mean, var]) {
        return by_kernel(input, running, weight, bias, options);
    }
    let per_channel = |vector: &Tensor| vector.reshape(channel_shape(input, channels));
    let axes: Vec<isize> = (0..input.rank() as isize).filter(|&axis| axis != 1).collect();
    let normal = match running {
        Some((mean, var)) if !options.training => {
            let scale = per_channel(var)?.add(options.eps)?.rsqrt();
            input.sub(&per_channel(mean)?)?.mul(&scale)?
        }
        _ => {
            // Nothing has no mean.
            if let (Some(running), true) = (running, options.training && input.numel() > 0) {
                let (var, mean) = no_grad(|| input.var_mean(axes.as_slice(), 1.0, false))?;
                track(running, (&mean, &var), options.momentum)?;
            }
            standardize(OP, input, axes, options.eps)?
        }
    };
    affine(normal, weight.map(per_channel).transpose()?.as_ref(), bias.map(per_channel).transpose()?.as_ref())
}

/// [`batch_norm`] by the fused kernel, for operands that it takes.
fn by_kernel(
    input: &Tensor,
    running: Option<(&Tensor, &Tensor)>,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    options: BatchNormOptions,
) -> Result<Tensor> {
    let statistics = match running {
        Some((mean, var)) if !options.training => {
            // Copies, as the running ones may have moved on when gradients are computed.
            let (mean, var) = no_grad(|| (mean.copy(), var.copy()));
            Statistics { mean, var, of_batch: false, eps: options.eps }
        }
        _ => batch::statistics(input, options.eps)?,
    };
    if let (Some(running), true) = (running, options.training) {
        let count = (input.numel() / statistics.mean.numel()) as f64;
        let unbiased = no_grad(|| statistics.var.mul(count / (count - 1.0)))?;
        track(running, (&statistics.mean, &unbiased), options.momentum)?;
    }
    batch::batch_norm(input, statistics, weight, bias)
}

/// Blends the batch's mean and unbiased variance into the running ones.
pub(super) fn track(running: (&Tensor, &Tensor), batch: (&Tensor, &Tensor), momentum: f64) -> Result<()> {
    no_grad(|| {
        for (running, batch) in [(running.0, batch.0), (running.1, batch.1)] {
            running.mul_(1.0 - momentum)?.add_(&batch.mul(momentum)?.to_dtype(running.dtype()))?;
        }
        Ok(())
    })
}

/// Normalisation of each sample over groups of channels (axis 1) and all positions (`torch.nn.functional.group_norm`; Wu
/// and He 2018), then a weight and bias per channel. PyTorch's default for `eps` is 1e-5.
///
/// # Errors
/// If the groups do not divide the channels, weight or bias do not have one element per channel, or the dtype has no
/// fractions.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[1.0f64, 3.0, 10.0, 30.0]]);
/// assert_eq!(F::group_norm(&x, 2, None, None, 0.0)?.to_vec::<f64>()?, [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn group_norm(
    input: &Tensor,
    groups: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    const OP: &str = "group_norm";
    let channels = channels(OP, input)?;
    rules::group_norm(input.shape(), &groups, &channels, &mut ())?;
    check_affine(OP, &[channels], weight, bias)?;
    if let Some(wide) = Wide::new(input, [weight, bias]) {
        let [weight, bias] = wide.vectors();
        return Ok(group_norm(&wide.input, groups, weight, bias, eps)?.to_dtype(input.dtype()));
    }
    if input.numel() > 0 && is_fused(input, &[weight, bias]) {
        return group::group_norm(Groups { groups, eps }, input, weight, bias);
    }
    let batch = input.shape()[0];
    let per_group = input.numel() / batch.max(1) / groups.max(1);
    let rows = Rows { op: OP, axes: 1, eps, centred: true };
    let normal = normalize(rows, &input.reshape([batch, groups, per_group])?, None, None)?;
    let per_channel = |vector: &Tensor| vector.reshape(channel_shape(input, channels));
    affine(
        normal.reshape(input.shape())?,
        weight.map(per_channel).transpose()?.as_ref(),
        bias.map(per_channel).transpose()?.as_ref(),
    )
}

/// Input and vectors in single precision, in which half precision is normalised, to be rounded once.
struct Wide {
    input: Tensor,
    vectors: [Option<Tensor>; 2],
}

impl Wide {
    /// `None` unless the input is in half precision.
    fn new(input: &Tensor, vectors: [Option<&Tensor>; 2]) -> Option<Self> {
        let single = |tensor: &Tensor| tensor.to_dtype(DType::F32);
        matches!(input.dtype(), DType::F16 | DType::BF16)
            .then(|| Self { input: single(input), vectors: vectors.map(|vector| vector.map(single)) })
    }

    fn vectors(&self) -> [Option<&Tensor>; 2] {
        self.vectors.each_ref().map(Option::as_ref)
    }
}

/// Each element divided by `(k + alpha · mean(x²))^beta`, the mean taken over `size` neighbouring channels (axis 1), zeros
/// beyond the ends (`torch.nn.functional.local_response_norm`; Krizhevsky et al. 2012). PyTorch's defaults are
/// `alpha = 1e-4`, `beta = 0.75`, `k = 1`.
///
/// # Errors
/// If the input has fewer than three axes, `size` is 0, or the dtype has no fractions.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[[3.0f64], [4.0]]]);
/// let y = F::local_response_norm(&x, 2, 2.0, 1.0, 0.0)?;
/// assert!(y.allclose(&Tensor::from([[[3.0f64 / 9.0], [4.0 / 25.0]]]), 1e-12, 0.0)?);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn local_response_norm(input: &Tensor, size: usize, alpha: f64, beta: f64, k: f64) -> Result<Tensor> {
    const OP: &str = "local_response_norm";
    if input.rank() < 3 || size == 0 {
        return Err(Error::argument(
            OP,
            format!(
                "a window of {size} channels over {:?}, expected [batch, channels, positions ..]",
                input.shape()
            ),
        ));
    }
    let integers = input.dtype() == DType::I64;
    if !integers && !input.dtype().is_float() {
        return Err(Error::DType {
            op: OP,
            dtype: input.dtype(),
            expected: "a floating-point dtype or int64",
        });
    }
    if input.numel() == 0 {
        return Ok(input.clone());
    }
    let mut ends = vec![0; 2 * (input.rank() - 1)];
    let last = ends.len();
    (ends[last - 2], ends[last - 1]) = ((size / 2) as isize, ((size - 1) / 2) as isize);
    let squares = input.square().pad(ends, PadMode::Constant(0.0))?;
    let seen = squares.unfold(1, size, 1)?;
    // Averages of integers are integers, as those of pooling.
    let mean = if integers {
        seen.sum_dim(-1, false)?.floor_divide(size as i64)?
    } else {
        seen.mean_dim(-1, false)?
    };
    input.div(&mean.mul(alpha)?.add(k)?.pow(beta)?)
}

fn last_axes(count: usize) -> Vec<isize> {
    (1..=count as isize).map(|axis| -axis).collect()
}

fn affine(normal: Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<Tensor> {
    match (weight, bias) {
        (Some(weight), Some(bias)) => bias.addcmul(&normal, weight, 1.0),
        (Some(weight), None) => normal.mul(weight),
        (None, Some(bias)) => normal.add(bias),
        (None, None) => Ok(normal),
    }
}

#[inline]
pub(super) fn channels(op: &'static str, input: &Tensor) -> Result<usize> {
    input.shape().get(1).copied().ok_or_else(|| {
        Error::argument(
            op,
            format!("the input has shape {:?}, expected [batch, channels, ..]", input.shape()),
        )
    })
}

fn channel_shape(input: &Tensor, channels: usize) -> Vec<usize> {
    let mut shape = vec![1; input.rank()];
    shape[1] = channels;
    shape
}

fn check_affine(
    op: &'static str,
    expected: &[usize],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<()> {
    match weight.into_iter().chain(bias).find(|vector| vector.shape() != expected) {
        Some(vector) => Err(Error::argument(
            op,
            format!("a weight, bias or statistic has shape {:?}, expected {expected:?}", vector.shape()),
        )),
        None => Ok(()),
    }
}
