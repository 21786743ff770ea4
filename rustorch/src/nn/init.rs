//! First values of parameters (`torch.nn.init`). All work in place, unseen by autograd.
//!
//! `fan_in` is the number of inputs that an output is computed from: of a weight `[out, in, k..]`, `in` times the
//! product of `k..`; `fan_out` is `out` times that product.

use crate::typed::Shape;
use crate::{Error, Result, Tensor, TypedTensor, no_grad, random};

/// What a parameter or buffer of a `model!` may start as: `init = Tensor::ones([4, 4]).tril(0)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no first value of a parameter or buffer",
    label = "expected a `Tensor`, or the name of a first value",
    note = "names are `zeros`, `ones`, `normal(0.02)`, `uniform(-0.1, 0.1)`, ..; numbers in brackets become a tensor by `Tensor::from([1.0, 2.0])`"
)]
pub trait FirstValue {
    /// The tensor.
    ///
    /// # Errors
    /// If it could not be made.
    fn first(self) -> Result<Tensor>;
}

#[diagnostic::do_not_recommend]
impl FirstValue for Tensor {
    fn first(self) -> Result<Tensor> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl FirstValue for &Tensor {
    fn first(self) -> Result<Tensor> {
        Ok(self.clone())
    }
}

#[diagnostic::do_not_recommend]
impl<S: Shape> FirstValue for TypedTensor<S> {
    fn first(self) -> Result<Tensor> {
        Ok(self.into_tensor())
    }
}

#[diagnostic::do_not_recommend]
impl FirstValue for Result<Tensor> {
    fn first(self) -> Result<Tensor> {
        self
    }
}

/// Which side of a layer keeps its variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fan {
    /// The outputs, on the way forward.
    #[default]
    In,
    /// The gradients, on the way back.
    Out,
}

/// What follows a layer, for [`calculate_gain`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nonlinearity {
    /// Nothing, or a linear layer.
    Linear,
    /// The logistic function.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// As `Relu`, with this slope where `x` is negative.
    LeakyRelu(f64),
    /// The self-normalising exponential linear unit.
    Selu,
}

/// The factor that keeps the variance of a layer's outputs when this follows it (`calculate_gain`).
///
/// ```
/// use rustorch::nn::init::{Nonlinearity, calculate_gain};
/// assert_eq!(calculate_gain(Nonlinearity::Relu), 2f64.sqrt());
/// assert_eq!(calculate_gain(Nonlinearity::Tanh), 5.0 / 3.0);
/// ```
pub fn calculate_gain(nonlinearity: Nonlinearity) -> f64 {
    match nonlinearity {
        Nonlinearity::Linear | Nonlinearity::Sigmoid => 1.0,
        Nonlinearity::Tanh => 5.0 / 3.0,
        Nonlinearity::Relu => 2f64.sqrt(),
        Nonlinearity::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
        Nonlinearity::Selu => 0.75,
    }
}

/// Numbers from `low` up to but without `high`, all equally likely.
///
/// # Errors
/// If `low` exceeds `high`, or the dtype is not floating-point.
pub fn uniform_(tensor: &Tensor, low: f64, high: f64) -> Result<()> {
    no_grad(|| tensor.uniform_(low, high).map(drop))
}

/// Normally distributed numbers.
///
/// # Errors
/// If `std` is negative, or the dtype is not floating-point.
#[inline]
pub fn normal_(tensor: &Tensor, mean: f64, std: f64) -> Result<()> {
    no_grad(|| tensor.normal_(mean, std).map(drop))
}

/// Normally distributed numbers, without those outside `low ..= high`.
///
/// # Errors
/// If `std` is not positive, `low` is not below `high`, or the dtype is not floating-point.
///
/// ```
/// use rustorch::{Tensor, nn::init};
/// let w = Tensor::zeros([100]);
/// init::trunc_normal_(&w, 0.0, 1.0, -2.0, 2.0)?;
/// assert!(w.to_vec::<f32>()?.iter().all(|x| x.abs() <= 2.0));
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn trunc_normal_(tensor: &Tensor, mean: f64, std: f64, low: f64, high: f64) -> Result<()> {
    if !(std > 0.0 && std.is_finite() && low < high) {
        return Err(Error::argument(
            "trunc_normal_",
            format!(
                "std is {std} and the bounds are {low} and {high}; expected a positive std and growing bounds"
            ),
        ));
    }
    // The inverse of the distribution function, on the part of its range that the bounds leave.
    let below = |x: f64| libm::erf((x - mean) / (std * 2f64.sqrt()));
    let (from, to) = (below(low), below(high));
    no_grad(|| {
        tensor.uniform_(from, to)?;
        tensor.erfinv_()?;
        tensor.mul_(std * 2f64.sqrt())?;
        tensor.add_(mean)?;
        tensor.copy_(&tensor.clamp(low, high)?).map(drop)
    })
}

