//! Copies of elements: into new memory, and into existing tensors.

use crate::autograd::{self, Ctx, Grads, record};
use crate::error::expect;
use crate::layout::Layout;
use crate::ops::elementwise::{copy_elements, copy_elements_into};
use crate::storage::Storage;
use crate::tensor::refuse_partial_overlap;
use crate::{DType, Error, Operand, Result, Scalar, Tensor};

impl Tensor {
    /// The same elements in new, contiguous memory (`torch.clone`). (`clone` is the cheap second handle.)
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([2]);
    /// let (same, copy) = (x.clone(), x.copy());
    /// x.add_(1.0)?;
    /// assert_eq!((same.item_at(0)?, copy.item_at(0)?), (1.0, 0.0));
    /// # trait At { fn item_at(&self, i: isize) -> rustorch::Result<f32>; }
    /// # impl At for Tensor { fn item_at(&self, i: isize) -> rustorch::Result<f32> { self.select(0, i)?.item() } }
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn copy(&self) -> Tensor {
        let output = expect(self.copy_raw(self.dtype()));
        record("copy", &[&output], &[self], || {
            Box::new(|ctx| Ok(Grads::from_iter([Some(ctx.grad()?.clone())])))
        });
        output
    }

    /// The tensor in row-major order: itself, or a copy (`torch.Tensor.contiguous`).
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn contiguous(&self) -> Tensor {
        if self.is_contiguous() { self.clone() } else { self.copy() }
    }

