//! Normalisation of each channel of each example.

use rustorch_shape::rules;

use super::norm::{BatchNormOptions, batch_norm, channels, group_norm, track};
use crate::{Error, Result, Tensor, no_grad};

const OP: &str = "instance_norm";

/// How [`instance_norm_with`] normalises, with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::functional::InstanceNormOptions;
/// assert!(InstanceNormOptions::default().use_input_stats);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstanceNormOptions {
    /// Whether to normalise by the input's own statistics, and to track them, or by the running ones.
    pub use_input_stats: bool,
    /// How much of the input's statistics goes into the running ones.
    pub momentum: f64,
    /// Added to the variance.
    pub eps: f64,
}

impl Default for InstanceNormOptions {
    fn default() -> Self {
        Self { use_input_stats: true, momentum: 0.1, eps: 1e-5 }
    }
}

/// Normalisation of each channel of each sample over its positions (`torch.nn.functional.instance_norm`; Ulyanov et al.
/// 2016), by its own statistics. PyTorch's default for `eps` is 1e-5.
///
/// # Errors
/// If the input has no positions or a single one per channel, weight or bias do not have one element per channel, or the
/// dtype has no fractions.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[[1.0f64, 3.0], [10.0, 30.0]]]);
/// assert_eq!(F::instance_norm(&x, None, None, 0.0)?.to_vec::<f64>()?, [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn instance_norm(
    input: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    let options = InstanceNormOptions { eps, ..InstanceNormOptions::default() };
    instance_norm_with(input, None, weight, bias, options)
}

/// [`instance_norm`] with running statistics (mean and unbiased variance, `[channels]` each): into these the mean of the
/// samples' statistics is blended in place, or, without `use_input_stats`, the input is normalised by them.
///
/// # Errors
/// As [`instance_norm`]; also if there are no running statistics to normalise by, or they do not have one element per channel.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[[1.0f64, 3.0]]]);
/// let (mean, var) = (Tensor::from([0.0f64]), Tensor::from([1.0f64]));
/// F::instance_norm_with(&x, Some((&mean, &var)), None, None, F::InstanceNormOptions::default())?;
/// assert_eq!((mean.item::<f64>()?, var.item::<f64>()?), (0.2, 1.1));
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn instance_norm_with(
    input: &Tensor,
    running: Option<(&Tensor, &Tensor)>,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    options: InstanceNormOptions,
) -> Result<Tensor> {
    let InstanceNormOptions { use_input_stats, momentum, eps } = options;
    let channels = channels(OP, input)?;
    let positions = input.shape().get(2..).unwrap_or_default();
    if positions.is_empty() {
        return Err(Error::argument(
            OP,
            format!("the input has shape {:?}, expected [batch, channels, positions ..]", input.shape()),
        ));
    }
    if !use_input_stats {
        if running.is_none() {
            return Err(Error::argument(OP, "there are no running statistics to normalise by"));
        }
        let options = BatchNormOptions { training: false, momentum, eps };
        return batch_norm(input, running, weight, bias, options);
    }
    rules::instance_norm(OP, input.shape(), &channels, positions.len(), true, &mut ())?;
    if let Some((mean, var)) = running {
        for statistic in [mean, var] {
            if statistic.shape() != [channels] {
                return Err(Error::argument(
                    OP,
                    format!("a running statistic has shape {:?}, expected [{channels}]", statistic.shape()),
                ));
            }
        }
        if input.numel() > 0 {
            no_grad(|| {
                let wide = input.to_dtype(input.dtype().compute());
                let axes: Vec<isize> = (2..input.rank() as isize).collect();
                let (of_var, of_mean) = wide.var_mean(axes, 1.0, false)?;
                track((mean, var), (&of_mean.mean_dim(0, false)?, &of_var.mean_dim(0, false)?), momentum)
            })?;
        }
    }
    group_norm(input, channels, weight, bias, eps)
}
