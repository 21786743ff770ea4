//! Tensors on a GPU against the same tensors on the CPU.
//!
//! Without the feature `cuda` or without a driver every test says on stderr that it was skipped, and why, and proves nothing.

mod elementwise;
mod fused;
mod moving;
mod structured;
mod support;
