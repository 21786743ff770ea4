//! Pooling over one, two or three axes. The functions differ in their number of axes only; `driver` has what they share.

mod driver;
mod power;

pub use power::*;

use crate::{Result, Tensor};
use driver::{adaptive_avg_pool, adaptive_max_pool, avg_pool, max_pool};

/// The options of max pooling over `N` axes, with PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPoolOptions<const N: usize> {
    /// The steps of the window; its size unless set.
    pub stride: Option<[usize; N]>,
    /// How much lies around the input, at most half the window. It never is a maximum.
    pub padding: [usize; N],
    /// The distance between the window's taps.
    pub dilation: [usize; N],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
}

impl<const N: usize> Default for MaxPoolOptions<N> {
    fn default() -> Self {
        Self { stride: None, padding: [0; N], dilation: [1; N], ceil_mode: false }
    }
}

/// The options of average pooling over `N` axes, with PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPoolOptions<const N: usize> {
    /// The steps of the window; its size unless set.
    pub stride: Option<[usize; N]>,
    /// How many zeros lie around the input, at most half the window.
    pub padding: [usize; N],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
    /// Whether averages count the zeros of the padding.
    pub count_include_pad: bool,
    /// What to divide by instead of the window's size.
    pub divisor_override: Option<usize>,
}

impl<const N: usize> Default for AvgPoolOptions<N> {
    fn default() -> Self {
        Self {
            stride: None,
            padding: [0; N],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

/// [`MaxPoolOptions`] over one axis.
pub type MaxPool1dOptions = MaxPoolOptions<1>;
/// [`MaxPoolOptions`] over two axes.
pub type MaxPool2dOptions = MaxPoolOptions<2>;
/// [`MaxPoolOptions`] over three axes.
pub type MaxPool3dOptions = MaxPoolOptions<3>;
/// [`AvgPoolOptions`] over one axis.
pub type AvgPool1dOptions = AvgPoolOptions<1>;
/// [`AvgPoolOptions`] over two axes.
pub type AvgPool2dOptions = AvgPoolOptions<2>;
/// [`AvgPoolOptions`] over three axes.
pub type AvgPool3dOptions = AvgPoolOptions<3>;

/// Functions of one number of axes: their names, the type of a kernel, and how it becomes one size per axis.
macro_rules! pools {
    (
        $axes:literal, $kernel:ty, $each:expr, $shapes:literal, $spatial:literal,
        $ones:literal, $window:literal, $whole:literal;
        $max:ident $max_places:ident $MaxOptions:ident
        $avg:ident $AvgOptions:ident
        $adaptive_avg:ident $adaptive_max:ident $adaptive_places:ident
    ) => {
        #[doc = concat!("The greatest element of every window of ", $spatial, ": `", $shapes, "`")]
        #[doc = concat!("(`torch.nn.functional.", stringify!($max), "`). Each size becomes")]
        /// `⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1`. NaN wins.
        ///
        /// # Errors
        /// If the input has not these axes, batch and channels before them or channels alone, or no channels; if the window does not
        /// fit, a dilated window sees only padding (PyTorch's answer there is -∞ at a place outside the input), or the
        /// dtype is not a number.
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as f};
        #[doc = concat!("let x = Tensor::arange(0, 8, 1)?.reshape(", $ones, ")?;")]
        #[doc = concat!("let y = f::", stringify!($max), "(&x, ", $window, ", Default::default())?;")]
        /// assert_eq!(y.max().item::<i64>()?, 7);
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        pub fn $max(input: &Tensor, kernel: $kernel, options: $MaxOptions) -> Result<Tensor> {
            Ok(max_pool(stringify!($max), input, $each(kernel), options, false)?.0)
        }

        #[doc = concat!("[`", stringify!($max), "`] with the places of the maxima, as `I64` positions in all elements of ", $spatial)]
        #[doc = concat!("in row-major order (`", stringify!($max), "(.., return_indices=True)`).")]
        ///
        /// # Errors
        #[doc = concat!("As [`", stringify!($max), "`].")]
        pub fn $max_places(
            input: &Tensor,
            kernel: $kernel,
            options: $MaxOptions,
        ) -> Result<(Tensor, Tensor)> {
            max_pool(stringify!($max), input, $each(kernel), options, true)
        }

        #[doc = concat!("The average of every window of ", $spatial, ": `", $shapes, "`")]
        #[doc = concat!("(`torch.nn.functional.", stringify!($avg), "`). Each size becomes `⌊(size + 2·padding - kernel) / stride⌋ + 1`.")]
        ///
        /// # Errors
        #[doc = concat!("As [`", stringify!($max), "`]; also if the divisor is 0.")]
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as f};
        #[doc = concat!("let x = Tensor::arange(0, 8, 1.0)?.reshape(", $ones, ")?;")]
        #[doc = concat!("let y = f::", stringify!($avg), "(&x, ", $window, ", Default::default())?;")]
        /// assert_eq!(y.mean().item::<f32>()?, 3.5);
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        pub fn $avg(input: &Tensor, kernel: $kernel, options: $AvgOptions) -> Result<Tensor> {
            avg_pool(stringify!($avg), input, $each(kernel), options)
        }

        #[doc = concat!("Averages over as many windows of ", $spatial, " as the output has elements: `", $shapes, "`")]
        #[doc = concat!("(`torch.nn.functional.", stringify!($adaptive_avg), "`). `None` keeps a size; output `i` of `n` sees the elements")]
        /// from `⌊i·size/n⌋` to `⌈(i + 1)·size/n⌉`.
        ///
        /// # Errors
        /// If the input has not these axes, batch and channels before them or channels alone, or an axis is empty.
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as f};
        #[doc = concat!("let x = Tensor::arange(0, 8, 1.0)?.reshape(", $ones, ")?;")]
        #[doc = concat!("assert_eq!(f::", stringify!($adaptive_avg), "(&x, ", $whole, ")?.item::<f32>()?, 3.5);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        pub fn $adaptive_avg(input: &Tensor, output: [Option<usize>; $axes]) -> Result<Tensor> {
            adaptive_avg_pool(stringify!($adaptive_avg), input, output)
        }

