//! What RusTorch knows about shapes: the algebra of sizes, one function per shape rule, and the
//! table of layers and functions that `model!` understands.
//!
//! The crate has no dependencies and touches no data. What only the macros need, the table of functions, the rules in the table of
//! layers and the algebra of sizes, is behind the feature `symbolic`. Two very different callers share it:
//!
//! * the library, at run time, with `usize` sizes: [`rules`] decide every result shape and word
//!   every shape error;
//! * the macros, at compile time, with symbolic sizes ([`Poly`]): the *same* functions check a
//!   network whose batch size and widths are not known yet.
//!
//! ```
//! use rustorch_shape::{rules, Poly};
//!
//! // At run time: numbers.
//! assert_eq!(rules::matmul(&[32, 784], &[784, 128], &mut ()), Ok(vec![32, 128]));
//!
//! // In a macro: symbols. What cannot be proved becomes a claim, which the macro turns into a
//! // compile-time assertion.
//! let (batch, d) = (Poly::dim("batch"), Poly::param("D"));
//! let mut claims = Vec::new();
//! let y = rules::matmul(&[batch.clone(), d.clone()], &[Poly::param("E"), d], &mut claims).unwrap();
//! assert_eq!(y[0], batch);
//! assert_eq!(claims[0].to_string(), "D == E");
//! ```

// What only the table of functions uses.
#![cfg_attr(not(feature = "symbolic"), allow(dead_code))]

pub mod args;
pub mod einops;
pub mod einsum;
mod error;
#[cfg(feature = "symbolic")]
pub mod functions;
pub mod layers;
#[cfg(feature = "symbolic")]
pub mod poly;
#[cfg(not(feature = "symbolic"))]
#[path = "poly_number.rs"]
pub mod poly;
pub mod rules;
mod size;
mod suggest;

pub use error::{Dims, Operand, Result, ShapeError, normalize_axes, normalize_axis};
pub use poly::{Claim, Poly};
pub use size::{Relation, Size, Truth};
pub use suggest::suggest;
