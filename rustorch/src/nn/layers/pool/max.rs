//! The largest of every window.

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, Window, builder, module, python};
use crate::nn::functional::{self, MaxPoolOptions};
use crate::{Result, Tensor};

/// A layer over `$axes` axes, and the functions that it calls.
macro_rules! max_pool {
    (
        $layer:ident, $builder:ident, $name:literal, $axes:literal, $shapes:literal, $input:literal, $output:literal,
        $function:ident, $places:ident, $kernel:expr, $small:literal
    ) => {
        #[doc = concat!("The largest of every window: `", $shapes, "` (`torch.nn.", $name, "`).")]
        ///
        /// Each size becomes `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`, or with `ceil_mode` rounded up.
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{Layer, ", $name, "}};")]
        #[doc = concat!("let y = ", $name, "::new(2).forward(&Tensor::ones(", $input, "))?;")]
        #[doc = concat!("assert_eq!(y.shape(), ", $output, ");")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct $layer {
            /// The size of the window.
            pub kernel: [usize; $axes],
            /// The steps of the window.
            pub stride: [usize; $axes],
            /// How far windows reach beyond the input.
            pub padding: [usize; $axes],
            /// The distance between the elements of a window.
            pub dilation: [usize; $axes],
            /// Whether a last, incomplete window counts.
            pub ceil_mode: bool,
        }

        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer(kernel: impl Window<$axes>) {
                /// The steps of the window; its size unless set.
                stride: impl Window<$axes>,
                /// How far windows reach beyond the input; 0 unless set.
                padding: impl Window<$axes>,
                /// The distance between the elements of a window; 1 unless set.
                dilation: impl Window<$axes>,
                /// Whether a last, incomplete window counts; `false` unless set.
                ceil_mode: bool,
            }
        }

        impl $layer {
            /// Windows side by side.
            pub fn new(kernel: impl Window<$axes>) -> Self {
                expect(Self::builder(kernel).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self {
                    kernel: args.window("kernel")?,
                    stride: args.window("stride")?,
                    padding: args.window("padding")?,
                    dilation: args.window("dilation")?,
                    ceil_mode: args.flag("ceil_mode")?,
                })
            }

            /// The maxima and their places, as `I64` positions in the flattened spatial axes
            #[doc = concat!("(`", $name, "(return_indices=True)`).")]
            ///
            /// # Errors
            /// If the rank of the input or the window does not fit, or the dtype is not a number.
            ///
            /// ```
            #[doc = concat!("use rustorch::{Tensor, nn::", $name, "};")]
            #[doc = concat!("let x = Tensor::arange(0, ", $small, ".iter().product::<usize>() as i64, 1)?.reshape(", $small, ")?;")]
            #[doc = concat!("let (y, places) = ", $name, "::new(2).forward_with_indices(&x)?;")]
            /// assert_eq!(y.to_vec::<i64>()?, places.to_vec::<i64>()?);
            /// # Ok::<(), rustorch::Error>(())
            /// ```
            pub fn forward_with_indices(&self, input: &Tensor) -> Result<(Tensor, Tensor)> {
                functional::$places(input, $kernel(self.kernel), self.options())
            }

            fn options(&self) -> MaxPoolOptions<$axes> {
                MaxPoolOptions {
                    stride: Some(self.stride),
                    padding: self.padding,
                    dilation: self.dilation,
                    ceil_mode: self.ceil_mode,
                }
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                functional::$function(input, $kernel(self.kernel), self.options())
            }
        }

        module!($layer {} |layer| {
            format!(
                "{}(kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={})",
                $name,
                python::window(&layer.kernel),
                python::window(&layer.stride),
                python::window(&layer.padding),
                python::window(&layer.dilation),
                python::bool(layer.ceil_mode)
            )
        });
    };
}

max_pool!(
    MaxPool1d,
    MaxPool1dBuilder,
    "MaxPool1d",
    1,
    "[batch, channels, length] → [batch, channels, length']",
    "[1, 3, 8]",
    "[1, 3, 4]",
    max_pool1d,
    max_pool1d_with_indices,
    |[kernel]: [usize; 1]| kernel,
    "[1, 2]"
);
max_pool!(
    MaxPool2d,
    MaxPool2dBuilder,
    "MaxPool2d",
    2,
    "[batch, channels, h, w] → [batch, channels, h', w']",
    "[1, 3, 8, 6]",
    "[1, 3, 4, 3]",
    max_pool2d,
    max_pool2d_with_indices,
    |kernel| kernel,
    "[1, 4, 2]"
);
max_pool!(
    MaxPool3d,
    MaxPool3dBuilder,
    "MaxPool3d",
    3,
    "[batch, channels, d, h, w] → [batch, channels, d', h', w']",
    "[1, 3, 8, 6, 4]",
    "[1, 3, 4, 3, 2]",
    max_pool3d,
    max_pool3d_with_indices,
    |kernel| kernel,
    "[1, 4, 2, 6]"
);
