//! What the behaviour tests share: the reader of the golden files, comparison with PyTorch's numbers, and
//! the table of operations that the golden files name.

pub mod allocations;
pub mod compare;
pub mod compiled;
pub mod declarations;
pub mod deviations;
pub mod golden;
pub mod ops;
pub mod pytorch;
pub mod quiet;
pub mod turns;

/// The pages of `docs/`, whose snippets are doctests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/einsum.md")]
    struct Einsum;
    #[doc = include_str!("../../docs/typed-tensors.md")]
    struct TypedTensors;
}