/// One number everywhere.
///
/// # Errors
/// If the tensor is expanded.
#[inline]
pub fn constant_(tensor: &Tensor, value: f64) -> Result<()> {
    no_grad(|| tensor.fill_(value).map(drop))
}

/// Zeros.
///
/// # Errors
/// If the tensor is expanded.
pub fn zeros_(tensor: &Tensor) -> Result<()> {
    constant_(tensor, 0.0)
}

/// Ones.
///
/// # Errors
/// If the tensor is expanded.
pub fn ones_(tensor: &Tensor) -> Result<()> {
    constant_(tensor, 1.0)
}

/// The identity matrix: ones on the diagonal, zeros elsewhere.
///
/// # Errors
/// If the tensor is not a matrix.
#[inline]
pub fn eye_(tensor: &Tensor) -> Result<()> {
    if tensor.rank() != 2 {
        return Err(rank_error("eye_", tensor, "a matrix"));
    }
    no_grad(|| {
        tensor.zero_()?;
        tensor.diagonal(0, 0, 1)?.fill_(1.0).map(drop)
    })
}

/// A convolution that passes as many channels as it can (`dirac_`): ones in the middle of the kernels from channel `i`
/// to channel `i` of every group.
///
/// # Errors
/// If the tensor is not the weight of a convolution over one to three axes, or its channels do not divide into the
/// groups.
#[inline]
pub fn dirac_(tensor: &Tensor, groups: usize) -> Result<()> {
    if !(3..=5).contains(&tensor.rank()) {
        return Err(rank_error("dirac_", tensor, "3 to 5 axes"));
    }
    let (out, inputs) = (tensor.shape()[0], tensor.shape()[1]);
    if groups == 0 || !out.is_multiple_of(groups) {
        return Err(Error::argument(
            "dirac_",
            format!("{out} output channels (axis 0) cannot be divided into {groups} groups"),
        ));
    }
    let per_group = out / groups;
    no_grad(|| {
        tensor.zero_()?;
        for channel in 0..out {
            let input = channel % per_group;
            if input < inputs {
                let mut tap = tensor.select(0, channel as isize)?.select(0, input as isize)?;
                while let Some(&size) = tap.shape().first() {
                    tap = tap.select(0, (size / 2) as isize)?;
                }
                tap.fill_(1.0)?;
            }
        }
        Ok(())
    })
}

/// Uniform numbers that keep the variance both ways, for layers followed by what has this gain (Glorot and Bengio
/// 2010): bounds `± gain · √(6 / (fan_in + fan_out))`.
///
/// # Errors
/// If the tensor has fewer than two axes.
#[inline]
pub fn xavier_uniform_(tensor: &Tensor, gain: f64) -> Result<()> {
    let (fan_in, fan_out) = fans("xavier_uniform_", tensor)?;
    let bound = gain * (6.0 / (fan_in + fan_out) as f64).sqrt();
    uniform_(tensor, -bound, bound)
}

/// As [`xavier_uniform_`], but normally distributed.
///
/// # Errors
/// If the tensor has fewer than two axes.
#[inline]
pub fn xavier_normal_(tensor: &Tensor, gain: f64) -> Result<()> {
    let (fan_in, fan_out) = fans("xavier_normal_", tensor)?;
    normal_(tensor, 0.0, gain * (2.0 / (fan_in + fan_out) as f64).sqrt())
}

/// Uniform numbers that keep the variance one way (He et al. 2015): bounds `± gain · √(3 / fan)`.
///
/// # Errors
/// If the tensor has fewer than two axes.
///
/// ```
/// use rustorch::{Tensor, nn::init::{self, Fan, Nonlinearity}};
/// let w = Tensor::zeros([64, 24]);
/// init::kaiming_uniform_(&w, Fan::In, Nonlinearity::Relu)?;
/// assert!(w.to_vec::<f32>()?.iter().all(|x| x.abs() <= 0.5));
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn kaiming_uniform_(tensor: &Tensor, mode: Fan, nonlinearity: Nonlinearity) -> Result<()> {
    if tensor.numel() == 0 {
        return Ok(());
    }
    let std = kaiming_std("kaiming_uniform_", tensor, mode, nonlinearity)?;
    uniform_(tensor, -(3f64.sqrt() * std), 3f64.sqrt() * std)
}

