//! Tensors and numbers as operands.

use smallvec::SmallVec;

use super::cast::{Number, cast};
use crate::dtype::{Category, dispatch};
use crate::{DType, Scalar, Tensor};

/// An operand of an elementwise operation: a tensor or a number. Functions take `impl Into<Operand>`, so that
/// `x.add(&y)` and `x.add(2.0)` both work.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A tensor, which broadcasts.
    Tensor(&'a Tensor),
    /// A number, which decides the result's kind but not its width.
    Scalar(Scalar),
}

impl<'a> Operand<'a> {
    pub(crate) fn tensor(&self) -> Option<&'a Tensor> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            Self::Scalar(_) => None,
        }
    }

    pub(crate) fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Tensor(_) => None,
            Self::Scalar(scalar) => Some(*scalar),
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        match self {
            Self::Tensor(tensor) => tensor.dtype(),
            Self::Scalar(scalar) => scalar.dtype(),
        }
    }

    /// The number in the dtype that a kernel computes in.
    pub(super) fn constant(&self, dtype: DType) -> Option<Constant> {
        match self {
            Self::Tensor(_) => None,
            Self::Scalar(scalar) => Some(Constant::new(*scalar, dtype)),
        }
    }
}

impl<'a> From<&'a Tensor> for Operand<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl<T: Into<Scalar>> From<T> for Operand<'_> {
    fn from(scalar: T) -> Self {
        Self::Scalar(scalar.into())
    }
}

/// One number in some dtype's representation.
#[repr(align(16))]
pub(super) struct Constant([u8; 16]);

impl Constant {
    pub(super) fn new(scalar: Scalar, dtype: DType) -> Self {
        let mut constant = Self([0; 16]);
        dispatch!(dtype, T => {
            let value: T = match scalar {
                Scalar::Bool(value) => cast(value),
                Scalar::Int(value) => cast(value),
                Scalar::Float(value) => cast(value),
                Scalar::Complex(value) => cast(value),
            };
            assert_number::<T>();
            // SAFETY: 16 bytes aligned to 16 hold any element.
            unsafe { constant.0.as_mut_ptr().cast::<T>().write(value) }
        });
        constant
    }

    pub(super) fn ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }
}

/// Every element type fits a [`Constant`].
fn assert_number<T: Number>() {
    const { assert!(size_of::<T>() <= 16 && align_of::<T>() <= 16) }
}

/// Numbers rounded to a dtype, tensors as they are.
pub(super) fn rounded<'a>(inputs: &[Operand<'a>], dtype: DType) -> SmallVec<[Operand<'a>; 3]> {
    let round = |input: &Operand<'a>| match input {
        Operand::Tensor(tensor) => Operand::Tensor(tensor),
        Operand::Scalar(scalar) => {
            let value = scalar.to_f64();
            Operand::Scalar(Scalar::Float(dispatch!(dtype, T => cast::<T, f64>(cast::<f64, T>(value)))))
        }
    };
    inputs.iter().map(round).collect()
}

/// The dtype in which integers compare with numbers: the tensors' own, or `I64` if it does not hold a number.
pub(super) fn comparable(inputs: &[Operand<'_>], dtype: DType) -> DType {
    let fits = |input: &Operand<'_>| match input {
        Operand::Scalar(Scalar::Int(value)) => {
            dispatch!(dtype, T => cast::<T, i64>(cast::<i64, T>(*value))) == *value
        }
        _ => true,
    };
    if dtype.is_int() && !inputs.iter().all(fits) { DType::I64 } else { dtype }
}

/// The dtype to which operands promote (`torch.result_type`): tensors with axes decide, then 0-d tensors, then
/// numbers; a lower rank counts only if it is of a higher kind.
pub(crate) fn result_dtype(inputs: &[Operand<'_>]) -> DType {
    promoted(inputs.iter().map(|input| match input {
        Operand::Tensor(tensor) => (Some(tensor.rank()), tensor.dtype()),
        Operand::Scalar(scalar) => (None, scalar.dtype()),
    }))
}

/// [`result_dtype`] of tensors of a rank, and of numbers, which have none.
pub(super) fn promoted(inputs: impl Iterator<Item = (Option<usize>, DType)>) -> DType {
    let (mut axes, mut points, mut numbers) = (None, None, None);
    for (rank, dtype) in inputs {
        let slot = match rank {
            Some(0) => &mut points,
            Some(_) => &mut axes,
            None => &mut numbers,
        };
        *slot = Some(slot.map_or(dtype, |known: DType| known.promote(dtype)));
    }
    combine(axes, combine(points, numbers)).unwrap_or(DType::F32)
}

fn combine(higher: Option<DType>, lower: Option<DType>) -> Option<DType> {
    let (Some(high), Some(low)) = (higher, lower) else { return higher.or(lower) };
    Some(match (high.category(), low.category()) {
        (Category::Complex, _) => high,
        (Category::Float, Category::Complex) => high.to_complex(),
        (Category::Float, _) => high,
        (Category::Bool, _) | (_, Category::Float | Category::Complex) => high.promote(low),
        _ => high,
    })
}
