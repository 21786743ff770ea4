//! CUDA devices and their memory (`torch.cuda`).
//!
//! Tensors move to a GPU with [`Tensor::to_device`](crate::Tensor::to_device) or are made there
//! (`Tensor::zeros_with(shape, Device::Cuda(0))`). Work is queued on the device's stream and runs while the program goes on;
//! reading a result waits for it, and so does [`synchronize`].
//!
//! The module is there in every build. Without the feature `cuda`, or without a driver, no device is available and
//! every other call returns an error that says which of the two is missing.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Device, Error, Result};

/// Whether there is a driver and at least one GPU (`torch.cuda.is_available`).
///
/// ```
/// use rustorch::{Device, Tensor, cuda};
/// let device = if cuda::is_available() { Device::Cuda(0) } else { Device::Cpu };
/// assert_eq!(Tensor::ones([2]).to_device(device)?.sum().item::<f32>()?, 2.0);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn is_available() -> bool {
    device_count() > 0
}

/// The number of GPUs; 0 without a driver (`torch.cuda.device_count`).
pub fn device_count() -> usize {
    imp::device_count()
}

/// The GPU's name, such as `NVIDIA H100 80GB HBM3` (`torch.cuda.get_device_name`).
///
/// # Errors
/// If there is no such GPU. The message says what is missing: the feature, the driver, or the device.
#[inline]
pub fn device_name(ordinal: usize) -> Result<String> {
    imp::device_name(ordinal)
}

/// The GPU's compute capability, `(9, 0)` for Hopper (`torch.cuda.get_device_capability`).
///
/// # Errors
/// If there is no such GPU.
pub fn device_capability(ordinal: usize) -> Result<(u32, u32)> {
    imp::device_capability(ordinal)
}

/// Waits until the GPU has done everything queued so far (`torch.cuda.synchronize`).
///
/// # Errors
/// If there is no such GPU, or earlier work on it failed.
pub fn synchronize(ordinal: usize) -> Result<()> {
    imp::synchronize(ordinal)
}

/// Free and total bytes of the GPU's memory (`torch.cuda.mem_get_info`). Memory cached by the allocator is not free.
///
/// # Errors
/// If there is no such GPU.
pub fn memory_info(ordinal: usize) -> Result<(usize, usize)> {
    imp::memory_info(ordinal)
}

/// Bytes held by the GPU's caching allocator, now and at most (`torch.cuda.memory_stats`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryStats {
    /// Bytes in live tensors.
    pub allocated: usize,
    /// Bytes taken from the driver.
    pub reserved: usize,
    /// The most bytes in live tensors since the last [`reset_peak_memory_stats`].
    pub peak_allocated: usize,
    /// The most bytes taken from the driver since the last [`reset_peak_memory_stats`].
    pub peak_reserved: usize,
}

/// What the GPU's caching allocator holds (`torch.cuda.memory_stats`).
///
/// # Errors
/// If there is no such GPU.
pub fn memory_stats(ordinal: usize) -> Result<MemoryStats> {
    imp::memory_stats(ordinal)
}

/// Starts the peaks of [`memory_stats`] again from the present numbers (`torch.cuda.reset_peak_memory_stats`).
///
/// # Errors
/// If there is no such GPU.
pub fn reset_peak_memory_stats(ordinal: usize) -> Result<()> {
    imp::reset_peak_memory_stats(ordinal)
}

/// Returns cached memory that no tensor uses to the driver (`torch.cuda.empty_cache`).
///
/// # Errors
/// If there is no such GPU.
pub fn empty_cache(ordinal: usize) -> Result<()> {
    imp::empty_cache(ordinal)
}

/// Whether products of `F32` matrices may use TF32 (see [`set_allow_tf32`]).
#[inline]
pub fn allow_tf32() -> bool {
    ALLOW_TF32.load(Ordering::Relaxed)
}

/// Lets products of `F32` matrices round their factors to 10 bits of mantissa, which tensor cores take: about eight times
/// as fast on Hopper, with a relative error near 1e-3. Off at first, as in PyTorch
/// (`torch.backends.cuda.matmul.allow_tf32`).
#[inline]
pub fn set_allow_tf32(allow: bool) {
    ALLOW_TF32.store(allow, Ordering::Relaxed);
}

static ALLOW_TF32: AtomicBool = AtomicBool::new(false);