/// As [`kaiming_uniform_`], but normally distributed.
///
/// # Errors
/// If the tensor has fewer than two axes.
#[inline]
pub fn kaiming_normal_(tensor: &Tensor, mode: Fan, nonlinearity: Nonlinearity) -> Result<()> {
    if tensor.numel() == 0 {
        return Ok(());
    }
    normal_(tensor, 0.0, kaiming_std("kaiming_normal_", tensor, mode, nonlinearity)?)
}

#[inline]
fn kaiming_std(op: &'static str, tensor: &Tensor, mode: Fan, nonlinearity: Nonlinearity) -> Result<f64> {
    let (fan_in, fan_out) = fans(op, tensor)?;
    let fan = if mode == Fan::In { fan_in } else { fan_out };
    Ok(calculate_gain(nonlinearity) / (fan as f64).sqrt())
}

/// A matrix whose rows, or columns if there are more rows, are orthogonal and of length `gain` (Saxe et al. 2014). All
/// axes but the first count as one.
///
/// # Errors
/// If the tensor has fewer than two axes.
///
/// ```
/// use rustorch::{Tensor, nn::init};
/// let w = Tensor::zeros([3, 5]);
/// init::orthogonal_(&w, 1.0)?;
/// assert!(w.matmul(&w.t()?)?.allclose(&Tensor::eye(3), 1e-5, 1e-6)?);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn orthogonal_(tensor: &Tensor, gain: f64) -> Result<()> {
    if tensor.rank() < 2 {
        return Err(rank_error("orthogonal_", tensor, "at least 2 axes"));
    }
    if tensor.numel() == 0 {
        return Ok(());
    }
    let rows = tensor.shape()[0];
    let columns = tensor.numel() / rows;
    // As many vectors as the smaller side, each as long as the larger: this many are independent.
    let (count, length) = (rows.min(columns), rows.max(columns));
    let random = no_grad(|| Tensor::normal(0.0, 1.0, [count, length]))?;
    let mut vectors: Vec<f64> = random.to_dtype(crate::DType::F64).to_vec()?;
    orthonormalize(&mut vectors, length);
    let matrix = Tensor::from_vec(vectors, [count, length])?;
    let matrix = if rows > columns { matrix.t()? } else { matrix };
    no_grad(|| tensor.copy_(&matrix.mul(gain)?.reshape(tensor.shape())?).map(drop))
}

/// Makes vectors orthonormal by Gram and Schmidt's method, each twice, which is enough for full precision.
/// The result of normally distributed vectors is uniform among all orthonormal ones.
fn orthonormalize(vectors: &mut [f64], length: usize) {
    for at in (0..vectors.len()).step_by(length) {
        let (done, rest) = vectors.split_at_mut(at);
        let vector = &mut rest[..length];
        for _ in 0..2 {
            for other in done.chunks_exact(length) {
                let dot: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
            }
        }
        let norm = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|a| *a /= norm);
    }
}

/// Normally distributed numbers, of which a part of every column is zero (Martens 2010).
///
/// # Errors
/// If the tensor is not a matrix, or `sparsity` is not from 0 to 1.
#[inline]
pub fn sparse_(tensor: &Tensor, sparsity: f64, std: f64) -> Result<()> {
    if tensor.rank() != 2 {
        return Err(rank_error("sparse_", tensor, "a matrix"));
    }
    if !(0.0..=1.0).contains(&sparsity) {
        return Err(Error::argument(
            "sparse_",
            format!("sparsity is {sparsity}, expected a number from 0 to 1"),
        ));
    }
    normal_(tensor, 0.0, std)?;
    let (rows, columns) = (tensor.shape()[0], tensor.shape()[1]);
    let zeros = (sparsity * rows as f64).ceil() as usize;
    no_grad(|| {
        for column in 0..columns {
            for row in random::default_generator().permutation(rows).into_iter().take(zeros) {
                tensor.select(1, column as isize)?.select(0, row as isize)?.fill_(0.0)?;
            }
        }
        Ok(())
    })
}

/// `fan_in` and `fan_out` of a weight.
fn fans(op: &'static str, tensor: &Tensor) -> Result<(usize, usize)> {
    let &[out, inputs, ref kernel @ ..] = tensor.shape() else {
        return Err(rank_error(op, tensor, "at least 2 axes"));
    };
    let taps: usize = kernel.iter().product();
    Ok((inputs * taps, out * taps))
}

fn rank_error(op: &'static str, tensor: &Tensor, expected: &str) -> Error {
    Error::argument(op, format!("the tensor has shape {:?}, expected {expected}", tensor.shape()))
}
