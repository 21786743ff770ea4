//! Sums, means and counts.

use super::{Kind, Reduction, require_float};
use crate::autograd::{Grads, Saved, record};
use crate::error::expect;
use crate::tensor::Axes;
use crate::{DType, Result, Tensor, no_grad};

impl Tensor {
    /// The sum of all elements (`torch.sum`). Integers and bools sum to `I64`; the sum of nothing is 0.
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]).sum().item::<f32>()?, 10.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn sum(&self) -> Tensor {
        expect(self.sum_dim((), false))
    }

    /// The sum over axes; with `keepdim` they stay, with size 1 (`torch.sum(dim=...)`).
    ///
    /// # Errors
    /// If there are no such axes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert_eq!(x.sum_dim(0, false)?.to_vec::<i64>()?, [4, 6]);
    /// assert_eq!(x.sum_dim(-1, true)?.shape(), [2, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn sum_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        self.scaled_sum("sum", axes.into_axes(), keepdim, |_| 1.0)
    }

    /// The mean of all elements; NaN if there are none (`torch.mean`).
    ///
    /// # Panics
    /// If the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, 2.0, 6.0]).mean().item::<f32>()?, 3.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn mean(&self) -> Tensor {
        expect(self.mean_dim((), false))
    }

    /// The mean over axes; with `keepdim` they stay, with size 1 (`torch.mean(dim=...)`).
    ///
    /// # Errors
    /// If there are no such axes, or the dtype is an integer type or bool.
    ///
    /// ```
    /// use rustorch::{DType, Tensor};
    /// let x = Tensor::from([[1, 2], [3, 5]]);
    /// let error = x.mean_dim(1, false).unwrap_err();
    /// assert_eq!(error.to_string(), "mean: dtype int32 is not supported; expected a floating-point or complex dtype");
    /// assert_eq!(x.to_dtype(DType::F64).mean_dim(1, false)?.to_vec::<f64>()?, [1.5, 4.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn mean_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        require_float("mean", self)?;
        self.scaled_sum("mean", axes.into_axes(), keepdim, |count| count as f64)
    }

    #[inline]
    fn scaled_sum(
        &self,
        op: &'static str,
        axes: Option<Vec<isize>>,
        keepdim: bool,
        divisor: fn(usize) -> f64,
    ) -> Result<Tensor> {
        let node = match axes {
            None => op,
            Some(_) => {
                if op == "sum" {
                    "sum.dim"
                } else {
                    "mean.dim"
                }
            }
        };
        let reduction = Reduction::new(op, self, axes)?;
        let divisor = divisor(reduction.count());
        let output = reduction.run(Kind::Sum, keepdim, divisor)?;
        record(node, &[&output], &[self], || {
            let restore = reduction.restore();
            Box::new(move |ctx| {
                let grad = ctx.grad()?;
                let grad = if divisor == 1.0 { grad.clone() } else { grad.div(divisor)? };
                Ok(Grads::from_iter([Some(restore.expand(&grad)?)]))
            })
        });
        Ok(output)
    }

    /// The sum of all elements that are not NaN (`torch.nansum`).
    ///
    /// # Panics
    /// If the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, f32::NAN, 2.0]).nansum().item::<f32>()?, 3.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn nansum(&self) -> Tensor {
        expect(self.nansum_dim((), false))
    }

    /// [`Tensor::nansum`] over axes.
    ///
    /// # Errors
    /// If there are no such axes, or the dtype is complex.
    pub fn nansum_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        self.nansum_along(axes.into_axes(), keepdim)
    }

    #[inline]
    fn nansum_along(&self, axes: Option<Vec<isize>>, keepdim: bool) -> Result<Tensor> {
        let reduction = Reduction::new("nansum", self, axes)?;
        let kind = if self.dtype().is_differentiable() { Kind::NanSum } else { Kind::Sum };
        let output = reduction.run(kind, keepdim, 1.0)?;
        record("nansum", &[&output], &[self], || {
            let (restore, input) = (reduction.restore(), Saved::input(self));
            Box::new(move |ctx| {
                let input = input.unpack(ctx)?;
                let grad = Tensor::where_(&input.isnan(), 0.0, &restore.expand(ctx.grad()?)?)?;
                Ok(Grads::from_iter([Some(grad)]))
            })
        });
        Ok(output)
    }

    /// The mean of all elements that are not NaN; NaN if there are none (`torch.nanmean`).
    ///
    /// # Panics
    /// If the dtype is not a floating-point type.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, f32::NAN, 2.0]).nanmean().item::<f32>()?, 1.5);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn nanmean(&self) -> Tensor {
        expect(self.nanmean_dim((), false))
    }

    /// [`Tensor::nanmean`] over axes.
    ///
    /// # Errors
    /// If there are no such axes, or the dtype is not a floating-point type.
    pub fn nanmean_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        self.nanmean_along(axes.into_axes(), keepdim)
    }

    #[inline]
    fn nanmean_along(&self, axes: Option<Vec<isize>>, keepdim: bool) -> Result<Tensor> {
        require_float("nanmean", self)?;
        let axes = axes.unwrap_or_default();
        let count = no_grad(|| self.isnan().logical_not().sum_dim(axes.as_slice(), keepdim))?;
        self.nansum_dim(axes.as_slice(), keepdim)?.div(&count.to_dtype(self.dtype()))
    }

    /// The number of elements that are not zero, as `I64` (`torch.count_nonzero`).
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([0.0f32, 1.0, f32::NAN]).count_nonzero().item::<i64>()?, 2);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn count_nonzero(&self) -> Tensor {
        expect(self.count_nonzero_dim(()))
    }

    /// [`Tensor::count_nonzero`] over axes.
    ///
    /// # Errors
    /// If there are no such axes.
    pub fn count_nonzero_dim(&self, axes: impl Axes) -> Result<Tensor> {
        let nonzero = no_grad(|| self.to_dtype(DType::Bool));
        Reduction::new("count_nonzero", &nonzero, axes)?.run(Kind::Sum, false, 1.0)
    }
}
