//! The one error type of the library.

use crate::{DType, Device};

/// `std::result::Result` with [`Error`] as its error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Every message names the operation, the argument at fault, what it was, and what was expected.
///
/// ```
/// use rustorch::Tensor;
/// let error = Tensor::zeros([2, 3]).matmul(&Tensor::zeros([4, 5])).unwrap_err();
/// assert!(error.to_string().contains("matmul"));
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Shapes or axes that do not fit an operation.
    #[error(transparent)]
    Shape(#[from] rustorch_shape::ShapeError),

    /// An operation that is not defined for a dtype.
    #[error("{op}: dtype {dtype} is not supported; expected {expected}")]
    DType {
        /// The operation.
        op: &'static str,
        /// The dtype that was given.
        dtype: DType,
        /// The dtypes that the operation takes.
        expected: &'static str,
    },

    /// Operands on different devices.
    #[error("{op}: operands are on different devices, {left} and {right}; move one with `to_device`")]
    DeviceMismatch {
        /// The operation.
        op: &'static str,
        /// The first operand's device.
        left: Device,
        /// The second operand's device.
        right: Device,
    },

    /// An operation that has no kernel for a device.
    #[error(
        "{op}: not available on {device} for dtype {dtype}; move the operand with `to_device(Device::Cpu)`"
    )]
    Unavailable {
        /// The operation.
        op: &'static str,
        /// The operands' device.
        device: Device,
        /// The operands' dtype.
        dtype: DType,
    },

    /// An index outside the axis that it selects from.
    #[error("{op}: index {index} is out of range for axis {axis} of size {size}")]
    Index {
        /// The operation.
        op: &'static str,
        /// The index that was given.
        index: i64,
        /// The axis that is indexed.
        axis: usize,
        /// The size of that axis.
        size: usize,
    },

    /// An argument, other than a shape or a dtype, that an operation cannot take.
    #[error("{op}: {message}")]
    Argument {
        /// The operation.
        op: &'static str,
        /// Which argument, what it was and what was expected.
        message: String,
    },

    /// A misuse of automatic differentiation.
    #[error("autograd: {0}")]
    Autograd(String),

    /// A file or stream that could not be read or written.
    #[error("{path}: {message}")]
    Io {
        /// The file.
        path: String,
        /// The operating system's message.
        message: String,
    },

    /// A file whose content is not what its format demands.
    #[error("{path}: {message}")]
    Format {
        /// The file, or what is being parsed.
        path: String,
        /// What was found and what was expected.
        message: String,
    },

    /// Memory that the device could not provide.
    #[error("{device}: cannot allocate {bytes} bytes{detail}")]
    OutOfMemory {
        /// The device.
        device: Device,
        /// The size of the request.
        bytes: usize,
        /// What is known about the device's memory.
        detail: String,
    },

    /// A failure of a device or its driver.
    #[error("{device}: {message}")]
    Device {
        /// The device.
        device: Device,
        /// The driver's message.
        message: String,
    },
}

impl Error {
    /// An [`Error::Argument`].
    #[inline]
    pub(crate) fn argument(op: &'static str, message: impl Into<String>) -> Self {
        Self::Argument { op, message: message.into() }
    }

    /// The [`Error::Device`] of a build without the feature `cuda`.
    #[cfg(not(feature = "cuda"))]
    #[inline]
    pub(crate) fn no_cuda(device: Device) -> Self {
        let message = "this build has no CUDA support; build with the feature `cuda` of the crate `rustorch`";
        Self::Device { device, message: message.to_owned() }
    }

    /// An [`Error::Io`] for a path.
    pub(crate) fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.display().to_string(), message: error.to_string() }
    }
}

/// Unwraps the result of an operator or of a method that cannot fail on well-typed input, at the caller's line.
#[track_caller]
pub(crate) fn expect<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
