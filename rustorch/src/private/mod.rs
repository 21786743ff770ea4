//! What the macros expand to; no public interface.

pub mod model;
