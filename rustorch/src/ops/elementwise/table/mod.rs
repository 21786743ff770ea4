//! The table of elementwise operations.

pub(crate) mod activation;
pub(crate) mod arithmetic;
pub(crate) mod comparison;
pub(crate) mod math;
pub(crate) mod rounding;
pub(crate) mod special;
pub(crate) mod ternary;
