//! Functions of single elements, as a `model!` calls them.

use crate::nn::functional as f;
use crate::tensor::number;
use crate::{Error, Operand, Result, Scalar, Tensor};

macro_rules! unary {
    ($($name:ident($($p:ident),*))*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        #[expect(clippy::missing_errors_doc, reason = "as the method")]
        #[inline]
        pub fn $name(x: &Tensor $(, $p: f64)*) -> Result<Tensor> {
            Ok(x.$name($($p),*))
        }
    )*};
}

unary! {
    relu() relu6() silu() mish() tanh() sigmoid() log_sigmoid() leaky_relu(slope) elu(alpha) selu()
    softplus(beta, threshold) softsign() tanhshrink() hardsigmoid() hardswish()
    hardshrink(lambda)
    neg() abs() sign() sgn() square() sqrt() rsqrt() reciprocal() exp() exp2() expm1() log() log2() log10() log1p()
    sin() cos() tan() asin() acos() atan() sinh() cosh() asinh() acosh() atanh() sinc() erf() erfc() erfinv() lgamma()
    digamma() logit() floor() ceil() round() trunc() frac() logical_not() isnan() isinf() isfinite()
}

macro_rules! limited {
    ($($name:ident($($p:ident),*))*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If a number is not one that the function takes.
        #[inline]
        pub fn $name(x: &Tensor $(, $p: f64)*) -> Result<Tensor> {
            x.$name($($p),*)
        }
    )*};
}

limited!(celu(alpha) hardtanh(low, high) softshrink(lambda) threshold(threshold, value));

/// `Tensor::gelu` or `Tensor::gelu_tanh`.
///
/// # Errors
/// If `approximate` is neither "none" nor "tanh".
#[inline]
pub fn gelu(x: &Tensor, approximate: &str) -> Result<Tensor> {
    match approximate {
        "none" => Ok(x.gelu()),
        "tanh" => Ok(x.gelu_tanh()),
        other => {
            let message = format!("approximate must be \"none\" or \"tanh\", not {other:?}");
            Err(Error::Argument { op: "gelu", message })
        }
    }
}

macro_rules! dropouts {
    ($($name:ident)*) => {$(
        #[doc = concat!("`nn::functional::", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If `p` is no probability, or the rank does not fit.
        #[inline]
        pub fn $name(x: &Tensor, p: f64, training: bool) -> Result<Tensor> {
            f::$name(x, p, training)
        }
    )*};
}
dropouts! { dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout }

/// `nn::functional::rrelu`.
///
/// # Errors
/// If a bound is not finite, or the lower one is above the upper one.
pub fn rrelu(x: &Tensor, lower: f64, upper: f64, training: bool) -> Result<Tensor> {
    f::rrelu(x, lower, upper, training)
}

macro_rules! binary {
    ($($name:ident)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If the shapes do not broadcast or the dtype does not have the operation.
        #[inline]
        pub fn $name<'a>(left: &Tensor, right: impl Into<Operand<'a>>) -> Result<Tensor> {
            left.$name(right)
        }
    )*};
}

binary! {
    add sub mul div remainder fmod floor_divide pow maximum minimum fmax fmin atan2 hypot copysign xlogy logaddexp
    eq ne lt le gt ge logical_and logical_or logical_xor
}

macro_rules! numbers_first {
    ($($name:ident = $method:ident)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($method), "` with a number on the left.")]
        ///
        /// # Errors
        /// If the dtype does not have the operation.
        #[inline]
        pub fn $name(left: impl Into<Scalar>, right: &Tensor) -> Result<Tensor> {
            number(left, right).$method(right)
        }
    )*};
}

numbers_first! {
    scalar_add = add
    scalar_sub = sub
    scalar_mul = mul
    scalar_div = div
    scalar_remainder = remainder
    scalar_lt = lt
    scalar_le = le
    scalar_gt = gt
    scalar_ge = ge
    scalar_eq = eq
    scalar_ne = ne
}

/// `Tensor::clamp`.
///
/// # Errors
/// If the bounds do not broadcast or the dtype is complex.
pub fn clamp<'a>(x: &Tensor, min: impl Into<Operand<'a>>, max: impl Into<Operand<'a>>) -> Result<Tensor> {
    x.clamp(min, max)
}

/// `Tensor::clamp` from below alone.
///
/// # Errors
/// As [`clamp`].
pub fn clamp_min<'a>(x: &Tensor, min: impl Into<Operand<'a>>) -> Result<Tensor> {
    x.maximum(min)
}

/// `Tensor::clamp` from above alone.
///
/// # Errors
/// As [`clamp`].
pub fn clamp_max<'a>(x: &Tensor, max: impl Into<Operand<'a>>) -> Result<Tensor> {
    x.minimum(max)
}

/// `Tensor::where_`.
///
/// # Errors
/// If the condition is not a bool tensor, or the shapes do not broadcast.
pub fn where_<'a>(
    condition: &Tensor,
    yes: impl Into<Operand<'a>>,
    no: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    Tensor::where_(condition, yes, no)
}

/// `Tensor::masked_fill`.
///
/// # Errors
/// If the mask is not a bool tensor, or the shapes do not broadcast.
pub fn masked_fill<'a>(x: &Tensor, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<Tensor> {
    x.masked_fill(mask, value)
}

/// `Tensor::lerp`.
///
/// # Errors
/// If the shapes do not broadcast.
pub fn lerp<'a>(start: &Tensor, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<Tensor> {
    start.lerp(end, weight)
}

/// `Tensor::addcmul`.
///
/// # Errors
/// If the shapes do not broadcast.
#[inline]
pub fn addcmul(x: &Tensor, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
    x.addcmul(a, b, value)
}

/// `Tensor::addcdiv`.
///
/// # Errors
/// If the shapes do not broadcast.
#[inline]
pub fn addcdiv(x: &Tensor, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
    x.addcdiv(a, b, value)
}

/// `nn::functional::prelu`.
///
/// # Errors
/// If the weight does not fit.
#[inline]
pub fn prelu(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    f::prelu(x, weight)
}

/// `nn::functional::normalize`.
///
/// # Errors
/// If there is no such axis.
pub fn normalize(x: &Tensor, p: f64, dim: isize, eps: f64) -> Result<Tensor> {
    f::normalize(x, p, dim, eps)
}

macro_rules! along {
    ($($name:ident)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If there is no such axis.
        #[inline]
        pub fn $name(x: &Tensor, dim: isize) -> Result<Tensor> {
            x.$name(dim)
        }
    )*};
}

along!(softmax softmin log_softmax cumsum cumprod logcumsumexp);

/// `nn::functional::glu`.
///
/// # Errors
/// If the axis is out of range or its size is odd.
#[inline]
pub fn glu(x: &Tensor, dim: isize) -> Result<Tensor> {
    f::glu(x, dim)
}
