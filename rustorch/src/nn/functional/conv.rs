//! Convolutions.

use rustorch_shape::rules::{self, Padding as PaddingRule};

use super::conv_products;
use crate::kernels::conv::Conv2d;
use crate::layout::Dims;
use crate::{DType, Error, PadMode, Result, Tensor, ops};

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
/// [`ConvOptions`] over three axes.
pub type Conv3dOptions = ConvOptions<3>;

impl<const N: usize> Default for ConvOptions<N> {
    fn default() -> Self {
        Self { stride: [1; N], padding: Padding::Zeros([0; N]), dilation: [1; N], groups: 1 }
    }
}

/// The cross-correlation of images with a kernel: `[batch, in, h, w] → [batch, out, h', w']`, or the same without
/// `batch`, by a weight of `[out, in / groups, kh, kw]` and a bias of `[out]` (`torch.nn.functional.conv2d`). Each size
/// becomes `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`. For `F32` and `F64`; half precision is
/// computed in `F32`. Kernels of 3×3 at a stride of 1 may be computed by Winograd's algorithm, where an infinite input makes
/// NaN of outputs next to those that see it. Without gradients, the weight is kept in the order of the kernel as well, until it changes.
///
/// # Errors
/// If ranks, channels or groups do not fit, there are no output channels, the kernel is larger than the padded input, a stride, dilation or kernel
/// size is 0, or dtypes or devices differ.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let (x, w) = (Tensor::ones([1, 1, 4, 4]), Tensor::ones([2, 1, 3, 3]));
/// let y = f::conv2d(&x, &w, None, f::Conv2dOptions { padding: 1.into(), ..Default::default() })?;
/// assert_eq!(y.shape(), [1, 2, 4, 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
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
#[inline]
pub fn conv1d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: Conv1dOptions,
) -> Result<Tensor> {
    convolve("conv1d", input, weight, bias, options)
}

/// The cross-correlation of volumes with a kernel: `[batch, in, d, h, w] → [batch, out, d', h', w']`, or the same without
/// `batch`, by a weight of `[out, in / groups, kd, kh, kw]` (`torch.nn.functional.conv3d`). Computed as a convolution of
/// slices whose channels are those of the slices that they see, which takes `kd` times the input's memory.
///
/// # Errors
/// As [`conv2d`].
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let (x, w) = (Tensor::ones([1, 2, 4, 5, 6]), Tensor::ones([3, 2, 3, 3, 3]));
/// let y = f::conv3d(&x, &w, None, f::Conv3dOptions { padding: [0, 1, 1].into(), ..Default::default() })?;
/// assert_eq!(y.shape(), [1, 3, 2, 5, 6]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn conv3d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: Conv3dOptions,
) -> Result<Tensor> {
    convolve("conv3d", input, weight, bias, options)
}

fn convolve<const N: usize>(
    op: &'static str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvOptions<N>,
) -> Result<Tensor> {
    let shape = output_shape(op, input.shape(), weight.shape(), &options)?;
    if weight.shape()[0] == 0 {
        let message =
            format!("out_channels is 0, but must be at least 1: the weight is {:?}", weight.shape());
        return Err(Error::argument(op, message));
    }
    check_operands(op, input, weight, bias, weight.shape()[0])?;
    let dtype = input.dtype();
    if dtype.compute() != dtype && dtype.is_float() {
        let wide = |tensor: &Tensor| tensor.to_dtype(dtype.compute());
        let (input, weight, bias) = (wide(input), wide(weight), bias.map(wide));
        return Ok(convolve(op, &input, &weight, bias.as_ref(), options)?.to_dtype(dtype));
    }
    if dtype.is_complex() {
        return complex(op, input, weight, bias, options);
    }
    if dtype == DType::Bool {
        return Err(Error::DType { op, dtype, expected: "a numeric dtype" });
    }
    let batched = if input.rank() == N + 1 { input.unsqueeze(0)? } else { input.clone() };
    if !dtype.is_float() {
        let y = conv_products::convolve(&batched, weight, &options, &shape[shape.len() - N..])?;
        return add_bias(&y, bias, N)?.reshape(shape);
    }
    if N == 3 {
        return volumes(&batched, weight, bias, &options, &shape[shape.len() - 3..])?.reshape(shape);
    }
    // A sequence is an image of height 1.
    let [x, w] =
        [&batched, weight].map(|tensor| if N == 1 { tensor.unsqueeze(2) } else { Ok(tensor.clone()) });
    let (x, w) = (x?, w?);
    let geometry = geometry(x.shape(), w.shape(), &options, &shape);
    ops::conv::forward(geometry, &x, &w, bias)?.reshape(shape)
}

