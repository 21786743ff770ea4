//! Transposed convolutions: each the input gradient of a convolution, and computed as such.

use rustorch_shape::rules::{self, TransposeOptions};

use super::conv::{Volumes, add_bias, check_operands, depth_windows, from_slices, image};
use super::conv_products;
use crate::kernels::conv::Conv2d;
use crate::{DType, Error, PadMode, Result, Tensor, ops};

/// The options of a transposed convolution over `N` axes, with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::functional::ConvTranspose2dOptions;
/// let options = ConvTranspose2dOptions { stride: [2, 2], output_padding: [1, 1], ..Default::default() };
/// assert_eq!(options.dilation, [1, 1]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTransposeOptions<const N: usize> {
    /// The distance between input elements in the output, along each axis.
    pub stride: [usize; N],
    /// What is cut from either end of each axis.
    pub padding: [usize; N],
    /// What is added at the end of each axis: less than its stride or dilation.
    pub output_padding: [usize; N],
    /// Into how many independent convolutions the channels are divided.
    pub groups: usize,
    /// The distance between the kernel's taps along each axis.
    pub dilation: [usize; N],
}

/// [`ConvTransposeOptions`] over one axis.
pub type ConvTranspose1dOptions = ConvTransposeOptions<1>;
/// [`ConvTransposeOptions`] over two axes.
pub type ConvTranspose2dOptions = ConvTransposeOptions<2>;
/// [`ConvTransposeOptions`] over three axes.
pub type ConvTranspose3dOptions = ConvTransposeOptions<3>;

impl<const N: usize> Default for ConvTransposeOptions<N> {
    fn default() -> Self {
        Self { stride: [1; N], padding: [0; N], output_padding: [0; N], groups: 1, dilation: [1; N] }
    }
}

/// The transposed convolution of sequences: `[batch, in, length] → [batch, out, length']`, or the same without `batch`, by a
/// weight of `[in, out / groups, kernel]` (`torch.nn.functional.conv_transpose1d`). The size is that of
/// [`conv_transpose2d`].
///
/// # Errors
/// As [`conv_transpose2d`].
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let x = Tensor::from([[[1.0f32, 2.0]]]);
/// let options = f::ConvTranspose1dOptions { stride: [2], ..Default::default() };
/// let y = f::conv_transpose1d(&x, &Tensor::ones([1, 1, 3]), None, options)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 1.0, 3.0, 2.0, 2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn conv_transpose1d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvTranspose1dOptions,
) -> Result<Tensor> {
    transpose("conv_transpose1d", input, weight, bias, options)
}

/// The transposed convolution of images, the gradient of [`conv2d`](super::conv2d) with respect to its input:
/// `[batch, in, h, w] → [batch, out, h', w']`, or the same without `batch`, by a weight of `[in, out / groups, kh, kw]` and a
/// bias of `[out]` (`torch.nn.functional.conv_transpose2d`). Each size becomes
/// `(size - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1`. For `F32` and `F64`; half precision is
/// computed in `F32`.
///
/// # Errors
/// If ranks, channels or groups do not fit, nothing is left of an axis, the output padding is not less than stride or
/// dilation, a stride, dilation or kernel size is 0, or dtypes or devices differ.
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let (x, w) = (Tensor::ones([1, 4, 5, 5]), Tensor::ones([4, 2, 3, 3]));
/// let options = f::ConvTranspose2dOptions {
///     stride: [2, 2],
///     padding: [1, 1],
///     output_padding: [1, 1],
///     ..Default::default()
/// };
/// assert_eq!(f::conv_transpose2d(&x, &w, None, options)?.shape(), [1, 2, 10, 10]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn conv_transpose2d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvTranspose2dOptions,
) -> Result<Tensor> {
    transpose("conv_transpose2d", input, weight, bias, options)
}

/// The transposed convolution of volumes: `[batch, in, d, h, w] → [batch, out, d', h', w']`, or the same without `batch`, by a
/// weight of `[in, out / groups, kd, kh, kw]` (`torch.nn.functional.conv_transpose3d`). Sizes are those of
/// [`conv_transpose2d`].
///
/// # Errors
/// As [`conv_transpose2d`].
///
/// ```
/// use rustorch::{Tensor, nn::functional as f};
/// let (x, w) = (Tensor::ones([1, 2, 3, 3, 3]), Tensor::ones([2, 4, 2, 2, 2]));
/// let options = f::ConvTranspose3dOptions { stride: [2, 2, 2], ..Default::default() };
/// assert_eq!(f::conv_transpose3d(&x, &w, None, options)?.shape(), [1, 4, 6, 6, 6]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn conv_transpose3d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvTranspose3dOptions,
) -> Result<Tensor> {
    transpose("conv_transpose3d", input, weight, bias, options)
}

