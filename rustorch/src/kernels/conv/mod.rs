//! Convolution of images, and its gradients, for f32 and f64.
//!
//! Nothing is unrolled into columns (im2col). For a tile of pixels, the kernel reads an input value of each pixel where it lies,
//! multiplies it with a vector of output channels' weights, and goes on to the next (channel, tap): a matrix product
//! whose left operand is addressed by two small tables of offsets ([`gather`]). The image is only copied, a band of rows at
//! a time, where it needs a border of zeros ([`planes`]). The weight gradient is the same with the roles of pixels and (channel, tap)
//! exchanged, and the input gradient the same with the taps turned round.
//!
//! Threads share out pixels (forward, input gradient) or weights (weight gradient); no sum is split, so the result is
//! bit-identical for any number of threads.

mod forward;
mod gather;
mod input_grad;
mod planes;
mod weight_grad;

#[cfg(test)]
mod tests;

pub use forward::forward;
pub use input_grad::input_grad;
pub use weight_grad::{bias_grad, weight_grad};

use super::gemm;

/// The geometry of a two-dimensional convolution; a one-dimensional one has height 1. All tensors are contiguous:
/// input `[batch, in_channels, height, width]`, weight `[out_channels, in_channels / groups, kernel…]`,
/// output `[batch, out_channels, out…]`. Pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Images.
    pub batch: usize,
    /// Channels of the input, a multiple of `groups`.
    pub in_channels: usize,
    /// Channels of the output, a multiple of `groups`.
    pub out_channels: usize,
    /// Groups of channels that see only each other.
    pub groups: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps between neighbouring outputs.
    pub stride: [usize; 2],
    /// Zeros before the first row and column; those after the last follow from `out`.
    pub padding: [usize; 2],
    /// Steps between neighbouring taps.
    pub dilation: [usize; 2],
    /// Height and width of the output.
    pub out: [usize; 2],
}

impl Conv2d {
    /// `(size + 2·padding - dilation·(kernel - 1) - 1) / stride + 1`, rounded down; 0 where the kernel does not fit.
    pub fn out_size(size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> usize {
        (size + 2 * padding).checked_sub(dilation * (kernel - 1) + 1).map_or(0, |room| room / stride + 1)
    }

    /// Input channels of a group.
    pub(super) fn group_in(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels of a group.
    pub(super) fn group_out(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Taps of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether it is a matrix product per image: one tap, no border, no steps.
    fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0, 0] && self.size == self.out
    }
}

/// An element type that convolutions are computed in: f32 or f64.
pub trait Element: gemm::Element + sealed::Sealed {}
impl<T: gemm::Element + sealed::Sealed> Element for T {}

mod sealed {
    #[expect(private_bounds, reason = "the point of sealing")]
    pub trait Sealed: super::gemm::Real {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
