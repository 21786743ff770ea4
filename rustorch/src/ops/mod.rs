//! The operations, each written once. `CONTRIBUTING.md` says how to add one.

pub(crate) mod elementwise;
mod index_add;
mod reduce;
