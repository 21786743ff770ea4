//! The operations, each written once. `CONTRIBUTING.md` says how to add one.

pub(crate) mod attention;
mod compare;
mod complex;
pub(crate) mod conv;
pub(crate) mod cross_entropy;
mod dropout;
pub(crate) mod einops;
pub(crate) mod einsum;
pub(crate) mod elementwise;
pub(crate) mod indexing;
pub(crate) mod join;
pub(crate) mod matmul;
pub(crate) mod norm;
mod partial;
pub(crate) mod pooling;
pub(crate) mod recurrent;
pub(crate) mod reduce;
pub(crate) mod resample;
mod softmax;
pub(crate) mod sort;
pub(crate) mod standardize;
