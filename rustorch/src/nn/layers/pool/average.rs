//! The mean of every window.

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, OptionalSize, Window, builder, module, python};
use crate::nn::functional::{self, AvgPoolOptions};
use crate::{Result, Tensor};

/// A layer over `$axes` axes, which has a `divisor_override` if one is named.
macro_rules! avg_pool {
    (
        $layer:ident, $builder:ident, $name:literal, $axes:literal, $shapes:literal, $input:literal, $output:literal,
        $function:ident, $kernel:expr, $shown:path $(, $divisor:ident)?
    ) => {
        #[doc = concat!("The mean of every window: `", $shapes, "` (`torch.nn.", $name, "`).")]
        ///
        /// Each size becomes `⌊(size + 2·padding - kernel) / stride⌋ + 1`, or with `ceil_mode` rounded up.
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
            /// Whether a last, incomplete window counts.
            pub ceil_mode: bool,
            /// Whether the padding counts in the mean.
            pub count_include_pad: bool,
            $(
                /// What sums are divided by instead of the window's size.
                pub $divisor: Option<usize>,
            )?
        }

        builder! {
            #[doc = concat!("Builds an [`", $name, "`].")]
            $builder for $layer(kernel: impl Window<$axes>) {
                /// The steps of the window; its size unless set.
                stride: impl Window<$axes>,
                /// How far windows reach beyond the input; 0 unless set.
                padding: impl Window<$axes>,
                /// Whether a last, incomplete window counts; `false` unless set.
                ceil_mode: bool,
                /// Whether the padding counts in the mean; `true` unless set.
                count_include_pad: bool,
                $(
                    /// What sums are divided by instead of the window's size; nothing unless set.
                    $divisor: impl OptionalSize,
                )?
            }
        }

        impl $layer {
            /// Windows side by side.
            pub fn new(kernel: impl Window<$axes>) -> Self {
                expect(Self::builder(kernel).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                $(
                    let $divisor = args.optional_size(stringify!($divisor))?;
                    if let Some(divisor) = &$divisor {
                        rustorch_shape::rules::pool_divisor($name, divisor, &mut ())?;
                    }
                )?
                Ok(Self {
                    $($divisor,)?
                    kernel: args.window("kernel")?,
                    stride: args.window("stride")?,
                    padding: args.window("padding")?,
                    ceil_mode: args.flag("ceil_mode")?,
                    count_include_pad: args.flag("count_include_pad")?,
                })
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                #[allow(clippy::needless_update, reason = "over one axis there is no divisor")]
                let options = AvgPoolOptions {
                    $($divisor: self.$divisor,)?
                    stride: Some(self.stride),
                    padding: self.padding,
                    ceil_mode: self.ceil_mode,
                    count_include_pad: self.count_include_pad,
                    ..AvgPoolOptions::default()
                };
                functional::$function(input, $kernel(self.kernel), options)
            }
        }

        module!($layer {} |layer| {
            format!(
                "{}(kernel_size={}, stride={}, padding={})",
                $name,
                $shown(&layer.kernel),
                $shown(&layer.stride),
                $shown(&layer.padding)
            )
        });
    };
}

avg_pool!(
    AvgPool1d,
    AvgPool1dBuilder,
    "AvgPool1d",
    1,
    "[batch, channels, length] → [batch, channels, length']",
    "[1, 3, 8]",
    "[1, 3, 4]",
    avg_pool1d,
    |[kernel]: [usize; 1]| kernel,
    python::tuple
);
avg_pool!(
    AvgPool2d,
    AvgPool2dBuilder,
    "AvgPool2d",
    2,
    "[batch, channels, h, w] → [batch, channels, h', w']",
    "[1, 3, 8, 6]",
    "[1, 3, 4, 3]",
    avg_pool2d,
    |kernel| kernel,
    python::window,
    divisor_override
);
avg_pool!(
    AvgPool3d,
    AvgPool3dBuilder,
    "AvgPool3d",
    3,
    "[batch, channels, d, h, w] → [batch, channels, d', h', w']",
    "[1, 3, 8, 6, 4]",
    "[1, 3, 4, 3, 2]",
    avg_pool3d,
    |kernel| kernel,
    python::window,
    divisor_override
);
