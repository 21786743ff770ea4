//! The layers. Their arguments, defaults and parameter shapes stand in the table of `rustorch-shape`, which `model!`
//! checks by.

mod activation;
mod conv;
mod linear;
mod shape;

pub use activation::*;
pub use conv::{Conv1d, Conv1dBuilder, Conv2d, Conv2dBuilder};
pub use linear::{Linear, LinearBuilder};
pub use shape::{Flatten, FlattenBuilder, Identity, IdentityBuilder};
