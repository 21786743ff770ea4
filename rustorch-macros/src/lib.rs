//! Procedural macros of RusTorch.
