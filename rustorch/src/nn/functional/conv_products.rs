//! Convolutions of integers, as matrix products of what every window sees. They have no gradients, and no kernels of
//! their own: sums wrap around as those of products do.

use super::conv::{ConvOptions, Padding};
use super::conv_transpose::ConvTransposeOptions;
use crate::{Error, PadMode, Result, Tensor};

/// The convolution of a batch `[batch, in, ..]` with a weight `[out, in / groups, ..]`, to results of these sizes.
pub(super) fn convolve<const N: usize>(
    x: &Tensor,
    weight: &Tensor,
    options: &ConvOptions<N>,
    out: &[usize],
) -> Result<Tensor> {
    let ends = |axis: usize| match options.padding {
        Padding::Zeros(sizes) => [sizes[axis]; 2],
        Padding::Valid => [0; 2],
        Padding::Same => {
            // An odd total leaves the extra zero for the end, as in PyTorch.
            let total = options.dilation[axis] * (weight.shape()[axis + 2] - 1);
            [total / 2, total - total / 2]
        }
    };
    let padding = (0..N).rev().flat_map(ends).map(|zeros| zeros as isize).collect::<Vec<_>>();
    let padded = x.pad(padding, PadMode::Constant(0.0))?;
    windows_times_weight(&padded, weight, options.stride, options.dilation, options.groups, out)
}

/// The transposed convolution of a batch `[batch, in, ..]` with a weight `[in, out / groups, ..]`: a convolution with the
/// taps in reverse over the input with zeros between its elements.
pub(super) fn transpose<const N: usize>(
    op: &'static str,
    x: &Tensor,
    weight: &Tensor,
    options: &ConvTransposeOptions<N>,
    out: &[usize],
) -> Result<Tensor> {
    let (mut spread, mut padding) = (x.clone(), Vec::new());
    for axis in 0..N {
        let (at, size, stride) = (axis as isize + 2, x.shape()[axis + 2], options.stride[axis]);
        if stride > 1 {
            let mut shape = spread.shape().to_vec();
            shape[axis + 2] = (size - 1) * stride + 1;
            let zeros = Tensor::try_full(&shape, 0, x.dtype(), x.device())?;
            zeros.slice(at, 0, isize::MAX, stride)?.copy_(&spread)?;
            spread = zeros;
        }
    }
    for axis in (0..N).rev() {
        padding.extend(zeros_around(op, weight, options, axis)?);
    }
    let taps = &weight.shape()[2..];
    let (inputs, outputs, groups) = (weight.shape()[0], weight.shape()[1], options.groups);
    let turned = weight
        .flip((2..N as isize + 2).collect::<Vec<_>>())?
        .reshape([&[groups, inputs / groups, outputs], taps].concat())?
        .transpose(1, 2)?
        .reshape([&[groups * outputs, inputs / groups], taps].concat())?;
    let padded = spread.pad(padding, PadMode::Constant(0.0))?;
    windows_times_weight(&padded, &turned, [1; N], options.dilation, groups, out)
}

/// How many zeros a transposed convolution has before and behind an axis of its input.
pub(super) fn zeros_around<const N: usize>(
    op: &'static str,
    weight: &Tensor,
    options: &ConvTransposeOptions<N>,
    axis: usize,
) -> Result<[isize; 2]> {
    let ends = || {
        let reach = options.dilation[axis].checked_mul(weight.shape()[axis + 2] - 1)?;
        let before = isize::try_from(reach).ok()?.checked_sub_unsigned(options.padding[axis])?;
        Some([before, before.checked_add_unsigned(options.output_padding[axis])?])
    };
    ends().ok_or_else(|| {
        let message = format!("on axis {} the result has more elements than can be counted", axis + 2);
        Error::argument(op, message)
    })
}

fn windows_times_weight<const N: usize>(
    padded: &Tensor,
    weight: &Tensor,
    stride: [usize; N],
    dilation: [usize; N],
    groups: usize,
    out: &[usize],
) -> Result<Tensor> {
    let (batch, taps) = (padded.shape()[0], &weight.shape()[2..]);
    let (outputs, per_group) = (weight.shape()[0], weight.shape()[1]);
    let mut windows = padded.clone();
    for axis in 0..N {
        let extent = dilation[axis] * (taps[axis] - 1) + 1;
        windows = windows.unfold(axis as isize + 2, extent, stride[axis])?;
        windows =
            windows.slice(-1, 0, isize::MAX, dilation[axis])?.narrow(axis as isize + 2, 0, out[axis])?;
    }
    // [batch, groups, in / groups, out .., taps ..] → [groups, batch, out .., in / groups, taps ..]
    let places: Vec<isize> = (3..3 + N as isize).collect();
    let seen: Vec<isize> = std::iter::once(2).chain(3 + N as isize..3 + 2 * N as isize).collect();
    let (count, length) = (batch * out.iter().product::<usize>(), per_group * taps.iter().product::<usize>());
    let rows = windows
        .reshape([&[batch, groups, per_group], out, taps].concat())?
        .permute([&[1, 0][..], &places, &seen].concat())?
        .reshape([groups, count, length])?;
    let columns = weight.reshape([groups, outputs / groups, length])?.transpose(1, 2)?;
    let order: Vec<isize> = [1, 0, 2 + N as isize].into_iter().chain(2..2 + N as isize).collect();
    rows.matmul(&columns)?
        .reshape([&[groups, batch], out, &[outputs / groups]].concat())?
        .permute(order)?
        .reshape([&[batch, outputs], out].concat())
}
