//! Losses.

use crate::ops::cross_entropy::{Labels, cross_entropy as fused};
use crate::{DType, Error, Result, Tensor};

/// What becomes of the losses of single elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// They are returned as they are.
    None,
    /// Their mean; weighted where the loss has weights.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl Reduction {
    /// Reduces losses that all count alike.
    #[inline]
    pub(crate) fn apply(self, losses: Tensor) -> Tensor {
        match self {
            Self::None => losses,
            Self::Mean => losses.mean(),
            Self::Sum => losses.sum(),
        }
    }
}

/// The options of [`cross_entropy_with`], with PyTorch's defaults.
#[derive(Debug, Clone)]
pub struct CrossEntropyOptions {
    /// A weight per class, `[classes]`.
    pub weight: Option<Tensor>,
    /// A label whose elements do not count.
    pub ignore_index: i64,
    /// The share of the target that is spread evenly over all classes, from 0 to 1.
    pub label_smoothing: f64,
    /// What becomes of the losses.
    pub reduction: Reduction,
}

impl Default for CrossEntropyOptions {
    fn default() -> Self {
        Self { weight: None, ignore_index: -100, label_smoothing: 0.0, reduction: Reduction::Mean }
    }
}

/// The mean cross-entropy between logits and class labels, or class probabilities
/// (`torch.nn.functional.cross_entropy`): `-log softmax(logits)[label]`.
///
/// Logits are `[classes]`, `[batch, classes]` or `[batch, classes, d₁, …]`; labels are integers of the same shape
/// without the axis of classes, probabilities are floats of the same shape.
///
/// # Errors
/// If shapes do not fit, a label is not a class, the dtypes are not a float and an integer or the same float.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let logits = Tensor::from([[2.0f32, 0.0, 0.0], [0.0, 0.0, 1.0]]);
/// let loss = f::cross_entropy(&logits, &Tensor::from([0i64, 2]))?;
/// assert!((loss.item::<f32>()? - 0.3955).abs() < 1e-4);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    cross_entropy_with(logits, target, &CrossEntropyOptions::default())
}

/// [`cross_entropy`] with options.
///
/// # Errors
/// As [`cross_entropy`]; also if the weight is not one per class or the smoothing is outside 0 to 1.
pub fn cross_entropy_with(logits: &Tensor, target: &Tensor, options: &CrossEntropyOptions) -> Result<Tensor> {
    const OP: &str = "cross_entropy";
    if !(0.0..=1.0).contains(&options.label_smoothing) {
        return Err(Error::argument(
            OP,
            format!("label_smoothing is {}, expected 0 to 1", options.label_smoothing),
        ));
    }
    if !logits.dtype().is_float() {
        return Err(Error::DType { op: OP, dtype: logits.dtype(), expected: "floating-point logits" });
    }
    let axis = usize::from(logits.rank() > 1);
    let Some(&classes) = logits.shape().get(axis) else {
        return Err(Error::argument(OP, "the logits are a scalar, expected an axis of classes"));
    };
    let weights = options.weight.as_ref().map(|weight| class_weights(OP, weight, classes)).transpose()?;
    if target.dtype().is_float() {
        if options.ignore_index >= 0 {
            let message = format!(
                "ignore_index is {}, but targets that are probabilities have no labels",
                options.ignore_index
            );
            return Err(Error::argument(OP, message));
        }
        return with_probabilities(logits, target, axis, options);
    }
    let mut expected = logits.shape().to_vec();
    expected.remove(axis);
    let labels = class_labels(OP, target, &expected, classes, options.ignore_index)?;
    let count: f64 = match &weights {
        None => labels.iter().filter(|&&label| label >= 0).count() as f64,
        Some(weights) => {
            labels.iter().filter_map(|&label| usize::try_from(label).ok()).map(|label| weights[label]).sum()
        }
    };
    let wide = if logits.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let rows = logits.to_dtype(wide).movedim(axis, -1)?.reshape([labels.len(), classes])?;
    let targets = Labels { classes, labels, weights, smoothing: options.label_smoothing };
    if matches!(options.reduction, Reduction::Mean) && count == 0.0 && options.label_smoothing > 0.0 {
        return Ok(mean_over_nothing(&rows, targets)?.to_dtype(logits.dtype()));
    }
    let losses = fused(&rows, targets)?;
    let loss = match options.reduction {
        Reduction::None => losses.reshape(expected)?,
        Reduction::Sum => losses.sum(),
        // Without anything that counts, 0/0 as in PyTorch.
        Reduction::Mean => losses.sum().div(count)?,
    };
    Ok(loss.to_dtype(logits.dtype()))
}

