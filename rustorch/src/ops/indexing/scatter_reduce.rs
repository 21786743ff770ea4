//! Scatter with a reduction of all values that meet in one element.

use super::{Combine, check_positions};
use crate::autograd::{Ctx, Grads, Saved, check_inplace, record};
use crate::dtype::dispatch;
use crate::kernels::accumulate::Comparable;
use crate::kernels::lines::Access;
use crate::kernels::parallel::Shared;
use crate::storage::lock_for_write;
use crate::tensor::refuse_overlap;
use crate::{DType, Error, Result, Tensor, no_grad};

/// How [`Tensor::scatter_reduce`] combines values (`reduce` in PyTorch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduce {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
    /// Their mean; integers round toward minus infinity.
    Mean,
    /// The greatest of them; NaN if one is.
    Amax,
    /// The least of them; NaN if one is.
    Amin,
}

const OP: &str = "scatter_reduce";

impl Tensor {
    /// A copy in which each element that the index names is combined with the values that the index sends there
    /// (`torch.scatter_reduce`). Without `include_self` the element's old value takes no part.
    ///
    /// # Errors
    /// As [`Tensor::scatter`]; for `Amax` and `Amin` also if the dtype is complex.
    ///
    /// ```
    /// use rustorch::{Reduce, Tensor};
    /// let (x, index) = (Tensor::from([1.0f32, 1.0]), Tensor::from([0i64, 0]));
    /// let y = x.scatter_reduce(0, &index, &Tensor::from([5.0f32, 3.0]), Reduce::Mean, true)?;
    /// assert_eq!(y.to_vec::<f32>()?, [3.0, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn scatter_reduce(
        &self,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
        reduce: Reduce,
        include_self: bool,
    ) -> Result<Tensor> {
        let (positions, source) = self.scatter_arguments(OP, axis, index, source)?;
        let output = no_grad(|| {
            let start = if include_self {
                self.copy()
            } else {
                self.scatter(axis, &positions, &self.neutral(reduce, &positions)?)?
            };
            start.reduce_scattered(axis, &positions, &source, reduce)?;
            if reduce != Reduce::Mean {
                return Ok(start);
            }
            let counts = self.counts(axis, &positions, include_self)?;
            if start.dtype().is_differentiable() { start.div(&counts) } else { start.floor_divide(&counts) }
        })?;
        record(OP, &[&output], &[self, &source], || {
            let saved = (Saved::input(self), Saved::input(&source), Saved::output(&output, 0));
            let positions = Saved::input(&positions);
            Box::new(move |ctx| {
                let tensors = (saved.0.unpack(ctx)?, saved.1.unpack(ctx)?, saved.2.unpack(ctx)?);
                let positions = positions.unpack(ctx)?;
                gradients(ctx, axis, &positions, tensors, reduce, include_self)
            })
        });
        Ok(output)
    }

    /// [`Tensor::scatter_reduce`] in place (`torch.Tensor.scatter_reduce_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn scatter_reduce_(
        &self,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
        reduce: Reduce,
        include_self: bool,
    ) -> Result<Tensor> {
        refuse_overlap("scatter_reduce_", self, &[index, source])?;
        let needed = check_inplace("scatter_reduce_", self, &[source])?.is_needed();
        let old = if needed { self.copy() } else { self.clone() };
        self.overwrite("scatter_reduce_", &old.scatter_reduce(axis, index, source, reduce, include_self)?)
    }

    /// What changes nothing when it is reduced, in the index's shape.
    #[inline]
    fn neutral(&self, reduce: Reduce, positions: &Tensor) -> Result<Tensor> {
        let dtype = self.dtype();
        let extreme = |greatest: bool| -> Result<Tensor> {
            let scalar = match dtype {
                DType::Bool => crate::Scalar::Bool(greatest),
                _ if dtype.is_float() => {
                    crate::Scalar::Float(if greatest { f64::INFINITY } else { f64::NEG_INFINITY })
                }
                _ => {
                    let bits = dtype.size() as u32 * 8 - u32::from(dtype != DType::U8);
                    let top = if bits == 63 { i64::MAX } else { (1i64 << bits) - 1 };
                    crate::Scalar::Int(if greatest {
                        top
                    } else if dtype == DType::U8 {
                        0
                    } else {
                        -top - 1
                    })
                }
            };
            Tensor::try_full(&[], scalar, dtype, self.device())
        };
        let value = match reduce {
            Reduce::Sum | Reduce::Mean => Tensor::try_full(&[], 0, dtype, self.device())?,
            Reduce::Prod => Tensor::try_full(&[], 1, dtype, self.device())?,
            Reduce::Amax => extreme(false)?,
            Reduce::Amin => extreme(true)?,
        };
        value.expand(positions.shape())
    }

    /// How many values meet in each element; 1 where there are none.
    #[inline]
    fn counts(&self, axis: isize, positions: &Tensor, include_self: bool) -> Result<Tensor> {
        let start = if include_self { self.ones_like() } else { self.zeros_like() };
        let one = Tensor::try_full(&[], 1, self.dtype(), self.device())?;
        let counts = start.scatter_add(axis, positions, &one.expand(positions.shape())?)?;
        counts.masked_fill(&counts.eq(0)?, 1)
    }

    /// Reduces values into this tensor, which is new.
    #[inline]
    fn reduce_scattered(
        &self,
        axis: isize,
        positions: &Tensor,
        source: &Tensor,
        reduce: Reduce,
    ) -> Result<()> {
        match reduce {
            Reduce::Sum | Reduce::Mean => self.write_scattered(OP, axis, positions, source, Combine::Add),
            Reduce::Prod => self.write_scattered(OP, axis, positions, source, Combine::Multiply),
            Reduce::Amax | Reduce::Amin => self.extremes(axis, positions, source, reduce == Reduce::Amax),
        }
    }

    fn extremes(&self, axis: isize, positions: &Tensor, source: &Tensor, greatest: bool) -> Result<()> {
        let at = self.axis(OP, axis)?;
        let _guard = lock_for_write(self.storage(), &[positions.storage(), source.storage()]);
        let lines = super::lines_by_element(self.layout(), source.layout(), positions.layout(), at);
        let index = positions.host_ptr().cast_const().cast::<i64>();
        dispatch!(ordered self.dtype(), OP, T => {
            let (from, to) = (Shared(source.host_ptr().cast_const().cast::<T>()), Shared(self.host_ptr().cast::<T>()));
            let pick = move |old: T, new: T| {
                let better = if greatest { old.less(new) } else { new.less(old) };
                if !old.is_nan() && (better || new.is_nan()) { new } else { old }
            };
            // SAFETY: locked, and checked before it is used; visits of one element are made by one thread.
            unsafe {
                check_positions(OP, positions, at, self.shape().get(at).copied().unwrap_or(1))?;
                // Behind a pointer, so that the walk is compiled once for all dtypes.
                let visit: &(dyn Fn(usize, usize, usize) + Sync) = &|at, value, len| {
                    super::fold_run(from.get().add(value), to.get().add(at), len, pick);
                };
                lines.for_each(index, Access::Addressed, visit);
            }
        });
        Ok(())
    }
}

