//! rustorch
