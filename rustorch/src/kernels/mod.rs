//! The CPU kernel layer: loops over raw slices and pointers, with sizes and strides, that know no `Tensor`.
//!
//! Everything here is called by the eager ops and by the code that `model!` generates; it is no public interface,
//! and checks its arguments with `debug_assert!` only. Shapes have been checked before a kernel is called.

mod isa;
pub mod math;
pub mod parallel;

pub use isa::{Isa, isa};