        #[doc = concat!("Maxima over as many windows of ", $spatial, " as the output has elements, as")]
        #[doc = concat!("[`", stringify!($adaptive_avg), "`] has them (`torch.nn.functional.", stringify!($adaptive_max), "`).")]
        ///
        /// # Errors
        #[doc = concat!("As [`", stringify!($adaptive_avg), "`]; also if there are no channels in a batch.")]
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as f};
        #[doc = concat!("let x = Tensor::arange(0, 8, 1.0)?.reshape(", $ones, ")?;")]
        #[doc = concat!("assert_eq!(f::", stringify!($adaptive_max), "(&x, ", $whole, ")?.item::<f32>()?, 7.0);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        pub fn $adaptive_max(input: &Tensor, output: [Option<usize>; $axes]) -> Result<Tensor> {
            Ok(adaptive_max_pool(stringify!($adaptive_max), input, output, false)?.0)
        }

        #[doc = concat!("[`", stringify!($adaptive_max), "`] with the places of the maxima, as [`", stringify!($max_places), "`] has them.")]
        ///
        /// # Errors
        #[doc = concat!("As [`", stringify!($adaptive_max), "`].")]
        pub fn $adaptive_places(input: &Tensor, output: [Option<usize>; $axes]) -> Result<(Tensor, Tensor)> {
            adaptive_max_pool(stringify!($adaptive_max), input, output, true)
        }
    };
}

pools! {
    1, usize, |kernel| [kernel], "[…, c, l] → […, c, l']", "the last axis",
    "[1, 1, 8]", "2", "[Some(1)]";
    max_pool1d max_pool1d_with_indices MaxPool1dOptions
    avg_pool1d AvgPool1dOptions
    adaptive_avg_pool1d adaptive_max_pool1d adaptive_max_pool1d_with_indices
}
pools! {
    2, [usize; 2], |kernel| kernel, "[…, c, h, w] → […, c, h', w']", "the last two axes",
    "[1, 1, 2, 4]", "[2, 2]", "[Some(1), Some(1)]";
    max_pool2d max_pool2d_with_indices MaxPool2dOptions
    avg_pool2d AvgPool2dOptions
    adaptive_avg_pool2d adaptive_max_pool2d adaptive_max_pool2d_with_indices
}
pools! {
    3, [usize; 3], |kernel| kernel, "[…, c, d, h, w] → […, c, d', h', w']",
    "the last three axes", "[1, 1, 2, 2, 2]", "[2, 2, 2]", "[Some(1), Some(1), Some(1)]";
    max_pool3d max_pool3d_with_indices MaxPool3dOptions
    avg_pool3d AvgPool3dOptions
    adaptive_avg_pool3d adaptive_max_pool3d adaptive_max_pool3d_with_indices
}
