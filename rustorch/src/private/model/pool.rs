//! Pooling, as a `model!` calls them.

use crate::nn::functional::{
    self as f, AvgPool1dOptions, AvgPool2dOptions, MaxPool1dOptions, MaxPool2dOptions,
};
use crate::{Result, Tensor};

/// `nn::functional::max_pool2d`.
///
/// # Errors
/// If the window does not fit.
pub fn max_pool2d(
    x: &Tensor,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    ceil_mode: bool,
) -> Result<Tensor> {
    f::max_pool2d(x, kernel, MaxPool2dOptions { stride: Some(stride), padding, dilation, ceil_mode })
}

/// `nn::functional::avg_pool2d`.
///
/// # Errors
/// If the window does not fit.
pub fn avg_pool2d(
    x: &Tensor,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<usize>,
) -> Result<Tensor> {
    let options =
        AvgPool2dOptions { stride: Some(stride), padding, ceil_mode, count_include_pad, divisor_override };
    f::avg_pool2d(x, kernel, options)
}

/// `nn::functional::adaptive_avg_pool2d`.
///
/// # Errors
/// If an axis is empty.
pub fn adaptive_avg_pool2d(x: &Tensor, output_size: [Option<usize>; 2]) -> Result<Tensor> {
    f::adaptive_avg_pool2d(x, output_size)
}

/// `nn::functional::adaptive_max_pool2d`.
///
/// # Errors
/// If an axis is empty.
pub fn adaptive_max_pool2d(x: &Tensor, output_size: [Option<usize>; 2]) -> Result<Tensor> {
    f::adaptive_max_pool2d(x, output_size)
}

/// `nn::functional::max_pool1d`.
///
/// # Errors
/// If the window does not fit.
pub fn max_pool1d(
    x: &Tensor,
    [kernel]: [usize; 1],
    stride: [usize; 1],
    padding: [usize; 1],
    dilation: [usize; 1],
    ceil_mode: bool,
) -> Result<Tensor> {
    f::max_pool1d(x, kernel, MaxPool1dOptions { stride: Some(stride), padding, dilation, ceil_mode })
}

/// `nn::functional::avg_pool1d`.
///
/// # Errors
/// If the window does not fit.
pub fn avg_pool1d(
    x: &Tensor,
    [kernel]: [usize; 1],
    stride: [usize; 1],
    padding: [usize; 1],
    ceil_mode: bool,
    count_include_pad: bool,
) -> Result<Tensor> {
    let options = AvgPool1dOptions {
        stride: Some(stride),
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override: None,
    };
    f::avg_pool1d(x, kernel, options)
}
