//! Numbers that take part in tensor expressions without being tensors.

use num_complex::Complex;

use crate::DType;

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
