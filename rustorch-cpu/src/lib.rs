//! The CPU kernel layer: loops over raw slices and pointers, with sizes and strides, that know no `Tensor`.
//!
//! Everything here is called by the eager ops and by the code that `model!` generates; it is no public interface,
//! and checks its arguments with `debug_assert!` only: shapes have been checked before a kernel is called. Results do not depend on
//! the number of threads: work is cut by sizes alone, and partial sums are combined in a fixed order.

pub mod accumulate;
pub mod attention;
pub mod batch_norm;
pub mod conv;
pub mod cross_entropy;
mod float;
pub mod gemm;
pub mod group_norm;
mod isa;
pub mod layer_norm;
pub mod lines;
pub mod math;
pub mod optim;
pub mod parallel;
mod pool;
pub mod pooling;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod resample;
pub mod scratch;
pub mod softmax;
pub mod sort;
pub mod stream;
pub mod strided;
pub mod transpose;
pub mod vector;
#[cfg(target_arch = "x86_64")]
pub mod wide;

pub use float::Float;
pub use isa::{Isa, Kernel, isa, keep_small};
pub use vector::Vectored;

/// A list of sizes, strides or axes; inline up to six entries.
pub type Dims = smallvec::SmallVec<[usize; 6]>;
