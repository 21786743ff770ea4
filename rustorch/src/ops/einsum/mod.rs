//! Einstein summation at run time.
//!
//! Parsing, checking and planning are `rustorch-shape`'s, shared with the macros; here plans are cached and carried out
//! with tensor operations, through which gradients of any order flow.

mod cache;
mod execute;
mod site;

use std::fmt::Display;

use crate::{Error, Result, Tensor};
use rustorch_shape::einsum::Spec;
pub use site::Site;

/// Einstein summation: sums products of the operands' elements over the indices that the output does not have.
/// `torch.einsum`.
///
/// Every operand has a letter for each of its axes, and axes with the same letter run together: `"ij,jk->ik"` is
/// `out[i, k] = Σ_j a[i, j] · b[j, k]`.
/// - Without `->`, the output has the indices that appear once, in alphabetical order, upper case before lower.
/// - `...` stands for any number of axes, which broadcast against those of other operands from the right.
/// - An index repeated in one operand runs along the diagonal: `"ii->"` is the trace.
/// - An axis of size 1 broadcasts.
///
/// Three or more operands are contracted in pairs, in the order that takes the fewest multiply-adds
/// ([`einsum_path`] and [`einsum_path!`](crate::einsum_path!) show it). Plans are cached by specification and shapes. Where the subscripts are known at compile
/// time, [`einsum!`](crate::einsum!) checks them there.
///
/// ```
/// use rustorch::{Tensor, einsum};
/// let q = Tensor::randn([2, 5, 4, 8]);
/// let k = Tensor::randn([2, 7, 4, 8]);
/// let scores = einsum("bqhd,bkhd->bhqk", &[&q, &k])?;
/// assert_eq!(scores.shape(), [2, 4, 5, 7]);
/// # Ok::<(), rustorch::Error>(())
/// ```
///
/// # Errors
/// A malformed specification, another number of operands than terms, an operand whose rank does not fit its term, an index
/// with two sizes; the message names operands, axes and sizes. Also where the dtypes cannot be multiplied.
#[inline]
pub fn einsum(spec: &str, operands: &[&Tensor]) -> Result<Tensor> {
    cache::expression(spec)?.run(operands, None)
}

/// The order in which [`einsum`] contracts operands of the given shapes, in words; `numpy.einsum_path`.
///
/// ```
/// let path = rustorch::einsum_path("ij,jk,kl->il", &[&[64, 64], &[64, 512], &[512, 64]])?;
/// assert!(path.contains("jk,kl->jl"), "the wide pair is contracted first:\n{path}");
/// # Ok::<(), rustorch::Error>(())
/// ```
///
/// # Errors
/// As [`einsum`], as far as shapes are concerned.
#[inline]
pub fn einsum_path(spec: &str, shapes: &[&[usize]]) -> Result<String> {
    let parsed = Spec::parse(spec).map_err(|error| malformed(spec, &error))?;
    let checked = parsed.check(shapes).map_err(|errors| mismatch(&parsed, &errors))?;
    Ok(checked.plan().explain(&parsed).to_string())
}

/// The text of a specification that does not parse, with a caret under the mistake.
fn malformed(text: &str, error: &rustorch_shape::einsum::EinsumError) -> Error {
    Error::argument("einsum", error.render(text))
}

/// Operands that do not fit a specification.
#[inline]
fn mismatch(spec: impl Display, errors: &[rustorch_shape::einsum::EinsumError]) -> Error {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Error::argument("einsum", format!("in `{spec}`, {}", errors.join("; ")))
}