/// The geometry of a convolution of sequences or images of this shape, with or without a batch.
pub(crate) fn geometry_of<const N: usize>(
    op: &'static str,
    x: &[usize],
    w: &[usize],
    options: &ConvOptions<N>,
) -> Result<Conv2d> {
    let shape = output_shape(op, x, w, options)?;
    Ok(geometry(&image::<N>(x), &image::<N>(w), options, &shape))
}

/// A convolution of volumes as one of images, whose channels are those of the slices that the taps along the depth see.
#[derive(Clone, Copy)]
pub(crate) struct Volumes {
    pub batch: usize,
    /// The channels of a volume.
    pub channels: usize,
    /// Slices of a volume, and of a result.
    pub depth: [usize; 2],
    /// What the taps along the depth are.
    pub taps: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Slices of zeros before a volume.
    pub before: usize,
    /// What is done with the slices.
    pub images: Conv2d,
}

/// The geometry of a convolution of volumes of this shape, with or without a batch.
pub(crate) fn volumes_of(x: &[usize], w: &[usize], options: &ConvOptions<3>) -> Result<Volumes> {
    let shape = output_shape("conv3d", x, w, options)?;
    let (x, out) = (image::<3>(x), image::<3>(&shape));
    let taps = w[2];
    let slices = [x[0] * out[2], x[1] * taps, x[3], x[4]];
    let [before, _] = depth_padding(options, taps);
    Ok(Volumes {
        batch: x[0],
        channels: x[1],
        depth: [x[2], out[2]],
        taps,
        stride: options.stride[0],
        dilation: options.dilation[0],
        before,
        images: geometry(&slices, &[w[0], w[1] * taps, w[3], w[4]], options, &out),
    })
}

/// Slices of zeros before and after a volume.
fn depth_padding<const N: usize>(options: &ConvOptions<N>, taps: usize) -> [usize; 2] {
    match options.padding {
        Padding::Zeros(sizes) => [sizes[0]; 2],
        Padding::Valid => [0, 0],
        Padding::Same => {
            let total = options.dilation[0] * (taps - 1);
            [total / 2, total - total / 2]
        }
    }
}

/// A shape with its batch, and of sequences with a height of 1.
pub(crate) fn image<const N: usize>(shape: &[usize]) -> Dims {
    let (leading, spatial) = shape.split_at(shape.len() - N);
    let batch = if leading.len() == 1 { &[1][..] } else { &[] };
    let height = if N == 1 { &[1][..] } else { &[] };
    [batch, leading, height, spatial].into_iter().flatten().copied().collect()
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
    add_bias(&Tensor::complex(&real, &imag)?, bias, N)
}

