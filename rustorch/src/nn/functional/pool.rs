//! Pooling.

use rustorch_shape::rules::{self, PoolOptions as Rule};

use crate::kernels::pooling::Axis;
use crate::ops::pooling::{self, Windows, adaptive_windows, windows};
use crate::{DType, Error, Result, Tensor};

/// The options of max pooling over `N` axes, with PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPoolOptions<const N: usize> {
    /// The steps of the window; its size unless set.
    pub stride: Option<[usize; N]>,
    /// How much lies around the input, at most half the window. It never is a maximum.
    pub padding: [usize; N],
    /// The distance between the window's taps.
    pub dilation: [usize; N],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
}

impl<const N: usize> Default for MaxPoolOptions<N> {
    fn default() -> Self {
        Self { stride: None, padding: [0; N], dilation: [1; N], ceil_mode: false }
    }
}

/// The options of average pooling over `N` axes, with PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPoolOptions<const N: usize> {
    /// The steps of the window; its size unless set.
    pub stride: Option<[usize; N]>,
    /// How many zeros lie around the input, at most half the window.
    pub padding: [usize; N],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
    /// Whether averages count the zeros of the padding.
    pub count_include_pad: bool,
    /// What to divide by instead of the window's size.
    pub divisor_override: Option<usize>,
}

impl<const N: usize> Default for AvgPoolOptions<N> {
    fn default() -> Self {
        Self {
            stride: None,
            padding: [0; N],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

/// [`MaxPoolOptions`] over one axis.
pub type MaxPool1dOptions = MaxPoolOptions<1>;
/// [`MaxPoolOptions`] over two axes.
pub type MaxPool2dOptions = MaxPoolOptions<2>;
/// [`AvgPoolOptions`] over one axis.
pub type AvgPool1dOptions = AvgPoolOptions<1>;
/// [`AvgPoolOptions`] over two axes.
pub type AvgPool2dOptions = AvgPoolOptions<2>;

/// The greatest element of every window of the last two axes: `[…, c, h, w] → […, c, h', w']`
/// (`torch.nn.functional.max_pool2d`). Each size becomes
/// `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`. NaN wins.
///
/// # Errors
/// If the input has not three or four axes or no channels, the window does not fit, a dilated window sees only padding
/// (PyTorch's answer there is -∞ at a place outside the input), or the dtype is not a float.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let x = Tensor::from([[[1.0f32, 2.0], [4.0, 3.0]]]);
/// assert_eq!(f::max_pool2d(&x, [2, 2], Default::default())?.to_vec::<f32>()?, [4.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn max_pool2d(input: &Tensor, kernel: [usize; 2], options: MaxPool2dOptions) -> Result<Tensor> {
    max_pool("max_pool2d", input, kernel, options)
}

/// [`max_pool2d`] with the places of the maxima, as `I64` positions in the flattened plane
/// (`max_pool2d(.., return_indices=True)`).
///
/// # Errors
/// As [`max_pool2d`].
pub fn max_pool2d_with_indices(
    input: &Tensor,
    kernel: [usize; 2],
    options: MaxPool2dOptions,
) -> Result<(Tensor, Tensor)> {
    max_pool_with_indices("max_pool2d", input, kernel, options)
}

/// The greatest element of every window of the last axis (`torch.nn.functional.max_pool1d`).
///
/// # Errors
/// If the input has not two or three axes; otherwise as [`max_pool2d`].
pub fn max_pool1d(input: &Tensor, kernel: usize, options: MaxPool1dOptions) -> Result<Tensor> {
    max_pool("max_pool1d", input, [kernel], options)
}

/// [`max_pool1d`] with the places of the maxima, as `I64` positions (`max_pool1d(.., return_indices=True)`).
///
/// # Errors
/// As [`max_pool1d`].
pub fn max_pool1d_with_indices(
    input: &Tensor,
    kernel: usize,
    options: MaxPool1dOptions,
) -> Result<(Tensor, Tensor)> {
    max_pool_with_indices("max_pool1d", input, [kernel], options)
}

/// The average of every window of the last two axes: `[…, c, h, w] → […, c, h', w']`
/// (`torch.nn.functional.avg_pool2d`).
///
/// # Errors
/// As [`max_pool2d`]; also if the divisor is 0.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let x = Tensor::from([[[1.0f32, 2.0], [4.0, 3.0]]]);
/// assert_eq!(f::avg_pool2d(&x, [2, 2], Default::default())?.to_vec::<f32>()?, [2.5]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn avg_pool2d(input: &Tensor, kernel: [usize; 2], options: AvgPool2dOptions) -> Result<Tensor> {
    avg_pool("avg_pool2d", input, kernel, options)
}

/// The average of every window of the last axis (`torch.nn.functional.avg_pool1d`).
///
/// # Errors
/// If the input has not two or three axes; otherwise as [`avg_pool2d`].
pub fn avg_pool1d(input: &Tensor, kernel: usize, options: AvgPool1dOptions) -> Result<Tensor> {
    avg_pool("avg_pool1d", input, [kernel], options)
}

/// Averages over as many windows as the output has elements: `[…, c, h, w] → […, c, h', w']`, where `None` keeps a size
/// (`torch.nn.functional.adaptive_avg_pool2d`).
///
/// # Errors
/// If the input has not three or four axes, or an axis is empty.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let y = f::adaptive_avg_pool2d(&Tensor::ones([1, 3, 7, 5]), [Some(1), None])?;
/// assert_eq!(y.shape(), [1, 3, 1, 5]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn adaptive_avg_pool2d(input: &Tensor, output: [Option<usize>; 2]) -> Result<Tensor> {
    let (input, dtype) = widen("adaptive_avg_pool2d", input)?;
    let windows = adaptive("adaptive_avg_pool2d", &input, output)?;
    Ok(pooling::avg_pool(&input, windows)?.to_dtype(dtype))
}

