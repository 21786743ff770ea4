//! Numbers that take part in tensor expressions without being tensors.

use num_complex::Complex;

use crate::{DType, Error, Result, bf16, f16};

/// A number in a tensor expression. As in PyTorch it decides the result's *kind* (integer, float, complex) but not
/// its width: an `F16` tensor plus `2.0` stays `F16`, an `I64` tensor plus `2.0` becomes `F32`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A real number.
    Float(f64),
    /// A complex number.
    Complex(Complex<f64>),
}

impl Scalar {
    /// The dtype of a 0-d tensor made from this number: `Bool`, `I64`, `F32` or `Complex64`.
    pub fn dtype(self) -> DType {
        match self {
            Self::Bool(_) => DType::Bool,
            Self::Int(_) => DType::I64,
            Self::Float(_) => DType::F32,
            Self::Complex(_) => DType::Complex64,
        }
    }

    /// The dtype that holds the most precise form of this number.
    pub(crate) fn widest_dtype(self) -> DType {
        match self {
            Self::Bool(_) => DType::Bool,
            Self::Int(_) => DType::I64,
            Self::Float(_) => DType::F64,
            Self::Complex(_) => DType::Complex128,
        }
    }

    /// Whether a dtype holds this number, save for digits that its precision has not, and a fraction that integers drop.
    /// As in PyTorch, negative integers wrap around in `U8`, infinities and NaN fit all floats, and only complex numbers
    /// may have an imaginary part.
    ///
    /// # Errors
    /// The number and the dtype that does not hold it.
    pub(crate) fn check_fits(self, op: &'static str, dtype: DType) -> Result<()> {
        let value = self.to_c64();
        let fits = match (dtype, dtype.int_range()) {
            (DType::Bool, _) => return Ok(()),
            (_, Some((least, greatest))) => {
                let wraps = dtype == DType::U8 && matches!(self, Self::Int(_));
                let least = if wraps { -greatest } else { least };
                value.re >= least as f64 && value.re.trunc() <= greatest as f64
            }
            _ => {
                let limit = match dtype {
                    DType::F16 => f64::from(f16::MAX),
                    DType::BF16 => f64::from(bf16::MAX),
                    DType::F32 | DType::Complex64 => f64::from(f32::MAX),
                    _ => f64::MAX,
                };
                [value.re, value.im].iter().all(|part| !part.is_finite() || part.abs() <= limit)
            }
        };
        let fits = fits && (value.im == 0.0 || dtype.is_complex());
        if fits { Ok(()) } else { Err(Error::argument(op, format!("{self} does not fit {dtype}"))) }
    }

    /// [`Scalar::check_fits`] where complex numbers fit only complex dtypes, even without an imaginary part.
    ///
    /// # Errors
    /// The number and the dtype that does not hold it.
    #[inline]
    pub(crate) fn check_assignable(self, op: &'static str, dtype: DType) -> Result<()> {
        match self {
            Self::Complex(_) if !dtype.is_complex() => {
                Err(Error::argument(op, format!("the complex number {self} does not fit {dtype}")))
            }
            _ => self.check_fits(op, dtype),
        }
    }

    /// The number as a complex double.
    pub fn to_c64(self) -> Complex<f64> {
        match self {
            Self::Bool(value) => Complex::new(f64::from(u8::from(value)), 0.0),
            Self::Int(value) => Complex::new(value as f64, 0.0),
            Self::Float(value) => Complex::new(value, 0.0),
            Self::Complex(value) => value,
        }
    }

    /// The number's real part as a double.
    pub fn to_f64(self) -> f64 {
        self.to_c64().re
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Complex(value) => value.fmt(f),
        }
    }
}

macro_rules! scalar_from {
    ($($t:ty => $variant:ident),*) => {$(
        impl From<$t> for Scalar {
            fn from(value: $t) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}
scalar_from!(bool => Bool, u8 => Int, i8 => Int, i16 => Int, i32 => Int, u32 => Int, i64 => Int, f32 => Float, f64 => Float);

impl From<usize> for Scalar {
    fn from(value: usize) -> Self {
        // A size always fits: allocations are at most `isize::MAX` bytes.
        Self::Int(value as i64)
    }
}

impl From<Complex<f32>> for Scalar {
    fn from(value: Complex<f32>) -> Self {
        Self::Complex(Complex::new(value.re.into(), value.im.into()))
    }
}

impl From<Complex<f64>> for Scalar {
    fn from(value: Complex<f64>) -> Self {
        Self::Complex(value)
    }
}
