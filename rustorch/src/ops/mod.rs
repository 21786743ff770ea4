//! The operations, each written once. `CONTRIBUTING.md` says how to add one.

pub(crate) mod conv;
pub(crate) mod elementwise;
mod index_add;
pub(crate) mod matmul;
mod reduce;
