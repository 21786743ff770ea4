//! Elements by position along an axis, or in the whole tensor.

use super::{as_positions, check_positions, lines_by_element, read_lines, require_host, wrap_positions};
use crate::autograd::{Grads, Saved, record};
use crate::{Error, Result, Tensor};

impl Tensor {
    /// `out[i][j][k] = self[index[i][j][k]][j][k]` for axis 0, and so on for the others (`torch.gather`). The index
    /// has the rank of the tensor; the result has the shape of the index.
    ///
    /// # Errors
    /// If the index is neither `I64` nor `I32`, the ranks differ, the index exceeds the tensor along another axis, or
    /// an entry is outside the axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// let index = Tensor::from([[0i64, 0], [1, 0]]);
    /// assert_eq!(x.gather(1, &index)?.to_vec::<i32>()?, [1, 1, 4, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn gather(&self, axis: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "gather";
        let at = self.axis(OP, axis)?;
        if index.numel() == 0 {
            // Nothing is asked for, so that dtype and rank do not matter.
            let nothing = self.reshape(-1)?.narrow(0, 0, 0)?;
            return nothing.reshape(index.shape());
        }
        let shape = rustorch_shape::rules::gather(OP, self.shape(), axis, index.shape(), &mut ())?;
        require_host(OP, &[self, index])?;
        let positions = as_positions(OP, index)?;
        let output = Tensor::uninit(&shape, self.dtype(), self.device())?;
        {
            let _guards = (self.storage().read(), positions.storage().read());
            let lines = lines_by_element(self.layout(), output.layout(), positions.layout(), at);
            // SAFETY: locked, and checked before it is read; the output is ours alone.
            unsafe {
                check_positions(OP, &positions, at, self.shape().get(at).copied().unwrap_or(1))?;
                read_lines(lines, self, &positions, &output);
            }
        }
        let like = self.layout().shape.clone();
        record(OP, &[&output], &[self], || {
            let positions = Saved::input(&positions);
            Box::new(move |ctx| {
                let grad = ctx.grad()?;
                let zeros = Tensor::try_full(&like, 0.0, grad.dtype(), grad.device())?;
                Ok(Grads::from_iter([Some(zeros.scatter_add(axis, &positions.unpack(ctx)?, grad)?)]))
            })
        });
        Ok(output)
    }

    /// The elements at positions in the flattened tensor, in the shape of the index (`torch.take`). Negative
    /// positions count from the end.
    ///
    /// # Errors
    /// If the index is neither `I64` nor `I32`, or a position is outside the tensor.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[4, 3, 5], [6, 7, 8]]);
    /// assert_eq!(x.take(&Tensor::from([0i64, 2, -1]))?.to_vec::<i32>()?, [4, 5, 8]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn take(&self, index: &Tensor) -> Result<Tensor> {
        let positions = wrap_positions("take", index, 0, self.numel())?;
        self.reshape(-1)?.index_select(0, &positions.reshape(-1)?)?.reshape(index.shape())
    }

    /// [`Tensor::gather`] with an index that broadcasts with the tensor along the other axes; without an axis, from the
    /// flattened tensor (`torch.take_along_dim`). It undoes [`Tensor::argsort`]. Negative positions count from the end.
    ///
    /// # Errors
    /// If the shapes do not broadcast, the index is neither `I64` nor `I32`, or an entry is outside the axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[10, 30, 20], [60, 40, 50]]);
    /// let last = x.take_along_dim(&Tensor::from([[-1i64]]), Some(1))?;
    /// assert_eq!(last.to_vec::<i32>()?, [20, 50]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn take_along_dim(&self, index: &Tensor, axis: Option<isize>) -> Result<Tensor> {
        const OP: &str = "take_along_dim";
        let Some(axis) = axis else {
            let positions = wrap_positions(OP, index, 0, self.numel())?;
            return self.reshape(-1)?.gather(0, &positions.reshape(-1)?);
        };
        if index.rank() != self.rank() {
            return Err(Error::argument(
                OP,
                format!(
                    "the index has rank {}, the tensor {}, and these must be equal",
                    index.rank(),
                    self.rank()
                ),
            ));
        }
        let at = self.axis(OP, axis)?;
        let size = self.shape().get(at).copied().unwrap_or(1);
        let positions = wrap_positions(OP, index, at, size)?;
        // Along the axis the sizes may differ; everywhere else they broadcast.
        let (mut own, mut other) = (self.shape().to_vec(), positions.shape().to_vec());
        let (own_size, other_size) = match (own.get_mut(at), other.get_mut(at)) {
            (Some(a), Some(b)) => (std::mem::replace(a, 1), std::mem::replace(b, 1)),
            _ => (1, 1),
        };
        let mut shape = rustorch_shape::rules::broadcast(OP, &own, &other, &mut ())?;
        let with = |shape: &mut Vec<usize>, size: usize| {
            if let Some(slot) = shape.get_mut(at) {
                *slot = size;
            }
        };
        with(&mut shape, own_size);
        let tensor = self.expand(shape.as_slice())?;
        with(&mut shape, other_size);
        tensor.gather(axis, &positions.expand(shape)?)
    }
}
