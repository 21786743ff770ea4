//! Convolution and pooling of typed images.
//!
//! Rust's numbers in types cannot compute `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`, so the shape of
//! the result is the one that the program states, and the formula is checked: while compiling where sizes are fixed,
//! otherwise when it runs. With `size = _`, the type of the result is the formula. `conv2d!`, `max_pool2d!` and `avg_pool2d!` call these methods with the options by name.

use super::computed::same;
use super::count::Message;
use super::{Const, Dim, FixedDim, SameSize, TypedTensor, Windows};
use crate::error::expect;
use crate::nn::functional::{self as f, AvgPool2dOptions, Conv2dOptions, MaxPool2dOptions};

/// How a window moves along one axis.
#[derive(Clone, Copy)]
struct Window {
    kernel: Option<usize>,
    stride: usize,
    padding: usize,
    dilation: usize,
}

/// Fails to compile where the window does not lead from `input` to `output`, or nowhere at all.
#[track_caller]
const fn check(op: &str, axis: &str, window: Window, input: Option<usize>, output: Option<usize>) {
    assert!(window.stride > 0 && window.dilation > 0, "stride and dilation must be at least 1");
    let (Some(kernel), Some(input)) = (window.kernel, input) else { return };
    let message = Message::EMPTY.text(op).text(": along the ").text(axis);
    let reach = window.dilation * kernel.saturating_sub(1) + 1;
    let padded = input + 2 * window.padding;
    if reach > padded {
        let message = message.text(" the kernel reaches over ").number(reach).text(", the padded input has ");
        let message = message.number(padded);
        panic!("{}", message.as_str());
    }
    let size = (padded - reach) / window.stride + 1;
    if let Some(output) = output
        && output != size
    {
        let message =
            message.text(" ").number(input).text(" becomes ").number(size).text(", not ").number(output);
        panic!("{}", message.as_str());
    }
}

/// Fails to compile where channels do not fit their groups.
#[track_caller]
#[inline]
const fn check_channels(
    groups: usize,
    channels: Option<usize>,
    per_group: Option<usize>,
    out: Option<usize>,
) {
    assert!(groups > 0, "conv2d: there must be at least one group");
    if let (Some(channels), Some(per_group)) = (channels, per_group)
        && channels != groups * per_group
    {
        let message = Message::EMPTY
            .text("conv2d: the input has ")
            .number(channels)
            .text(" channels, the weight takes ");
        let message = message.number(groups * per_group);
        panic!("{}", message.as_str());
    }
    if let Some(out) = out
        && out % groups != 0
    {
        let message = Message::EMPTY.text("conv2d: ").number(out).text(" output channels in ").number(groups);
        panic!("{}", message.text(" groups").as_str());
    }
}

/// What pooling makes of `(N, C, H, W)`.
type Pooled<N, C, H, W, const KERNEL: usize, const STRIDE: usize, const PADDING: usize> =
    (N, C, Windows<H, Const<KERNEL>, STRIDE, PADDING, 1>, Windows<W, Const<KERNEL>, STRIDE, PADDING, 1>);

impl<N: Dim, C: Dim, H: Dim, W: Dim> TypedTensor<(N, C, H, W)> {
    /// The cross-correlation with `weight`, `[out, in / groups, kh, kw]`, behind `conv2d!`; `torch.nn.functional.conv2d`.
    ///
    /// # Panics
    /// If sizes known only at run time do not fit, the dtype is not floating-point, or dtypes or devices differ.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the shape of a weight has four axes")]
    pub fn conv2d<
        const STRIDE: usize,
        const PADDING: usize,
        const DILATION: usize,
        const GROUPS: usize,
        O: Dim,
        G: Dim,
        KH: Dim,
        KW: Dim,
        OH: Dim,
        OW: Dim,
    >(
        &self,
        weight: &TypedTensor<(O, G, KH, KW)>,
        bias: Option<&TypedTensor<(O,)>>,
    ) -> TypedTensor<(N, O, OH, OW)> {
        const { check_channels(GROUPS, C::SIZE, G::SIZE, O::SIZE) };
        const { check("conv2d", "height", window::<STRIDE, PADDING, DILATION>(KH::SIZE), H::SIZE, OH::SIZE) };
        const { check("conv2d", "width", window::<STRIDE, PADDING, DILATION>(KW::SIZE), W::SIZE, OW::SIZE) };
        let options = Conv2dOptions {
            stride: [STRIDE; 2],
            padding: PADDING.into(),
            dilation: [DILATION; 2],
            groups: GROUPS,
        };
        let bias = bias.map(TypedTensor::as_tensor);
        expect(f::conv2d(self.as_tensor(), weight.as_tensor(), bias, options).and_then(|y| y.typed()))
    }

    /// The greatest element of every window, behind `max_pool2d!`; `torch.nn.functional.max_pool2d`.
    ///
    /// # Panics
    /// If sizes known only at run time do not fit, or the dtype is not real.
    #[track_caller]
    pub fn max_pool2d<const KERNEL: usize, const STRIDE: usize, const PADDING: usize, OH: Dim, OW: Dim>(
        &self,
    ) -> TypedTensor<(N, C, OH, OW)> {
        const { check("max_pool2d", "height", window::<STRIDE, PADDING, 1>(Some(KERNEL)), H::SIZE, OH::SIZE) };
        const { check("max_pool2d", "width", window::<STRIDE, PADDING, 1>(Some(KERNEL)), W::SIZE, OW::SIZE) };
        let options =
            MaxPool2dOptions { stride: Some([STRIDE; 2]), padding: [PADDING; 2], ..Default::default() };
        expect(f::max_pool2d(self.as_tensor(), [KERNEL; 2], options).and_then(|y| y.typed()))
    }

