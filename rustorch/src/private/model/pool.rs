//! Pooling, as a `model!` calls it.

use crate::nn::functional::{self as f, AvgPoolOptions, MaxPoolOptions};
use crate::{Result, Tensor};

/// The functions of one number of axes. `$size` makes of one size per axis what they take.
macro_rules! pools {
    (
        $axes:literal, $size:expr, [$($divisor:ident)?];
        $max:ident $avg:ident $adaptive_avg:ident $adaptive_max:ident $lp:ident
    ) => {
        #[doc = concat!("`nn::functional::", stringify!($max), "`.")]
        ///
        /// # Errors
        /// If the window does not fit.
        #[inline]
        pub fn $max(
            x: &Tensor,
            kernel: [usize; $axes],
            stride: [usize; $axes],
            padding: [usize; $axes],
            dilation: [usize; $axes],
            ceil_mode: bool,
        ) -> Result<Tensor> {
            f::$max(x, $size(kernel), MaxPoolOptions { stride: Some(stride), padding, dilation, ceil_mode })
        }

        #[doc = concat!("`nn::functional::", stringify!($avg), "`.")]
        ///
        /// # Errors
        /// If the window does not fit.
        #[inline]
        pub fn $avg(
            x: &Tensor,
            kernel: [usize; $axes],
            stride: [usize; $axes],
            padding: [usize; $axes],
            ceil_mode: bool,
            count_include_pad: bool,
            $($divisor: Option<usize>,)?
        ) -> Result<Tensor> {
            #[allow(clippy::needless_update, reason = "over one axis there is no divisor")]
            let options = AvgPoolOptions {
                stride: Some(stride),
                padding,
                ceil_mode,
                count_include_pad,
                $($divisor,)?
                ..AvgPoolOptions::default()
            };
            f::$avg(x, $size(kernel), options)
        }

        #[doc = concat!("`nn::functional::", stringify!($adaptive_avg), "`.")]
        ///
        /// # Errors
        /// If an axis is empty.
        #[inline]
        pub fn $adaptive_avg(x: &Tensor, output_size: [Option<usize>; $axes]) -> Result<Tensor> {
            f::$adaptive_avg(x, output_size)
        }

        #[doc = concat!("`nn::functional::", stringify!($adaptive_max), "`.")]
        ///
        /// # Errors
        /// If an axis is empty.
        #[inline]
        pub fn $adaptive_max(x: &Tensor, output_size: [Option<usize>; $axes]) -> Result<Tensor> {
            f::$adaptive_max(x, output_size)
        }

        #[doc = concat!("`nn::functional::", stringify!($lp), "`.")]
        ///
        /// # Errors
        /// If the window does not fit.
        #[inline]
        pub fn $lp(
            x: &Tensor,
            norm_type: f64,
            kernel: [usize; $axes],
            stride: [usize; $axes],
            ceil_mode: bool,
        ) -> Result<Tensor> {
            f::$lp(x, norm_type, $size(kernel), Some($size(stride)), ceil_mode)
        }
    };
}

pools! {
    1, |[size]: [usize; 1]| size, [];
    max_pool1d avg_pool1d adaptive_avg_pool1d adaptive_max_pool1d lp_pool1d
}
pools! {
    2, |sizes| sizes, [divisor_override];
    max_pool2d avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d lp_pool2d
}
pools! {
    3, |sizes| sizes, [divisor_override];
    max_pool3d avg_pool3d adaptive_avg_pool3d adaptive_max_pool3d lp_pool3d
}
