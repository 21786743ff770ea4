//! Device memory: buffers, the caching allocator behind them, and pinned host memory.

mod allocator;
mod buffer;
mod pinned;
mod pool;

pub(crate) use allocator::Allocator;
pub use buffer::Buffer;
pub use pinned::PinnedBuffer;
pub use pool::MemoryStats;