    /// The mean of every window, behind `avg_pool2d!`; `torch.nn.functional.avg_pool2d`.
    ///
    /// # Panics
    /// If sizes known only at run time do not fit, or the dtype is not floating-point.
    #[track_caller]
    pub fn avg_pool2d<const KERNEL: usize, const STRIDE: usize, const PADDING: usize, OH: Dim, OW: Dim>(
        &self,
    ) -> TypedTensor<(N, C, OH, OW)> {
        const { check("avg_pool2d", "height", window::<STRIDE, PADDING, 1>(Some(KERNEL)), H::SIZE, OH::SIZE) };
        const { check("avg_pool2d", "width", window::<STRIDE, PADDING, 1>(Some(KERNEL)), W::SIZE, OW::SIZE) };
        let options =
            AvgPool2dOptions { stride: Some([STRIDE; 2]), padding: [PADDING; 2], ..Default::default() };
        expect(f::avg_pool2d(self.as_tensor(), [KERNEL; 2], options).and_then(|y| y.typed()))
    }

    /// [`conv2d`](Self::conv2d) whose result has sizes that the compiler computes, behind `conv2d!(.., size = _)`.
    ///
    /// # Panics
    /// As `conv2d`.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the shape of an image has four axes")]
    pub fn conv2d_sized<
        const STRIDE: usize,
        const PADDING: usize,
        const DILATION: usize,
        const GROUPS: usize,
        O: Dim,
        G: Dim,
        KH: FixedDim,
        KW: FixedDim,
    >(
        &self,
        weight: &TypedTensor<(O, G, KH, KW)>,
        bias: Option<&TypedTensor<(O,)>>,
    ) -> TypedTensor<(
        N,
        O,
        Windows<H, KH, STRIDE, PADDING, DILATION>,
        Windows<W, KW, STRIDE, PADDING, DILATION>,
    )>
    where
        H: FixedDim,
        W: FixedDim,
    {
        self.conv2d::<STRIDE, PADDING, DILATION, GROUPS, _, _, _, _, _, _>(weight, bias)
    }

    /// [`max_pool2d`](Self::max_pool2d) whose result has sizes that the compiler computes, behind
    /// `max_pool2d!(.., size = _)`.
    ///
    /// # Panics
    /// As `max_pool2d`.
    #[track_caller]
    pub fn max_pool2d_sized<const KERNEL: usize, const STRIDE: usize, const PADDING: usize>(
        &self,
    ) -> TypedTensor<Pooled<N, C, H, W, KERNEL, STRIDE, PADDING>>
    where
        H: FixedDim,
        W: FixedDim,
    {
        self.max_pool2d::<KERNEL, STRIDE, PADDING, _, _>()
    }

    /// [`avg_pool2d`](Self::avg_pool2d) whose result has sizes that the compiler computes, behind
    /// `avg_pool2d!(.., size = _)`.
    ///
    /// # Panics
    /// As `avg_pool2d`.
    #[track_caller]
    pub fn avg_pool2d_sized<const KERNEL: usize, const STRIDE: usize, const PADDING: usize>(
        &self,
    ) -> TypedTensor<Pooled<N, C, H, W, KERNEL, STRIDE, PADDING>>
    where
        H: FixedDim,
        W: FixedDim,
    {
        self.avg_pool2d::<KERNEL, STRIDE, PADDING, _, _>()
    }

    /// The mean of every plane; `torch.nn.functional.adaptive_avg_pool2d(x, 1)` without the axes.
    ///
    /// # Panics
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn global_avg_pool2d(&self) -> TypedTensor<(N, C)> {
        TypedTensor::infallible(self.as_tensor().mean_dim([2usize, 3], false))
    }
}

const fn window<const STRIDE: usize, const PADDING: usize, const DILATION: usize>(
    kernel: Option<usize>,
) -> Window {
    Window { kernel, stride: STRIDE, padding: PADDING, dilation: DILATION }
}

impl<N: Dim, K: Dim> TypedTensor<(N, K)> {
    /// `x · weightᵀ + bias` with a weight of `[out, in]`; `torch.nn.functional.linear`.
    ///
    /// # Panics
    /// If dtypes or devices differ.
    #[track_caller]
    pub fn linear<O: Dim, I: Dim>(
        &self,
        weight: &TypedTensor<(O, I)>,
        bias: Option<&TypedTensor<(O,)>>,
    ) -> TypedTensor<(N, O)>
    where
        K: SameSize<I>,
    {
        const { same("linear: the input has ", K::SIZE, " features, the weight takes ", I::SIZE) };
        let bias = bias.map(TypedTensor::as_tensor);
        TypedTensor::infallible(f::linear(self.as_tensor(), weight.as_tensor(), bias))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_formula() {
        check("conv2d", "height", window::<2, 1, 1>(Some(3)), Some(28), Some(14));
        check("conv2d", "height", window::<1, 2, 2>(Some(3)), Some(28), Some(28));
        check("conv2d", "height", window::<1, 0, 1>(None), Some(2), Some(9));
    }

    #[test]
    #[should_panic(expected = "conv2d: along the width 28 becomes 26, not 28")]
    fn another_size_is_refused() {
        check("conv2d", "width", window::<1, 0, 1>(Some(3)), Some(28), Some(28));
    }

    #[test]
    #[should_panic(expected = "the kernel reaches over 5, the padded input has 4")]
    fn a_kernel_that_is_too_large_is_refused() {
        check("conv2d", "height", window::<1, 1, 2>(Some(3)), Some(2), None);
    }

    #[test]
    #[should_panic(expected = "the input has 3 channels, the weight takes 4")]
    fn other_channels_are_refused() {
        check_channels(2, Some(3), Some(2), Some(8));
    }
}
