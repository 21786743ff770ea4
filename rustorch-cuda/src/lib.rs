//! rustorch-cuda: the CUDA kernel layer of RusTorch.
//!
//! It knows no tensor: buffers go in, launches come out. The `rustorch` crate keeps a [`Buffer`] in a tensor's storage,
//! computes shapes and strides on the host and calls the launchers here; autograd, dtype promotion and shape rules are its.
//!
//! # No toolkit at build time
//! cudarc loads the driver, NVRTC and cuBLASLt when they are first used. A missing one is an [`Error`] that says what was
//! looked for and where; nothing panics. Besides the system's library path the toolkit's usual folders are searched
//! (`CUDA_HOME`, `/usr/local/cuda`) and the `nvidia` packages of the Python environments on `PATH`. Drivers from CUDA 12.0 on
//! will do.
//!
//! # The parts
//! - [`Device`]: one GPU, its properties, memory statistics and streams.
//! - [`Buffer`], [`PinnedBuffer`]: memory from a caching allocator (best fit in segments, freed blocks are reused in stream
//!   order), copies and fills.
//! - [`Stream`], [`Event`], [`Graph`]: queues, marks and recorded sequences. Every thread has a current stream per device.
//! - [`Kernel`], [`Source`], [`compile`]: CUDA C at run time through NVRTC, kept in memory and on disk
//!   (`$RUSTORCH_CACHE_DIR`, else the user's cache folder).
//! - [`Elementwise`]: kernels from the text of an expression, for any strides, broadcasts and mix of types; [`copy_spec`]
//!   is the strided copy and cast.
//! - [`softmax`](fn@softmax), [`softmax_backward`], [`reduce`](fn@reduce): kernels along one axis.
//! - [`gemm`](fn@gemm): matrix products by cuBLASLt.
//!
//! # What holds everywhere
//! - Every launch goes on the calling thread's current stream of the device and returns before it has run. Errors of a kernel
//!   itself appear at the next wait.
//! - Every view is checked against its buffer before a kernel is queued, so safe code cannot make a kernel touch
//!   foreign memory. Device memory has no Rust references into it, hence `&Buffer` also for what is written.
//! - All types are `Send + Sync`. Work on the same buffer from two streams is ordered by the caller, with [`Event`]s.
//! - Results do not depend on timing: no kernel here adds up atomically.
//!
//! # Example
//! ```
//! use rustorch_cuda::{Buffer, DType, Device, Elementwise, ElementwiseSpec, Operand};
//!
//! # fn main() -> rustorch_cuda::Result<()> {
//! let device = match Device::new(0) {
//!     Ok(device) => device,
//!     Err(reason) => {
//!         println!("{reason}");
//!         return Ok(());
//!     }
//! };
//! let relu = Elementwise::new(ElementwiseSpec {
//!     name: "relu".into(),
//!     inputs: vec![("x".into(), DType::F32)],
//!     params: vec![],
//!     compute: DType::F32,
//!     outputs: vec![("max(x, T(0.0))".into(), DType::F32)],
//! })?;
//! let x = Buffer::from_slice(&device, &[-1.0f32, 2.0])?;
//! let y = Buffer::uninit(&device, x.len())?;
//! let whole = |buffer| Operand { buffer, dtype: DType::F32, offset: 0, strides: &[1] };
//! relu.launch(&device, &[2], &[whole(&x)], &[], &[whole(&y)])?;
//! assert_eq!(y.to_vec::<f32>()?, [0.0, 2.0]);
//! # Ok(())
//! # }
//! ```

mod device;
mod dtype;
mod elementwise;
mod error;
mod gemm;
mod graph;
mod kernels;
mod layout;
mod loader;
mod memory;
mod nvrtc;
mod stream;
#[cfg(test)]
mod testing;

pub use device::Device;
pub use dtype::DType;
pub use elementwise::{Elementwise, ElementwiseSpec, Operand, Scalar, copy_spec};
pub use error::{Error, Result};
pub use gemm::{Epilogue, Gemm, Matrix, gemm};
pub use graph::Graph;
pub use kernels::{
    Axis, Elements,
    reduce::{Reduction, reduce},
    softmax::{softmax, softmax_backward},
};
pub use layout::MAX_DIMS;
pub use loader::NotFound;
pub use memory::{Buffer, MemoryStats, PinnedBuffer};
pub use nvrtc::{Arguments, Image, Kernel, Source, compile};
pub use stream::{Event, Stream, StreamGuard};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Device>();
        shared::<Buffer>();
        shared::<PinnedBuffer>();
        shared::<Stream>();
        shared::<Event>();
        shared::<Graph>();
        shared::<Kernel>();
        shared::<Elementwise>();
        shared::<Error>();
    }

    #[test]
    fn without_a_driver_the_error_says_what_was_looked_for() {
        match Device::new(0) {
            Ok(device) => assert!(!device.name().is_empty()),
            Err(Error::LibraryNotFound(missing)) => {
                let text = missing.to_string();
                assert!(text.contains("libcuda.so.1") && text.contains("the CPU works without it"), "{text}");
                assert!(!Device::is_available());
            }
            Err(Error::NoDevice { ordinal: 0, count: 0 }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
