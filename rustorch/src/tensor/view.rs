//! Views: tensors that show the same memory in another shape.

use smallvec::SmallVec;

use super::{Axes, IntoShape, Sizes};
use crate::autograd::{BackwardFn, Ctx, Grads, record};
use crate::layout::{Dims, Layout};
use crate::tensor::checked_numel;
use crate::{Error, Result, Tensor};

/// Sizes with -1 as `None`.
fn optional(op: &'static str, sizes: &[isize]) -> Result<Vec<Option<usize>>> {
    sizes
        .iter()
        .map(|&size| match size {
            -1 => Ok(None),
            _ => usize::try_from(size).map(Some).map_err(|_| {
                Error::argument(op, format!("a size is {size}, in {sizes:?}; only -1 may be negative"))
            }),
        })
        .collect()
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
    pub fn reshape(&self, sizes: impl Sizes) -> Result<Tensor> {
        let shape = self.resolve_sizes("reshape", sizes)?;
        Ok(match self.layout().view_strides(&shape) {
            Some(strides) => self.reshaped("reshape", shape, strides),
            None => {
                let copy = self.copy();
                let strides = crate::layout::contiguous_strides(&shape);
                copy.reshaped("reshape", shape, strides)
            }
        })
    }

    /// [`Tensor::reshape`] that never copies (`torch.Tensor.view`).
    ///
    /// # Errors
    /// Also if the strides do not allow a view.
    pub fn view(&self, sizes: impl Sizes) -> Result<Tensor> {
        let shape = self.resolve_sizes("view", sizes)?;
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

    fn resolve_sizes(&self, op: &'static str, sizes: impl Sizes) -> Result<Dims> {
        let sizes = optional(op, &sizes.into_sizes())?;
        Ok(rustorch_shape::rules::reshape(self.shape(), &sizes, &mut ())?.into())
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
        self.reshape(rustorch_shape::rules::flatten(self.shape(), start, end)?)
    }

    /// Splits an axis into several; one size may be -1 (`torch.unflatten`).
    ///
    /// # Errors
    /// If there is no such axis, or the sizes do not multiply to its size.
    pub fn unflatten(&self, axis: isize, sizes: impl Sizes) -> Result<Tensor> {
        let sizes = optional("unflatten", &sizes.into_sizes())?;
        self.reshape(rustorch_shape::rules::unflatten(self.shape(), axis, &sizes, &mut ())?)
    }

    /// Drops axes of size 1: the given ones, or all for `()`; axes of other sizes stay (`torch.squeeze`).
    ///
    /// # Errors
    /// If there is no such axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([1, 3, 1]);
    /// assert_eq!(x.squeeze(())?.shape(), [3]);
    /// assert_eq!(x.squeeze(0)?.shape(), [3, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn squeeze(&self, axes: impl Axes) -> Result<Tensor> {
        let axes = match axes.into_axes() {
            Some(axes) => rustorch_shape::normalize_axes("squeeze", &axes, self.rank())?,
            None => (0..self.rank()).collect(),
        };
        let kept = |axis: &usize| self.shape()[*axis] != 1 || !axes.contains(axis);
        let kept: Dims = (0..self.rank()).filter(kept).collect();
        let layout = Layout {
            shape: kept.iter().map(|&axis| self.shape()[axis]).collect(),
            strides: kept.iter().map(|&axis| self.strides()[axis]).collect(),
            offset: self.layout().offset,
        };
        let original = self.layout().shape.clone();
        Ok(self.view_with("squeeze", layout, move |grad| grad.reshape(original.as_slice())))
    }

    /// Inserts an axis of size 1 before the given position (`torch.unsqueeze`).
    ///
    /// # Errors
    /// If the position is beyond the rank.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([3]).unsqueeze(-1)?.shape(), [3, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn unsqueeze(&self, axis: isize) -> Result<Tensor> {
        let axis = rustorch_shape::normalize_axis("unsqueeze", axis, self.rank() + 1)?;
        let mut layout = self.layout().clone();
        let stride = layout.strides.get(axis).map_or(1, |stride| stride * layout.shape[axis]);
        layout.shape.insert(axis, 1);
        layout.strides.insert(axis, stride);
        Ok(self.view_with("unsqueeze", layout, move |grad| grad.squeeze(axis)))
    }

    /// The axes in another order (`torch.permute`).
    ///
    /// # Errors
    /// If the order does not name every axis once.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([2, 3, 4]).permute([2, 0, 1])?.shape(), [4, 2, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn permute(&self, order: impl Axes) -> Result<Tensor> {
        let order = order.into_axes().unwrap_or_default();
        rustorch_shape::rules::permute(self.shape(), &order)?;
        let order = rustorch_shape::normalize_axes("permute", &order, self.rank())?;
        let layout = Layout {
            shape: order.iter().map(|&axis| self.shape()[axis]).collect(),
            strides: order.iter().map(|&axis| self.strides()[axis]).collect(),
            offset: self.layout().offset,
        };
        let mut inverse = vec![0usize; order.len()];
        order.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
        Ok(self.view_with("permute", layout, move |grad| grad.permute(inverse.clone())))
    }

    /// Two axes exchanged (`torch.transpose`).
    ///
    /// # Errors
    /// If there are no such axes.
    pub fn transpose(&self, a: isize, b: isize) -> Result<Tensor> {
        let (a, b) = (self.axis("transpose", a)?, self.axis("transpose", b)?);
        let mut order: Vec<usize> = (0..self.rank()).collect();
        if a != b {
            order.swap(a, b);
        }
        self.permute(order)
    }

    /// The transpose of a matrix; tensors of fewer axes unchanged (`torch.t`).
    ///
    /// # Errors
    /// If the rank is above 2.
    pub fn t(&self) -> Result<Tensor> {
        match self.rank() {
            0 | 1 => Ok(self.view_with("t", self.layout().clone(), |grad| Ok(grad.clone()))),
            2 => self.transpose(0, 1),
            rank => {
                Err(Error::argument("t", format!("the rank is {rank}, expected at most 2; use `transpose`")))
            }
        }
    }

    /// The axes in reverse order (`torch.Tensor.T`).
    ///
    /// # Errors
    /// None at present; a result as all views.
    pub fn reverse_axes(&self) -> Result<Tensor> {
        self.permute((0..self.rank()).rev().collect::<Vec<_>>())
    }

    /// Axes moved to other positions, the rest in their order (`torch.movedim`).
    ///
    /// # Errors
    /// If the lists differ in length, repeat an axis, or name one that does not exist.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([2, 3, 4]).movedim(0, -1)?.shape(), [3, 4, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn movedim(&self, from: impl Axes, to: impl Axes) -> Result<Tensor> {
        let normalize = |axes: Option<Vec<isize>>| {
            rustorch_shape::normalize_axes("movedim", &axes.unwrap_or_default(), self.rank())
        };
        let (from, to) = (normalize(from.into_axes())?, normalize(to.into_axes())?);
        if from.len() != to.len() {
            return Err(Error::argument(
                "movedim",
                format!("{} axes to move, but {} positions", from.len(), to.len()),
            ));
        }
        let mut rest = (0..self.rank()).filter(|axis| !from.contains(axis));
        let place = |at: usize| match to.iter().position(|&target| target == at) {
            Some(index) => Some(from[index]),
            None => rest.next(),
        };
        self.permute((0..self.rank()).filter_map(place).collect::<Vec<_>>())
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
    pub fn expand(&self, sizes: impl Sizes) -> Result<Tensor> {
        let sizes = optional("expand", &sizes.into_sizes())?;
        let shape = rustorch_shape::rules::expand(self.shape(), &sizes, &mut ())?;
        if checked_numel(&shape).is_none() {
            return Err(Error::argument(
                "expand",
                format!("shape {shape:?} has more elements than can be counted"),
            ));
        }
        let original = self.layout().shape.clone();
        let layout = self.layout().broadcast_to(&shape);
        Ok(self.view_with("expand", layout, move |grad| grad.sum_to(&original)))
    }

    /// [`Tensor::expand`] to the shape of another tensor (`torch.Tensor.expand_as`).
    ///
    /// # Errors
    /// As [`Tensor::expand`].
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

    /// `len` entries of an axis from `start`, as a view (`torch.narrow`).
    ///
    /// # Errors
    /// If the range leaves the axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::arange(0, 5, 1)?.narrow(0, 1, 3)?.to_vec::<i64>()?, [1, 2, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Result<Tensor> {
        let at = self.existing_axis("narrow", axis)?;
        let size = self.shape()[at];
        if start > size || len > size - start {
            return Err(Error::argument(
                "narrow",
                format!("{len} entries from {start} leave axis {at} of size {size}"),
            ));
        }
        Ok(self.strided_range("narrow", at, start, len, 1))
    }

    /// Every `step`-th entry of an axis from `start` up to but without `end`, as a view: Python's `start:end:step`.
    /// Bounds count from the end if negative, and are clipped to the axis.
    ///
    /// # Errors
    /// If there is no such axis or `step` is 0.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::arange(0, 7, 1)?.slice(0, 1, -1, 2)?.to_vec::<i64>()?, [1, 3, 5]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn slice(&self, axis: isize, start: isize, end: isize, step: usize) -> Result<Tensor> {
        let at = self.existing_axis("slice", axis)?;
        if step == 0 {
            return Err(Error::argument(
                "slice",
                format!("the step along axis {at} is 0, expected at least 1"),
            ));
        }
        let size = self.shape()[at];
        let clip = |bound: isize| {
            let magnitude = bound.unsigned_abs();
            if bound < 0 { size.saturating_sub(magnitude) } else { magnitude.min(size) }
        };
        let (start, end) = (clip(start), clip(end));
        Ok(self.strided_range("slice", at, start, end.saturating_sub(start).div_ceil(step), step))
    }

    fn strided_range(&self, op: &'static str, axis: usize, start: usize, len: usize, step: usize) -> Tensor {
        let mut layout = self.layout().clone();
        // An empty range at the end must not move the offset beyond the storage.
        layout.offset += if len == 0 { 0 } else { start * layout.strides[axis] };
        layout.shape[axis] = len;
        // Of a single entry any stride will do.
        layout.strides[axis] = layout.strides[axis].saturating_mul(step);
        let original = self.layout().shape.clone();
        self.view_with(op, layout, move |grad| {
            // The part is written in place, recorded like any in-place operation when the walk is recorded.
            let zeros = Tensor::try_full(&original, 0.0, grad.dtype(), grad.device())?;
            zeros.strided_range(op, axis, start, len, step).copy_(grad)?;
            Ok(zeros)
        })
    }

    /// One entry of an axis, which disappears (`torch.select`). Negative indices count from the end.
    ///
    /// # Errors
    /// If the index is outside the axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).select(0, -1)?.to_vec::<i32>()?, [3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn select(&self, axis: isize, index: isize) -> Result<Tensor> {
        let at = self.existing_axis("select", axis)?;
        let size = self.shape()[at];
        let position = if index < 0 { index + size as isize } else { index };
        if !(0..size as isize).contains(&position) {
            return Err(Error::Index { op: "select", index: index as i64, axis: at, size });
        }
        let range = self.strided_range("select", at, position as usize, 1, 1);
        range.squeeze(at)
    }

    /// The diagonal over two axes, which are replaced by one at the end (`torch.diagonal`). Positive offsets are above
    /// the main diagonal.
    ///
    /// # Errors
    /// If the axes do not exist or are the same.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert_eq!(x.diagonal(0, 0, 1)?.to_vec::<i32>()?, [1, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn diagonal(&self, offset: isize, axis1: isize, axis2: isize) -> Result<Tensor> {
        let (a, b) = (self.existing_axis("diagonal", axis1)?, self.existing_axis("diagonal", axis2)?);
        if a == b {
            return Err(Error::argument("diagonal", format!("both axes are {a}")));
        }
        let shift = offset.unsigned_abs();
        let (skip_a, skip_b) = if offset < 0 { (shift, 0) } else { (0, shift) };
        let (rows, columns) =
            (self.shape()[a].saturating_sub(skip_a), self.shape()[b].saturating_sub(skip_b));
        let len = rows.min(columns);
        let mut layout = self.layout().clone();
        if len > 0 {
            layout.offset += skip_a * layout.strides[a] + skip_b * layout.strides[b];
        }
        let stride = layout.strides[a] + layout.strides[b];
        for axis in [a.max(b), a.min(b)] {
            layout.shape.remove(axis);
            layout.strides.remove(axis);
        }
        layout.shape.push(len);
        layout.strides.push(stride);
        let original = self.layout().shape.clone();
        Ok(self.view_with("diagonal", layout, move |grad| {
            let zeros = Tensor::try_full(&original, 0.0, grad.dtype(), grad.device())?;
            zeros.diagonal(offset, a as isize, b as isize)?.copy_(grad)?;
            Ok(zeros)
        }))
    }

    /// Windows of `size` entries of an axis, `step` apart: the axis becomes the windows, a new last axis their entries
    /// (`torch.Tensor.unfold`).
    ///
    /// # Errors
    /// If the windows are larger than the axis or the step is 0.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::arange(0, 5, 1)?.unfold(0, 3, 2)?;
    /// assert_eq!(x.to_vec::<i64>()?, [0, 1, 2, 2, 3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Result<Tensor> {
        if self.rank() == 0 {
            self.axis("unfold", axis)?;
            return self.unsqueeze(0)?.unfold(0, size, step)?.squeeze(0);
        }
        let at = self.existing_axis("unfold", axis)?;
        let length = self.shape()[at];
        if step == 0 || size > length {
            return Err(Error::argument(
                "unfold",
                format!("windows of {size} in steps of {step} do not fit axis {at} of size {length}"),
            ));
        }
        let mut layout = self.layout().clone();
        layout.shape[at] = (length - size) / step + 1;
        layout.shape.push(size);
        layout.strides.push(layout.strides[at]);
        layout.strides[at] = layout.strides[at].saturating_mul(step);
        let original = self.layout().shape.clone();
        Ok(self.view_with("unfold", layout, move |grad| {
            // Windows overlap, so their gradients are added one entry position at a time, where they do not.
            let mut sum = Tensor::try_full(&original, 0.0, grad.dtype(), grad.device())?;
            for entry in 0..size {
                let part = Tensor::try_full(&original, 0.0, grad.dtype(), grad.device())?;
                let windows = grad.shape()[at];
                part.strided_range("unfold", at, entry, windows, step)
                    .copy_(&grad.select(-1, entry as isize)?)?;
                sum = sum.add(&part)?;
            }
            Ok(sum)
        }))
    }

    /// Any strided view of the tensor's storage (`torch.as_strided`); sizes, strides and offset count elements.
    ///
    /// # Errors
    /// If the lists differ in length, or the view leaves the storage.
    pub fn as_strided(&self, shape: &[usize], strides: &[usize], offset: usize) -> Result<Tensor> {
        if shape.len() != strides.len() {
            return Err(Error::argument(
                "as_strided",
                format!("{} sizes but {} strides", shape.len(), strides.len()),
            ));
        }
        let layout = Layout { shape: shape.into(), strides: strides.into(), offset };
        let capacity = self.storage().bytes() / self.dtype().size();
        if checked_end(&layout).is_none_or(|end| end > capacity) {
            return Err(Error::argument(
                "as_strided",
                format!(
                    "shape {shape:?} with strides {strides:?} from {offset} leaves a storage of {capacity} elements"
                ),
            ));
        }
        let (base, view) = (self.layout().clone(), layout.clone());
        Ok(self.view_with("as_strided", layout, move |grad| grad.as_strided_backward(&base, &view)))
    }

    /// The gradient of a tensor laid out as `base` from that of its strided view `view`. Elements of the view that are
    /// not the tensor's have none to give.
    pub(crate) fn as_strided_backward(&self, base: &Layout, view: &Layout) -> Result<Tensor> {
        let start = base.offset.min(view.offset);
        let span = base.end().max(view.end()).saturating_sub(start);
        let mut flat = Tensor::try_full(&[span], 0.0, self.dtype(), self.device())?;
        if view.may_overlap() {
            // Elements seen several times receive the sum of their gradients, which scattered addition computes.
            let positions = Tensor::from_vec(linear_positions(view, start), [view.numel()])?;
            flat = flat.index_add(0, &positions, &self.reshape([view.numel()])?)?;
        } else {
            flat.as_strided(&view.shape, &view.strides, view.offset - start)?.copy_(self)?;
        }
        if base.may_overlap() {
            // What several elements of the tensor show is shared among them.
            let positions = Tensor::from_vec(linear_positions(base, start), [base.numel()])?;
            let one = Tensor::try_full(&[], 1.0, self.dtype(), self.device())?;
            let counts = flat.zeros_like().index_add(0, &positions, &one.expand([base.numel() as isize])?)?;
            flat = flat.div(&counts.masked_fill(&counts.eq(0)?, 1)?)?;
        }
        flat.as_strided(&base.shape, &base.strides, base.offset - start)
    }

    /// An axis that exists: unlike reductions, views of a 0-d tensor have none.
    fn existing_axis(&self, op: &'static str, axis: isize) -> Result<usize> {
        if self.rank() == 0 {
            return Err(Error::argument(op, format!("axis {axis} of a tensor without axes")));
        }
        self.axis(op, axis)
    }
}

fn checked_end(layout: &Layout) -> Option<usize> {
    if checked_numel(&layout.shape)? == 0 {
        return Some(0);
    }
    let mut end = layout.offset.checked_add(1)?;
    for (&size, &stride) in layout.shape.iter().zip(&layout.strides) {
        end = end.checked_add((size - 1).checked_mul(stride)?)?;
    }
    Some(end)
}

fn linear_positions(view: &Layout, start: usize) -> Vec<i64> {
    let mut positions: SmallVec<[i64; 16]> = SmallVec::with_capacity(view.numel());
    let stride = view.strides.last().copied().unwrap_or(0);
    crate::ops::elementwise::for_each_row(&view.shape, &view.strides, 0, view.numel(), |offset, _, len| {
        positions.extend((0..len).map(|i| (view.offset - start + offset + i * stride) as i64));
    });
    positions.into_vec()
}
