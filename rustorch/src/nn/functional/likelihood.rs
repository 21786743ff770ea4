//! Class numbers: their likelihood and their rows of zeros and a one.

use super::loss::{CrossEntropyOptions, Reduction, class_labels, class_weights};
use crate::{DType, Error, Result, Tensor, no_grad};

/// The negative log-likelihood `-w[y]·x[y]` of log-probabilities `x` (`torch.nn.functional.nll_loss`). Shapes and options
/// are those of [`cross_entropy_with`](super::cross_entropy_with) with class numbers, without smoothing.
///
/// # Errors
/// If the shapes do not fit, a class number is out of range or not an integer, or smoothing is asked for.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let log_probabilities = Tensor::from([[-0.5f32, -1.0]]);
/// assert_eq!(F::nll_loss(&log_probabilities, &Tensor::from([1i64]), &Default::default())?.item::<f32>()?, 1.0);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn nll_loss(input: &Tensor, target: &Tensor, options: &CrossEntropyOptions) -> Result<Tensor> {
    const OP: &str = "nll_loss";
    if options.label_smoothing != 0.0 {
        return Err(Error::argument(OP, "label_smoothing is an option of cross_entropy only"));
    }
    let axis = usize::from(input.rank() > 1);
    let Some(&classes) = input.shape().get(axis) else {
        return Err(Error::argument(OP, "the input is a scalar, expected an axis of classes"));
    };
    let weights = options.weight.as_ref().map(|weight| class_weights(OP, weight, classes)).transpose()?;
    let mut expected = input.shape().to_vec();
    expected.remove(axis);
    let labels = class_labels(OP, target, &expected, classes, options.ignore_index)?;
    let factor = |&label: &i64| match (usize::try_from(label), &weights) {
        (Err(_), _) => 0.0,
        (Ok(_), None) => 1.0,
        (Ok(label), Some(weights)) => weights[label],
    };
    let factors: Vec<f64> = labels.iter().map(factor).collect();
    let total: f64 = factors.iter().sum();
    let count = labels.len();
    let rows = input.movedim(axis, -1)?.reshape([count, classes])?;
    let labels = Tensor::from_vec(labels, [count, 1])?;
    let factors = Tensor::from_vec(factors, [count])?.to_dtype(input.dtype());
    let chosen = labels.eq(&Tensor::arange(0, classes, 1)?)?;
    let likelihood = Tensor::where_(&chosen, &rows, 0.0)?.sum_dim(1, false)?;
    let losses = likelihood.mul(&factors)?.neg();
    match options.reduction {
        Reduction::None => losses.reshape(expected),
        Reduction::Sum => Ok(losses.sum()),
        // Without anything that counts, 0/0 as in PyTorch.
        Reduction::Mean => losses.sum().div(total),
    }
}

/// Rows of zeros with a one at the class number of each element: `[…] → […, classes]`, as `I64`
/// (`torch.nn.functional.one_hot`). Without a number of classes, one more than the largest class number.
///
/// # Errors
/// If the class numbers are not integers or out of range, or there are none to count classes by.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let rows = F::one_hot(&Tensor::from([2i64, 0]), 3)?;
/// assert_eq!(rows.to_vec::<i64>()?, [0, 0, 1, 1, 0, 0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn one_hot(labels: &Tensor, classes: impl Into<Option<usize>>) -> Result<Tensor> {
    const OP: &str = "one_hot";
    if !labels.dtype().is_int() {
        return Err(Error::DType { op: OP, dtype: labels.dtype(), expected: "integer class numbers" });
    }
    let values = no_grad(|| labels.to_dtype(DType::I64)).to_vec::<i64>()?;
    let classes = match (classes.into(), values.iter().max()) {
        (Some(classes), _) => classes,
        (None, Some(&largest)) => usize::try_from(largest).map_or(0, |largest| largest + 1),
        (None, None) => return Err(Error::argument(OP, "no class numbers to count the classes by")),
    };
    if let Some(&index) = values.iter().find(|&&label| !(0..classes as i64).contains(&label)) {
        return Err(Error::Index { op: OP, index, axis: labels.rank(), size: classes });
    }
    Ok(labels.unsqueeze(-1)?.eq(&Tensor::arange(0, classes, 1)?)?.to_dtype(DType::I64))
}
