//! Variance and standard deviation.

use super::{Kind, Reduction, Restore, fused, require_float};
use crate::autograd::{Grads, Saved, record};
use crate::error::expect;
use crate::tensor::Axes;
use crate::{DType, Result, Tensor, no_grad};

impl Tensor {
    /// The variance `Σ |xᵢ - x̄|² / (n - 1)` of all elements (`torch.var`).
    ///
    /// # Panics
    /// If the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, 2.0, 3.0]).var().item::<f32>()?, 1.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn var(&self) -> Tensor {
        expect(self.var_dim((), 1.0, false))
    }

    /// The variance `Σ |xᵢ - x̄|² / (n - correction)` over axes (`torch.var(dim=..., correction=...)`). PyTorch's
    /// default for `correction` is 1; the result is NaN or infinite where `n` does not exceed it.
    ///
    /// # Errors
    /// If there are no such axes, or the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1.0f32, 3.0], [2.0, 2.0]]);
    /// assert_eq!(x.var_dim(1, 0.0, false)?.to_vec::<f32>()?, [1.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn var_dim(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Tensor> {
        self.spread_around_mean("var", axes.into_axes(), correction, keepdim)
    }

    /// The standard deviation of all elements, the root of [`Tensor::var`] (`torch.std`).
    ///
    /// # Panics
    /// If the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, 3.0, 5.0]).std().item::<f32>()?, 2.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn std(&self) -> Tensor {
        expect(self.std_dim((), 1.0, false))
    }

    /// The root of [`Tensor::var_dim`] (`torch.std(dim=..., correction=...)`). Its gradient where it is 0 is 0.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn std_dim(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Tensor> {
        self.spread_around_mean("std", axes.into_axes(), correction, keepdim)
    }

    /// [`Tensor::var_dim`] and [`Tensor::mean_dim`] together (`torch.var_mean`).
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (var, mean) = Tensor::from([1.0f32, 2.0, 3.0]).var_mean((), 1.0, false)?;
    /// assert_eq!((var.item::<f32>()?, mean.item::<f32>()?), (1.0, 2.0));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn var_mean(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let axes = axes.into_axes().unwrap_or_default();
        Ok((self.var_dim(axes.as_slice(), correction, keepdim)?, self.mean_dim(axes.as_slice(), keepdim)?))
    }

    /// [`Tensor::std_dim`] and [`Tensor::mean_dim`] together (`torch.std_mean`).
    ///
    /// # Errors
    /// As there.
    pub fn std_mean(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let axes = axes.into_axes().unwrap_or_default();
        Ok((self.std_dim(axes.as_slice(), correction, keepdim)?, self.mean_dim(axes.as_slice(), keepdim)?))
    }

    fn spread_around_mean(
        &self,
        op: &'static str,
        axes: Option<Vec<isize>>,
        correction: f64,
        keepdim: bool,
    ) -> Result<Tensor> {
        require_float(op, self)?;
        let reduction = Reduction::new(op, self, axes)?;
        let (degrees, restore) = ((reduction.count() as f64 - correction).max(0.0), reduction.restore());
        let root = op == "std";
        // In two passes: the sum of squares less the square of the sum would lose digits.
        let output = no_grad(|| {
            let wide = match self.dtype() {
                DType::F16 | DType::BF16 => self.to_dtype(DType::F32),
                _ => self.clone(),
            };
            let centred = centre(&wide, &restore)?;
            let variance = reduction.of(&centred).run(Kind::SumSquares, keepdim, 1.0)?.div(degrees)?;
            let result = if root { variance.sqrt() } else { variance };
            Ok::<_, crate::Error>(result.to_dtype(self.dtype().to_real()))
        })?;
        record(op, &[&output], &[self], || {
            let (input, value) = (Saved::input(self), root.then(|| Saved::output(&output, 0)));
            Box::new(move |ctx| {
                let input = input.unpack(ctx)?;
                let value = value.as_ref().map(|value| value.unpack(ctx)).transpose()?;
                if !ctx.create_graph()
                    && let Some(grad) =
                        fused::deviation(&input, value.as_ref(), ctx.grad()?, &restore.axes, degrees)?
                {
                    return Ok(Grads::from_iter([Some(grad)]));
                }
                let mut grad = ctx.grad()?.mul(2.0 / degrees)?;
                if let Some(value) = &value {
                    let scaled = grad.div(&value.mul(2.0)?)?;
                    grad = Tensor::where_(&value.eq(0.0)?, 0.0, &scaled)?;
                }
                let grad = restore.keep(&grad)?.mul(&centre(&input, &restore)?)?;
                Ok(Grads::from_iter([Some(grad.to_dtype(input.dtype()))]))
            })
        });
        Ok(output)
    }
}

/// The elements less their mean over the reduced axes.
fn centre(input: &Tensor, restore: &Restore) -> Result<Tensor> {
    if restore.axes.is_empty() {
        return input.sub(input);
    }
    input.sub(&input.mean_dim(restore.axes.as_slice(), true)?)
}
