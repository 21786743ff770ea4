//! The greatest and smallest elements, and where they are.

use super::{Kind, Reduction, fused, require_cpu};
use crate::autograd::{BackwardFn, Grads, Saved, record};
use crate::dtype::dispatch;
use crate::error::expect;
use crate::kernels::reduce::{self as kernels, Plan};
use crate::tensor::Axes;
use crate::{DType, Error, Result, Tensor, no_grad};

macro_rules! extrema {
    ($($what:literal, $kind:ident, $max:literal, $full:ident, $by_axis:ident, $spread:ident, $spread_dim:ident, $arg:ident,
        $best:literal, $at:literal;)*) => {
        impl Tensor {
            $(
                #[doc = concat!("The ", $what, " of all elements, NaN if there is one (`torch.", stringify!($full), "`).")]
                /// Elements that share the extremum share the gradient.
                ///
                /// # Panics
                /// If the tensor is empty or complex.
                ///
                /// ```
                /// use rustorch::Tensor;
                #[doc = concat!("assert_eq!(Tensor::from([3, 1, 2]).", stringify!($full), "().item::<i32>()?, ", stringify!($best), ");")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[track_caller]
                pub fn $full(&self) -> Tensor {
                    expect(self.spread(stringify!($full), Kind::$kind, None, false))
                }

                #[doc = concat!("The ", $what, " along an axis and its first position there (`torch.", stringify!($full), "(dim=...)`).")]
                /// NaN counts as such. The gradient goes to that position.
                ///
                /// # Errors
                /// If there is no such axis or it is empty, or the dtype is complex.
                ///
                /// ```
                /// use rustorch::Tensor;
                #[doc = concat!("let (values, indices) = Tensor::from([[3, 1, 2]]).", stringify!($by_axis), "(1, false)?;")]
                #[doc = concat!("assert_eq!(values.to_vec::<i32>()?, [", stringify!($best), "]);")]
                #[doc = concat!("assert_eq!(indices.to_vec::<i64>()?, [", stringify!($at), "]);")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                pub fn $by_axis(&self, axis: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
                    self.extremum_at::<$max>(stringify!($full), axis, keepdim)
                }

                #[doc = concat!("[`Tensor::", stringify!($full), "`] under PyTorch's second name for it (`torch.", stringify!($spread), "`).")]
                ///
                /// # Panics
                /// If the tensor is empty or complex.
                #[track_caller]
                pub fn $spread(&self) -> Tensor {
                    expect(self.$spread_dim((), false))
                }

                #[doc = concat!("The ", $what, " over axes, NaN if there is one (`torch.", stringify!($spread), "`).")]
                /// Elements that share the extremum share the gradient.
                ///
                /// # Errors
                /// If there are no such axes or one is empty, or the dtype is complex.
                ///
                /// ```
                /// use rustorch::Tensor;
                #[doc = concat!("let y = Tensor::from([[3, 1, 2], [3, 3, 3]]).", stringify!($spread_dim), "(1, false)?;")]
                #[doc = concat!("assert_eq!(y.to_vec::<i32>()?, [", stringify!($best), ", 3]);")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                pub fn $spread_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
                    self.spread(stringify!($spread), Kind::$kind, axes.into_axes(), keepdim)
                }

                #[doc = concat!("The first position of the ", $what, " along an axis, as `I64`; without an axis, in the")]
                #[doc = concat!("flattened tensor (`torch.", stringify!($arg), "`). NaN counts as such.")]
                ///
                /// # Errors
                /// If there is no such axis or it is empty, or the dtype is complex.
                ///
                /// ```
                /// use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from([[3, 1, 2]]);")]
                #[doc = concat!("assert_eq!(x.", stringify!($arg), "(1, false)?.to_vec::<i64>()?, [", stringify!($at), "]);")]
                #[doc = concat!("assert_eq!(x.", stringify!($arg), "(None, false)?.item::<i64>()?, ", stringify!($at), ");")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                pub fn $arg(&self, axis: impl Into<Option<isize>>, keepdim: bool) -> Result<Tensor> {
                    self.arg_extremum::<$max>(stringify!($arg), axis.into(), keepdim)
                }
            )*
        }
    };
}

extrema! {
    "greatest", Max, true, max, max_dim, amax, amax_dim, argmax, 3, 0;
    "smallest", Min, false, min, min_dim, amin, amin_dim, argmin, 1, 1;
}

