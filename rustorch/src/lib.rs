//! rustorch

#[doc(hidden)]
pub mod kernels;
