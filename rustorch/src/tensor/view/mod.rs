//! Views: tensors that show the same memory in another shape. What they have in common, and those that keep the order of
//! the elements; the others stand by what they change: the order of axes, the part that is seen, or all of it.

mod axes;
mod part;
mod strided;

use super::{IntoShape, Sizes};
use crate::autograd::{BackwardFn, Ctx, Grads, record};
use crate::layout::{Dims, Layout};
use crate::tensor::checked_numel;
use crate::{Error, Result, Tensor};

/// Sizes with -1 as `None`.
fn optional(op: &'static str, sizes: &[isize]) -> Result<Vec<Option<usize>>> {
    let meaning = if op == "expand" { "keeps the size of the input" } else { "leaves a size to the others" };
    sizes
        .iter()
        .map(|&size| match size {
            -1 => Ok(None),
            _ => usize::try_from(size).map(Some).map_err(|_| {
                Error::argument(
                    op,
                    format!("a size is {size}, in {sizes:?}; only -1, which {meaning}, may be negative"),
                )
            }),
        })
        .collect()
}

/// Refuses a shape whose elements, or strides if it has none, cannot be counted.
#[inline]
fn countable(op: &'static str, shape: &[usize]) -> Result<()> {
    match checked_numel(shape) {
        Some(_) => Ok(()),
        None => Err(Error::argument(op, format!("shape {shape:?} has more elements than can be counted"))),
    }
}

/// A backward function of one input that maps the gradient.
fn mapping(f: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static) -> BackwardFn {
    Box::new(move |ctx: &Ctx<'_>| Ok(Grads::from_iter([Some(f(ctx.grad()?)?)])))
}

impl Tensor {
    /// A differentiable view.
    pub(crate) fn view_with(
        &self,
        op: &'static str,
        layout: Layout,
        backward: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Tensor {
        let view = self.alias(layout, self.view_base());
        record(op, &[&view], &[self], || mapping(backward));
        view
    }

    /// A view of the whole tensor, which is not a leaf.
    pub(crate) fn whole(&self, op: &'static str) -> Tensor {
        self.view_with(op, self.layout().clone(), |grad| Ok(grad.clone()))
    }

    /// The elements in row-major order under another shape of as many elements; one size may be -1. A view where
    /// strides allow it, else a copy (`torch.reshape`).
    ///
    /// # Errors
    /// If the numbers of elements differ, or more than one size is -1.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([2, 6]).reshape([3, -1])?.shape(), [3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn reshape(&self, sizes: impl Sizes) -> Result<Tensor> {
        self.reshape_to(sizes.into_sizes())
    }

    fn reshape_to(&self, sizes: Vec<isize>) -> Result<Tensor> {
        let shape = self.resolve_sizes("reshape", &sizes)?;
        Ok(match self.layout().view_strides(&shape) {
            Some(strides) => self.reshaped("view", shape, strides),
            None => {
                let copy = self.copy();
                let strides = crate::layout::contiguous_strides(&shape);
                copy.reshaped("_unsafe_view", shape, strides)
            }
        })
    }

    /// [`Tensor::reshape`] that never copies (`torch.Tensor.view`).
    ///
    /// # Errors
    /// Also if the strides do not allow a view.
    pub fn view(&self, sizes: impl Sizes) -> Result<Tensor> {
        self.view_to(sizes.into_sizes())
    }

    #[inline]
    fn view_to(&self, sizes: Vec<isize>) -> Result<Tensor> {
        let shape = self.resolve_sizes("view", &sizes)?;
        let strides = self.layout().view_strides(&shape).ok_or_else(|| {
            Error::argument(
                "view",
                format!(
                    "shape {:?} with strides {:?} cannot be seen as {:?} without copying; use `reshape`",
                    self.shape(),
                    self.strides(),
                    shape.as_slice()
                ),
            )
        })?;
        Ok(self.reshaped("view", shape, strides))
    }

    fn resolve_sizes(&self, op: &'static str, sizes: &[isize]) -> Result<Dims> {
        let sizes = optional(op, sizes)?;
        let shape = rustorch_shape::rules::reshape(self.shape(), &sizes, &mut ())?;
        countable(op, &shape)?;
        Ok(shape.into())
    }

    fn reshaped(&self, op: &'static str, shape: Dims, strides: Dims) -> Tensor {
        let original = self.layout().shape.clone();
        let layout = Layout { shape, strides, offset: self.layout().offset };
        self.view_with(op, layout, move |grad| grad.reshape(original.as_slice()))
    }

    /// Merges the axes from `start` to `end`, both included, into one (`torch.flatten`).
    ///
    /// # Errors
    /// If there are no such axes, or `start` comes after `end`.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([8, 3, 4, 5]).flatten(1, -1)?.shape(), [8, 60]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn flatten(&self, start: isize, end: isize) -> Result<Tensor> {
        let shape = rustorch_shape::rules::flatten(self.shape(), start, end)?;
        if shape == self.shape() { Ok(self.clone()) } else { self.reshape(shape) }
    }

    /// Splits an axis into several; one size may be -1 (`torch.unflatten`).
    ///
    /// # Errors
    /// If there is no such axis, or the sizes do not multiply to its size.
    pub fn unflatten(&self, axis: isize, sizes: impl Sizes) -> Result<Tensor> {
        self.unflattened(axis, sizes.into_sizes())
    }

    #[inline]
    fn unflattened(&self, axis: isize, sizes: Vec<isize>) -> Result<Tensor> {
        let sizes = optional("unflatten", &sizes)?;
        self.reshape(rustorch_shape::rules::unflatten(self.shape(), axis, &sizes, &mut ())?)
    }

    /// The tensor stretched to larger sizes along axes of size 1, and along new ones in front; -1 keeps a size
    /// (`torch.Tensor.expand`). Nothing is copied: the stretched axes have stride 0.
    ///
    /// # Errors
    /// If an axis that is not of size 1 would change.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([3, 1]).expand([2, -1, 4])?.shape(), [2, 3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn expand(&self, sizes: impl Sizes) -> Result<Tensor> {
        self.expanded(sizes.into_sizes())
    }

    fn expanded(&self, sizes: Vec<isize>) -> Result<Tensor> {
        let sizes = optional("expand", &sizes)?;
        let shape = rustorch_shape::rules::expand(self.shape(), &sizes, &mut ())?;
        countable("expand", &shape)?;
        let original = self.layout().shape.clone();
        let layout = self.layout().broadcast_to(&shape);
        Ok(self.view_with("expand", layout, move |grad| grad.sum_to(&original)))
    }

    /// [`Tensor::expand`] to the shape of another tensor (`torch.Tensor.expand_as`).
    ///
    /// # Errors
    /// As [`Tensor::expand`].
    #[inline]
    pub fn expand_as(&self, other: &Tensor) -> Result<Tensor> {
        self.expand(other.shape())
    }

    /// [`Tensor::expand`] to a shape (`torch.broadcast_to`).
    ///
    /// # Errors
    /// As [`Tensor::expand`].
    pub fn broadcast_to(&self, shape: impl IntoShape) -> Result<Tensor> {
        self.expand(shape.into_shape())
    }

    /// An axis that exists: unlike reductions, views of a 0-d tensor have none.
    pub(crate) fn existing_axis(&self, op: &'static str, axis: isize) -> Result<usize> {
        if self.rank() == 0 {
            return Err(Error::argument(op, format!("there is no axis {axis}: the tensor has no axes")));
        }
        self.axis(op, axis)
    }
}
