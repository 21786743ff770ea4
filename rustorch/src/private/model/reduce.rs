//! Reductions over axes; none stand for all.

use crate::{Result, Tensor};

macro_rules! reductions {
    ($($name:ident = $method:ident;)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($method), "`.")]
        ///
        /// # Errors
        /// If an axis is out of range, or nothing is left to reduce.
        #[inline]
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
    amax = amax_dim;
    amin = amin_dim;
    prod = prod_dim;
    logsumexp = logsumexp;
    all = all_dim;
    any = any_dim;
}

macro_rules! spreads {
    ($($name:ident = $method:ident;)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($method), "`.")]
        ///
        /// # Errors
        /// If an axis is out of range.
        #[inline]
        pub fn $name(x: &Tensor, dims: &[isize], correction: f64, keepdim: bool) -> Result<Tensor> {
            if dims.is_empty() { x.$method((), correction, keepdim) } else { x.$method(dims, correction, keepdim) }
        }
    )*};
}

spreads! {
    var = var_dim;
    std = std_dim;
}

/// `Tensor::norm_dim`.
///
/// # Errors
/// If an axis is out of range.
#[inline]
pub fn norm(x: &Tensor, p: f64, dims: &[isize], keepdim: bool) -> Result<Tensor> {
    if dims.is_empty() { x.norm_dim(p, (), keepdim) } else { x.norm_dim(p, dims, keepdim) }
}

/// `Tensor::topk`.
///
/// # Errors
/// If the axis has fewer entries.
#[inline]
pub fn topk(x: &Tensor, k: usize, dim: isize, largest: bool, sorted: bool) -> Result<[Tensor; 2]> {
    x.topk(k, dim, largest, sorted).map(<[Tensor; 2]>::from)
}

/// `Tensor::sort`.
///
/// # Errors
/// If the axis is out of range.
#[inline]
pub fn sort(x: &Tensor, dim: isize, descending: bool, stable: bool) -> Result<[Tensor; 2]> {
    x.sort(dim, descending, stable).map(<[Tensor; 2]>::from)
}

/// `Tensor::argmax`.
///
/// # Errors
/// If the axis is out of range or empty.
#[inline]
pub fn argmax(x: &Tensor, dim: isize, keepdim: bool) -> Result<Tensor> {
    x.argmax(dim, keepdim)
}

/// `Tensor::argmin`.
///
/// # Errors
/// If the axis is out of range or empty.
#[inline]
pub fn argmin(x: &Tensor, dim: isize, keepdim: bool) -> Result<Tensor> {
    x.argmin(dim, keepdim)
}
