//! The table of elementwise operations.

#![allow(
    clippy::approx_constant,
    clippy::eq_op,
    clippy::excessive_precision,
    reason = "expressions are also CUDA C, which has no `consts`; `x - x` asks for NaN and infinity"
)]

pub(crate) mod activation;
pub(crate) mod arithmetic;
pub(crate) mod comparison;
pub(crate) mod limited;
pub(crate) mod math;
pub(crate) mod rounding;
pub(crate) mod special;
pub(crate) mod ternary;
