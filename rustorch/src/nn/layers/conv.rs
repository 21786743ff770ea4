//! Convolutions.

use super::linear::{bound, fan_in};
use crate::error::expect;
use crate::nn::build::{Arguments, Window, WindowOrMode, builder, module, python};
use crate::nn::functional::{self, ConvOptions, Padding};
use crate::nn::{Layer, init};
use crate::{PadMode, Result, Tensor};

/// Cross-correlation of sequences: `[batch, in_channels, length] → [batch, out_channels, length']` (`torch.nn.Conv1d`).
///
/// The weight `[out_channels, in_channels / groups, kernel]` and the bias `[out_channels]` start uniform between
/// `± 1 / √(in_channels / groups · kernel)`. Each size becomes
/// `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`.
///
/// ```
/// use rustorch::{Tensor, nn::{Conv1d, Layer}};
/// let layer = Conv1d::builder(16, 33, 3).stride(2).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([20, 16, 50]))?.shape(), [20, 33, 24]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Conv1d {
    /// `[out_channels, in_channels / groups, kernel]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    /// Stride, padding, dilation and groups.
    pub options: ConvOptions<1>,
    /// What the padding consists of.
    pub padding_mode: PaddingMode,
}

/// Cross-correlation of images: `[batch, in_channels, h, w] → [batch, out_channels, h', w']` (`torch.nn.Conv2d`).
///
/// The weight `[out_channels, in_channels / groups, kh, kw]` and the bias `[out_channels]` start uniform between
/// `± 1 / √(in_channels / groups · kh · kw)`. Each size becomes
/// `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`.
///
/// ```
/// use rustorch::{Tensor, nn::{Conv2d, Layer}};
/// let layer = Conv2d::builder(16, 33, [3, 5]).padding([1, 2]).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([2, 16, 9, 9]))?.shape(), [2, 33, 9, 9]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Conv2d {
    /// `[out_channels, in_channels / groups, kh, kw]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    /// Stride, padding, dilation and groups.
    pub options: ConvOptions<2>,
    /// What the padding consists of.
    pub padding_mode: PaddingMode,
}

/// Cross-correlation of volumes: `[batch, in_channels, d, h, w] → [batch, out_channels, d', h', w']` (`torch.nn.Conv3d`).
///
/// The weight `[out_channels, in_channels / groups, kd, kh, kw]` and the bias `[out_channels]` start uniform between
/// `± 1 / √(in_channels / groups · kd · kh · kw)`. Each size becomes
/// `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`.
///
/// ```
/// use rustorch::{Tensor, nn::{Conv3d, Layer}};
/// let layer = Conv3d::builder(3, 8, [1, 3, 3]).padding([0, 1, 1]).padding_mode("replicate").build()?;
/// assert_eq!(layer.forward(&Tensor::ones([2, 3, 4, 5, 6]))?.shape(), [2, 8, 4, 5, 6]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Conv3d {
    /// `[out_channels, in_channels / groups, kd, kh, kw]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    /// Stride, padding, dilation and groups.
    pub options: ConvOptions<3>,
    /// What the padding consists of.
    pub padding_mode: PaddingMode,
}

/// What the padding of a convolution consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PaddingMode {
    /// Zeros.
    #[default]
    Zeros,
    /// The input mirrored at its first and last entry, which are not repeated.
    Reflect,
    /// The first and last entry.
    Replicate,
    /// The entries of the other end.
    Circular,
}

impl PaddingMode {
    fn of(args: &Arguments) -> PaddingMode {
        match args.text("padding_mode") {
            Some("reflect") => PaddingMode::Reflect,
            Some("replicate") => PaddingMode::Replicate,
            Some("circular") => PaddingMode::Circular,
            _ => PaddingMode::Zeros,
        }
    }

    /// The padded input and what is left to do, unless the convolution itself pads.
    fn apply<const N: usize>(
        self,
        input: &Tensor,
        weight: &Tensor,
        options: ConvOptions<N>,
    ) -> Result<Option<(Tensor, ConvOptions<N>)>> {
        let mode = match self {
            PaddingMode::Zeros => return Ok(None),
            PaddingMode::Reflect => PadMode::Reflect,
            PaddingMode::Replicate => PadMode::Replicate,
            PaddingMode::Circular => PadMode::Circular,
        };
        // Without an axis for each, which the convolution refuses.
        if weight.rank() != N + 2 || input.rank() < N {
            return Ok(None);
        }
        let ends = |axis: usize| match options.padding {
            Padding::Zeros(sizes) => [sizes[axis]; 2],
            Padding::Valid => [0, 0],
            // An odd total leaves the extra entry for the end, as in PyTorch.
            Padding::Same => {
                let reach = options.dilation[axis].checked_mul(weight.shape()[2 + axis].saturating_sub(1));
                let total = reach.map_or(isize::MAX as usize, |reach| reach.min(isize::MAX as usize));
                [total / 2, total - total / 2]
            }
        };
        let sizes: Vec<isize> = (0..N).rev().flat_map(ends).map(|size| size as isize).collect();
        Ok(Some((input.pad(sizes, mode)?, ConvOptions { padding: Padding::Valid, ..options })))
    }
}

