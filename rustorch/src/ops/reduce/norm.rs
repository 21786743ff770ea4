//! Norms, distances and the logarithm of a sum of exponentials.

use super::{Kind, Reduction, require_float};
use crate::autograd::{Grads, Saved, record};
use crate::error::expect;
use crate::tensor::Axes;
use crate::{DType, Error, Result, Tensor, no_grad};

impl Tensor {
    /// The `p`-norm `(Σ |xᵢ|ᵖ)^(1/p)` of all elements as of one vector (`torch.linalg.vector_norm`). `p = 2` is the
    /// Euclidean norm and, for matrices, the Frobenius norm; `p = 0` counts what is not zero; `p = ±∞` is the greatest
    /// or smallest magnitude.
    ///
    /// # Panics
    /// If the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([3.0f32, -4.0]);
    /// assert_eq!(x.norm(2.0).item::<f32>()?, 5.0);
    /// assert_eq!(x.norm(f64::INFINITY).item::<f32>()?, 4.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn norm(&self, p: f64) -> Tensor {
        expect(self.norm_dim(p, (), false))
    }

    /// [`Tensor::norm`] over axes; with `keepdim` they stay, with size 1. The gradient at a norm of 0 is 0.
    ///
    /// # Errors
    /// If there are no such axes, or the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[3.0f32, -4.0], [0.0, 1.0]]);
    /// assert_eq!(x.norm_dim(1.0, 1, false)?.to_vec::<f32>()?, [7.0, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn norm_dim(&self, p: f64, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        self.norm_along(p, axes.into_axes(), keepdim)
    }

    #[inline]
    fn norm_along(&self, p: f64, axes: Option<Vec<isize>>, keepdim: bool) -> Result<Tensor> {
        require_float("norm", self)?;
        if p.is_nan() {
            return Err(Error::argument("norm", "p is NaN, expected a number"));
        }
        if self.dtype().is_complex() && ![0.0, 1.0, 2.0].contains(&p) {
            return self.abs().norm_dim(p, axes, keepdim);
        }
        if matches!(self.dtype(), DType::F16 | DType::BF16) {
            // Powers overflow half precision long before their root does.
            return Ok(self.to_dtype(DType::F32).norm_dim(p, axes, keepdim)?.to_dtype(self.dtype()));
        }
        if p == f64::INFINITY {
            return self.abs().spread("norm", Kind::Max, axes, keepdim);
        }
        if p == f64::NEG_INFINITY {
            return self.abs().spread("norm", Kind::Min, axes, keepdim);
        }
        let reduction = Reduction::new("norm", self, axes)?;
        let output = no_grad(|| powers(&reduction, p, keepdim))?;
        record("norm", &[&output], &[self], || {
            let (restore, input, norm) = (reduction.restore(), Saved::input(self), Saved::output(&output, 0));
            Box::new(move |ctx| {
                let (input, norm) = (input.unpack(ctx)?, restore.keep(&norm.unpack(ctx)?)?);
                let grad = norm_backward(&restore.keep(ctx.grad()?)?, &input, &norm, p)?;
                Ok(Grads::from_iter([Some(grad)]))
            })
        });
        Ok(output)
    }

    /// The `p`-norm of the difference of two tensors, which broadcast (`torch.dist`).
    ///
    /// # Errors
    /// If the shapes do not broadcast, or the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (a, b) = (Tensor::from([1.0f32, 2.0]), Tensor::from([4.0f32, 6.0]));
    /// assert_eq!(a.dist(&b, 2.0)?.item::<f32>()?, 5.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn dist(&self, other: &Tensor, p: f64) -> Result<Tensor> {
        self.sub(other)?.norm_dim(p, (), false)
    }

    /// `log Σ exp xᵢ` over axes, without overflow; with `keepdim` they stay, with size 1 (`torch.logsumexp`).
    ///
    /// # Errors
    /// If there are no such axes, or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1000.0f32, 1000.0]]);
    /// assert!((x.logsumexp(1, false)?.item::<f32>()? - 1000.6931).abs() < 1e-3);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn logsumexp(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        self.logsumexp_along(axes.into_axes(), keepdim)
    }

    #[inline]
    fn logsumexp_along(&self, axes: Option<Vec<isize>>, keepdim: bool) -> Result<Tensor> {
        if self.dtype().is_complex() {
            return self.complex_logsumexp(axes, keepdim);
        }
        let input = self.to_dtype(self.dtype().to_float());
        let reduction = Reduction::new("logsumexp", &input, axes)?;
        let restore = reduction.restore();
        let output = no_grad(|| {
            if reduction.count() == 0 {
                return reduction.run(Kind::Sum, keepdim, 1.0)?.sub(f64::INFINITY);
            }
            let max = finite_or_zero(&reduction.run(Kind::Max, true, 1.0)?)?;
            let sum = restore.sum(&input.sub(&max)?.exp())?;
            sum.log().add(&max)?.reshape(reduction.shape(keepdim).as_slice())
        })?;
        record("logsumexp", &[&output], &[&input], || {
            let (restore, saved, value) =
                (reduction.restore(), Saved::input(&input), Saved::output(&output, 0));
            Box::new(move |ctx| {
                let (input, value) = (saved.unpack(ctx)?, restore.keep(&value.unpack(ctx)?)?);
                // Where nothing but -∞ was summed, every weight is exp(-∞ - 0) = 0.
                let nothing = no_grad(|| value.isneginf());
                let weight = input.sub(&Tensor::where_(&nothing, 0.0, &value)?)?.exp();
                Ok(Grads::from_iter([Some(restore.keep(ctx.grad()?)?.mul(&weight)?)]))
            })
        });
        Ok(output)
    }

    /// The same for complex numbers, whose real parts say how large the exponentials are.
    fn complex_logsumexp(&self, axes: Option<Vec<isize>>, keepdim: bool) -> Result<Tensor> {
        let axes = axes.unwrap_or_else(|| (0..self.rank() as isize).collect());
        if self.numel() == 0 {
            return self.exp().sum_dim(axes, keepdim).map(|sum| sum.log());
        }
        let max = no_grad(|| finite_or_zero(&self.detach().real()?.amax_dim(axes.as_slice(), true)?))?;
        let sum = self.sub(&max)?.exp().sum_dim(axes.as_slice(), true)?.log().add(&max)?;
        if keepdim { Ok(sum) } else { sum.squeeze(axes) }
    }
}

