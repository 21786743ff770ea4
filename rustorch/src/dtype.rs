//! Element types: the run-time [`DType`], the Rust types behind it, and PyTorch's promotion rules.

use std::fmt;

use num_complex::Complex;

use crate::{bf16, f16};

/// The type of a tensor's elements, a run-time property as in PyTorch (`torch.dtype`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 8-bit integer.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer, the dtype of indices.
    I64,
    /// IEEE half precision.
    F16,
    /// bfloat16: the range of `F32` with 8 bits of precision.
    BF16,
    /// Single precision, the default.
    F32,
    /// Double precision.
    F64,
    /// Truth value, one byte.
    Bool,
    /// Complex number of two `F32`.
    Complex64,
    /// Complex number of two `F64`.
    Complex128,
}

/// The kinds of numbers, in the order in which promotion prefers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Category {
    Bool,
    Int,
    Float,
    Complex,
}

impl DType {
    /// Every dtype, in declaration order.
    pub const ALL: [Self; 12] = [
        Self::U8,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::F16,
        Self::BF16,
        Self::F32,
        Self::F64,
        Self::Bool,
        Self::Complex64,
        Self::Complex128,
    ];

    /// Bytes per element.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::I16 | Self::F16 | Self::BF16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 | Self::Complex64 => 8,
            Self::Complex128 => 16,
        }
    }

    pub(crate) const fn category(self) -> Category {
        match self {
            Self::Bool => Category::Bool,
            Self::U8 | Self::I8 | Self::I16 | Self::I32 | Self::I64 => Category::Int,
            Self::F16 | Self::BF16 | Self::F32 | Self::F64 => Category::Float,
            Self::Complex64 | Self::Complex128 => Category::Complex,
        }
    }

    /// Whether this is a real floating-point type.
    pub const fn is_float(self) -> bool {
        matches!(self.category(), Category::Float)
    }

    /// Whether this is a complex type.
    pub const fn is_complex(self) -> bool {
        matches!(self.category(), Category::Complex)
    }

    /// Whether this is an integer type; `Bool` is not.
    pub const fn is_int(self) -> bool {
        matches!(self.category(), Category::Int)
    }

    /// The least and the greatest number of an integer type.
    pub(crate) const fn int_range(self) -> Option<(i64, i64)> {
        match self {
            Self::U8 => Some((0, u8::MAX as i64)),
            Self::I8 => Some((i8::MIN as i64, i8::MAX as i64)),
            Self::I16 => Some((i16::MIN as i64, i16::MAX as i64)),
            Self::I32 => Some((i32::MIN as i64, i32::MAX as i64)),
            Self::I64 => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }

    /// Whether tensors of this type can require gradients: floats and complex numbers.
    pub const fn is_differentiable(self) -> bool {
        self.is_float() || self.is_complex()
    }

    /// The real type of a complex type's parts; any other type itself.
    pub const fn to_real(self) -> Self {
        match self {
            Self::Complex64 => Self::F32,
            Self::Complex128 => Self::F64,
            other => other,
        }
    }

    /// The complex type whose parts have this type: `Complex128` for `F64`, otherwise `Complex64`.
    pub const fn to_complex(self) -> Self {
        match self {
            Self::F64 | Self::Complex128 => Self::Complex128,
            _ => Self::Complex64,
        }
    }

    /// This type if it is floating or complex, otherwise the default `F32`: the result of `exp`, `div`, `mean` …
    pub const fn to_float(self) -> Self {
        if self.is_differentiable() { self } else { Self::F32 }
    }

    /// The type in which kernels compute: `F32` for the half types, `U8` for `Bool`, otherwise itself.
    pub(crate) const fn compute(self) -> Self {
        match self {
            Self::F16 | Self::BF16 => Self::F32,
            Self::Bool => Self::U8,
            other => other,
        }
    }

    /// `F32` for the half types, otherwise itself.
    pub(crate) const fn compute_float(self) -> Self {
        if self.is_float() { self.compute() } else { self }
    }

    /// The type to which a binary operation on two tensors of these types converts both (`torch.promote_types`).
    ///
    /// ```
    /// use rustorch::DType::*;
    /// assert_eq!(U8.promote(I8), I16);
    /// assert_eq!(F16.promote(BF16), F32);
    /// assert_eq!(I64.promote(F16), F16);
    /// assert_eq!(F64.promote(Complex64), Complex128);
    /// ```
    pub fn promote(self, other: Self) -> Self {
        use DType::*;
        if self == other {
            return self;
        }
        let (low, high) = if self.category() <= other.category() { (self, other) } else { (other, self) };
        match (low.category(), high.category()) {
            (Category::Int, Category::Int) => match (low, high) {
                (U8, I8) | (I8, U8) => I16,
                _ if low.size() > high.size() => low,
                _ => high,
            },
            (Category::Float, Category::Float) => match (low, high) {
                (F16, BF16) | (BF16, F16) => F32,
                _ if low.size() > high.size() => low,
                _ => high,
            },
            (Category::Complex, Category::Complex) => Complex128,
            (Category::Float, Category::Complex) if low == F64 => Complex128,
            _ => high,
        }
    }

    /// PyTorch's name, without the `torch.` in front: `float32`, `int64`, `bool` …
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::Bool => "bool",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that can be a tensor's element.
///
/// # Safety
/// `DTYPE` must describe the type's memory exactly: [`DType::size`] bytes, any bit pattern that the library
/// writes for that dtype being valid (for `bool`: 0 and 1).
pub unsafe trait Element: Copy + Send + Sync + PartialEq + fmt::Debug + Default + 'static {
    /// The dtype of tensors with this element.
    const DTYPE: DType;

    /// Converts from a complex double, which represents every element closely enough for a scalar:
    /// integers truncate toward zero and saturate, `bool` is "not zero", reals drop the imaginary part.
    fn from_c64(value: Complex<f64>) -> Self;

    /// Converts to a complex double.
    fn to_c64(self) -> Complex<f64>;
}

