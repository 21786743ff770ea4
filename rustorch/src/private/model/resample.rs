//! Images of another size, as a `model!` calls them.

use crate::nn::functional::{self as f, InterpolateMode, Resize};
use crate::{Error, Result, Tensor};

/// Sizes that may be left out.
pub trait OptionalSizes {
    /// The sizes.
    fn sizes(&self) -> Option<&[usize]>;
}

impl<const N: usize> OptionalSizes for &[usize; N] {
    fn sizes(&self) -> Option<&[usize]> {
        Some(*self)
    }
}

impl OptionalSizes for Option<[usize; 0]> {
    fn sizes(&self) -> Option<&[usize]> {
        None
    }
}

/// `nn::functional::interpolate`.
///
/// # Errors
/// As it.
pub fn interpolate(
    x: &Tensor,
    size: impl OptionalSizes,
    scale_factor: impl OptionalSizes,
    mode: &str,
    align_corners: bool,
) -> Result<Tensor> {
    let resize = match (size.sizes(), scale_factor.sizes()) {
        (Some(sizes), None) => Resize::Size(sizes.to_vec()),
        (None, Some(factors)) => Resize::Scale(factors.iter().map(|factor| *factor as f64).collect()),
        _ => return Err(Error::argument("interpolate", "either size or scale_factor must be given")),
    };
    f::interpolate(x, &resize, InterpolateMode::of(mode)?, align_corners)
}

/// `nn::functional::pixel_shuffle`.
///
/// # Errors
/// If the channels do not fit.
#[inline]
pub fn pixel_shuffle(x: &Tensor, upscale_factor: usize) -> Result<Tensor> {
    f::pixel_shuffle(x, upscale_factor)
}

/// `nn::functional::pixel_unshuffle`.
///
/// # Errors
/// If height and width do not fit.
#[inline]
pub fn pixel_unshuffle(x: &Tensor, downscale_factor: usize) -> Result<Tensor> {
    f::pixel_unshuffle(x, downscale_factor)
}
