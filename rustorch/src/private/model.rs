//! The calls of a `model!`: one function for every function of its table, all arguments explicit.
//!
//! The table is `rustorch_shape::functions`; the arguments stand in its order, sizes as arrays where their number is
//! fixed, and a test compares the two.

mod arrange;
mod assert;
mod elementwise;
mod join;
mod network;
mod pool;
mod product;
mod reduce;
mod view;

pub use arrange::*;
pub use assert::assert_sizes;
pub use elementwise::*;
pub use join::*;
pub use network::*;
pub use pool::*;
pub use product::*;
pub use reduce::*;
pub use view::*;

use crate::{Error, Result, Tensor};
use rustorch_shape::{Dims, ShapeError};

/// Checks the sizes of an input that its type does not express.
///
/// # Errors
/// If the shape differs from `expected`.
pub fn check_input(model: &'static str, name: &str, input: &Tensor, expected: &[usize]) -> Result<()> {
    if input.shape() == expected {
        return Ok(());
    }
    let message = format!(
        "the input `{name}` has shape {}, but its declaration and the other inputs ask for {}",
        Dims(input.shape()),
        Dims(expected)
    );
    Err(Error::Shape(ShapeError::input(model, 0, message)))
}