#[cfg(feature = "cuda")]
pub(crate) use imp::{device, dtype, from_driver};

/// With the feature: calls of rustorch-cuda, with its errors as the library's.
#[cfg(feature = "cuda")]
mod imp {
    use super::*;
    use crate::DType;

    /// The kernel layer's handle of a GPU.
    pub(crate) fn device(ordinal: usize) -> Result<rustorch_cuda::Device> {
        rustorch_cuda::Device::new(ordinal).map_err(|error| from_driver(ordinal, error))
    }

    /// An error of the kernel layer as one of the library.
    pub(crate) fn from_driver(ordinal: usize, error: rustorch_cuda::Error) -> Error {
        let device = Device::Cuda(ordinal);
        match error {
            rustorch_cuda::Error::OutOfMemory { requested, .. } => {
                Error::OutOfMemory { device, bytes: requested, detail: format!(": {error}") }
            }
            error => Error::Device { device, message: error.to_string() },
        }
    }

    /// The kernel layer's name for a dtype; it has no complex numbers.
    pub(crate) fn dtype(dtype: DType) -> Option<rustorch_cuda::DType> {
        use rustorch_cuda::DType as Cuda;
        Some(match dtype {
            DType::U8 => Cuda::U8,
            DType::I8 => Cuda::I8,
            DType::I16 => Cuda::I16,
            DType::I32 => Cuda::I32,
            DType::I64 => Cuda::I64,
            DType::F16 => Cuda::F16,
            DType::BF16 => Cuda::BF16,
            DType::F32 => Cuda::F32,
            DType::F64 => Cuda::F64,
            DType::Bool => Cuda::Bool,
            DType::Complex64 | DType::Complex128 => return None,
        })
    }

    pub(super) fn device_count() -> usize {
        rustorch_cuda::Device::count().unwrap_or(0)
    }

    #[inline]
    pub(super) fn device_name(ordinal: usize) -> Result<String> {
        Ok(device(ordinal)?.name().to_owned())
    }

    pub(super) fn device_capability(ordinal: usize) -> Result<(u32, u32)> {
        Ok(device(ordinal)?.compute_capability())
    }

    pub(super) fn synchronize(ordinal: usize) -> Result<()> {
        device(ordinal)?.synchronize().map_err(|error| from_driver(ordinal, error))
    }

    pub(super) fn memory_info(ordinal: usize) -> Result<(usize, usize)> {
        device(ordinal)?.memory_info().map_err(|error| from_driver(ordinal, error))
    }

    pub(super) fn memory_stats(ordinal: usize) -> Result<MemoryStats> {
        let rustorch_cuda::MemoryStats { allocated, reserved, peak_allocated, peak_reserved, .. } =
            device(ordinal)?.memory_stats();
        Ok(MemoryStats { allocated, reserved, peak_allocated, peak_reserved })
    }

    pub(super) fn reset_peak_memory_stats(ordinal: usize) -> Result<()> {
        device(ordinal)?.reset_peak_memory_stats();
        Ok(())
    }

    pub(super) fn empty_cache(ordinal: usize) -> Result<()> {
        device(ordinal)?.empty_cache().map_err(|error| from_driver(ordinal, error))
    }
}

/// Without the feature there is no device.
#[cfg(not(feature = "cuda"))]
mod imp {
    use super::*;

    fn missing<T>(ordinal: usize) -> Result<T> {
        Err(Error::no_cuda(Device::Cuda(ordinal)))
    }

    pub(super) fn device_count() -> usize {
        0
    }

    #[inline]
    pub(super) fn device_name(ordinal: usize) -> Result<String> {
        missing(ordinal)
    }

    pub(super) fn device_capability(ordinal: usize) -> Result<(u32, u32)> {
        missing(ordinal)
    }

    pub(super) fn synchronize(ordinal: usize) -> Result<()> {
        missing(ordinal)
    }

    pub(super) fn memory_info(ordinal: usize) -> Result<(usize, usize)> {
        missing(ordinal)
    }

    pub(super) fn memory_stats(ordinal: usize) -> Result<MemoryStats> {
        missing(ordinal)
    }

    pub(super) fn reset_peak_memory_stats(ordinal: usize) -> Result<()> {
        missing(ordinal)
    }

    pub(super) fn empty_cache(ordinal: usize) -> Result<()> {
        missing(ordinal)
    }
}