impl Tensor {
    /// The smallest and the greatest of all elements (`torch.aminmax`).
    ///
    /// # Panics
    /// If the tensor is empty or complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (low, high) = Tensor::from([3, 1, 2]).aminmax();
    /// assert_eq!((low.item::<i32>()?, high.item::<i32>()?), (1, 3));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn aminmax(&self) -> (Tensor, Tensor) {
        (self.amin(), self.amax())
    }

    /// The smallest and the greatest elements over axes (`torch.aminmax(dim=...)`).
    ///
    /// # Errors
    /// As [`Tensor::amax_dim`].
    pub fn aminmax_dim(&self, axes: impl Axes, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let axes = axes.into_axes().unwrap_or_default();
        Ok((self.amin_dim(axes.as_slice(), keepdim)?, self.amax_dim(axes.as_slice(), keepdim)?))
    }

    /// An extremum over axes, whose gradient is spread over all elements that attain it.
    #[inline]
    pub(super) fn spread(
        &self,
        op: &'static str,
        kind: Kind,
        axes: Option<Vec<isize>>,
        keepdim: bool,
    ) -> Result<Tensor> {
        let reduction = Reduction::new(op, self, axes)?;
        reduction.check_not_empty()?;
        // As in PyTorch, where NaN equals nothing in the gradients of `amax` and `amin`, which are NaN then.
        let nan_attains = !matches!(op, "amax" | "amin");
        let output = reduction.run(kind, keepdim, 1.0)?;
        record(op, &[&output], &[self], || {
            let (restore, input, value) =
                (reduction.restore(), Saved::input(self), Saved::output(&output, 0));
            Box::new(move |ctx| {
                let (input, value) = (input.unpack(ctx)?, restore.keep(&value.unpack(ctx)?)?);
                if !ctx.create_graph() {
                    let operands = [&input, &value, &restore.keep(ctx.grad()?)?];
                    if let Some(grad) = fused::extremum(operands, &restore.axes, nan_attains)? {
                        return Ok(Grads::from_iter([Some(grad)]));
                    }
                }
                let attains = no_grad(|| {
                    let equal = input.eq(&value)?;
                    let attains = match nan_attains {
                        true => equal.logical_or(&input.isnan().logical_and(&value.isnan())?)?,
                        false => equal,
                    };
                    Ok::<_, Error>(attains.to_dtype(input.dtype()))
                })?;
                let share = no_grad(|| attains.div(&restore.sum(&attains)?))?;
                Ok(Grads::from_iter([Some(restore.keep(ctx.grad()?)?.mul(&share)?)]))
            })
        });
        Ok(output)
    }

    /// An extremum along an axis, whose gradient goes to the position where it is.
    fn extremum_at<const MAX: bool>(
        &self,
        op: &'static str,
        axis: isize,
        keepdim: bool,
    ) -> Result<(Tensor, Tensor)> {
        let (values, indices) = self.run_arg::<MAX>(op, axis, keepdim, true)?;
        let values = values.expect("values were asked for");
        record(op, &[&values], &[self], || select_backward(self, axis, &indices));
        Ok((values, indices))
    }

    fn arg_extremum<const MAX: bool>(
        &self,
        op: &'static str,
        axis: Option<isize>,
        keepdim: bool,
    ) -> Result<Tensor> {
        if let Some(axis) = axis {
            return Ok(self.run_arg::<MAX>(op, axis, keepdim, false)?.1);
        }
        let flat = no_grad(|| self.reshape(-1))?;
        let (_, position) = flat.run_arg::<MAX>(op, 0, false, false)?;
        if keepdim { position.reshape(vec![1; self.rank()]) } else { Ok(position) }
    }

    /// Extrema along an axis, if `values`, and their positions.
    fn run_arg<const MAX: bool>(
        &self,
        op: &'static str,
        axis: isize,
        keepdim: bool,
        values: bool,
    ) -> Result<(Option<Tensor>, Tensor)> {
        let reduction = Reduction::new(op, self, axis)?;
        reduction.check_not_empty()?;
        require_cpu(op, self)?;
        let shape = reduction.shape(keepdim);
        let plan = Plan::new(self.shape(), self.strides(), &reduction.reduced);
        let indices = Tensor::uninit(&shape, DType::I64, self.device())?;
        let values = values.then(|| Tensor::uninit(&shape, self.dtype(), self.device())).transpose()?;
        let to = values.as_ref().map_or(std::ptr::null_mut(), Tensor::host_ptr);
        let _guard = self.storage().read();
        dispatch!(ordered self.dtype(), op, T => {
            // SAFETY: the input is locked, the outputs are ours alone, and the plan describes all.
            unsafe { kernels::arg::<T, MAX>(&plan, self.host_ptr().cast(), to.cast(), indices.host_ptr().cast()) }
        });
        Ok((values, indices))
    }
}

/// The backward function of an operation that picks one element along an axis.
#[inline]
fn select_backward(input: &Tensor, axis: isize, indices: &Tensor) -> BackwardFn {
    let (shape, indices) = (input.layout().shape.clone(), Saved::input(indices));
    Box::new(move |ctx| {
        let indices = indices.unpack(ctx)?;
        let Ok(axis) = rustorch_shape::normalize_axis("max", axis, shape.len()) else {
            unreachable!("the forward pass has checked the axis")
        };
        let Some(&size) = shape.get(axis) else {
            return Ok(Grads::from_iter([Some(ctx.grad()?.clone())]));
        };
        let mut kept = shape.clone();
        kept[axis] = 1;
        let mut along = vec![1; shape.len()];
        along[axis] = size;
        let positions = Tensor::arange(0, size, 1)?.reshape(along)?;
        let chosen = positions.eq(&indices.reshape(kept.as_slice())?)?;
        Ok(Grads::from_iter([Some(Tensor::where_(&chosen, &ctx.grad()?.reshape(kept.as_slice())?, 0.0)?)]))
    })
}
