//! Views that reorder, drop or insert axes, whose gradients are the same the other way round.

use crate::layout::{Dims, Layout};
use crate::tensor::Axes;
use crate::{Error, Result, Tensor};

impl Tensor {
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
    #[inline]
    pub fn squeeze(&self, axes: impl Axes) -> Result<Tensor> {
        self.squeeze_along(axes.into_axes())
    }

    fn squeeze_along(&self, axes: Option<Vec<isize>>) -> Result<Tensor> {
        let (op, axes) = match axes {
            None => ("squeeze", (0..self.rank()).collect()),
            Some(axes) => {
                let op = if axes.len() == 1 { "squeeze.dim" } else { "squeeze.dims" };
                (op, rustorch_shape::normalize_axes("squeeze", &axes, self.rank())?)
            }
        };
        let kept = |axis: &usize| self.shape()[*axis] != 1 || !axes.contains(axis);
        let kept: Dims = (0..self.rank()).filter(kept).collect();
        let layout = Layout {
            shape: kept.iter().map(|&axis| self.shape()[axis]).collect(),
            strides: kept.iter().map(|&axis| self.strides()[axis]).collect(),
            offset: self.layout().offset,
        };
        let original = self.layout().shape.clone();
        Ok(self.view_with(op, layout, move |grad| grad.reshape(original.as_slice())))
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
    #[inline]
    pub fn permute(&self, order: impl Axes) -> Result<Tensor> {
        self.permute_along(order.into_axes())
    }

    fn permute_along(&self, order: Option<Vec<isize>>) -> Result<Tensor> {
        let order = order.unwrap_or_default();
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
        Ok(self.exchanged("transpose", a, b))
    }

    /// Two axes, which may not be there in a tensor without axes, exchanged.
    fn exchanged(&self, op: &'static str, a: usize, b: usize) -> Tensor {
        let mut layout = self.layout().clone();
        if a != b {
            layout.shape.swap(a, b);
            layout.strides.swap(a, b);
        }
        self.view_with(op, layout, move |grad| Ok(grad.exchanged(op, a, b)))
    }

    /// The transpose of a matrix; tensors of fewer axes unchanged (`torch.t`).
    ///
    /// # Errors
    /// If the rank is above 2.
    #[inline]
    pub fn t(&self) -> Result<Tensor> {
        match self.rank() {
            0 | 1 => Ok(self.whole("t")),
            2 => Ok(self.exchanged("t", 0, 1)),
            rank => {
                Err(Error::argument("t", format!("the rank is {rank}, expected at most 2; use `transpose`")))
            }
        }
    }

    /// The axes in reverse order (`torch.Tensor.T`).
    ///
    /// # Errors
    /// None at present; a result as all views.
    #[inline]
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
    #[inline]
    pub fn movedim(&self, from: impl Axes, to: impl Axes) -> Result<Tensor> {
        self.movedim_along(from.into_axes(), to.into_axes())
    }

    fn movedim_along(&self, from: Option<Vec<isize>>, to: Option<Vec<isize>>) -> Result<Tensor> {
        let normalize = |axes: Option<Vec<isize>>| {
            rustorch_shape::normalize_axes("movedim", &axes.unwrap_or_default(), self.rank())
        };
        let (from, to) = (normalize(from)?, normalize(to)?);
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
}
