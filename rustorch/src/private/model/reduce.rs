//! Reductions over axes; none stand for all.

use crate::{Result, Tensor};

macro_rules! reductions {
    ($($name:ident = $method:ident;)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($method), "`.")]
        ///
        /// # Errors
        /// If an axis is out of range, or nothing is left to reduce.
        pub fn $name(x: &Tensor, dims: &[isize], keepdim: bool) -> Result<Tensor> {
            if dims.is_empty() { x.$method((), keepdim) } else { x.$method(dims, keepdim) }
        }
    )*};
}

reductions! {
    sum = sum_dim;
    mean = mean_dim;
    max = amax_dim;
    min = amin_dim;
}

/// `Tensor::argmax`.
///
/// # Errors
/// If the axis is out of range or empty.
pub fn argmax(x: &Tensor, dim: isize, keepdim: bool) -> Result<Tensor> {
    x.argmax(dim, keepdim)
}

/// `Tensor::argmin`.
///
/// # Errors
/// If the axis is out of range or empty.
pub fn argmin(x: &Tensor, dim: isize, keepdim: bool) -> Result<Tensor> {
    x.argmin(dim, keepdim)
}
