//! Convolutions.

use rustorch_shape::rules::{self, Padding as PaddingRule};

use crate::kernels::conv::Conv2d;
use crate::{Error, Result, Tensor, ops};

/// What a convolution adds around its input along `N` axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding<const N: usize> {
    /// This many zeros before and after each axis.
    Zeros([usize; N]),
    /// As many zeros as keep the size; needs a stride of 1.
    Same,
    /// Nothing.
    Valid,
}

impl<const N: usize> From<usize> for Padding<N> {
    fn from(size: usize) -> Self {
        Self::Zeros([size; N])
    }
}

impl<const N: usize> From<[usize; N]> for Padding<N> {
    fn from(sizes: [usize; N]) -> Self {
        Self::Zeros(sizes)
    }
}

/// The options of a convolution over `N` axes, with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::functional::Conv2dOptions;
/// let options = Conv2dOptions { stride: [2, 2], padding: 1.into(), ..Default::default() };
/// assert_eq!(options.groups, 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvOptions<const N: usize> {
    /// The steps of the kernel along each axis.
    pub stride: [usize; N],
    /// What is added around the input.
    pub padding: Padding<N>,
    /// The distance between the kernel's taps along each axis.
    pub dilation: [usize; N],
    /// Into how many independent convolutions the channels are divided.
    pub groups: usize,
}

/// [`ConvOptions`] over one axis.
pub type Conv1dOptions = ConvOptions<1>;
/// [`ConvOptions`] over two axes.
pub type Conv2dOptions = ConvOptions<2>;

impl<const N: usize> Default for ConvOptions<N> {
    fn default() -> Self {
        Self { stride: [1; N], padding: Padding::Zeros([0; N]), dilation: [1; N], groups: 1 }
    }
}

/// The cross-correlation of images with a kernel: `[batch, in, h, w] → [batch, out, h', w']`, or the same without
/// `batch`, by a weight of `[out, in / groups, kh, kw]` and a bias of `[out]` (`torch.nn.functional.conv2d`). Each size
/// becomes `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`. For `F32` and `F64`; half precision is
/// computed in `F32`.
///
/// # Errors
/// If ranks, channels or groups do not fit, the kernel is larger than the padded input, a stride, dilation or kernel
/// size is 0, or dtypes or devices differ.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let (x, w) = (Tensor::ones([1, 1, 4, 4]), Tensor::ones([2, 1, 3, 3]));
/// let y = f::conv2d(&x, &w, None, f::Conv2dOptions { padding: 1.into(), ..Default::default() })?;
/// assert_eq!(y.shape(), [1, 2, 4, 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn conv2d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: Conv2dOptions,
) -> Result<Tensor> {
    convolve("conv2d", input, weight, bias, options)
}

/// The cross-correlation of sequences with a kernel: `[batch, in, length] → [batch, out, length']`, or the same without
/// `batch`, by a weight of `[out, in / groups, kernel]` (`torch.nn.functional.conv1d`).
///
/// # Errors
/// As [`conv2d`].
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let x = Tensor::from([[[1.0f32, 2.0, 3.0]]]);
/// let y = f::conv1d(&x, &Tensor::ones([1, 1, 2]), None, Default::default())?;
/// assert_eq!(y.to_vec::<f32>()?, [3.0, 5.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn conv1d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: Conv1dOptions,
) -> Result<Tensor> {
    convolve("conv1d", input, weight, bias, options)
}

fn convolve<const N: usize>(
    op: &'static str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvOptions<N>,
) -> Result<Tensor> {
    let shape = output_shape(op, input.shape(), weight.shape(), &options)?;
    check(op, input, weight, bias)?;
    let dtype = input.dtype();
    if dtype.compute() != dtype && dtype.is_float() {
        let wide = |tensor: &Tensor| tensor.to_dtype(dtype.compute());
        let (input, weight, bias) = (wide(input), wide(weight), bias.map(wide));
        return Ok(convolve(op, &input, &weight, bias.as_ref(), options)?.to_dtype(dtype));
    }
    if dtype.is_complex() {
        return complex(op, input, weight, bias, options);
    }
    if !dtype.is_float() {
        return Err(Error::DType { op, dtype, expected: "a floating-point or complex dtype" });
    }
    let batched = if input.rank() == N + 1 { input.unsqueeze(0)? } else { input.clone() };
    // A sequence is an image of height 1.
    let [x, w] =
        [&batched, weight].map(|tensor| if N == 1 { tensor.unsqueeze(2) } else { Ok(tensor.clone()) });
    let (x, w) = (x?, w?);
    let geometry = geometry(x.shape(), w.shape(), &options, &shape);
    ops::conv::forward(geometry, &x, &w, bias)?.reshape(shape)
}

