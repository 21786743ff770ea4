//! Pooling over one, two and three axes.

mod adaptive;
mod average;
mod max;
mod power;

pub use adaptive::*;
pub use average::*;
pub use max::*;
pub use power::*;