macro_rules! real_element {
    ($($t:ty: $dtype:ident, $from:expr, $to:expr;)*) => {$(
        // SAFETY: the type is plain old data of the dtype's size, valid for every bit pattern.
        unsafe impl Element for $t {
            const DTYPE: DType = DType::$dtype;
            #[inline]
            fn from_c64(value: Complex<f64>) -> Self {
                let from: fn(f64) -> $t = $from;
                from(value.re)
            }
            #[inline]
            fn to_c64(self) -> Complex<f64> {
                let to: fn($t) -> f64 = $to;
                Complex::new(to(self), 0.0)
            }
        }
    )*};
}

real_element! {
    u8: U8, |v| v as u8, |v| v as f64;
    i8: I8, |v| v as i8, |v| v as f64;
    i16: I16, |v| v as i16, |v| v as f64;
    i32: I32, |v| v as i32, |v| v as f64;
    i64: I64, |v| v as i64, |v| v as f64;
    f16: F16, f16::from_f64, f16::to_f64;
    bf16: BF16, bf16::from_f64, bf16::to_f64;
    f32: F32, |v| v as f32, |v| v as f64;
    f64: F64, |v| v, |v| v;
}

#[cfg(feature = "half")]
real_element! {
    half::f16: F16, |v| half::f16::from_bits(f16::from_f64(v).to_bits()), half::f16::to_f64;
    half::bf16: BF16, |v| half::bf16::from_bits(bf16::from_f64(v).to_bits()), half::bf16::to_f64;
}

// SAFETY: one byte; the library writes only 0 and 1 into `Bool` tensors.
unsafe impl Element for bool {
    const DTYPE: DType = DType::Bool;
    #[inline]
    fn from_c64(value: Complex<f64>) -> Self {
        value.re != 0.0 || value.im != 0.0
    }
    #[inline]
    fn to_c64(self) -> Complex<f64> {
        Complex::new(f64::from(u8::from(self)), 0.0)
    }
}

// SAFETY: two `f32`, valid for every bit pattern.
unsafe impl Element for Complex<f32> {
    const DTYPE: DType = DType::Complex64;
    #[inline]
    fn from_c64(value: Complex<f64>) -> Self {
        Complex::new(value.re as f32, value.im as f32)
    }
    #[inline]
    fn to_c64(self) -> Complex<f64> {
        Complex::new(f64::from(self.re), f64::from(self.im))
    }
}

