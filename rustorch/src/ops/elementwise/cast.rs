//! Conversion between element types, and strided copies that convert on the way.

use std::mem::MaybeUninit;

use num_complex::Complex;

use crate::dtype::{Element, dispatch};
use crate::kernels::strided;
use crate::{DType, bf16, f16};

/// How a number converts: integers through `i64`, floats of up to 32 bits through `f32`, others through `f64`.
pub(crate) trait Number: Element {
    const ROUTE: Route;
    fn from_i64(value: i64) -> Self;
    fn to_i64(self) -> i64;
    fn from_f32(value: f32) -> Self;
    fn to_f32(self) -> f32;
}

/// The widest type that holds a number exactly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Int,
    Single,
    Double,
    Complex,
}

macro_rules! numbers {
    ($($t:ty: $route:ident, $from_int:expr, $to_int:expr, $from_float:expr, $to_float:expr;)*) => {$(
        impl Number for $t {
            const ROUTE: Route = Route::$route;
            #[inline(always)]
            fn from_i64(value: i64) -> Self { let f: fn(i64) -> $t = $from_int; f(value) }
            #[inline(always)]
            fn to_i64(self) -> i64 { let f: fn($t) -> i64 = $to_int; f(self) }
            #[inline(always)]
            fn from_f32(value: f32) -> Self { let f: fn(f32) -> $t = $from_float; f(value) }
            #[inline(always)]
            fn to_f32(self) -> f32 { let f: fn($t) -> f32 = $to_float; f(self) }
        }
    )*};
}

// Floats become small integers by way of `i64`, so that they wrap around as integers do (what x86 does for PyTorch).
numbers! {
    u8: Int, |v| v as u8, |v| v as i64, |v| v as i64 as u8, |v| v as f32;
    i8: Int, |v| v as i8, |v| v as i64, |v| v as i64 as i8, |v| v as f32;
    i16: Int, |v| v as i16, |v| v as i64, |v| v as i64 as i16, |v| v as f32;
    i32: Int, |v| v as i32, |v| v as i64, |v| v as i64 as i32, |v| v as f32;
    i64: Int, |v| v, |v| v, |v| v as i64, |v| v as f32;
    bool: Int, |v| v != 0, |v| v as i64, |v| v != 0.0, |v| v as u8 as f32;
    f16: Single, |v| f16::from_f64(v as f64), |v| v.to_f32() as i64, f16::from_f32, f16::to_f32;
    bf16: Single, |v| bf16::from_f64(v as f64), |v| v.to_f32() as i64, bf16::from_f32, bf16::to_f32;
    f32: Single, |v| v as f32, |v| v as i64, |v| v, |v| v;
    f64: Double, |v| v as f64, |v| v as i64, |v| v as f64, |v| v as f32;
    Complex<f32>: Complex, |v| Complex::new(v as f32, 0.0), |v| v.re as i64, |v| Complex::new(v, 0.0), |v| v.re;
    Complex<f64>: Complex, |v| Complex::new(v as f64, 0.0), |v| v.re as i64, |v| Complex::new(v as f64, 0.0), |v| v.re as f32;
}

/// Converts one number as PyTorch does: toward zero to integers, "not zero" to bool, the real part of complex numbers.
#[inline(always)]
pub(crate) fn cast<A: Number, B: Number>(value: A) -> B {
    match A::ROUTE {
        Route::Int => B::from_i64(value.to_i64()),
        Route::Single => B::from_f32(value.to_f32()),
        Route::Double | Route::Complex => match B::ROUTE {
            Route::Int if B::DTYPE.is_int() => B::from_i64(value.to_c64().re as i64),
            _ => B::from_c64(value.to_c64()),
        },
    }
}

/// Numbers that are converted at once on the way to or from places apart.
const PIECE: usize = 128;

/// `len` consecutive numbers to as many places, converted.
type Convert = unsafe fn(from: *const u8, to: *mut u8, len: usize);

unsafe fn convert<A: Number, B: Number>(from: *const u8, to: *mut u8, len: usize) {
    let (from, to) = (from.cast::<A>(), to.cast::<B>());
    // SAFETY: the caller promises `len` readable elements and `len` writable ones.
    unsafe { (0..len).for_each(|i| to.add(i).write(cast(from.add(i).read()))) }
}

/// The conversion between two dtypes. Its loop over consecutive numbers is the only code that is compiled for each pair.
#[derive(Clone, Copy)]
pub(crate) struct Conversion {
    source: DType,
    target: DType,
    convert: Convert,
}

