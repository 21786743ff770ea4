//! Products, as a `model!` calls them.

use crate::nn::functional::{self as f, AttentionOptions};
use crate::{Result, Tensor};

macro_rules! products {
    ($($name:ident)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If the shapes or dtypes do not fit.
        #[inline]
        pub fn $name(a: &Tensor, b: &Tensor) -> Result<Tensor> {
            a.$name(b)
        }
    )*};
}

products!(matmul bmm mm outer);

/// `nn::functional::cosine_similarity`.
///
/// # Errors
/// If the shapes do not broadcast or there is no such axis.
#[inline]
pub fn cosine_similarity(a: &Tensor, b: &Tensor, dim: isize, eps: f64) -> Result<Tensor> {
    f::cosine_similarity(a, b, dim, eps)
}

/// `nn::functional::scaled_dot_product_attention`.
///
/// # Errors
/// If the shapes do not fit, or both a mask and `causal` are given.
#[inline]
pub fn scaled_dot_product_attention(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    mask: Option<&Tensor>,
    causal: bool,
    scale: Option<f64>,
) -> Result<Tensor> {
    let options = AttentionOptions { mask, causal, scale, ..AttentionOptions::default() };
    f::scaled_dot_product_attention(query, key, value, options)
}
