//! The operations, each written once. `CONTRIBUTING.md` says how to add one.

pub(crate) mod conv;
pub(crate) mod elementwise;
<<<<<<< HEAD
mod index_add;
pub(crate) mod matmul;
=======
pub(crate) mod indexing;
pub(crate) mod join;
>>>>>>> 8572d0e (Joining, splitting, rearranging; gather, scatter, masks and indexing by tensors on one indexed walk)
mod reduce;