impl Conversion {
    pub(crate) fn new(source: DType, target: DType) -> Self {
        let convert = dispatch!(source, A => dispatch!(target, B => convert::<A, B> as Convert));
        Self { source, target, convert }
    }

    /// A row of `len` numbers, `stride` elements apart, to consecutive memory.
    ///
    /// # Safety
    /// `len` elements of the source's dtype must be readable, and as many of the target's writable.
    pub(crate) unsafe fn gather(&self, from: *const u8, stride: usize, to: *mut u8, len: usize) {
        let (from_size, to_size) = (self.source.size(), self.target.size());
        let mut piece = [const { MaybeUninit::<u128>::uninit() }; PIECE];
        let piece = piece.as_mut_ptr().cast::<u8>();
        // SAFETY: the caller's promise; a piece has room for as many elements of any dtype.
        unsafe {
            if stride == 1 {
                return (self.convert)(from, to, len);
            }
            if stride == 0 {
                (self.convert)(from, piece, 1);
                return strided::copy(to_size, piece, 0, to, 1, len);
            }
            if self.source == self.target {
                return strided::copy(to_size, from, stride, to, 1, len);
            }
            for at in (0..len).step_by(PIECE) {
                let n = PIECE.min(len - at);
                strided::copy(from_size, from.wrapping_add(at * stride * from_size), stride, piece, 1, n);
                (self.convert)(piece, to.wrapping_add(at * to_size), n);
            }
        }
    }

    /// A row of consecutive numbers to `len` places, `stride` elements apart.
    ///
    /// # Safety
    /// As for [`Conversion::gather`].
    pub(crate) unsafe fn scatter(&self, from: *const u8, to: *mut u8, stride: usize, len: usize) {
        let (from_size, to_size) = (self.source.size(), self.target.size());
        let mut piece = [const { MaybeUninit::<u128>::uninit() }; PIECE];
        let piece = piece.as_mut_ptr().cast::<u8>();
        // SAFETY: the caller's promise; a piece has room for as many elements of any dtype.
        unsafe {
            if stride == 1 {
                return (self.convert)(from, to, len);
            }
            if self.source == self.target {
                return strided::copy(to_size, from, 1, to, stride, len);
            }
            for at in (0..len).step_by(PIECE) {
                let n = PIECE.min(len - at);
                (self.convert)(from.wrapping_add(at * from_size), piece, n);
                strided::copy(to_size, piece, 1, to.wrapping_add(at * stride * to_size), stride, n);
            }
        }
    }
}

/// Walks the rows of a strided layout that a run of linear indices covers: `visit(offset in elements, position in the
/// run, length)`.
#[inline]
pub(crate) fn for_each_row(
    shape: &[usize],
    strides: &[usize],
    start: usize,
    len: usize,
    mut visit: impl FnMut(usize, usize, usize),
) {
    let Some(last) = shape.len().checked_sub(1) else {
        return if len > 0 {
            visit(0, 0, 1)
        };
    };
    let mut index = crate::layout::Dims::from_elem(0, shape.len());
    let mut rest = start;
    for axis in (0..=last).rev() {
        index[axis] = rest % shape[axis];
        rest /= shape[axis];
    }
    let mut done = 0;
    while done < len {
        let row = (shape[last] - index[last]).min(len - done);
        visit(index.iter().zip(strides).map(|(i, s)| i * s).sum(), done, row);
        done += row;
        index[last] = 0;
        for axis in (0..last).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_follow_pytorch() {
        assert_eq!(cast::<f32, u8>(-1.0), 255);
        assert_eq!(cast::<f64, i32>(-2.9), -2);
        assert!(cast::<f32, bool>(f32::NAN) && cast::<f64, bool>(0.1) && !cast::<i64, bool>(0));
        assert!(cast::<Complex<f32>, bool>(Complex::new(0.0, 1.0)));
        assert_eq!(cast::<i64, f64>((1 << 53) + 2), 9_007_199_254_740_994.0);
        assert_eq!(cast::<Complex<f64>, f32>(Complex::new(2.5, 1.0)), 2.5);
    }

    #[test]
    fn rows_cover_a_run() {
        let mut seen = Vec::new();
        for_each_row(&[2, 3], &[10, 1], 1, 4, |offset, at, len| seen.push((offset, at, len)));
        assert_eq!(seen, [(1, 0, 2), (10, 2, 2)]);
    }
}
