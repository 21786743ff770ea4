//! Transposed convolutions.

use super::linear::{bound, fan_in};
use crate::error::expect;
use crate::nn::build::{Arguments, Window, builder, module, python};
use crate::nn::functional::{self, ConvTransposeOptions};
use crate::nn::{Layer, init};
use crate::{Result, Tensor};

/// Transposed convolution of sequences: `[batch, in_channels, length] → [batch, out_channels, length']`
/// (`torch.nn.ConvTranspose1d`).
///
/// Weight, bias and size are those of [`ConvTranspose2d`], over one axis.
///
/// ```
/// use rustorch::{Tensor, nn::{ConvTranspose1d, Layer}};
/// let layer = ConvTranspose1d::builder(4, 6, 3).stride(2).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([2, 4, 5]))?.shape(), [2, 6, 11]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct ConvTranspose1d {
    /// `[in_channels, out_channels / groups, kernel]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    /// Stride, padding, output padding, groups and dilation.
    pub options: ConvTransposeOptions<1>,
}

/// Transposed convolution of images: `[batch, in_channels, h, w] → [batch, out_channels, h', w']`
/// (`torch.nn.ConvTranspose2d`).
///
/// The weight `[in_channels, out_channels / groups, kh, kw]` and the bias `[out_channels]` start uniform between
/// `± 1 / √(out_channels / groups · kh · kw)`. Each size becomes
/// `(size - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1`.
///
/// ```
/// use rustorch::{Tensor, nn::{ConvTranspose2d, Layer}};
/// let layer = ConvTranspose2d::builder(16, 8, 4).stride(2).padding(1).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([1, 16, 7, 7]))?.shape(), [1, 8, 14, 14]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct ConvTranspose2d {
    /// `[in_channels, out_channels / groups, kh, kw]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    /// Stride, padding, output padding, groups and dilation.
    pub options: ConvTransposeOptions<2>,
}

/// Transposed convolution of volumes: `[batch, in_channels, d, h, w] → [batch, out_channels, d', h', w']`
/// (`torch.nn.ConvTranspose3d`).
///
/// Weight, bias and sizes are those of [`ConvTranspose2d`], over three axes.
///
/// ```
/// use rustorch::{Tensor, nn::{ConvTranspose3d, Layer}};
/// let layer = ConvTranspose3d::builder(4, 2, 2).stride(2).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([1, 4, 2, 3, 3]))?.shape(), [1, 2, 4, 6, 6]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct ConvTranspose3d {
    /// `[in_channels, out_channels / groups, kd, kh, kw]`
    pub weight: Tensor,
    /// `[out_channels]`
    pub bias: Option<Tensor>,
    /// Stride, padding, output padding, groups and dilation.
    pub options: ConvTransposeOptions<3>,
}

macro_rules! conv_transpose {
    ($layer:ident, $builder:ident, $name:literal, $axes:literal, $function:ident) => {
        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer(in_channels: usize, out_channels: usize, kernel: impl Window<$axes>) {
                /// The distance between input elements in the output; 1 unless set.
                stride: impl Window<$axes>,
                /// What is cut from either end; 0 unless set.
                padding: impl Window<$axes>,
                /// What is added at the end, less than stride or dilation; 0 unless set.
                output_padding: impl Window<$axes>,
                /// Into how many independent convolutions the channels are divided; 1 unless set.
                groups: usize,
                /// Whether to add a bias; `true` unless set.
                bias: bool,
                /// The distance between the kernel's taps; 1 unless set.
                dilation: impl Window<$axes>,
            }
        }

        impl $layer {
            /// A transposed convolution with a bias, of stride 1 and without padding.
            ///
            /// # Panics
            /// If there is not enough memory.
            #[track_caller]
            #[inline]
            pub fn new(in_channels: usize, out_channels: usize, kernel: impl Window<$axes>) -> Self {
                expect(Self::builder(in_channels, out_channels, kernel).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                let shape = args.shape("weight")?.unwrap_or_default();
                let bound = bound(fan_in(&shape));
                let options = ConvTransposeOptions {
                    stride: args.window("stride")?,
                    padding: args.window("padding")?,
                    output_padding: args.window("output_padding")?,
                    groups: args.size("groups")?,
                    dilation: args.window("dilation")?,
                };
                let weight = args.parameter("weight", |weight| init::uniform_(weight, -bound, bound))?;
                Ok(Self {
                    weight: weight.expect("the table has a weight"),
                    bias: args.parameter("bias", |bias| init::uniform_(bias, -bound, bound))?,
                    options,
                })
            }
        }

        impl Layer for $layer {
            #[inline]
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                functional::$function(input, &self.weight, self.bias.as_ref(), self.options)
            }
        }

        module!($layer { parameter weight, parameter bias } |layer| {
            repr($name, &layer.weight, layer.bias.is_some(), &layer.options)
        });
    };
}
conv_transpose!(ConvTranspose1d, ConvTranspose1dBuilder, "ConvTranspose1d", 1, conv_transpose1d);
conv_transpose!(ConvTranspose2d, ConvTranspose2dBuilder, "ConvTranspose2d", 2, conv_transpose2d);
conv_transpose!(ConvTranspose3d, ConvTranspose3dBuilder, "ConvTranspose3d", 3, conv_transpose3d);

fn repr<const N: usize>(
    name: &str,
    weight: &Tensor,
    bias: bool,
    options: &ConvTransposeOptions<N>,
) -> String {
    let shape = weight.shape();
    let mut text = format!(
        "{name}({}, {}, kernel_size={}, stride={}",
        shape[0],
        shape[1] * options.groups,
        python::tuple(&shape[2..]),
        python::tuple(&options.stride)
    );
    let defaults = [
        ("padding", options.padding, 0),
        ("output_padding", options.output_padding, 0),
        ("dilation", options.dilation, 1),
    ];
    for (option, sizes, default) in defaults {
        // PyTorch names the groups after the paddings and the dilation.
        if sizes != [default; N] {
            text += &format!(", {option}={}", python::tuple(&sizes));
        }
    }
    if options.groups != 1 {
        text += &format!(", groups={}", options.groups);
    }
    if !bias {
        text += ", bias=False";
    }
    text + ")"
}