fn transpose<const N: usize>(
    op: &'static str,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvTransposeOptions<N>,
) -> Result<Tensor> {
    let shape = output_shape(op, input.shape(), weight.shape(), &options)?;
    let outputs = weight.shape()[1] * options.groups;
    check_operands(op, input, weight, bias, outputs)?;
    let dtype = input.dtype();
    if dtype.compute() != dtype && dtype.is_float() {
        let wide = |tensor: &Tensor| tensor.to_dtype(dtype.compute());
        let (input, weight, bias) = (wide(input), wide(weight), bias.map(wide));
        return Ok(transpose(op, &input, &weight, bias.as_ref(), options)?.to_dtype(dtype));
    }
    if dtype.is_complex() {
        let product = |x: &Tensor, w: &Tensor| transpose(op, x, w, None, options);
        let (x, w) = ([input.real()?, input.imag()?], [weight.real()?, weight.imag()?]);
        let real = product(&x[0], &w[0])?.sub(&product(&x[1], &w[1])?)?;
        let imag = product(&x[0], &w[1])?.add(&product(&x[1], &w[0])?)?;
        return add_bias(&Tensor::complex(&real, &imag)?, bias, N);
    }
    if dtype == DType::Bool {
        return Err(Error::DType { op, dtype, expected: "a numeric dtype" });
    }
    let batched = if input.rank() == N + 1 { input.unsqueeze(0)? } else { input.clone() };
    let spatial = &shape[shape.len() - N..];
    let mut options = options;
    for axis in 0..N {
        // Distances between elements of which there is one must not cost memory.
        if batched.shape()[2 + axis] <= 1 {
            options.stride[axis] = options.stride[axis].min(options.output_padding[axis] + 1);
        }
        if weight.shape()[2 + axis] == 1 {
            options.dilation[axis] = 1;
        }
    }
    let y = match N {
        _ if !dtype.is_float() => conv_products::transpose(op, &batched, weight, &options, spatial)?,
        1 => {
            let (x, w) = (batched.unsqueeze(2)?, weight.unsqueeze(2)?);
            images(&x, &w, &options, [1, spatial[0]])?
        }
        2 => images(&batched, weight, &options, [spatial[0], spatial[1]])?,
        _ => volumes(&batched, weight, &options, spatial)?,
    };
    add_bias(&y.reshape(shape)?, bias, N)
}

/// Over the last two axes; of a sequence, at height 1.
fn images<const N: usize>(
    x: &Tensor,
    w: &Tensor,
    options: &ConvTransposeOptions<N>,
    size: [usize; 2],
) -> Result<Tensor> {
    ops::conv::input_grad(transposed(x.shape(), w.shape(), options, size), x, w)
}

/// The convolution of which this is the gradient of the input, for images of this shape.
fn transposed<const N: usize>(
    x: &[usize],
    w: &[usize],
    options: &ConvTransposeOptions<N>,
    size: [usize; 2],
) -> Conv2d {
    let pair = |sizes: [usize; N], missing: usize| {
        [if N == 1 { missing } else { sizes[N.max(2) - 2] }, sizes[N - 1]]
    };
    Conv2d {
        batch: x[0],
        in_channels: w[1] * options.groups,
        out_channels: w[0],
        groups: options.groups,
        size,
        kernel: [w[2], w[3]],
        stride: pair(options.stride, 1),
        padding: pair(options.padding, 0),
        dilation: pair(options.dilation, 1),
        out: [x[2], x[3]],
    }
}

/// [`transposed`] for sequences or images of this shape, with or without a batch.
pub(crate) fn transposed_of<const N: usize>(
    op: &'static str,
    x: &[usize],
    w: &[usize],
    options: &ConvTransposeOptions<N>,
) -> Result<Conv2d> {
    let shape = output_shape(op, x, w, options)?;
    let (x, w, shape) = (image::<N>(x), image::<N>(w), image::<N>(&shape));
    Ok(transposed(&x, &w, options, [shape[2], shape[3]]))
}

/// The convolution of volumes of which this is the gradient of the input, for volumes of this shape.
pub(crate) fn transposed_volumes_of(
    x: &[usize],
    w: &[usize],
    options: &ConvTransposeOptions<3>,
) -> Result<Volumes> {
    let shape = output_shape("conv_transpose3d", x, w, options)?;
    let (x, out) = (image::<3>(x), image::<3>(&shape));
    let slices = [x[0] * x[2], x[1], x[3], x[4]];
    let weight = [w[0], w[1] * w[2], w[3], w[4]];
    Ok(Volumes {
        batch: x[0],
        channels: out[1],
        depth: [out[2], x[2]],
        taps: w[2],
        stride: options.stride[0],
        dilation: options.dilation[0],
        before: options.padding[0],
        images: transposed(&slices, &weight, options, [out[3], out[4]]),
    })
}

fn output_shape<const N: usize>(
    op: &'static str,
    input: &[usize],
    weight: &[usize],
    options: &ConvTransposeOptions<N>,
) -> Result<Vec<usize>> {
    let rule = TransposeOptions {
        stride: &options.stride,
        padding: &options.padding,
        output_padding: &options.output_padding,
        dilation: &options.dilation,
        groups: &options.groups,
    };
    Ok(rules::conv_transpose(op, input, weight, rule, &mut ())?)
}

/// Slices are images whose channels are those of the slices that they see: with zeros put between the slices, the
/// depth is convolved with the taps in reverse.
fn volumes<const N: usize>(
    x: &Tensor,
    w: &Tensor,
    options: &ConvTransposeOptions<N>,
    size: &[usize],
) -> Result<Tensor> {
    let (batch, depth, taps) = (x.shape()[0], x.shape()[2], w.shape()[2]);
    let mut spread = x.clone();
    if options.stride[0] > 1 {
        let gap = Tensor::zeros_like(x);
        let parts = std::iter::once(x.clone()).chain(std::iter::repeat_n(gap, options.stride[0] - 1));
        let parts = crate::tensor::try_collect(options.stride[0], parts)?;
        let all = Tensor::stack(&parts, 3)?.flatten(2, 3)?;
        spread = all.narrow(2, 0, (depth - 1) * options.stride[0] + 1)?;
    }
    let [before, behind] = conv_products::zeros_around("conv_transpose3d", w, options, 0)?;
    let ends = [0, 0, 0, 0, before, behind];
    let padded = spread.pad(ends, PadMode::Constant(0.0))?;
    let slices = depth_windows(&padded, size[0], taps, 1, options.dilation[0])?;
    let weight = w.flip(2)?.permute([0, 2, 1, 3, 4])?.flatten(0, 1)?;
    let y = images(&slices, &weight, options, [size[1], size[2]])?;
    from_slices(&y, batch)
}