/// The geometry of a convolution of images of this shape.
pub(crate) fn geometry_2d(x: &[usize], w: &[usize], options: &Conv2dOptions) -> Result<Conv2d> {
    let shape = output_shape("conv2d", x, w, options)?;
    Ok(geometry(x, w, options, &shape))
}

/// A complex convolution as four of its parts.
fn complex<const N: usize>(
    op: &'static str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvOptions<N>,
) -> Result<Tensor> {
    let product = |x: &Tensor, w: &Tensor| convolve(op, x, w, None, options);
    let (x, w) = ([input.real()?, input.imag()?], [weight.real()?, weight.imag()?]);
    let real = product(&x[0], &w[0])?.sub(&product(&x[1], &w[1])?)?;
    let imag = product(&x[0], &w[1])?.add(&product(&x[1], &w[0])?)?;
    let output = Tensor::complex(&real, &imag)?;
    match bias {
        Some(bias) => output.add(&bias.reshape([&[bias.numel()][..], &[1; N]].concat())?),
        None => Ok(output),
    }
}

fn output_shape<const N: usize>(
    op: &'static str,
    input: &[usize],
    weight: &[usize],
    options: &ConvOptions<N>,
) -> Result<Vec<usize>> {
    let padding = match &options.padding {
        Padding::Zeros(sizes) => PaddingRule::Each(sizes.as_slice()),
        Padding::Same => PaddingRule::Same,
        Padding::Valid => PaddingRule::Valid,
    };
    let rule = rules::ConvOptions {
        stride: &options.stride,
        padding,
        dilation: &options.dilation,
        groups: &options.groups,
    };
    Ok(rules::conv(op, input, weight, rule, &mut ())?)
}

fn check(op: &'static str, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    for (what, tensor) in [("weight", Some(weight)), ("bias", bias)] {
        let Some(tensor) = tensor else { continue };
        if tensor.dtype() != input.dtype() {
            return Err(Error::argument(
                op,
                format!("the {what} is {}, but the input {}", tensor.dtype(), input.dtype()),
            ));
        }
        if tensor.device() != input.device() {
            return Err(Error::DeviceMismatch { op, left: input.device(), right: tensor.device() });
        }
    }
    match bias {
        Some(bias) if bias.shape() != [weight.shape()[0]] => Err(Error::argument(
            op,
            format!(
                "the bias has shape {:?}, but the weight {:?} has {} outputs",
                bias.shape(),
                weight.shape(),
                weight.shape()[0]
            ),
        )),
        _ => Ok(()),
    }
}

fn geometry<const N: usize>(x: &[usize], w: &[usize], options: &ConvOptions<N>, output: &[usize]) -> Conv2d {
    let pair = |sizes: [usize; N], missing: usize| {
        if N == 1 { [missing, sizes[0]] } else { [sizes[0], sizes[N - 1]] }
    };
    let (kernel, dilation) = ([w[2], w[3]], pair(options.dilation, 1));
    let padding = match options.padding {
        Padding::Zeros(sizes) => pair(sizes, 0),
        Padding::Valid => [0, 0],
        // An odd total leaves the extra zero for the end, as in PyTorch.
        Padding::Same => [0, 1].map(|axis| dilation[axis] * (kernel[axis] - 1) / 2),
    };
    let last = output.len() - 1;
    Conv2d {
        batch: x[0],
        in_channels: x[1],
        out_channels: w[0],
        groups: options.groups,
        size: [x[2], x[3]],
        kernel,
        stride: pair(options.stride, 1),
        padding,
        dilation,
        out: if N == 1 { [1, output[last]] } else { [output[last - 1], output[last]] },
    }
}
