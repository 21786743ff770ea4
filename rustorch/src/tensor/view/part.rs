//! Views of some of the elements: ranges and entries of an axis, diagonals, windows. Their gradients are zero elsewhere.

use crate::{Error, Result, Tensor};

impl Tensor {
    /// A result without elements that takes part in differentiation, for operations whose lists of positions along the other
    /// axes might be more than memory holds.
    pub(crate) fn without_elements(&self, shape: &[usize]) -> Result<Tensor> {
        self.reshape(-1)?.narrow(0, 0, 0)?.reshape(shape)
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
    #[inline]
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Result<Tensor> {
        self.narrow_as("slice", axis, start, len)
    }

    /// [`Tensor::narrow`], recorded under the name of the operation that it is a part of.
    pub(crate) fn narrow_as(
        &self,
        op: &'static str,
        axis: isize,
        start: usize,
        len: usize,
    ) -> Result<Tensor> {
        let at = self.existing_axis("narrow", axis)?;
        let size = self.shape()[at];
        if start > size || len > size - start {
            return Err(Error::argument(
                "narrow",
                format!("{len} entries from {start} leave axis {at} of size {size}"),
            ));
        }
        Ok(self.strided_range(op, at, start, len, 1))
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
        Ok(self.entry("select", at, position as usize))
    }

    /// One entry of an axis that has it.
    pub(crate) fn entry(&self, op: &'static str, axis: usize, position: usize) -> Tensor {
        let mut layout = self.layout().clone();
        layout.shape.remove(axis);
        let stride = layout.strides.remove(axis);
        // An empty tensor has no elements to start from.
        layout.offset += if layout.numel() == 0 { 0 } else { position * stride };
        let original = self.layout().shape.clone();
        self.view_with(op, layout, move |grad| {
            let zeros = Tensor::try_full(&original, 0.0, grad.dtype(), grad.device())?;
            zeros.entry(op, axis, position).copy_(grad)?;
            Ok(zeros)
        })
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
    #[inline]
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
            return self.unsqueeze(0)?.unfold(0, size, step)?.select(0, 0);
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
}