    /// Overwrites the elements with those of `source`, which broadcasts and converts (`torch.Tensor.copy_`).
    ///
    /// # Errors
    /// If the source does not broadcast to this shape or shares some of this tensor's elements in another arrangement,
    /// and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([2, 2]);
    /// x.select(0, 1)?.copy_(&Tensor::from([3.0f32, 4.0]))?;
    /// assert_eq!(x.to_vec::<f32>()?, [0.0, 0.0, 3.0, 4.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn copy_(&self, source: &Tensor) -> Result<Tensor> {
        refuse_partial_overlap("copy_", self, &[source])?;
        self.overwrite("copy_", source)
    }

    /// [`Tensor::copy_`] of what an operation in place has computed, recorded under its name.
    pub(crate) fn overwrite(&self, op: &'static str, source: &Tensor) -> Result<Tensor> {
        let before = autograd::check_inplace(op, self, &[source])?;
        if source.shape() != self.shape() {
            rustorch_shape::rules::expand(&shape_of(source), &targets(self), &mut ()).map_err(|_| {
                let (from, to) = (source.shape(), self.shape());
                Error::argument(op, format!("the source {from:?} does not broadcast to the target {to:?}"))
            })?;
        }
        let overlapping = source.shares_storage(self) && source.layout() != self.layout();
        let owned = overlapping.then(|| autograd::no_grad(|| source.copy()));
        copy_elements_into(owned.as_ref().unwrap_or(source), self)?;
        let (shape, dtype) = (source.layout().shape.clone(), source.dtype());
        let overwritten = autograd::overwritten(self);
        autograd::record_inplace(op, self, before, || {
            Box::new(move |ctx| {
                let source = match ctx.needs(1) {
                    true => Some(ctx.grad()?.sum_to(&shape)?.to_dtype(dtype)),
                    false => None,
                };
                Ok(Grads::from_iter([overwritten(ctx)?, source]))
            })
        })?;
        Ok(self.clone())
    }

    /// Overwrites the elements with what `compute` makes of them: the in-place form of an operation that has no kernel for it. The
    /// function gets a copy if its gradient may read the elements that are lost.
    ///
    /// # Errors
    /// As `compute`; also if the result has another shape or does not convert to this dtype.
    pub(crate) fn replace(
        &self,
        op: &'static str,
        compute: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        autograd::check_inplace(op, self, &[])?;
        let result = match autograd::is_grad_enabled() {
            true => compute(&self.copy())?,
            false => compute(self)?,
        };
        if result.shape() != self.shape() {
            let message = format!(
                "in place on shape {:?}, but the result has shape {:?}",
                self.shape(),
                result.shape()
            );
            return Err(Error::argument(op, message));
        }
        if result.dtype().category() > self.dtype().category() {
            let (from, to) = (self.dtype(), result.dtype());
            let message = format!("in place on {from}, but the result is {to}, which does not convert to it");
            return Err(Error::argument(op, message));
        }
        self.overwrite(op, &result)
    }

    /// Overwrites every element with a number (`torch.Tensor.fill_`).
    ///
    /// # Errors
    /// If this is a leaf that requires gradients, or its dtype does not hold the value; integers drop
    /// its fraction.
    #[inline]
    pub fn fill_(&self, value: impl Into<Scalar>) -> Result<Tensor> {
        self.filled("fill_", value.into())
    }

    /// Overwrites every element with zero (`torch.Tensor.zero_`).
    ///
    /// # Errors
    /// As [`Tensor::fill_`].
    #[inline]
    pub fn zero_(&self) -> Result<Tensor> {
        self.filled("zero_", Scalar::Int(0))
    }

    fn filled(&self, op: &'static str, value: Scalar) -> Result<Tensor> {
        value.check_fits(op, self.dtype())?;
        let before = autograd::check_overwrite(op, self, &[])?;
        self.fill_raw(value)?;
        let overwritten = autograd::overwritten(self);
        let zeros = move |ctx: &Ctx<'_>| Ok(Grads::from_iter([overwritten(ctx)?]));
        autograd::record_inplace(op, self, before, || Box::new(zeros))?;
        Ok(self.clone())
    }

    /// A contiguous copy in another dtype, unseen by autograd.
    #[inline]
    pub(crate) fn copy_raw(&self, dtype: DType) -> Result<Tensor> {
        copy_elements(self, Layout::contiguous(self.shape()), dtype)
    }

    /// A copy laid out as `layout`, which is dense, but from offset 0; unseen by autograd.
    pub(crate) fn copy_with_strides(&self, layout: &Layout) -> Result<Tensor> {
        let layout = Layout { offset: 0, ..layout.clone() };
        if layout.is_dense() {
            return copy_elements(self, layout, self.dtype());
        }
        // Gaps between the elements are never read as elements, but they are memory and must hold something.
        let storage = Storage::uninit(layout.end(), self.dtype(), self.device())?;
        let all = Tensor::from_parts(storage, Layout::contiguous([layout.end()].as_slice()), self.dtype());
        all.fill_raw(Scalar::Int(0))?;
        let copy = all.alias(layout, None);
        copy_elements_into(self, &copy)?;
        Ok(copy)
    }

    /// The tensor itself if nothing else refers to its memory, so that its new owner may write to it; else a copy.
    pub(crate) fn into_unshared(mut self) -> Result<Tensor> {
        if self.is_unshared() && self.is_contiguous() { Ok(self) } else { self.copy_raw(self.dtype()) }
    }

    /// Sums over the axes along which `shape` was broadcast to this tensor's shape.
    pub(crate) fn sum_to(&self, shape: &[usize]) -> Result<Tensor> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let missing = self.rank() - shape.len();
        let axes: Vec<isize> = (0..self.rank())
            .filter(|&axis| axis < missing || (shape[axis - missing] == 1 && self.shape()[axis] != 1))
            .map(|axis| axis as isize)
            .collect();
        let sum = if axes.is_empty() { self.clone() } else { self.sum_dim(axes, true)? };
        sum.reshape(shape)
    }
}

#[inline]
fn shape_of(tensor: &Tensor) -> Vec<usize> {
    tensor.shape().to_vec()
}

#[inline]
fn targets(tensor: &Tensor) -> Vec<Option<usize>> {
    tensor.shape().iter().copied().map(Some).collect()
}

/// Keeps `Operand` in the signature of in-place operators.
impl<'a> From<&'a &Tensor> for Operand<'a> {
    fn from(tensor: &'a &Tensor) -> Self {
        Operand::Tensor(tensor)
    }
}