/// Maxima over as many windows as the output has elements (`torch.nn.functional.adaptive_max_pool2d`).
///
/// # Errors
/// As [`adaptive_avg_pool2d`]; also if images of a batch have no channels.
pub fn adaptive_max_pool2d(input: &Tensor, output: [Option<usize>; 2]) -> Result<Tensor> {
    Ok(adaptive_max_pool2d_with_indices(input, output)?.0)
}

/// [`adaptive_max_pool2d`] with the places of the maxima, as `I64` positions in the flattened plane.
///
/// # Errors
/// As [`adaptive_avg_pool2d`].
pub fn adaptive_max_pool2d_with_indices(
    input: &Tensor,
    output: [Option<usize>; 2],
) -> Result<(Tensor, Tensor)> {
    if input.rank() == 4 {
        check_channels("adaptive_max_pool2d", input, 2)?;
    }
    let (input, dtype) = widen("adaptive_max_pool2d", input)?;
    let windows = adaptive("adaptive_max_pool2d", &input, output)?;
    let (output, places) = pooling::max_pool_with_places(&input, windows)?;
    Ok((output.to_dtype(dtype), places.to_dtype(DType::I64)))
}

fn adaptive(op: &'static str, input: &Tensor, output: [Option<usize>; 2]) -> Result<Windows> {
    let shape = rules::adaptive_pool(op, input.shape(), &output, &mut ())?;
    let axes = [input.rank() - 2, input.rank() - 1];
    // What the result does not fit, its windows do not either.
    Tensor::uninit(&shape, input.dtype(), input.device())?;
    let [rows, columns] = axes.map(|axis| adaptive_windows(input.shape()[axis], shape[axis]));
    Ok(Windows {
        op,
        size: axes.map(|axis| input.shape()[axis]),
        rows,
        columns,
        dilation: [1, 1],
        divisor: None,
        axes: None,
    })
}

fn max_pool<const N: usize>(
    op: &'static str,
    input: &Tensor,
    kernel: [usize; N],
    options: MaxPoolOptions<N>,
) -> Result<Tensor> {
    let (input, dtype) = comparable(op, input)?;
    let (shape, windows) = max_windows(op, &input, kernel, options)?;
    Ok(pooling::max_pool(&image::<N>(&input)?, windows)?.reshape(shape)?.to_dtype(dtype))
}

/// [`max_pool`] with the places of the maxima.
fn max_pool_with_indices<const N: usize>(
    op: &'static str,
    input: &Tensor,
    kernel: [usize; N],
    options: MaxPoolOptions<N>,
) -> Result<(Tensor, Tensor)> {
    let (input, dtype) = comparable(op, input)?;
    let (shape, windows) = max_windows(op, &input, kernel, options)?;
    let (output, places) = pooling::max_pool_with_places(&image::<N>(&input)?, windows)?;
    Ok((output.reshape(shape.as_slice())?.to_dtype(dtype), places.reshape(shape)?.to_dtype(DType::I64)))
}

/// Refuses images without channels, as PyTorch does; there may be no images.
fn check_channels(op: &'static str, input: &Tensor, spatial: usize) -> Result<()> {
    match input.rank().checked_sub(spatial + 1).map(|axis| input.shape()[axis]) {
        Some(0) => {
            let message = format!("there are no channels to pool in shape {:?}", input.shape());
            Err(Error::argument(op, message))
        }
        _ => Ok(()),
    }
}

