//! Activations. Each is also a method of [`Tensor`], under the same name.

use rustorch_shape::rules;

use crate::{Error, Result, Tensor, no_grad};

/// Functions of one tensor that forward to its method.
macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident($($p:ident = $default:literal),*) => $method:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If the dtype is complex, where the function is not defined.
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as F};
        /// let x = Tensor::from([-1.0f32, 0.5]);
        #[doc = concat!("let y = F::", stringify!($name), "(&x", $(", ", stringify!($default),)* ");")]
        #[doc = concat!("assert_eq!(y.to_vec::<f32>()?, x.", stringify!($method), "(", stringify!($($default),*), ").to_vec::<f32>()?);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[track_caller]
        pub fn $name(input: &Tensor $(, $p: f64)*) -> Tensor {
            input.$method($($p),*)
        }
    )*};
}

activations! {
    /// `max(x, 0)` (`F.relu`).
    relu() => relu;
    /// `min(max(x, 0), 6)` (`F.relu6`).
    relu6() => relu6;
    /// `x` where positive, otherwise `negative_slope · x`; PyTorch's default slope is 0.01 (`F.leaky_relu`).
    leaky_relu(negative_slope = 0.01) => leaky_relu;
    /// `x` where positive, otherwise `alpha · (eˣ - 1)`; PyTorch's default is 1 (`F.elu`).
    elu(alpha = 1.0) => elu;
    /// The self-normalising exponential linear unit (`F.selu`).
    selu() => selu;
    /// `x · Φ(x)` (`F.gelu`).
    gelu() => gelu;
    /// The approximation of [`gelu`] by tanh (`F.gelu(approximate="tanh")`).
    gelu_tanh() => gelu_tanh;
    /// `x · σ(x)`, also called swish (`F.silu`).
    silu() => silu;
    /// `x · tanh(softplus(x))` (`F.mish`).
    mish() => mish;
    /// `1 / (1 + exp(-x))` (`F.sigmoid`).
    sigmoid() => sigmoid;
    /// The hyperbolic tangent (`F.tanh`).
    tanh() => tanh;
    /// `log(1 + exp(beta · x)) / beta`, linear where `beta · x > threshold`; PyTorch's defaults are 1 and 20 (`F.softplus`).
    softplus(beta = 1.0, threshold = 20.0) => softplus;
    /// `log σ(x)` (`F.logsigmoid`).
    logsigmoid() => log_sigmoid;
    /// `x / (1 + |x|)` (`F.softsign`).
    softsign() => softsign;
    /// `x - tanh(x)` (`F.tanhshrink`).
    tanhshrink() => tanhshrink;
    /// `min(max(x + 3, 0), 6) / 6` (`F.hardsigmoid`).
    hardsigmoid() => hardsigmoid;
    /// `x · hardsigmoid(x)` (`F.hardswish`).
    hardswish() => hardswish;
    /// `x` where `|x| > lambda`, otherwise 0; PyTorch's default is 0.5 (`F.hardshrink`).
    hardshrink(lambda = 0.5) => hardshrink;
}

/// Functions of one tensor whose numbers have limits, that forward to its method.
macro_rules! limited {
    ($($(#[$doc:meta])* $name:ident($($p:ident = $default:literal),*) refuses $refused:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("If ", $refused, ", or the dtype is complex.")]
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as F};
        /// let x = Tensor::from([-1.0f32, 0.5]);
        #[doc = concat!("let y = F::", stringify!($name), "(&x", $(", ", stringify!($default),)* ")?;")]
        #[doc = concat!("assert_eq!(y.to_vec::<f32>()?, x.", stringify!($name), "(", stringify!($($default),*), ")?.to_vec::<f32>()?);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        pub fn $name(input: &Tensor $(, $p: f64)*) -> Result<Tensor> {
            input.$name($($p),*)
        }
    )*};
}

