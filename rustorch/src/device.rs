//! Where a tensor's memory lives.

use std::fmt;

/// A device: the CPU, or one CUDA GPU by its ordinal.
///
/// ```
/// use rustorch::{Device, Tensor};
/// assert_eq!(Tensor::zeros([2]).device(), Device::Cpu);
/// assert_eq!(Device::Cuda(1).to_string(), "cuda:1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// Main memory, computed on by the CPU's SIMD units.
    #[default]
    Cpu,
    /// The CUDA GPU with this ordinal. Needs the feature `cuda` and a driver at run time.
    Cuda(usize),
}

impl Device {
    /// Whether this is the CPU.
    pub fn is_cpu(self) -> bool {
        self == Self::Cpu
    }

    /// Whether this is a CUDA GPU.
    pub fn is_cuda(self) -> bool {
        matches!(self, Self::Cuda(_))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}
