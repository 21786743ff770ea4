//! What the behaviour tests share: the reader of the golden files, comparison with PyTorch's numbers, finite
//! differences, and the table of operations that the golden files name.

pub mod compare;
pub mod deviations;
pub mod finite;
pub mod golden;
pub mod ops;
pub mod quiet;
