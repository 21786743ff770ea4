//! The small macros of typed tensors: `shape!`, `dim!`, and convolution and pooling with options by name.

pub mod dim;
pub mod shape;
#[cfg(test)]
mod tests;
pub mod window;
