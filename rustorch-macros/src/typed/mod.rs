//! `shape!` and `dim!`, the two small macros of typed tensors.

pub mod dim;
pub mod shape;
#[cfg(test)]
mod tests;