macro_rules! conv {
    ($layer:ident, $builder:ident, $name:literal, $axes:literal, $function:ident) => {
        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer(in_channels: usize, out_channels: usize, kernel: impl Window<$axes>) {
                /// The steps of the kernel; 1 unless set.
                stride: impl Window<$axes>,
                /// The zeros around the input, `"same"` or `"valid"`; 0 unless set.
                padding: impl WindowOrMode<$axes>,
                /// The distance between the kernel's taps; 1 unless set.
                dilation: impl Window<$axes>,
                /// Into how many independent convolutions the channels are divided; 1 unless set.
                groups: usize,
                /// Whether to add a bias; `true` unless set.
                bias: bool,
                /// What the padding consists of: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`; zeros unless set.
                padding_mode: &str,
            }
        }

        impl $layer {
            /// A convolution with a bias, of stride 1 and without padding.
            ///
            /// # Panics
            /// If there is not enough memory.
            #[track_caller]
            pub fn new(in_channels: usize, out_channels: usize, kernel: impl Window<$axes>) -> Self {
                expect(Self::builder(in_channels, out_channels, kernel).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                let shape = args.shape("weight")?.unwrap_or_default();
                let bound = bound(fan_in(&shape));
                let padding = match args.text("padding") {
                    Some("same") => Padding::Same,
                    Some(_) => Padding::Valid,
                    None => Padding::Zeros(args.window("padding")?),
                };
                let options = ConvOptions {
                    stride: args.window("stride")?,
                    padding,
                    dilation: args.window("dilation")?,
                    groups: args.size("groups")?,
                };
                let weight = args.parameter("weight", |weight| init::uniform_(weight, -bound, bound))?;
                Ok(Self {
                    weight: weight.expect("the table has a weight"),
                    bias: args.parameter("bias", |bias| init::uniform_(bias, -bound, bound))?,
                    options,
                    padding_mode: PaddingMode::of(args),
                })
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                match self.padding_mode.apply(input, &self.weight, self.options)? {
                    Some((padded, options)) => {
                        functional::$function(&padded, &self.weight, self.bias.as_ref(), options)
                    }
                    None => functional::$function(input, &self.weight, self.bias.as_ref(), self.options),
                }
            }
        }

        module!($layer { parameter weight, parameter bias } |layer| {
            repr($name, &layer.weight, layer.bias.is_some(), &layer.options, layer.padding_mode)
        });
    };
}
conv!(Conv1d, Conv1dBuilder, "Conv1d", 1, conv1d);
conv!(Conv2d, Conv2dBuilder, "Conv2d", 2, conv2d);
conv!(Conv3d, Conv3dBuilder, "Conv3d", 3, conv3d);

fn repr<const N: usize>(
    name: &str,
    weight: &Tensor,
    bias: bool,
    options: &ConvOptions<N>,
    mode: PaddingMode,
) -> String {
    let shape = weight.shape();
    let mut text = format!(
        "{name}({}, {}, kernel_size={}, stride={}",
        shape[1] * options.groups,
        shape[0],
        python::tuple(&shape[2..]),
        python::tuple(&options.stride)
    );
    match options.padding {
        Padding::Zeros(sizes) if sizes == [0; N] => {}
        Padding::Zeros(sizes) => text += &format!(", padding={}", python::tuple(&sizes)),
        Padding::Same => text += ", padding=same",
        Padding::Valid => text += ", padding=valid",
    }
    if options.dilation != [1; N] {
        text += &format!(", dilation={}", python::tuple(&options.dilation));
    }
    if options.groups != 1 {
        text += &format!(", groups={}", options.groups);
    }
    if !bias {
        text += ", bias=False";
    }
    if mode != PaddingMode::Zeros {
        text += &format!(", padding_mode={}", format!("{mode:?}").to_lowercase());
    }
    text + ")"
}
