//! Kernels from CUDA C at run time: compiled by NVRTC for the device at hand, kept in memory and on disk.

mod cache;
mod compile;
mod kernel;

pub(crate) use cache::Cache;
pub use compile::{Image, Source, compile};
pub use kernel::{Arguments, Kernel};
pub(crate) use kernel::{Compiler, Grid};
