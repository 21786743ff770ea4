//! Means and maxima over as many windows as the output has elements.

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, OutputSize, builder, module, python};
use crate::nn::functional;
use crate::{Result, Tensor};

/// A layer over `$axes` axes.
macro_rules! adaptive_pool {
    (
        $layer:ident, $builder:ident, $name:literal, $what:literal, $axes:literal, $shapes:literal, $input:literal,
        $output:literal, $function:ident $(, $places:ident, $small:literal)?
    ) => {
        #[doc = concat!($what, " over as many windows as the output has elements: `", $shapes, "`")]
        #[doc = concat!("(`torch.nn.", $name, "`). Output `i` of `n` sees the elements from `⌊i·size/n⌋` to `⌈(i + 1)·size/n⌉`.")]
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{", $name, ", Layer}};")]
        #[doc = concat!("let y = ", $name, "::new(1).forward(&Tensor::ones(", $input, "))?;")]
        #[doc = concat!("assert_eq!(y.shape(), ", $output, ");")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct $layer {
            /// The spatial sizes of the output; `None` keeps that of the input.
            pub output_size: [Option<usize>; $axes],
        }

        builder! {
            #[doc = concat!("Builds an [`", $name, "`].")]
            $builder for $layer(output_size: impl OutputSize<$axes>) {}
        }

        impl $layer {
            /// The layer for an output of this size: one for all axes, or one for each, of which `None` keeps the input's.
            #[inline]
            pub fn new(output_size: impl OutputSize<$axes>) -> Self {
                expect(Self::builder(output_size).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self { output_size: args.output("output_size")? })
            }

            $(
                /// The maxima and their places, as `I64` positions in the flattened spatial axes
                #[doc = concat!("(`", $name, "(return_indices=True)`).")]
                ///
                /// # Errors
                /// If the rank of the input does not fit, an axis is empty, or the dtype is not a float.
                ///
                /// ```
                #[doc = concat!("use rustorch::{Tensor, nn::", $name, "};")]
                #[doc = concat!("let x = Tensor::arange(0, 8, 1.0)?.reshape(", $small, ")?;")]
                #[doc = concat!("let (y, places) = ", $name, "::new(1).forward_with_indices(&x)?;")]
                /// assert_eq!((y.item::<f32>()?, places.item::<i64>()?), (7.0, 7));
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[inline]
                pub fn forward_with_indices(&self, input: &Tensor) -> Result<(Tensor, Tensor)> {
                    functional::$places(input, self.output_size)
                }
            )?
        }

        impl Layer for $layer {
            #[inline]
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                functional::$function(input, self.output_size)
            }
        }

        module!($layer {} |layer| {
            format!("{}(output_size={})", $name, python::output(&layer.output_size))
        });
    };
}

adaptive_pool!(
    AdaptiveAvgPool1d,
    AdaptiveAvgPool1dBuilder,
    "AdaptiveAvgPool1d",
    "Means",
    1,
    "[batch, channels] → [batch, channels']",
    "[1, 3, 8]",
    "[1, 3, 1]",
    adaptive_avg_pool1d
);
adaptive_pool!(
    AdaptiveAvgPool2d,
    AdaptiveAvgPool2dBuilder,
    "AdaptiveAvgPool2d",
    "Means",
    2,
    "[batch, channels, h, w] → [batch, channels, h', w']",
    "[1, 3, 8, 6]",
    "[1, 3, 1, 1]",
    adaptive_avg_pool2d
);
adaptive_pool!(
    AdaptiveAvgPool3d,
    AdaptiveAvgPool3dBuilder,
    "AdaptiveAvgPool3d",
    "Means",
    3,
    "[batch, channels, d, h, w] → [batch, channels, d', h', w']",
    "[1, 3, 8, 6, 4]",
    "[1, 3, 1, 1, 1]",
    adaptive_avg_pool3d
);
adaptive_pool!(
    AdaptiveMaxPool1d,
    AdaptiveMaxPool1dBuilder,
    "AdaptiveMaxPool1d",
    "Maxima",
    1,
    "[batch, channels] → [batch, channels']",
    "[1, 3, 8]",
    "[1, 3, 1]",
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    "[1, 8]"
);
adaptive_pool!(
    AdaptiveMaxPool2d,
    AdaptiveMaxPool2dBuilder,
    "AdaptiveMaxPool2d",
    "Maxima",
    2,
    "[batch, channels, h, w] → [batch, channels, h', w']",
    "[1, 3, 8, 6]",
    "[1, 3, 1, 1]",
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    "[1, 2, 4]"
);
adaptive_pool!(
    AdaptiveMaxPool3d,
    AdaptiveMaxPool3dBuilder,
    "AdaptiveMaxPool3d",
    "Maxima",
    3,
    "[batch, channels, d, h, w] → [batch, channels, d', h', w']",
    "[1, 3, 8, 6, 4]",
    "[1, 3, 1, 1, 1]",
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
    "[1, 2, 2, 2]"
);
