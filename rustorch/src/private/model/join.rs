//! Joining, and taking apart into as many tensors as there are names.

use crate::{Error, Result, Tensor};

/// `Tensor::cat`.
///
/// # Errors
/// If the tensors differ in rank or in another axis.
#[inline]
pub fn cat(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
    Tensor::cat(tensors, dim)
}

/// `Tensor::stack`.
///
/// # Errors
/// If the shapes differ.
pub fn stack(tensors: &[&Tensor], dim: isize) -> Result<Tensor> {
    Tensor::stack(tensors, dim)
}

/// `Tensor::split` into pieces of these sizes.
///
/// # Errors
/// If the sizes do not add up to that of the axis.
pub fn split<const N: usize>(x: &Tensor, sizes: [usize; N], dim: isize) -> Result<[Tensor; N]> {
    pieces("split", x.split(sizes, dim)?)
}

/// `Tensor::chunk` into as many pieces as are asked for.
///
/// # Errors
/// If the axis cannot be divided into so many.
pub fn chunk<const N: usize>(x: &Tensor, dim: isize) -> Result<[Tensor; N]> {
    pieces("chunk", x.chunk(N, dim)?)
}

/// `Tensor::unbind` of an axis of this size.
///
/// # Errors
/// If the axis has another size.
pub fn unbind<const N: usize>(x: &Tensor, dim: isize) -> Result<[Tensor; N]> {
    pieces("unbind", x.unbind(dim)?)
}

fn pieces<const N: usize>(op: &'static str, pieces: Vec<Tensor>) -> Result<[Tensor; N]> {
    <[Tensor; N]>::try_from(pieces).map_err(|pieces| Error::Argument {
        op,
        message: format!("there are {} pieces, but {N} are asked for", pieces.len()),
    })
}
