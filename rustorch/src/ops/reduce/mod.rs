//! Reductions over axes.
//!
//! Every reduction comes twice: over all axes, infallible (`x.sum()`), and over some (`x.sum_dim(axes, keepdim)?`),
//! where `()` and `[]` again mean all. The loops are in [`kernels::reduce`](crate::kernels::reduce).

#[cfg(feature = "cuda")]
mod cuda;
mod extrema;
pub(crate) mod fused;
mod logic;
mod moments;
mod norm;
mod product;
mod scan;
pub(crate) mod spread;
mod sum;

use smallvec::SmallVec;

use crate::dtype::dispatch;
use crate::kernels::reduce::{self as kernels, Plan};
use crate::layout::Dims;
use crate::tensor::Axes;
use crate::{DType, Device, Error, Result, Tensor};

/// What a reduction computes; the dtypes that it is defined for are those of its kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sum,
    NanSum,
    Product,
    Max,
    Min,
    SumAbs,
    SumSquares,
}

impl Kind {
    /// The dtype of the result.
    fn result(self, dtype: DType) -> DType {
        match self {
            Self::Sum | Self::NanSum | Self::Product if !dtype.is_differentiable() => DType::I64,
            Self::SumAbs | Self::SumSquares => dtype.to_real(),
            _ => dtype,
        }
    }

    /// The loop for a dtype.
    fn kernel(self, op: &'static str, dtype: DType) -> Result<unsafe fn(&Plan, *const u8, *mut u8, f64)> {
        Ok(match self {
            Self::Sum => dispatch!(number dtype, T => kernels::reduce::<kernels::Sum, T>),
            Self::Product => dispatch!(number dtype, T => kernels::reduce::<kernels::Product, T>),
            Self::NanSum => dispatch!(floating dtype, op, T => kernels::reduce::<kernels::NanSum, T>),
            Self::Max => dispatch!(ordered dtype, op, T => kernels::reduce::<kernels::Maximum, T>),
            Self::Min if dtype == DType::Bool => kernels::reduce::<kernels::Minimum, bool>,
            Self::Min => dispatch!(ordered dtype, op, T => kernels::reduce::<kernels::Minimum, T>),
            Self::SumAbs => dispatch!(inexact dtype, op, T => kernels::reduce::<kernels::SumAbs, T>),
            Self::SumSquares => dispatch!(inexact dtype, op, T => kernels::reduce::<kernels::SumSquares, T>),
        })
    }
}

/// A tensor and the axes of it that are to be reduced.
struct Reduction<'a> {
    op: &'static str,
    input: &'a Tensor,
    reduced: SmallVec<[bool; 6]>,
}

impl<'a> Reduction<'a> {
    #[inline]
    fn new(op: &'static str, input: &'a Tensor, axes: impl Axes) -> Result<Self> {
        let axes = axes.into_axes().filter(|axes| !axes.is_empty());
        let mut reduced = SmallVec::from_elem(axes.is_none(), input.rank());
        if let Some(axes) = axes {
            for axis in rustorch_shape::normalize_axes(op, &axes, input.rank())? {
                // A 0-d tensor has an axis 0 by PyTorch's rules, of which there is nothing to mark.
                if let Some(slot) = reduced.get_mut(axis) {
                    *slot = true;
                }
            }
        }
        Ok(Self { op, input, reduced })
    }

    /// The same reduction of another tensor of the same shape.
    #[inline]
    fn of<'b>(&self, input: &'b Tensor) -> Reduction<'b> {
        Reduction { op: self.op, input, reduced: self.reduced.clone() }
    }

    /// The shape of the result.
    fn shape(&self, keepdim: bool) -> Dims {
        let sizes = self.input.shape().iter().zip(&self.reduced);
        sizes.filter(|(_, r)| keepdim || !**r).map(|(&size, &r)| if r { 1 } else { size }).collect()
    }

    /// The number of elements behind each element of the result.
    #[inline]
    fn count(&self) -> usize {
        self.input.shape().iter().zip(&self.reduced).filter(|(_, r)| **r).map(|(&size, _)| size).product()
    }

    /// An error if there is nothing to choose a value from.
    fn check_not_empty(&self) -> Result<()> {
        let mut axes = self.input.shape().iter().zip(&self.reduced).enumerate();
        match axes.find(|(_, (size, reduced))| **size == 0 && **reduced) {
            Some((axis, _)) => Err(Error::argument(
                self.op,
                format!(
                    "axis {axis} of {:?} is empty, and {} of nothing has no value",
                    self.input.shape(),
                    self.op
                ),
            )),
            None => Ok(()),
        }
    }

    /// Computes the result, unseen by autograd. Sums are divided by `divisor`.
    fn run(&self, kind: Kind, keepdim: bool, divisor: f64) -> Result<Tensor> {
        let (input, dtype) = (self.input, kind.result(self.input.dtype()));
        let kernel = kind.kernel(self.op, input.dtype())?;
        let output = Tensor::uninit(&self.shape(keepdim), dtype, input.device())?;
        match input.device() {
            Device::Cpu => {}
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => {
                cuda::run(self, kind, divisor, &output)?;
                return Ok(output);
            }
            #[cfg(not(feature = "cuda"))]
            device @ Device::Cuda(_) => return Err(Error::Unavailable { op: self.op, device, dtype }),
        }
        let plan = Plan::new(input.shape(), input.strides(), &self.reduced);
        let _guard = input.storage().read();
        // SAFETY: the input is locked, the output is ours alone, and the plan describes both.
        unsafe { kernel(&plan, input.host_ptr(), output.host_ptr(), divisor) };
        Ok(output)
    }

    /// What a backward function needs to bring results back to the input's shape.
    fn restore(&self) -> Restore {
        Restore {
            shape: self.input.layout().shape.clone(),
            kept: self.shape(true),
            axes: (0..self.input.rank())
                .filter(|&axis| self.reduced[axis])
                .map(|axis| axis as isize)
                .collect(),
        }
    }
}

/// The shapes of a reduction, for its backward function.
struct Restore {
    shape: Dims,
    kept: Dims,
    axes: Vec<isize>,
}

impl Restore {
    /// A result with its reduced axes back, of size 1, so that it broadcasts to the input.
    #[inline]
    fn keep(&self, result: &Tensor) -> Result<Tensor> {
        result.reshape(self.kept.as_slice())
    }

    /// A result repeated over the axes that were reduced.
    fn expand(&self, result: &Tensor) -> Result<Tensor> {
        self.keep(result)?.expand(self.shape.as_slice())
    }

    /// The sum over the axes that were reduced, which stay.
    fn sum(&self, input: &Tensor) -> Result<Tensor> {
        // No axes would mean all of them.
        if self.axes.is_empty() { Ok(input.clone()) } else { input.sum_dim(self.axes.as_slice(), true) }
    }
}

/// An error for dtypes that have no fractions.
fn require_float(op: &'static str, tensor: &Tensor) -> Result<()> {
    if tensor.dtype().is_differentiable() {
        return Ok(());
    }
    Err(Error::DType { op, dtype: tensor.dtype(), expected: "a floating-point or complex dtype" })
}

/// The device dispatch of what has no kernel on other devices.
fn require_cpu(op: &'static str, tensor: &Tensor) -> Result<()> {
    match tensor.device() {
        Device::Cpu => Ok(()),
        device @ Device::Cuda(_) => Err(Error::Unavailable { op, device, dtype: tensor.dtype() }),
    }
}