/// A bias of one number per channel, added to a result over so many axes.
pub(super) fn add_bias(output: &Tensor, bias: Option<&Tensor>, axes: usize) -> Result<Tensor> {
    let Some(bias) = bias else { return Ok(output.clone()) };
    output.add(&bias.reshape([vec![bias.numel()], vec![1; axes]].concat())?)
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

/// Over three axes, by slices; the last two axes' options are those of the images.
fn volumes<const N: usize>(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &ConvOptions<N>,
    size: &[usize],
) -> Result<Tensor> {
    let (batch, taps) = (x.shape()[0], weight.shape()[2]);
    let dilation = options.dilation[0];
    let [before, after] = depth_padding(options, taps);
    let ends = [0, 0, 0, 0, before as isize, after as isize];
    let padded = if before + after > 0 { x.pad(ends, PadMode::Constant(0.0))? } else { x.clone() };
    let slices = depth_windows(&padded, size[0], taps, options.stride[0], dilation)?;
    let weight = weight.flatten(1, 2)?;
    let geometry = geometry(slices.shape(), weight.shape(), options, size);
    from_slices(&ops::conv::forward(geometry, &slices, &weight, bias)?, batch)
}

/// `[batch, channels, depth, h, w] → [batch·count, channels·taps, h, w]`: for each of `count` positions along the depth, the
/// slices that its taps see.
#[inline]
pub(super) fn depth_windows(
    x: &Tensor,
    count: usize,
    taps: usize,
    stride: usize,
    dilation: usize,
) -> Result<Tensor> {
    let &[batch, channels, _, height, width] = x.shape() else {
        return Err(Error::argument("conv3d", format!("the input has shape {:?}", x.shape())));
    };
    let at = |position: usize| (0..taps).map(move |tap| (position * stride + tap * dilation) as i64);
    let places: Vec<i64> = (0..count).flat_map(at).collect();
    let places = Tensor::from_vec(places, [count * taps])?.to_device(x.device())?;
    x.index_select(2, &places)?
        .reshape([batch, channels, count, taps, height, width])?
        .permute([0, 2, 1, 3, 4, 5])?
        .reshape([batch * count, channels * taps, height, width])
}

/// `[batch·depth, channels, h, w] → [batch, channels, depth, h, w]`
#[inline]
pub(super) fn from_slices(y: &Tensor, batch: usize) -> Result<Tensor> {
    let &[slices, channels, height, width] = y.shape() else {
        return Err(Error::argument("conv3d", format!("slices have shape {:?}", y.shape())));
    };
    let depth = slices / batch.max(1);
    y.reshape([batch, depth, channels, height, width])?.permute([0, 2, 1, 3, 4])
}

/// Checks dtypes and devices, and the bias of so many outputs.
pub(super) fn check_operands(
    op: &'static str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    outputs: usize,
) -> Result<()> {
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
        Some(bias) if bias.shape() != [outputs] => Err(Error::argument(
            op,
            format!(
                "the bias has shape {:?}, but the weight {:?} has {outputs} outputs",
                bias.shape(),
                weight.shape(),
            ),
        )),
        _ => Ok(()),
    }
}

fn geometry<const N: usize>(x: &[usize], w: &[usize], options: &ConvOptions<N>, output: &[usize]) -> Conv2d {
    let pair = |sizes: [usize; N], missing: usize| {
        [if N == 1 { missing } else { sizes[N.max(2) - 2] }, sizes[N - 1]]
    };
    let (kernel, dilation) = ([w[2], w[3]], pair(options.dilation, 1));
    let padding = match options.padding {
        Padding::Zeros(sizes) => pair(sizes, 0),
        Padding::Valid => [0, 0],
        // An odd total leaves the extra zero for the end, as in PyTorch.
        Padding::Same => [0, 1].map(|axis| dilation[axis] * (kernel[axis] - 1) / 2),
    };
    let last = output.len() - 1;
    let out = if N == 1 { [1, output[last]] } else { [output[last - 1], output[last]] };
    let stride = pair(options.stride, 1);
    Conv2d {
        batch: x[0],
        in_channels: x[1],
        out_channels: w[0],
        groups: options.groups,
        size: [x[2], x[3]],
        kernel,
        // A kernel with one place along an axis takes no step there, however long, nor has one tap a distance.
        stride: [0, 1].map(|axis| if out[axis] > 1 { stride[axis] } else { 1 }),
        padding,
        dilation: [0, 1].map(|axis| if kernel[axis] > 1 { dilation[axis] } else { 1 }),
        out,
    }
}