/// The smoothed mean where the weights add up to 0. PyTorch divides the losses of labels and of smoothing by them one by one,
/// so that infinities of opposite signs are NaN.
fn mean_over_nothing(rows: &Tensor, targets: Labels) -> Result<Tensor> {
    let smoothing = targets.smoothing;
    let part = |of: f64, share: f64| {
        fused(rows, Labels { smoothing: of, ..targets.clone() })?.sum().div(0.0)?.mul(share)
    };
    part(0.0, 1.0 - smoothing)?.add(&part(1.0, smoothing)?)
}

/// Targets that are distributions over the classes.
fn with_probabilities(
    logits: &Tensor,
    target: &Tensor,
    axis: usize,
    options: &CrossEntropyOptions,
) -> Result<Tensor> {
    if target.shape() != logits.shape() {
        return Err(Error::argument(
            "cross_entropy",
            format!(
                "the target has shape {:?}, but probabilities need the shape of the logits, {:?}",
                target.shape(),
                logits.shape()
            ),
        ));
    }
    let classes = logits.shape()[axis];
    let smoothing = options.label_smoothing;
    let mut target = if smoothing > 0.0 {
        target.mul(1.0 - smoothing)?.add(smoothing / classes as f64)?
    } else {
        target.clone()
    };
    if let Some(weight) = &options.weight {
        let mut shape = vec![1; logits.rank()];
        shape[axis] = classes;
        target = target.mul(&weight.reshape(shape)?)?;
    }
    let losses = logits.log_softmax(axis as isize)?.mul(&target)?.sum_dim(axis, false)?.neg();
    let count = losses.numel() as f64;
    Ok(match options.reduction {
        Reduction::None => losses,
        Reduction::Sum => losses.sum(),
        Reduction::Mean => losses.sum().div(count)?,
    })
}

pub(super) fn class_weights(op: &'static str, weight: &Tensor, classes: usize) -> Result<Vec<f64>> {
    if weight.shape() != [classes] {
        return Err(Error::argument(
            op,
            format!(
                "the weight has shape {:?}, expected one number for each of {classes} classes",
                weight.shape()
            ),
        ));
    }
    crate::no_grad(|| weight.to_dtype(DType::F64)).to_vec()
}

/// Labels as numbers, checked; ignored ones become -1.
pub(super) fn class_labels(
    op: &'static str,
    target: &Tensor,
    expected: &[usize],
    classes: usize,
    ignore: i64,
) -> Result<Vec<i64>> {
    if !target.dtype().is_int() {
        return Err(Error::DType { op, dtype: target.dtype(), expected: "integer class labels" });
    }
    if target.shape() != expected {
        return Err(Error::argument(
            op,
            format!("the labels have shape {:?}, but the logits need {expected:?}", target.shape()),
        ));
    }
    let mut labels = target.to_dtype(DType::I64).to_vec::<i64>()?;
    for label in &mut labels {
        if *label == ignore {
            *label = -1;
        } else if !(0..classes as i64).contains(label) {
            return Err(Error::argument(
                op,
                format!("label {label} is not one of {classes} classes, 0 to {}", classes as i64 - 1),
            ));
        }
    }
    Ok(labels)
}

/// Whether two operands of an elementwise loss have one shape, as broadcasting here is almost always a mistake.
#[inline]
pub(super) fn check_same_shape(op: &'static str, input: &Tensor, target: &Tensor) -> Result<()> {
    if input.shape() == target.shape() {
        return Ok(());
    }
    Err(Error::argument(
        op,
        format!(
            "the input has shape {:?} and the target {:?}; they must be equal",
            input.shape(),
            target.shape()
        ),
    ))
}

/// The mean squared difference (`torch.nn.functional.mse_loss`).
///
/// # Errors
/// If the shapes differ: a broadcast here is almost always a mistake.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let loss = f::mse_loss(&Tensor::from([1.0f32, 2.0]), &Tensor::from([1.0f32, 4.0]), f::Reduction::Mean)?;
/// assert_eq!(loss.item::<f32>()?, 2.0);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn mse_loss(input: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    check_same_shape("mse_loss", input, target)?;
    Ok(reduction.apply(input.sub(target)?.square()))
}

/// The mean absolute difference (`torch.nn.functional.l1_loss`).
///
/// # Errors
/// If the shapes differ.
#[inline]
pub fn l1_loss(input: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    check_same_shape("l1_loss", input, target)?;
    Ok(reduction.apply(input.sub(target)?.abs()))
}
