//! Pooling.

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, OptionalSize, OutputSize, Window, builder, module, python};
use crate::nn::functional::{self, AvgPoolOptions, MaxPoolOptions};
use crate::{Result, Tensor};

/// The largest of every window: `[batch, channels, h, w] → [batch, channels, h', w']` (`torch.nn.MaxPool2d`).
///
/// Each size becomes `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`, or with `ceil_mode` rounded up.
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, MaxPool2d}};
/// assert_eq!(MaxPool2d::new(2).forward(&Tensor::ones([1, 3, 8, 6]))?.shape(), [1, 3, 4, 3]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct MaxPool2d {
    /// The size of the window.
    pub kernel: [usize; 2],
    /// The steps of the window.
    pub stride: [usize; 2],
    /// How far windows reach beyond the input.
    pub padding: [usize; 2],
    /// The distance between the elements of a window.
    pub dilation: [usize; 2],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
}

builder! {
    /// Builds a [`MaxPool2d`].
    MaxPool2dBuilder for MaxPool2d(kernel: impl Window<2>) {
        /// The steps of the window; its size unless set.
        stride: impl Window<2>,
        /// How far windows reach beyond the input; 0 unless set.
        padding: impl Window<2>,
        /// The distance between the elements of a window; 1 unless set.
        dilation: impl Window<2>,
        /// Whether a last, incomplete window counts; `false` unless set.
        ceil_mode: bool,
    }
}

impl MaxPool2d {
    /// Windows side by side.
    pub fn new(kernel: impl Window<2>) -> Self {
        expect(Self::builder(kernel).build())
    }

    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self {
            kernel: args.window("kernel")?,
            stride: args.window("stride")?,
            padding: args.window("padding")?,
            dilation: args.window("dilation")?,
            ceil_mode: args.flag("ceil_mode")?,
        })
    }
}

impl MaxPool2d {
    /// The maxima and their places, as `I64` positions in the flattened plane (`MaxPool2d(return_indices=True)`).
    ///
    /// # Errors
    /// If the input has not three or four axes, the window does not fit, or the dtype is not a float.
    ///
    /// ```
    /// use rustorch::{Tensor, nn::MaxPool2d};
    /// let x = Tensor::from([[[1.0f32, 2.0], [4.0, 3.0]]]);
    /// let (y, places) = MaxPool2d::new(2).forward_with_indices(&x)?;
    /// assert_eq!((y.to_vec::<f32>()?, places.to_vec::<i64>()?), (vec![4.0], vec![2]));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn forward_with_indices(&self, input: &Tensor) -> Result<(Tensor, Tensor)> {
        functional::max_pool2d_with_indices(input, self.kernel, self.options())
    }

    fn options(&self) -> MaxPoolOptions<2> {
        MaxPoolOptions {
            stride: Some(self.stride),
            padding: self.padding,
            dilation: self.dilation,
            ceil_mode: self.ceil_mode,
        }
    }
}

impl Layer for MaxPool2d {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::max_pool2d(input, self.kernel, self.options())
    }
}

module!(
    MaxPool2d {} | layer | {
        format!(
            "MaxPool2d(kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={})",
            python::window(&layer.kernel),
            python::window(&layer.stride),
            python::window(&layer.padding),
            python::window(&layer.dilation),
            python::bool(layer.ceil_mode)
        )
    }
);

/// The mean of every window: `[batch, channels, h, w] → [batch, channels, h', w']` (`torch.nn.AvgPool2d`).
///
/// Each size becomes `⌊(size + 2·padding - kernel) / stride⌋ + 1`, or with `ceil_mode` rounded up.
///
/// ```
/// use rustorch::{Tensor, nn::{AvgPool2d, Layer}};
/// assert_eq!(AvgPool2d::new([2, 3]).forward(&Tensor::ones([1, 3, 8, 6]))?.shape(), [1, 3, 4, 2]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct AvgPool2d {
    /// The size of the window.
    pub kernel: [usize; 2],
    /// The steps of the window.
    pub stride: [usize; 2],
    /// How far windows reach beyond the input.
    pub padding: [usize; 2],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
    /// Whether the padding counts in the mean.
    pub count_include_pad: bool,
    /// What sums are divided by instead of the window's size.
    pub divisor_override: Option<usize>,
}

builder! {
    /// Builds an [`AvgPool2d`].
    AvgPool2dBuilder for AvgPool2d(kernel: impl Window<2>) {
        /// The steps of the window; its size unless set.
        stride: impl Window<2>,
        /// How far windows reach beyond the input; 0 unless set.
        padding: impl Window<2>,
        /// Whether a last, incomplete window counts; `false` unless set.
        ceil_mode: bool,
        /// Whether the padding counts in the mean; `true` unless set.
        count_include_pad: bool,
        /// What sums are divided by instead of the window's size; nothing unless set.
        divisor_override: impl OptionalSize,
    }
}

impl AvgPool2d {
    /// Windows side by side.
    pub fn new(kernel: impl Window<2>) -> Self {
        expect(Self::builder(kernel).build())
    }

    fn assemble(args: &Arguments) -> Result<Self> {
        let divisor_override = args.optional_size("divisor_override")?;
        if let Some(divisor) = &divisor_override {
            rustorch_shape::rules::pool_divisor("AvgPool2d", divisor, &mut ())?;
        }
        Ok(Self {
            divisor_override,
            kernel: args.window("kernel")?,
            stride: args.window("stride")?,
            padding: args.window("padding")?,
            ceil_mode: args.flag("ceil_mode")?,
            count_include_pad: args.flag("count_include_pad")?,
        })
    }
}

impl Layer for AvgPool2d {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let options = AvgPoolOptions {
            stride: Some(self.stride),
            padding: self.padding,
            ceil_mode: self.ceil_mode,
            count_include_pad: self.count_include_pad,
            divisor_override: self.divisor_override,
        };
        functional::avg_pool2d(input, self.kernel, options)
    }
}

module!(
    AvgPool2d {} | layer | {
        format!(
            "AvgPool2d(kernel_size={}, stride={}, padding={})",
            python::window(&layer.kernel),
            python::window(&layer.stride),
            python::window(&layer.padding)
        )
    }
);

/// Means over as many windows as the output has elements: `[batch, channels, h, w] → [batch, channels, h', w']`
/// (`torch.nn.AdaptiveAvgPool2d`).
///
/// ```
/// use rustorch::{Tensor, nn::{AdaptiveAvgPool2d, Layer}};
/// assert_eq!(AdaptiveAvgPool2d::new(1).forward(&Tensor::ones([1, 3, 8, 6]))?.shape(), [1, 3, 1, 1]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct AdaptiveAvgPool2d {
    /// The height and width of the output; `None` keeps that of the input.
    pub output_size: [Option<usize>; 2],
}

builder! {
    /// Builds an [`AdaptiveAvgPool2d`].
    AdaptiveAvgPool2dBuilder for AdaptiveAvgPool2d(output_size: impl OutputSize<2>) {}
}

impl AdaptiveAvgPool2d {
    /// The layer for an output of this size, of which `None` keeps the input's: `7`, `[7, 5]`, `[Some(7), None]`.
    pub fn new(output_size: impl OutputSize<2>) -> Self {
        expect(Self::builder(output_size).build())
    }

    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { output_size: args.output("output_size")? })
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::adaptive_avg_pool2d(input, self.output_size)
    }
}

module!(
    AdaptiveAvgPool2d {} | layer | {
        format!("AdaptiveAvgPool2d(output_size={})", python::output(&layer.output_size))
    }
);
