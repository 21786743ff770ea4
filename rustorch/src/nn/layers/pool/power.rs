//! The power average of every window.

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, Window, builder, module, python};
use crate::nn::functional;
use crate::{Result, Tensor};

macro_rules! lp_pool {
    (
        $layer:ident, $builder:ident, $name:literal, $axes:literal, $shapes:literal, $input:literal, $output:literal,
        $function:ident, $kernel:expr
    ) => {
        #[doc = concat!("`(Σ x^p)^(1/p)` over every window, where p is `norm_type`: `", $shapes, "`")]
        #[doc = concat!("(`torch.nn.", $name, "`).")]
        ///
        /// Each size becomes `⌊(size - kernel) / stride⌋ + 1`, or with `ceil_mode` rounded up.
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{Layer, ", $name, "}};")]
        #[doc = concat!("let y = ", $name, "::new(2.0, 2).forward(&Tensor::ones(", $input, "))?;")]
        #[doc = concat!("assert_eq!(y.shape(), ", $output, ");")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct $layer {
            /// The power.
            pub norm_type: f64,
            /// The size of the window.
            pub kernel: [usize; $axes],
            /// The steps of the window.
            pub stride: [usize; $axes],
            /// Whether a last, incomplete window counts.
            pub ceil_mode: bool,
        }

        builder! {
            #[doc = concat!("Builds an [`", $name, "`].")]
            $builder for $layer(norm_type: f64, kernel: impl Window<$axes>) {
                /// The steps of the window; its size unless set.
                stride: impl Window<$axes>,
                /// Whether a last, incomplete window counts; `false` unless set.
                ceil_mode: bool,
            }
        }

        impl $layer {
            /// Windows side by side.
            #[inline]
            pub fn new(norm_type: f64, kernel: impl Window<$axes>) -> Self {
                expect(Self::builder(norm_type, kernel).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self {
                    norm_type: args.float("norm_type")?,
                    kernel: args.window("kernel")?,
                    stride: args.window("stride")?,
                    ceil_mode: args.flag("ceil_mode")?,
                })
            }
        }

        impl Layer for $layer {
            #[inline]
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                let (kernel, stride) = ($kernel(self.kernel), $kernel(self.stride));
                functional::$function(input, self.norm_type, kernel, Some(stride), self.ceil_mode)
            }
        }

        module!(
            $layer {} | layer | {
                format!(
                    "{}(norm_type={}, kernel_size={}, stride={}, ceil_mode={})",
                    $name,
                    python::float(layer.norm_type),
                    python::window(&layer.kernel),
                    python::window(&layer.stride),
                    python::bool(layer.ceil_mode)
                )
            }
        );
    };
}

lp_pool!(
    LPPool1d,
    LPPool1dBuilder,
    "LPPool1d",
    1,
    "[batch, channels, length] → [batch, channels, length']",
    "[1, 3, 8]",
    "[1, 3, 4]",
    lp_pool1d,
    |[size]: [usize; 1]| size
);
lp_pool!(
    LPPool2d,
    LPPool2dBuilder,
    "LPPool2d",
    2,
    "[batch, channels, h, w] → [batch, channels, h', w']",
    "[1, 3, 8, 6]",
    "[1, 3, 4, 3]",
    lp_pool2d,
    |sizes| sizes
);
lp_pool!(
    LPPool3d,
    LPPool3dBuilder,
    "LPPool3d",
    3,
    "[batch, channels, d, h, w] → [batch, channels, d', h', w']",
    "[1, 3, 8, 6, 4]",
    "[1, 3, 4, 3, 2]",
    lp_pool3d,
    |sizes| sizes
);
