//! Einstein summation: what a specification means, whether it fits its operands, and in which order to contract them.
//!
//! ```text
//! Spec::parse ──► Spec ──► Spec::check(shapes) ──► Checked ──► Checked::plan() ──► Plan
//!   (syntax)              (ranks, sizes, broadcasting)        (path, GEMM groups)
//! ```
//!
//! The macros and the run-time function share every stage. [`Spec`] follows `torch.einsum`: letters, `...`, repeated
//! indices for diagonals, and an implicit output of the indices that occur once, in alphabetical order with upper case
//! first. Sizes are anything that implements [`AxisSize`]: `usize` at run time, symbolic sizes inside the macros.
//!
//! ```
//! use rustorch_shape::einsum::Spec;
//!
//! let spec = Spec::parse("bqhd,bkhd->bhqk")?;
//! let checked = spec.check(&[vec![8, 128, 4, 32], vec![8, 64, 4, 32]]).map_err(|mut errors| errors.remove(0))?;
//! assert_eq!(checked.output_shape(), [8, 4, 128, 64]);
//! let plan = checked.plan();
//! assert_eq!(plan.contractions.len(), 1);
//! assert!(plan.permutation.is_none());
//! # Ok::<(), rustorch_shape::einsum::EinsumError>(())
//! ```

mod check;
mod error;
mod parse;
mod path;
mod plan;
mod spec;
#[cfg(test)]
mod tests;

pub use check::{Assumption, Axis, AxisSize, Checked};
pub use error::{EinsumError, ErrorKind};
pub use path::{IndexSet, static_order};
pub use plan::{Contraction, Explain, Gradient, Plan, Prepare};
pub use spec::{Item, Spec, Subscript, Term};

/// The number of an index: first the labels of the [`Spec`], in order of first appearance, then the axes that the
/// ellipsis stands for, leftmost first.
pub type Index = usize;

/// The number of distinct indices that one expression may have.
pub const MAX_INDICES: usize = 128;
