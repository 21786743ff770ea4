//! Power-average pooling.

use super::AvgPoolOptions;
use super::driver::avg_pool;
use crate::{Result, Tensor};

fn lp_pool<const N: usize>(
    op: &'static str,
    input: &Tensor,
    norm_type: f64,
    kernel: [usize; N],
    stride: Option<[usize; N]>,
    ceil_mode: bool,
) -> Result<Tensor> {
    let options = AvgPoolOptions { stride, ceil_mode, ..AvgPoolOptions::default() };
    let means = avg_pool(op, &input.pow(norm_type)?, kernel, options)?;
    let count = kernel.iter().map(|&size| size as f64).product::<f64>();
    means.sign().mul(&means.abs().relu())?.mul(count)?.pow(1.0 / norm_type)
}

macro_rules! lp_pools {
    ($($name:ident $axes:literal $spatial:literal $shapes:literal $shape:literal $kernel:ident $window:literal;)*) => {$(
        #[doc = concat!("`(Σ x^p)^(1/p)` over every window of ", $spatial, ", where p is `norm_type`: `", $shapes, "`")]
        #[doc = concat!("(`torch.nn.functional.", stringify!($name), "`). Steps are the window's size unless there is a `stride`; an incomplete")]
        /// window, which `ceil_mode` lets count, counts as much as a whole one.
        ///
        /// # Errors
        #[doc = concat!("As [`avg_pool", $axes, "d`](super::avg_pool", $axes, "d).")]
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as f};
        #[doc = concat!("let x = Tensor::from([3.0f64, 4.0]).reshape(", $shape, ")?;")]
        #[doc = concat!("assert_eq!(f::", stringify!($name), "(&x, 2.0, ", $window, ", None, false)?.item::<f64>()?, 5.0);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[inline]
        pub fn $name(
            input: &Tensor,
            norm_type: f64,
            kernel: lp_pools!(@type $kernel $axes),
            stride: Option<lp_pools!(@type $kernel $axes)>,
            ceil_mode: bool,
        ) -> Result<Tensor> {
            lp_pools!(@call $kernel $name(input, norm_type, kernel, stride, ceil_mode))
        }
    )*};
    (@type one $axes:literal) => { usize };
    (@type each $axes:literal) => { [usize; $axes] };
    (@call one $name:ident($input:ident, $norm:ident, $kernel:ident, $stride:ident, $ceil:ident)) => {
        lp_pool(stringify!($name), $input, $norm, [$kernel], $stride.map(|size| [size]), $ceil)
    };
    (@call each $name:ident($input:ident, $norm:ident, $kernel:ident, $stride:ident, $ceil:ident)) => {
        lp_pool(stringify!($name), $input, $norm, $kernel, $stride, $ceil)
    };
}

lp_pools! {
    lp_pool1d 1 "the last axis" "[…, c, l] → […, c, l']" "[1, 1, 2]" one "2";
    lp_pool2d 2 "the last two axes" "[…, c, h, w] → […, c, h', w']" "[1, 1, 1, 2]" each "[1, 2]";
    lp_pool3d 3 "the last three axes" "[…, c, d, h, w] → […, c, d', h', w']" "[1, 1, 1, 1, 2]" each "[1, 1, 2]";
}
