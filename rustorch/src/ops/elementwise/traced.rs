//! Tensors as lanes: evaluates an entry's expression by tensor operations, so that autograd records it.

use std::cell::{Cell, RefCell};
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Operand;
use super::kernel::Params;
use super::lanes::{Analytic, Arith, Ordered, Real, Real2};
use crate::{DType, Error, Result, Scalar, Tensor};

/// Owns the intermediates of one evaluation, so that a [`Traced`] value can be `Copy` as expressions demand.
#[derive(Default)]
pub struct Arena {
    tensors: RefCell<Vec<Tensor>>,
    error: Cell<Option<Error>>,
}

/// A value in a traced expression.
#[derive(Clone, Copy)]
pub enum Traced<'a> {
    /// A tensor, by its place in the arena.
    Tensor(usize, &'a Arena),
    /// A number.
    Literal(Scalar),
}

/// Evaluates an expression on tensors. The result has the gradient's shape also when it is a constant.
pub(super) fn evaluate(
    trace: for<'a> fn(&[Traced<'a>], &Params) -> Traced<'a>,
    inputs: &[Operand<'_>],
    params: &Params,
    gradient: &Tensor,
) -> Result<Tensor> {
    let arena = Arena::default();
    let complex = inputs.iter().filter_map(Operand::tensor).any(|tensor| tensor.dtype().is_complex());
    let lift = |operand: &Operand<'_>| match operand {
        // Real numbers among complex ones have complex logarithms.
        Operand::Tensor(tensor) if complex => {
            arena.push(Ok(tensor.to_dtype(tensor.dtype().promote(DType::Complex64))))
        }
        // In half precision every intermediate would be rounded, where a fused kernel rounds once.
        Operand::Tensor(tensor) => arena.push(Ok(tensor.to_dtype(tensor.dtype().compute_float()))),
        // Expressions compute with numbers, of which truth values are 1 and 0.
        Operand::Scalar(Scalar::Bool(value)) => Traced::Literal(Scalar::Int((*value).into())),
        Operand::Scalar(scalar) => Traced::Literal(*scalar),
    };
    let inputs: Vec<Traced<'_>> = inputs.iter().map(lift).collect();
    let value = trace(&inputs, params);
    let result = match value {
        Traced::Tensor(index, _) => arena.tensors.borrow()[index].clone(),
        Traced::Literal(scalar) => Tensor::add(&gradient.zeros_like(), scalar)?,
    };
    match arena.error.take() {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

impl Arena {
    /// Keeps a result. After an error the evaluation goes on with a NaN and the error is returned at its end.
    fn push(&self, result: Result<Tensor>) -> Traced<'_> {
        match result {
            Ok(tensor) => {
                let mut tensors = self.tensors.borrow_mut();
                tensors.push(tensor);
                Traced::Tensor(tensors.len() - 1, self)
            }
            Err(error) => {
                let first = self.error.take().unwrap_or(error);
                self.error.set(Some(first));
                Traced::Literal(Scalar::Float(f64::NAN))
            }
        }
    }

    fn get(&self, index: usize) -> Tensor {
        self.tensors.borrow()[index].clone()
    }
}

