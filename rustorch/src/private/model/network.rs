//! Layers that are given their parameters, as a `model!` calls them.

use crate::nn::functional::{self as f, ConvOptions, Padding};
use crate::{Error, Result, Tensor};

/// `nn::functional::linear`.
///
/// # Errors
/// If the shapes do not fit.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    f::linear(x, weight, bias)
}

/// How far a convolution reaches beyond its input: sizes, `"same"` or `"valid"`.
pub trait IntoPadding<const N: usize> {
    /// The padding.
    ///
    /// # Errors
    /// If it is another word.
    fn into_padding(self) -> Result<Padding<N>>;
}

impl<const N: usize> IntoPadding<N> for [usize; N] {
    fn into_padding(self) -> Result<Padding<N>> {
        Ok(Padding::Zeros(self))
    }
}

impl<const N: usize> IntoPadding<N> for &str {
    fn into_padding(self) -> Result<Padding<N>> {
        match self {
            "same" => Ok(Padding::Same),
            "valid" => Ok(Padding::Valid),
            other => {
                let message = format!("padding is {other:?}, expected \"same\" or \"valid\"");
                Err(Error::Argument { op: "conv", message })
            }
        }
    }
}

/// `nn::functional::conv1d`.
///
/// # Errors
/// If the shapes do not fit.
pub fn conv1d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: [usize; 1],
    padding: impl IntoPadding<1>,
    dilation: [usize; 1],
    groups: usize,
) -> Result<Tensor> {
    f::conv1d(x, weight, bias, ConvOptions { stride, padding: padding.into_padding()?, dilation, groups })
}

/// `nn::functional::conv2d`.
///
/// # Errors
/// If the shapes do not fit.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: [usize; 2],
    padding: impl IntoPadding<2>,
    dilation: [usize; 2],
    groups: usize,
) -> Result<Tensor> {
    f::conv2d(x, weight, bias, ConvOptions { stride, padding: padding.into_padding()?, dilation, groups })
}

/// `nn::functional::layer_norm`.
///
/// # Errors
/// If the shapes do not fit.
pub fn layer_norm(
    x: &Tensor,
    normalized_shape: &[usize],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    f::layer_norm(x, normalized_shape, weight, bias, eps)
}

/// `nn::functional::rms_norm`.
///
/// # Errors
/// If the shapes do not fit.
#[inline]
pub fn rms_norm(x: &Tensor, normalized_shape: &[usize], weight: Option<&Tensor>, eps: f64) -> Result<Tensor> {
    f::rms_norm(x, normalized_shape, weight, eps)
}

/// `nn::functional::group_norm`.
///
/// # Errors
/// If the shapes do not fit.
#[inline]
pub fn group_norm(
    x: &Tensor,
    num_groups: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    f::group_norm(x, num_groups, weight, bias, eps)
}

/// `nn::functional::instance_norm`.
///
/// # Errors
/// If the shapes do not fit.
#[inline]
pub fn instance_norm(x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64) -> Result<Tensor> {
    f::instance_norm(x, weight, bias, eps)
}
