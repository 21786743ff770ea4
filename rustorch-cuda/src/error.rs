//! What can go wrong on the way to the GPU, and what each message tells the reader.

use std::fmt;

use cudarc::driver::DriverError;

use crate::loader::NotFound;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the CUDA layer. No call of this crate panics because a driver or a library is missing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shared library could not be loaded: the driver itself, NVRTC or cuBLASLt.
    #[error("{0}")]
    LibraryNotFound(NotFound),

    /// The driver is there but older than the first version whose interface is used here.
    #[error(
        "the CUDA driver supports CUDA {}.{}, but CUDA 12.0 or newer is needed; update the NVIDIA driver \
         (the CPU needs none)",
        .found / 1000, .found % 1000 / 10
    )]
    DriverTooOld {
        /// The version as `cuDriverGetVersion` reports it, `1000 * major + 10 * minor`.
        found: i32,
    },

    /// The driver answered, but there is no device of this number.
    #[error(
        "there is no CUDA device {ordinal}: the driver sees {count} (CUDA_VISIBLE_DEVICES may hide some)"
    )]
    NoDevice {
        /// The device asked for.
        ordinal: usize,
        /// How many devices the driver sees.
        count: usize,
    },

    /// A call of the driver failed.
    #[error("{call} failed: {name}: {message}")]
    Driver {
        /// What was being done.
        call: &'static str,
        /// The driver's name of the error, such as `CUDA_ERROR_ILLEGAL_ADDRESS`.
        name: String,
        /// The driver's description of it.
        message: String,
    },

    /// The device has no room left, even after the cached blocks were returned to the driver.
    #[error(
        "CUDA out of memory: tried to allocate {} on device {ordinal}, which has {} free of {} \
         ({} in use by tensors, {} reserved by the allocator)",
        Bytes(*requested), Bytes(*free), Bytes(*total), Bytes(*allocated), Bytes(*reserved)
    )]
    OutOfMemory {
        /// The device.
        ordinal: usize,
        /// Bytes asked for.
        requested: usize,
        /// Bytes the driver reports as free.
        free: usize,
        /// Bytes of the device.
        total: usize,
        /// Bytes in live buffers.
        allocated: usize,
        /// Bytes taken from the driver.
        reserved: usize,
    },

    /// A kernel's source did not compile. `log` holds the compiler's messages with the lines they point at.
    #[error("the CUDA kernel `{kernel}` does not compile for sm_{}{}:\n{log}", .arch.0, .arch.1)]
    Compile {
        /// The kernel's name.
        kernel: String,
        /// The compute capability it was compiled for.
        arch: (u32, u32),
        /// The compiler's messages, each with the source line it names.
        log: String,
    },

    /// NVRTC failed in a way that is not about the source.
    #[error("NVRTC: {call} failed: {code}")]
    Nvrtc {
        /// The function called.
        call: &'static str,
        /// NVRTC's code.
        code: String,
    },

    /// cuBLASLt refused a product or failed in it.
    #[error("cuBLASLt: {call} failed: {status} ({problem})")]
    Cublas {
        /// The function called.
        call: &'static str,
        /// cuBLAS's status.
        status: String,
        /// The product that was asked for.
        problem: String,
    },

    /// An argument does not fit: a region outside its buffer, unequal lengths, an unsupported dtype.
    #[error("{op}: {message}")]
    Invalid {
        /// The operation.
        op: String,
        /// What does not fit, with the numbers.
        message: String,
    },
}

impl Error {
    pub(crate) fn invalid(op: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Invalid { op: op.into(), message: message.into() }
    }
}

/// Names the call that failed, so that an error met much later still says where it came from.
pub(crate) trait Context<T> {
    fn during(self, call: &'static str) -> Result<T>;
}

impl<T> Context<T> for std::result::Result<T, DriverError> {
    fn during(self, call: &'static str) -> Result<T> {
        self.map_err(|error| {
            let text = |found: std::result::Result<&std::ffi::CStr, DriverError>| {
                found.map_or_else(|_| format!("{:?}", error.0), |text| text.to_string_lossy().into_owned())
            };
            Error::Driver { call, name: text(error.error_name()), message: text(error.error_string()) }
        })
    }
}

/// A number of bytes in the unit that a person would choose.
pub(crate) struct Bytes(pub usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        write!(f, "{value:.2} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_in_a_readable_unit() {
        assert_eq!(Bytes(1023).to_string(), "1023 B");
        assert_eq!(Bytes(1536).to_string(), "1.50 KiB");
        assert_eq!(Bytes(80 << 30).to_string(), "80.00 GiB");
    }

    #[test]
    fn a_driver_that_is_too_old_is_named_by_its_version() {
        let text = Error::DriverTooOld { found: 11080 }.to_string();
        assert!(text.contains("supports CUDA 11.8"), "{text}");
    }
}