/// The gradients of the tensor and of the values, from (tensor, values, result).
fn gradients(
    ctx: &Ctx<'_>,
    axis: isize,
    positions: &Tensor,
    (own, source, result): (Tensor, Tensor, Tensor),
    reduce: Reduce,
    include_self: bool,
) -> Result<Grads> {
    let grad = ctx.grad()?;
    let (mut to_own, to_source) = match reduce {
        Reduce::Sum => (grad.clone(), grad.gather(axis, positions)?),
        Reduce::Mean => {
            let share = grad.div(&no_grad(|| own.counts(axis, positions, include_self))?)?;
            (share.clone(), share.gather(axis, positions)?)
        }
        Reduce::Amax | Reduce::Amin => {
            // Equal candidates share the gradient.
            let (own_wins, source_wins) = no_grad(|| {
                let winners = source.eq(&result.gather(axis, positions)?)?.to_dtype(own.dtype());
                Ok::<_, Error>((own.eq(&result)?.to_dtype(own.dtype()), winners))
            })?;
            // As in PyTorch, what the tensor held counts also where it takes no part, and NaN never: its gradient is 0/0.
            let number = own_wins.scatter_add(axis, positions, &source_wins)?;
            let share = grad.div(&number)?;
            (own_wins.mul(&share)?, source_wins.mul(&share.gather(axis, positions)?)?)
        }
        Reduce::Prod => {
            let safe = own.masked_fill(&own.eq(0)?, 1)?;
            let others = safe.scatter_reduce(axis, positions, &source, reduce, include_self)?;
            let to_own = grad.mul(&others)?.div(&safe)?;
            (to_own, product_gradient(grad, axis, positions, &own, &source, &result, include_self)?)
        }
    };
    if !include_self {
        to_own = to_own.scatter_value(axis, positions, 0)?;
    }
    Ok(Grads::from_iter([Some(to_own), Some(to_source)]))
}

/// The product of all other values, also where one of them is zero.
#[inline]
fn product_gradient(
    grad: &Tensor,
    axis: isize,
    positions: &Tensor,
    own: &Tensor,
    source: &Tensor,
    result: &Tensor,
    include_self: bool,
) -> Result<Tensor> {
    let zero = source.eq(0)?;
    let only = no_grad(|| {
        let zeros = own.zeros_like().scatter_add(axis, positions, &zero.to_dtype(own.dtype()))?;
        zero.logical_and(&zeros.gather(axis, positions)?.eq(1)?)
    })?;
    let without =
        own.scatter_reduce(axis, positions, &source.masked_fill(&only, 1)?, Reduce::Prod, include_self)?;
    let plain = grad.mul(result)?.gather(axis, positions)?.div(&source.masked_fill(&zero, 1)?)?;
    Tensor::where_(&only, &grad.mul(&without)?.gather(axis, positions)?, &plain)
}
