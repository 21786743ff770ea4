//! Joining tensors, taking them apart, repeating and rearranging their entries.

mod cat;
mod diag;
mod flip;
mod mesh;
mod pad;
mod repeat;
mod split;
mod triangle;

pub use mesh::Indexing;
pub use pad::PadMode;
pub use repeat::Repeats;
pub use split::SplitSizes;
