//! Tensors of numbers at equal distances, and the identity matrix. Numbers are computed in double precision and rounded
//! once, so that a long range does not drift.

use super::{TensorOptions, try_collect};
use crate::error::expect;
use crate::layout::Layout;
use crate::{DType, Error, Result, Scalar, Tensor};

impl Tensor {
    /// The numbers from `start` in steps of `step` up to but without `end` (`torch.arange`). The result is `I64` if
    /// all three are integers, otherwise `F32`.
    ///
    /// # Errors
    /// If `step` is zero, points away from `end`, or one of them is not finite.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::arange(0, 6, 2)?.to_vec::<i64>()?, [0, 2, 4]);
    /// assert_eq!(Tensor::arange(0.0, 1.0, 0.25)?.to_vec::<f32>()?, [0.0, 0.25, 0.5, 0.75]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn arange(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        step: impl Into<Scalar>,
    ) -> Result<Tensor> {
        let (start, end, step) = (start.into(), end.into(), step.into());
        let whole = [start, end, step].iter().all(|number| matches!(number, Scalar::Int(_)));
        Self::arange_with(start, end, step, if whole { DType::I64 } else { DType::F32 })
    }

    /// [`Tensor::arange`] of a given dtype or device.
    ///
    /// # Errors
    /// Also if the dtype is an integer type and `start` or `step` has a fraction, if it does not hold the numbers, or if
    /// it is bool or complex.
    ///
    /// ```
    /// use rustorch::{DType, Tensor};
    /// let x = Tensor::arange_with(0.0, 0.3, 0.1, DType::F64)?;
    /// assert_eq!(x.to_vec::<f64>()?, [0.0, 0.1, 0.2]);
    /// assert_eq!(Tensor::arange_with(0, 3, 1, DType::F32)?.to_vec::<f32>()?, [0.0, 1.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn arange_with(
        start: impl Into<Scalar>,
        end: impl Into<Scalar>,
        step: impl Into<Scalar>,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        const OP: &str = "arange";
        let (start, end, step) = (start.into(), end.into(), step.into());
        let TensorOptions { dtype, device } = options.into();
        if !(dtype.is_int() || dtype.is_float()) {
            return Err(Error::DType { op: OP, dtype, expected: "an integer or floating-point dtype" });
        }
        let tensor = if let (Scalar::Int(start), Scalar::Int(end), Scalar::Int(step)) = (start, end, step) {
            check_range(start as f64, end as f64, step as f64)?;
            let span = (i128::from(end) - i128::from(start)).unsigned_abs();
            let count = span.div_ceil(u128::from(step.unsigned_abs()));
            let at = |i: u128| (i128::from(start) + i as i128 * i128::from(step)) as i64;
            if count > 0 {
                Scalar::Int(at(0)).check_fits(OP, dtype)?;
                Scalar::Int(at(count - 1)).check_fits(OP, dtype)?;
            }
            let size = usize::try_from(count).unwrap_or(usize::MAX);
            Self::from_vec(try_collect(size, (0..count).map(at))?, [size])?
        } else {
            for number in [start, step] {
                if dtype.is_int() && number.to_f64().fract() != 0.0 {
                    return Err(Error::argument(
                        OP,
                        format!("{number} has a fraction, but the dtype is {dtype}"),
                    ));
                }
            }
            let (start, end, step) = (start.to_f64(), end.to_f64(), step.to_f64());
            check_range(start, end, step)?;
            let count = ((end - start) / step).ceil() as usize;
            let at = |i: usize| start + i as f64 * step;
            if count > 0 {
                Scalar::Float(at(0)).check_fits(OP, dtype)?;
                Scalar::Float(at(count - 1)).check_fits(OP, dtype)?;
            }
            sequence(count, at, dtype)?
        };
        tensor.to_dtype(dtype).to_device(device)
    }

    /// `steps` numbers from `start` to `end`, both included, at equal distances, as `F32` (`torch.linspace`).
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::linspace(0.0, 1.0, 5).to_vec::<f32>()?, [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn linspace(start: f64, end: f64, steps: usize) -> Tensor {
        Self::linspace_with(start, end, steps, DType::F32)
    }

    /// [`Tensor::linspace`] of a given dtype or device.
    ///
    /// # Panics
    /// If the dtype is bool or does not hold the numbers, or the device does not have the memory, or is not there.
    ///
    /// Integers drop the fractions, of `start` and `end` before the distance is computed.
    ///
    /// ```
    /// use rustorch::{DType, Tensor};
    /// assert_eq!(Tensor::linspace_with(0.0, 1.0, 3, DType::F64).to_vec::<f64>()?, [0.0, 0.5, 1.0]);
    /// assert_eq!(Tensor::linspace_with(0.0, 10.0, 4, DType::I32).to_vec::<i32>()?, [0, 3, 6, 10]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn linspace_with(start: f64, end: f64, steps: usize, options: impl Into<TensorOptions>) -> Tensor {
        expect(spaced("linspace", (start, end, steps), |value| value, options.into()))
    }

    /// `steps` numbers from `baseˢᵗᵃʳᵗ` to `baseᵉⁿᵈ` at equal distances of the exponent, as `F32` (`torch.logspace`).
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn logspace(start: f64, end: f64, steps: usize, base: f64) -> Tensor {
        Self::logspace_with(start, end, steps, base, DType::F32)
    }

    /// [`Tensor::logspace`] of a given dtype or device.
    ///
    /// # Panics
    /// As [`Tensor::linspace_with`].
    #[track_caller]
    pub fn logspace_with(
        start: f64,
        end: f64,
        steps: usize,
        base: f64,
        options: impl Into<TensorOptions>,
    ) -> Tensor {
        expect(spaced("logspace", (start, end, steps), |exponent| base.powf(exponent), options.into()))
    }

    /// The identity matrix of `n` rows and columns, as `F32` (`torch.eye`).
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn eye(n: usize) -> Tensor {
        Self::eye_with(n, n, TensorOptions::default())
    }

    /// A matrix with ones on the diagonal and zeros elsewhere, of a given dtype or device (`torch.eye`).
    ///
    /// # Panics
    /// If the device does not have the memory, or is not there.
    ///
    /// ```
    /// use rustorch::{DType, Tensor};
    /// assert_eq!(Tensor::eye_with(2, 3, DType::I64).to_vec::<i64>()?, [1, 0, 0, 0, 1, 0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn eye_with(rows: usize, columns: usize, options: impl Into<TensorOptions>) -> Tensor {
        let zeros = Self::zeros_with([rows, columns], options);
        let diagonal = Layout {
            shape: [rows.min(columns)].as_slice().into(),
            strides: [columns + 1].as_slice().into(),
            offset: 0,
        };
        expect(zeros.alias(diagonal, None).fill_raw(Scalar::Int(1)));
        zeros
    }
}

