//! Views: sizes are those of the result, all inferred ones filled in.

use crate::{Result, Tensor};

/// `Tensor::flatten`.
///
/// # Errors
/// If an axis is out of range.
pub fn flatten(x: &Tensor, start: isize, end: isize) -> Result<Tensor> {
    x.flatten(start, end)
}

/// `Tensor::reshape`.
///
/// # Errors
/// If the number of elements differs.
pub fn reshape(x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    x.reshape(shape)
}

/// `Tensor::unflatten`.
///
/// # Errors
/// If the sizes do not make up the axis.
#[inline]
pub fn unflatten(x: &Tensor, dim: isize, sizes: &[usize]) -> Result<Tensor> {
    x.unflatten(dim, sizes)
}

/// `Tensor::expand`.
///
/// # Errors
/// If an axis that is not 1 would change.
#[inline]
pub fn expand(x: &Tensor, sizes: &[usize]) -> Result<Tensor> {
    x.expand(sizes)
}

/// `Tensor::permute`.
///
/// # Errors
/// If `dims` is no permutation of the axes.
pub fn permute(x: &Tensor, dims: &[isize]) -> Result<Tensor> {
    x.permute(dims)
}

/// `Tensor::transpose`.
///
/// # Errors
/// If an axis is out of range.
pub fn transpose(x: &Tensor, dim0: isize, dim1: isize) -> Result<Tensor> {
    x.transpose(dim0, dim1)
}

/// `Tensor::unsqueeze`.
///
/// # Errors
/// If the axis is out of range.
#[inline]
pub fn unsqueeze(x: &Tensor, dim: isize) -> Result<Tensor> {
    x.unsqueeze(dim)
}

/// `Tensor::squeeze` of one axis.
///
/// # Errors
/// If the axis is out of range.
#[inline]
pub fn squeeze(x: &Tensor, dim: isize) -> Result<Tensor> {
    x.squeeze(dim)
}

/// `Tensor::narrow`.
///
/// # Errors
/// If the range reaches past the end of the axis.
#[inline]
pub fn narrow(x: &Tensor, dim: isize, start: usize, length: usize) -> Result<Tensor> {
    x.narrow(dim, start, length)
}

/// `Tensor::select`.
///
/// # Errors
/// If the position is outside the axis.
#[inline]
pub fn select(x: &Tensor, dim: isize, index: usize) -> Result<Tensor> {
    // A position beyond the largest isize is outside every axis.
    x.select(dim, isize::try_from(index).unwrap_or(isize::MAX))
}

/// `Tensor::slice`.
///
/// # Errors
/// If the axis is out of range or the step is 0.
#[inline]
pub fn slice(x: &Tensor, dim: isize, start: usize, end: usize, step: usize) -> Result<Tensor> {
    let bound = |at: usize| isize::try_from(at).unwrap_or(isize::MAX);
    x.slice(dim, bound(start), bound(end), step)
}

/// `Tensor::movedim`.
///
/// # Errors
/// If an axis is out of range or named twice.
#[inline]
pub fn movedim(x: &Tensor, source: &[isize], destination: &[isize]) -> Result<Tensor> {
    x.movedim(source, destination)
}