limited! {
    /// `max(x, 0) + min(alpha · (exp(x / alpha) - 1), 0)`; PyTorch's default is 1 (`F.celu`).
    celu(alpha = 1.0) refuses "`alpha` is 0";
    /// `x` limited to `min_val ..= max_val`; PyTorch's defaults are -1 and 1 (`F.hardtanh`).
    hardtanh(min_val = -1.0, max_val = 1.0) refuses "`min_val` is above `max_val`";
    /// `x` moved by `lambda` toward 0, at most to 0; PyTorch's default is 0.5 (`F.softshrink`).
    softshrink(lambda = 0.5) refuses "`lambda` is negative or no finite number of the dtype";
    /// `x` where it exceeds `threshold`, otherwise `value` (`F.threshold`).
    threshold(threshold = 0.0, value = -2.0) refuses "the dtype does not hold one of the numbers";
}

/// `x` where positive, otherwise `weight · x`, with one weight, or one per channel, which is axis 1 (`F.prelu`; He et
/// al. 2015).
///
/// # Errors
/// If the weight is not a vector of one element or of as many as the input has channels.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[-1.0f32, -1.0], [2.0, -4.0]]);
/// let y = F::prelu(&x, &Tensor::from([0.5f32, 0.25]))?;
/// assert_eq!(y.to_vec::<f32>()?, [-0.5, -0.25, 2.0, -1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn prelu(input: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let channels = if input.rank() >= 2 { input.shape()[1] } else { 1 };
    if weight.numel() != 1 && (weight.rank() != 1 || weight.numel() != channels) {
        return Err(Error::argument(
            "prelu",
            format!(
                "the weight has shape {:?}, but one element or one for each of the {channels} channels (axis 1 of the \
                 input {:?}) is needed",
                weight.shape(),
                input.shape()
            ),
        ));
    }
    let mut shape = vec![1; input.rank()];
    if let Some(size) = shape.get_mut(1) {
        *size = weight.numel();
    }
    let weight = weight.reshape(shape)?;
    // The positive part takes no part in the product, whose gradient would else be 0 · ∞ for an infinite one.
    let positive = input.gt(0)?;
    let rest = Tensor::where_(&positive, 0, input)?;
    Tensor::where_(&positive, input, &rest.mul(&weight)?)
}

/// `x` where positive, otherwise `x` times a slope: in training one for each element, drawn uniformly from `lower .. upper`, otherwise
/// the mean of the two (`F.rrelu`; Xu et al. 2015). PyTorch's defaults are 1/8 and 1/3.
///
/// # Errors
/// If a bound is not finite, the lower one is above the upper one, or the dtype is not a float.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([-1.0f32, 2.0]);
/// assert_eq!(F::rrelu(&x, 0.25, 0.75, false)?.to_vec::<f32>()?, [-0.5, 2.0]);
/// let y = F::rrelu(&x, 0.25, 0.75, true)?.to_vec::<f32>()?;
/// assert!((-0.75..=-0.25).contains(&y[0]) && y[1] == 2.0);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn rrelu(input: &Tensor, lower: f64, upper: f64, training: bool) -> Result<Tensor> {
    const OP: &str = "rrelu";
    rules::rrelu(OP, lower, upper)?;
    if !input.dtype().is_float() {
        return Err(Error::DType { op: OP, dtype: input.dtype(), expected: "a floating-point dtype" });
    }
    if !training {
        return Ok(input.leaky_relu((lower + upper) / 2.0));
    }
    let factors = no_grad(|| {
        let slopes = Tensor::uninit(input.shape(), input.dtype(), input.device())?.uniform_(lower, upper)?;
        Tensor::where_(&input.le(0)?, &slopes, 1.0)
    })?;
    input.mul(&factors)
}

/// The first half of an axis times `σ` of the second (`F.glu`; Dauphin et al. 2017): the axis becomes half as long.
///
/// # Errors
/// If the axis is out of range or its size is odd.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let y = F::glu(&Tensor::from([2.0f32, 4.0, 0.0, 0.0]), -1)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn glu(input: &Tensor, axis: isize) -> Result<Tensor> {
    rules::glu("glu", input.shape(), axis, &mut ())?;
    let half = input.size(axis)? / 2;
    input.narrow(axis, 0, half)?.mul(&input.narrow(axis, half, half)?.sigmoid())
}