/// Numbers computed in double precision and rounded once, to the dtype.
fn sequence(count: usize, at: impl Fn(usize) -> f64, dtype: DType) -> Result<Tensor> {
    if dtype == DType::F32 {
        return Tensor::from_vec(try_collect(count, (0..count).map(|i| at(i) as f32))?, [count]);
    }
    Ok(Tensor::from_vec(try_collect(count, (0..count).map(at))?, [count])?.to_dtype(dtype))
}

/// A function of `steps` numbers from `start` to `end` at equal distances.
fn spaced(
    op: &'static str,
    (start, end, steps): (f64, f64, usize),
    map: impl Fn(f64) -> f64,
    TensorOptions { dtype, device }: TensorOptions,
) -> Result<Tensor> {
    if dtype == DType::Bool {
        return Err(Error::DType { op, dtype, expected: "a numeric dtype" });
    }
    // Integers drop fractions, of the ends before the distance is computed.
    let whole = dtype.int_range();
    let (start, end) = if whole.is_some() { (start.trunc(), end.trunc()) } else { (start, end) };
    let step = if steps > 1 { (end - start) / (steps - 1) as f64 } else { 0.0 };
    // Computed from both ends, so that the last number is `end` exactly.
    let at = |i: usize| {
        if i < steps / 2 || steps == 1 {
            start + i as f64 * step
        } else {
            end - (steps - 1 - i) as f64 * step
        }
    };
    if let Some((least, greatest)) = whole {
        let held = |number: &f64| *number >= least as f64 && *number <= greatest as f64;
        let numbers = try_collect(steps, (0..steps).map(|i| map(at(i)).trunc()))?;
        if let Some(number) = numbers.iter().find(|number| !held(number)) {
            return Err(Error::argument(op, format!("{dtype} does not hold {number}")));
        }
        return Tensor::from_vec(numbers, [steps])?.to_dtype(dtype).to_device(device);
    }
    sequence(steps, |i| map(at(i)), dtype)?.to_device(device)
}

#[inline]
fn check_range(start: f64, end: f64, step: f64) -> Result<()> {
    if !(start.is_finite() && end.is_finite())
        || step == 0.0
        || !step.is_finite()
        || (end - start) * step < 0.0
    {
        return Err(Error::argument("arange", format!("cannot go from {start} to {end} in steps of {step}")));
    }
    Ok(())
}
