//! Complex tensors: their parts, and tensors made of parts.

use crate::autograd::{Grads, record};
use crate::error::expect;
use crate::layout::Layout;
use crate::ops::elementwise::{Elementwise, Operand, apply, apply_inplace, table};
use crate::{DType, Error, Result, Tensor, no_grad};

impl Tensor {
    /// Complex numbers as pairs of real ones along a new last axis, as a view (`torch.view_as_real`).
    ///
    /// # Errors
    /// If the dtype is not complex.
    ///
    /// ```
    /// use num_complex::Complex;
    /// use rustorch::Tensor;
    /// let z = Tensor::from([Complex::new(1.0f32, 2.0)]);
    /// assert_eq!(z.view_as_real()?.to_vec::<f32>()?, [1.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn view_as_real(&self) -> Result<Tensor> {
        const OP: &str = "view_as_real";
        if !self.dtype().is_complex() {
            return Err(Error::DType { op: OP, dtype: self.dtype(), expected: "a complex dtype" });
        }
        let mut layout = self.layout().clone();
        layout.offset *= 2;
        layout.strides.iter_mut().for_each(|stride| *stride *= 2);
        layout.shape.push(2);
        layout.strides.push(1);
        let view = self.alias_as(self.dtype().to_real(), layout, self.view_base());
        record(OP, &[&view], &[self], || {
            Box::new(|ctx| Ok(Grads::from_iter([Some(ctx.grad()?.contiguous().view_as_complex()?)])))
        });
        Ok(view)
    }

    /// Pairs of real numbers along the last axis as complex ones, as a view (`torch.view_as_complex`).
    ///
    /// # Errors
    /// If the dtype is neither `F32` nor `F64`, the last axis is not of size 2 with stride 1, or another stride or the
    /// offset is odd.
    ///
    /// ```
    /// use num_complex::Complex;
    /// use rustorch::Tensor;
    /// let z = Tensor::from([[1.0f64, 2.0]]).view_as_complex()?;
    /// assert_eq!(z.to_vec::<Complex<f64>>()?, [Complex::new(1.0, 2.0)]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn view_as_complex(&self) -> Result<Tensor> {
        const OP: &str = "view_as_complex";
        if !matches!(self.dtype(), crate::DType::F32 | crate::DType::F64) {
            return Err(Error::DType { op: OP, dtype: self.dtype(), expected: "float32 or float64" });
        }
        let Layout { mut shape, mut strides, offset } = self.layout().clone();
        let pairs = shape.pop() == Some(2) && strides.pop() == Some(1);
        if !pairs || offset % 2 != 0 || strides.iter().any(|stride| stride % 2 != 0) {
            return Err(Error::argument(
                OP,
                format!(
                    "shape {:?} with strides {:?} from {offset} is not made of adjacent, aligned pairs",
                    self.shape(),
                    self.strides()
                ),
            ));
        }
        strides.iter_mut().for_each(|stride| *stride /= 2);
        let layout = Layout { shape, strides, offset: offset / 2 };
        let view = self.alias_as(self.dtype().to_complex(), layout, self.view_base());
        record(OP, &[&view], &[self], || {
            Box::new(|ctx| Ok(Grads::from_iter([Some(ctx.grad()?.view_as_real()?)])))
        });
        Ok(view)
    }

    /// The real parts as a view; a real tensor itself (`torch.real`).
    ///
    /// # Errors
    /// None at present; a result as all views.
    pub fn real(&self) -> Result<Tensor> {
        if self.dtype().is_complex() { self.view_as_real()?.select(-1, 0) } else { Ok(self.clone()) }
    }

    /// The imaginary parts as a view (`torch.imag`).
    ///
    /// # Errors
    /// If the dtype is not complex.
    pub fn imag(&self) -> Result<Tensor> {
        if !self.dtype().is_complex() {
            return Err(Error::DType { op: "imag", dtype: self.dtype(), expected: "a complex dtype" });
        }
        self.view_as_real()?.select(-1, 1)
    }

    /// Complex numbers of these real and imaginary parts, which broadcast (`torch.complex`).
    ///
    /// # Errors
    /// If the dtypes differ or are neither `F32` nor `F64`, or the shapes do not broadcast.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let z = Tensor::complex(&Tensor::from([3.0f32]), &Tensor::from([4.0f32]))?;
    /// assert_eq!(z.abs().to_vec::<f32>()?, [5.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn complex(real: &Tensor, imag: &Tensor) -> Result<Tensor> {
        if real.dtype() != imag.dtype() {
            return Err(Error::argument(
                "complex",
                format!("the real part is {}, the imaginary part {}", real.dtype(), imag.dtype()),
            ));
        }
        let parts = Tensor::broadcast_tensors(&[real, imag])?;
        Tensor::stack(&parts, -1)?.view_as_complex()
    }

    /// Complex numbers of these magnitudes and angles in radians (`torch.polar`).
    ///
    /// # Errors
    /// As [`Tensor::complex`].
    #[inline]
    pub fn polar(abs: &Tensor, angle: &Tensor) -> Result<Tensor> {
        const OP: &str = "polar";
        if abs.dtype() != angle.dtype() {
            return Err(Error::argument(
                OP,
                format!("the magnitude is {}, the angle {}", abs.dtype(), angle.dtype()),
            ));
        }
        if !matches!(abs.dtype(), DType::F32 | DType::F64) {
            return Err(Error::DType { op: OP, dtype: abs.dtype(), expected: "float32 or float64" });
        }
        let parts = Tensor::broadcast_tensors(&[abs, angle])?;
        let output =
            no_grad(|| Tensor::complex(&parts[0].mul(&parts[1].cos())?, &parts[0].mul(&parts[1].sin())?))?;
        record(OP, &[&output], &[&parts[0], &parts[1]], || {
            let saved = crate::autograd::Saved::output(&output, 0);
            Box::new(move |ctx| {
                let (z, grad) = (saved.unpack(ctx)?, ctx.grad()?.conj());
                // As PyTorch: along the number itself, which is nowhere at 0, and backwards for negative magnitudes.
                let to_abs = grad.mul(&z.sgn())?.real()?;
                let to_angle = grad.mul(&z)?.imag()?.neg();
                Ok(Grads::from_iter([Some(to_abs), Some(to_angle)]))
            })
        });
        Ok(output)
    }

    /// The angles of complex numbers in radians, from -π to π; of real ones 0 or π (`torch.angle`). The gradient at 0
    /// is 0.
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let z = Tensor::complex(&Tensor::from([0.0f32]), &Tensor::from([2.0f32])).unwrap();
    /// assert!((z.angle().item::<f32>().unwrap() - std::f32::consts::FRAC_PI_2).abs() < 1e-6);
    /// ```
    #[track_caller]
    #[inline]
    pub fn angle(&self) -> Tensor {
        let complex = || {
            let output = no_grad(|| self.imag()?.atan2(&self.real()?))?;
            record("angle", &[&output], &[self], || {
                let saved = crate::autograd::Saved::input(self);
                Box::new(move |ctx| {
                    let z = saved.unpack(ctx)?;
                    let square = z.real()?.square().add(&z.imag()?.square())?;
                    let square = square.masked_fill(&square.eq(0)?, 1)?;
                    let turned = z.mul(num_complex::Complex::new(0.0, 1.0))?;
                    Ok(Grads::from_iter([Some(turned.mul(&ctx.grad()?.div(&square)?)?)]))
                })
            });
            Ok(output)
        };
        let real = || {
            let output = no_grad(|| {
                let x = self.to_dtype(self.dtype().to_float());
                // A NaN stays one, as it is neither below 0 nor equal to itself.
                Tensor::where_(
                    &x.lt(0)?,
                    &x.full_like(std::f64::consts::PI),
                    &x.mul(0.0)?.masked_fill(&x.isfinite(), 0.0)?,
                )
                .and_then(|angle| angle.masked_fill(&x.isinf().logical_and(&x.gt(0)?)?, 0.0))
            })?;
            record("angle", &[&output], &[self], || {
                Box::new(|ctx| Ok(Grads::from_iter([Some(ctx.grad()?.zeros_like())])))
            });
            Ok(output)
        };
        expect(if self.dtype().is_complex() { complex() } else { real() })
    }

    /// `|x|`; of complex numbers the magnitude, a real number; the gradient at 0 is 0 (`torch.abs`).
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, -2.0]).abs().to_vec::<f32>()?, [1.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn abs(&self) -> Tensor {
        if !self.dtype().is_complex() {
            return expect(apply(&table::rounding::abs::ENTRY, &[Operand::Tensor(self)], [0.0; 4]));
        }
        expect(self.magnitude())
    }

    /// [`Tensor::abs`] in place.
    ///
    /// # Errors
    /// For complex tensors, which cannot hold the result as it is real, and for leaves that require gradients.
    #[inline]
    pub fn abs_(&self) -> Result<Tensor> {
        apply_inplace(&table::rounding::abs::ENTRY, self, &[], [0.0; 4])
    }

    /// `x / |x|` for complex numbers, the sign for real ones; 0 stays 0 (`torch.sgn`).
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([3.0f32, -2.0, 0.0]).sgn().to_vec::<f32>()?, [1.0, -1.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn sgn(&self) -> Tensor {
        expect(apply(self.sgn_entry(), &[Operand::Tensor(self)], [0.0; 4]))
    }

    /// [`Tensor::sgn`] in place.
    ///
    /// # Errors
    /// For leaves that require gradients.
    pub fn sgn_(&self) -> Result<Tensor> {
        apply_inplace(self.sgn_entry(), self, &[], [0.0; 4])
    }

    /// The derivative of a sign is 0 everywhere, which division by the magnitude does not show at 0 and ∞.
    fn sgn_entry(&self) -> &'static Elementwise {
        match self.dtype().is_complex() {
            true => &table::rounding::sgn::ENTRY,
            false => &table::rounding::sign::ENTRY,
        }
    }

    fn magnitude(&self) -> Result<Tensor> {
        let output = no_grad(|| self.real()?.hypot(&self.imag()?))?;
        record("abs", &[&output], &[self], || {
            let saved = crate::autograd::Saved::input(self);
            Box::new(move |ctx| {
                let z = saved.unpack(ctx)?;
                let size = z.abs();
                let direction = z.div(&size.masked_fill(&size.eq(0)?, 1)?)?;
                Ok(Grads::from_iter([Some(direction.mul(ctx.grad()?)?)]))
            })
        });
        Ok(output)
    }

    /// Whether each element has no imaginary part (`torch.isreal`).
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn isreal(&self) -> Tensor {
        match self.dtype().is_complex() {
            true => expect(no_grad(|| self.imag()?.eq(0))),
            false => Tensor::full_with(self.shape(), true, crate::DType::Bool),
        }
    }
}

impl<S: crate::Shape> crate::TypedTensor<S> {
    /// [`Tensor::sgn`](crate::Tensor::sgn), with the shape kept.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn sgn(&self) -> Self {
        Self::trusted(self.as_tensor().sgn())
    }
}
