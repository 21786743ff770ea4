//! Comparison of tensors with expected ones.

use num_complex::Complex;
use rustorch::{DType, Element, Tensor, bf16, f16};

/// The relative and absolute tolerance for a dtype, as in `torch.testing.assert_close`.
pub fn tolerance(dtype: DType) -> (f64, f64) {
    match dtype {
        DType::F16 => (1e-3, 1e-5),
        DType::BF16 => (1.6e-2, 1e-5),
        DType::F32 | DType::Complex64 => (1.3e-6, 1e-5),
        DType::F64 | DType::Complex128 => (1e-7, 1e-7),
        _ => (0.0, 0.0),
    }
}

/// The elements as complex doubles, which represent all but large `i64` exactly.
pub fn values(tensor: &Tensor) -> Vec<Complex<f64>> {
    fn read<T: Element>(tensor: &Tensor) -> Vec<Complex<f64>> {
        tensor.detach().to_vec::<T>().expect("the dtype was asked").into_iter().map(T::to_c64).collect()
    }
    match tensor.dtype() {
        DType::U8 => read::<u8>(tensor),
        DType::I8 => read::<i8>(tensor),
        DType::I16 => read::<i16>(tensor),
        DType::I32 => read::<i32>(tensor),
        DType::I64 => read::<i64>(tensor),
        DType::F16 => read::<f16>(tensor),
        DType::BF16 => read::<bf16>(tensor),
        DType::F32 => read::<f32>(tensor),
        DType::F64 => read::<f64>(tensor),
        DType::Bool => read::<bool>(tensor),
        DType::Complex64 => read::<Complex<f32>>(tensor),
        DType::Complex128 => read::<Complex<f64>>(tensor),
    }
}

/// Compares dtype, shape and elements; NaN equals NaN. The tolerance is that of the dtype, or of a coarser one that was
/// computed with, times `slack`.
///
/// # Errors
/// The first difference, in words.
pub fn close(got: &Tensor, expected: &Tensor, slack: f64, coarser: Option<DType>) -> Result<(), String> {
    if got.dtype() != expected.dtype() {
        return Err(format!("dtype {} instead of {}", got.dtype(), expected.dtype()));
    }
    if got.shape() != expected.shape() {
        return Err(format!("shape {:?} instead of {:?}", got.shape(), expected.shape()));
    }
    let (relative, absolute) = tolerance(coarser.unwrap_or(got.dtype()));
    let (got, expected) = (values(got), values(expected));
    let near = |a: f64, b: f64, size: f64| {
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= slack * (absolute + relative * size)
    };
    let differs = |(a, b): (&Complex<f64>, &Complex<f64>)| {
        // The tolerance is relative to the number, not to each part of it.
        let size = if b.norm().is_finite() { b.norm() } else { 0.0 };
        !(near(a.re, b.re, size) && near(a.im, b.im, size))
    };
    let wrong: Vec<usize> = (0..got.len()).filter(|&i| differs((&got[i], &expected[i]))).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let show = |value: Complex<f64>| {
        if value.im == 0.0 { format!("{:e}", value.re) } else { format!("{:e}{:+e}i", value.re, value.im) }
    };
    let shown =
        wrong.iter().take(4).map(|&i| format!("[{i}] {} instead of {}", show(got[i]), show(expected[i])));
    let shown = shown.collect::<Vec<_>>().join(", ");
    Err(format!("{} of {} elements differ: {shown}", wrong.len(), got.len()))
}
