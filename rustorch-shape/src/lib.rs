//! rustorch-shape