impl<'a> Traced<'a> {
    fn arena(self) -> Option<&'a Arena> {
        match self {
            Self::Tensor(_, arena) => Some(arena),
            Self::Literal(_) => None,
        }
    }

    /// The value as a tensor; a number becomes one of the widest dtype of its kind with no axes.
    fn tensor(self) -> Tensor {
        match self {
            Self::Tensor(index, arena) => arena.get(index),
            Self::Literal(scalar) => Tensor::from_scalar(scalar, scalar.widest_dtype()),
        }
    }

    fn map(self, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Self {
        match self {
            Self::Tensor(index, arena) => arena.push(f(&arena.get(index))),
            Self::Literal(scalar) => {
                Self::Literal(constant(f(&Tensor::from_scalar(scalar, scalar.widest_dtype()))))
            }
        }
    }

    fn zip(self, other: Self, f: impl FnOnce(&Tensor, Operand<'_>) -> Result<Tensor>) -> Self {
        let result = match other {
            Self::Literal(scalar) => f(&self.tensor(), Operand::Scalar(scalar)),
            Self::Tensor(index, arena) => {
                let right = arena.get(index);
                match self {
                    Self::Literal(scalar) => {
                        // The number keeps its low rank in type promotion as a 0-d tensor of the other's own dtype.
                        let wide = Tensor::from_scalar(
                            scalar,
                            super::result_dtype(&[Operand::Tensor(&right), scalar.into()]),
                        );
                        f(&wide, Operand::Tensor(&right))
                    }
                    Self::Tensor(..) => f(&self.tensor(), Operand::Tensor(&right)),
                }
            }
        };
        match self.arena().or(other.arena()) {
            Some(arena) => arena.push(result),
            None => Self::Literal(constant(result)),
        }
    }
}

/// The number that an operation on numbers alone gives; NaN if it fails, which no expression over literals does.
fn constant(result: Result<Tensor>) -> Scalar {
    let number = |tensor: Tensor| {
        Ok(match tensor.dtype() {
            DType::Bool => Scalar::Bool(tensor.item()?),
            dtype if dtype.is_int() => Scalar::Int(tensor.item()?),
            dtype if dtype.is_complex() => Scalar::Complex(tensor.item()?),
            _ => Scalar::Float(tensor.item()?),
        })
    };
    result.and_then(number).unwrap_or(Scalar::Float(f64::NAN))
}

macro_rules! operators {
    ($($trait:ident::$name:ident),*) => {$(
        impl $trait for Traced<'_> {
            type Output = Self;
            fn $name(self, other: Self) -> Self { self.zip(other, |a, b| Tensor::$name(a, b)) }
        }
    )*};
}
operators!(Add::add, Sub::sub, Mul::mul, Div::div);

impl Neg for Traced<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(|x| Ok(x.neg()))
    }
}

macro_rules! unary {
    ($($name:ident)*) => { $(fn $name(self) -> Self { self.map(|x| Ok(x.$name())) })* };
}

macro_rules! binary {
    ($($name:ident)*) => { $(fn $name(self, other: Self) -> Self { self.zip(other, |a, b| Tensor::$name(a, b)) })* };
}

impl Arith for Traced<'_> {
    type Mask = Self;
    fn literal(value: f64) -> Self {
        Self::Literal(Scalar::Float(value))
    }
    fn select(mask: Self, yes: Self, no: Self) -> Self {
        let result = Tensor::where_(&mask.tensor(), &yes.operand_tensor(no), &no.operand_tensor(yes));
        match mask.arena().or(yes.arena()).or(no.arena()) {
            Some(arena) => arena.push(result),
            None => Self::Literal(constant(result)),
        }
    }
    unary!(conj sgn);
    binary!(eq ne pow);
}

impl Traced<'_> {
    /// The value as an operand of `where`: a number takes the dtype of the other branch.
    fn operand_tensor(self, other: Self) -> Tensor {
        match (self, other) {
            (Self::Literal(scalar), Self::Tensor(index, arena)) => {
                let dtype = super::result_dtype(&[Operand::Tensor(&arena.get(index)), scalar.into()]);
                Tensor::from_scalar(scalar, dtype)
            }
            _ => self.tensor(),
        }
    }
}

impl Ordered for Traced<'_> {
    unary!(abs sign floor ceil trunc round);
    binary!(lt le fmod remainder);
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| a.maximum(b))
    }
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| a.minimum(b))
    }
    fn floor_div(self, other: Self) -> Self {
        // A step function: its gradient is zero, where `Tensor::floor_divide` has none.
        self.zip(other, |a, b| crate::no_grad(|| a.floor_divide(b)))
    }
}

impl Analytic for Traced<'_> {
    unary!(exp exp2 expm1 log log1p log2 log10 sqrt rsqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh sigmoid);
}

impl Real for Traced<'_> {
    unary!(erf erfc erfinv lgamma digamma);
    fn normal_cdf(self) -> Self {
        Self::literal(0.5) * (self * Self::literal(-std::f64::consts::FRAC_1_SQRT_2)).erfc()
    }
}

impl Real2 for Traced<'_> {
    unary!(trigamma);
    fn polygamma(self, point: Self) -> Self {
        let Self::Literal(order) = self else { return Self::Literal(Scalar::Float(f64::NAN)) };
        point.map(|x| x.polygamma(order.to_f64() as usize))
    }
    binary!(atan2 hypot copysign nextafter);
}
