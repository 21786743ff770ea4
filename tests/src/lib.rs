//! What the behaviour tests share: the reader of the golden files, comparison with PyTorch's numbers, and
//! the table of operations that the golden files name.

pub mod compare;
pub mod deviations;
pub mod golden;
pub mod ops;
pub mod quiet;
