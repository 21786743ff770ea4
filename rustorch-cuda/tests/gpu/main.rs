//! Everything that needs a GPU: results against references in f64 on the host, and timings.
//!
//! Without a driver every test says on stderr that it was skipped, and why, and proves nothing.
//! `cargo test -p rustorch-cuda --test gpu -- timings --nocapture --ignored` prints the timings.

mod elementwise;
mod gemm;
mod memory;
mod reduce;
mod softmax;
mod support;
mod timings;