#[inline]
fn finite_or_zero(x: &Tensor) -> Result<Tensor> {
    Tensor::where_(&x.isinf(), 0.0, x)
}

#[inline]
fn powers(reduction: &Reduction<'_>, p: f64, keepdim: bool) -> Result<Tensor> {
    if p == 1.0 {
        return reduction.run(Kind::SumAbs, keepdim, 1.0);
    }
    if p == 2.0 {
        return Ok(reduction.run(Kind::SumSquares, keepdim, 1.0)?.sqrt());
    }
    let terms = if p == 0.0 {
        reduction.input.ne(0.0)?.to_dtype(reduction.input.dtype().to_real())
    } else {
        reduction.input.abs().pow(p)?
    };
    let sum = reduction.of(&terms).run(Kind::Sum, keepdim, 1.0)?;
    if p == 0.0 { Ok(sum) } else { sum.pow(1.0 / p) }
}

/// `dx = g · sgn(x) · |x|^(p-1) / norm^(p-1)`, 0 where that has no value.
#[inline]
fn norm_backward(grad: &Tensor, input: &Tensor, norm: &Tensor, p: f64) -> Result<Tensor> {
    if p == 0.0 {
        return Ok(input.zeros_like());
    }
    if p == 1.0 {
        return direction(input).mul(grad);
    }
    let no_norm = no_grad(|| norm.eq(0.0))?;
    if p == 2.0 {
        let scale = Tensor::where_(&no_norm, 0.0, &grad.div(norm)?)?;
        return input.mul(&scale);
    }
    let scale = Tensor::where_(&no_norm, 0.0, &grad.div(&norm.pow(p - 1.0)?)?)?;
    let zero = no_grad(|| input.eq(0.0))?;
    let power = input.abs().pow(p - 1.0)?;
    let power = if p < 2.0 { Tensor::where_(&zero, 0.0, &power)? } else { power };
    direction(input).mul(&power)?.mul(&scale)
}

/// `x / |x|`, or 0.
#[inline]
fn direction(x: &Tensor) -> Tensor {
    if x.dtype().is_complex() { x.sgn() } else { x.sign() }
}