// SAFETY: two `f64`, valid for every bit pattern.
unsafe impl Element for Complex<f64> {
    const DTYPE: DType = DType::Complex128;
    #[inline]
    fn from_c64(value: Complex<f64>) -> Self {
        value
    }
    #[inline]
    fn to_c64(self) -> Complex<f64> {
        self
    }
}

/// Runs an expression with `$T` bound to the Rust type of a dtype: the one place that turns dtypes into types.
/// `dispatch!(dtype, T => expr)` takes every dtype; `dispatch!(float dtype, op, T => expr)` returns
/// [`Error::DType`](crate::Error::DType) for those outside the named set. `number` (every dtype) and `ordered` take bools
/// as the bytes that they are, 0 or 1, so that loops over bytes serve them too.
macro_rules! dispatch {
    (@arms $dtype:expr, $T:ident, $body:expr, [$($variant:ident = $t:ty),*], $other:expr) => {
        match $dtype {
            $($crate::DType::$variant => { type $T = $t; $body })*
            #[allow(unreachable_patterns)]
            _ => $other,
        }
    };
    (float $dtype:expr, $op:expr, $T:ident => $body:expr) => {
        $crate::dtype::dispatch!(@arms $dtype, $T, $body, [F32 = f32, F64 = f64],
            return Err($crate::Error::DType { op: $op, dtype: $dtype, expected: "float32 or float64" }))
    };
    (floating $dtype:expr, $op:expr, $T:ident => $body:expr) => {
        $crate::dtype::dispatch!(@arms $dtype, $T, $body,
            [F32 = f32, F64 = f64, F16 = crate::f16, BF16 = crate::bf16],
            return Err($crate::Error::DType { op: $op, dtype: $dtype, expected: "a floating-point dtype" }))
    };
    (ordered $dtype:expr, $op:expr, $T:ident => $body:expr) => {
        $crate::dtype::dispatch!(@arms $dtype, $T, $body,
            [F32 = f32, F64 = f64, F16 = crate::f16, BF16 = crate::bf16, I64 = i64, I32 = i32, I16 = i16, I8 = i8,
                U8 = u8, Bool = u8],
            return Err($crate::Error::DType { op: $op, dtype: $dtype, expected: "a real dtype" }))
    };
    (inexact $dtype:expr, $op:expr, $T:ident => $body:expr) => {
        $crate::dtype::dispatch!(@arms $dtype, $T, $body,
            [F32 = f32, F64 = f64, F16 = crate::f16, BF16 = crate::bf16, Complex64 = num_complex::Complex<f32>,
                Complex128 = num_complex::Complex<f64>],
            return Err($crate::Error::DType { op: $op, dtype: $dtype, expected: "a floating-point or complex dtype" }))
    };
    (index $dtype:expr, $op:expr, $T:ident => $body:expr) => {
        $crate::dtype::dispatch!(@arms $dtype, $T, $body, [I64 = i64, I32 = i32],
            return Err($crate::Error::DType { op: $op, dtype: $dtype, expected: "int64 or int32 indices" }))
    };
    (number $dtype:expr, $T:ident => $body:expr) => {
        $crate::dtype::dispatch!(@arms $dtype, $T, $body, [
            U8 = u8, I8 = i8, I16 = i16, I32 = i32, I64 = i64, F16 = crate::f16, BF16 = crate::bf16, F32 = f32,
            F64 = f64, Bool = u8, Complex64 = num_complex::Complex<f32>, Complex128 = num_complex::Complex<f64>
        ], unreachable!("every dtype has an arm"))
    };
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::dtype::dispatch!(@arms $dtype, $T, $body, [
            U8 = u8, I8 = i8, I16 = i16, I32 = i32, I64 = i64, F16 = crate::f16, BF16 = crate::bf16, F32 = f32,
            F64 = f64, Bool = bool, Complex64 = num_complex::Complex<f32>, Complex128 = num_complex::Complex<f64>
        ], unreachable!("every dtype has an arm"))
    };
}
pub(crate) use dispatch;
