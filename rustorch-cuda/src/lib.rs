//! rustorch-cuda