/// The input in a dtype that maxima are taken in, and the dtype to return to.
fn comparable(op: &'static str, input: &Tensor) -> Result<(Tensor, DType)> {
    if input.dtype().is_int() { exact(op, input) } else { widen(op, input) }
}

/// The shape of the result, and the windows.
fn max_windows<const N: usize>(
    op: &'static str,
    input: &Tensor,
    kernel: [usize; N],
    options: MaxPoolOptions<N>,
) -> Result<(Vec<usize>, Windows)> {
    let stride = options.stride.unwrap_or(kernel);
    let MaxPoolOptions { padding, dilation, ceil_mode, .. } = options;
    let rule = Rule { kernel: &kernel, stride: &stride, padding: &padding, dilation: &dilation, ceil_mode };
    let shape = rules::pool(op, input.shape(), rule, &mut ())?;
    check_channels(op, input, N)?;
    let windows = layout(op, input, &shape, rule, false);
    Ok((shape, windows))
}

fn avg_pool<const N: usize>(
    op: &'static str,
    input: &Tensor,
    kernel: [usize; N],
    options: AvgPoolOptions<N>,
) -> Result<Tensor> {
    let integers = input.dtype() == DType::I64;
    let (input, dtype) = if integers { (input.clone(), DType::I64) } else { widen(op, input)? };
    let stride = options.stride.unwrap_or(kernel);
    let AvgPoolOptions { padding, ceil_mode, count_include_pad, divisor_override, .. } = options;
    if let Some(divisor) = &divisor_override {
        rules::pool_divisor(op, divisor, &mut ())?;
    }
    let rule = Rule { kernel: &kernel, stride: &stride, padding: &padding, dilation: &[1; N], ceil_mode };
    let shape = rules::pool(op, input.shape(), rule, &mut ())?;
    check_channels(op, &input, N)?;
    let windows =
        Windows { divisor: divisor_override, ..layout(op, &input, &shape, rule, count_include_pad) };
    Ok(pooling::avg_pool(&image::<N>(&input)?, windows)?.reshape(shape)?.to_dtype(dtype))
}

/// The windows along the last two axes; of a sequence, one row of height 1.
fn layout(
    op: &'static str,
    input: &Tensor,
    output: &[usize],
    rule: Rule<'_, usize>,
    include_padding: bool,
) -> Windows {
    let axes = rule.kernel.len();
    let along = |axis: usize| {
        let at = input.rank() - axes + axis;
        let size = input.shape()[at];
        let [kernel, stride, padding, dilation] =
            [rule.kernel, rule.stride, rule.padding, rule.dilation].map(|sizes| sizes[axis]);
        let windows = windows(size, output[at], kernel, stride, padding, dilation, include_padding);
        // Behind a single window nothing follows, so a stride beyond the axis must not cost memory.
        let stride = if output[at] > 1 { stride } else { 1 };
        (windows, Axis { kernel, stride, padding })
    };
    let width = input.shape()[input.rank() - 1];
    let ((rows, down), height) = match axes {
        1 => ((adaptive_windows(1, 1), Axis { kernel: 1, stride: 1, padding: 0 }), 1),
        _ => (along(0), input.shape()[input.rank() - 2]),
    };
    let (columns, across) = along(axes - 1);
    let dilation = [if axes == 1 { 1 } else { rule.dilation[0] }, rule.dilation[axes - 1]];
    let axes = Some([down, across]);
    Windows { op, size: [height, width], rows, columns, dilation, divisor: None, axes }
}

/// A sequence as an image of height 1.
fn image<const N: usize>(input: &Tensor) -> Result<Tensor> {
    if N == 1 { input.unsqueeze(-2) } else { Ok(input.clone()) }
}

/// Integers as `F64`, which compare as they do, and the dtype to return to.
fn exact(op: &'static str, input: &Tensor) -> Result<(Tensor, DType)> {
    const LIMIT: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;
    let wide = input.to_dtype(DType::F64);
    if input.dtype() == DType::I64 && wide.abs().ge(LIMIT)?.any().item::<bool>()? {
        return Err(Error::argument(op, "an integer is 2^53 or more, beyond which they are not told apart"));
    }
    Ok((wide, input.dtype()))
}

/// Half precision as `F32`, and the dtype to return to.
fn widen(op: &'static str, input: &Tensor) -> Result<(Tensor, DType)> {
    let dtype = input.dtype();
    match dtype.is_float() {
        true => Ok((input.to_dtype(dtype.compute()), dtype)),
        false => Err(Error::DType { op, dtype, expected: "a floating-point dtype" }),
    }
}
