//! Moving, repeating and choosing elements, as a `model!` calls it.

use crate::nn::functional as f;
use crate::{Error, PadMode, Result, Tensor};

/// `Tensor::flip`.
///
/// # Errors
/// If an axis is out of range.
#[inline]
pub fn flip(x: &Tensor, dims: &[isize]) -> Result<Tensor> {
    x.flip(dims)
}

/// `Tensor::roll`.
///
/// # Errors
/// If an axis is out of range.
#[inline]
pub fn roll(x: &Tensor, shifts: &[isize], dims: &[isize]) -> Result<Tensor> {
    x.roll(shifts, dims)
}

/// `Tensor::repeat`.
///
/// # Errors
/// If there are fewer repeats than axes.
#[inline]
pub fn repeat(x: &Tensor, repeats: &[usize]) -> Result<Tensor> {
    x.repeat(repeats)
}

/// `Tensor::repeat_interleave`.
///
/// # Errors
/// If the axis is out of range.
#[inline]
pub fn repeat_interleave(x: &Tensor, repeats: usize, dim: isize) -> Result<Tensor> {
    x.repeat_interleave(repeats, Some(dim))
}

/// `Tensor::pad`.
///
/// # Errors
/// If the sizes do not fit the axes.
#[inline]
pub fn pad(x: &Tensor, padding: &[usize], mode: &str, value: f64) -> Result<Tensor> {
    let mode = PadMode::parse(mode, value).ok_or_else(|| {
        let expected = "expected \"constant\", \"reflect\", \"replicate\" or \"circular\"";
        Error::argument("pad", format!("mode is {mode:?}, {expected}"))
    })?;
    // No axis is that long.
    let padding: Vec<isize> = padding.iter().map(|&n| isize::try_from(n).unwrap_or(isize::MAX)).collect();
    x.pad(padding.as_slice(), mode)
}

/// `Tensor::tril`.
///
/// # Errors
/// If there are fewer than two axes.
#[inline]
pub fn tril(x: &Tensor, diagonal: isize) -> Result<Tensor> {
    x.tril(diagonal)
}

/// `Tensor::triu`.
///
/// # Errors
/// If there are fewer than two axes.
#[inline]
pub fn triu(x: &Tensor, diagonal: isize) -> Result<Tensor> {
    x.triu(diagonal)
}

/// `Tensor::detach`.
#[expect(clippy::missing_errors_doc, reason = "there are none")]
#[inline]
pub fn detach(x: &Tensor) -> Result<Tensor> {
    Ok(x.detach())
}

/// `Tensor::contiguous`.
#[expect(clippy::missing_errors_doc, reason = "there are none")]
#[inline]
pub fn contiguous(x: &Tensor) -> Result<Tensor> {
    Ok(x.contiguous())
}

/// `Tensor::gather`.
///
/// # Errors
/// If the shapes do not fit, or an index is out of range.
pub fn gather(x: &Tensor, dim: isize, index: &Tensor) -> Result<Tensor> {
    x.gather(dim, index)
}

/// `Tensor::index_select`.
///
/// # Errors
/// If an index is out of range.
#[inline]
pub fn index_select(x: &Tensor, dim: isize, index: &Tensor) -> Result<Tensor> {
    x.index_select(dim, index)
}

/// `Tensor::take_along_dim`.
///
/// # Errors
/// If the shapes do not fit, or an index is out of range.
#[inline]
pub fn take_along_dim(x: &Tensor, index: &Tensor, dim: isize) -> Result<Tensor> {
    x.take_along_dim(index, Some(dim))
}

/// `nn::functional::embedding`.
///
/// # Errors
/// If an index is out of range.
#[inline]
pub fn embedding(indices: &Tensor, weight: &Tensor) -> Result<Tensor> {
    f::embedding(indices, weight, None)
}

/// `Tensor::zeros_like`.
///
/// # Errors
/// None.
#[inline]
pub fn zeros_like(x: &Tensor) -> Result<Tensor> {
    Ok(x.zeros_like())
}

/// `Tensor::ones_like`.
///
/// # Errors
/// None.
#[inline]
pub fn ones_like(x: &Tensor) -> Result<Tensor> {
    Ok(x.ones_like())
}

/// `Tensor::full_like`.
///
/// # Errors
/// None.
#[inline]
pub fn full_like(x: &Tensor, value: f64) -> Result<Tensor> {
    Ok(x.full_like(value))
}

/// `Tensor::rand_like`.
///
/// # Errors
/// If the dtype has no such numbers.
#[inline]
pub fn rand_like(x: &Tensor) -> Result<Tensor> {
    real("rand_like", x)?;
    Ok(x.rand_like())
}

/// `Tensor::randn_like`.
///
/// # Errors
/// If the dtype has no such numbers.
#[inline]
pub fn randn_like(x: &Tensor) -> Result<Tensor> {
    real("randn_like", x)?;
    Ok(x.randn_like())
}

fn real(op: &'static str, x: &Tensor) -> Result<()> {
    if x.dtype().is_float() || x.dtype().is_complex() {
        return Ok(());
    }
    Err(Error::Argument {
        op,
        message: format!("x is {}, but random numbers have a floating-point dtype", x.dtype()),
    })
}
