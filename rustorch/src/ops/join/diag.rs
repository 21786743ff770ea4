//! Diagonals put into matrices.

use crate::autograd::{Grads, record};
use crate::{Error, Result, Tensor, no_grad};

impl Tensor {
    /// Of a vector, the square matrix with the vector on a diagonal and zeros elsewhere; of a matrix, a copy of a
    /// diagonal (`torch.diag`). Positive offsets are above the main diagonal.
    ///
    /// # Errors
    /// If the rank is neither 1 nor 2.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let matrix = Tensor::from([1, 2]).diag(0)?;
    /// assert_eq!(matrix.to_vec::<i32>()?, [1, 0, 0, 2]);
    /// assert_eq!(matrix.diag(0)?.to_vec::<i32>()?, [1, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn diag(&self, offset: isize) -> Result<Tensor> {
        match self.rank() {
            1 => self.diag_embed(offset, -2, -1),
            2 => {
                let output = no_grad(|| self.diagonal(offset, 0, 1).map(|diagonal| diagonal.copy()))?;
                let original = self.layout().shape.clone();
                record("diagonal_copy", &[&output], &[self], || {
                    Box::new(move |ctx| {
                        let grad = ctx.grad()?;
                        let zeros = Tensor::try_full(&original, 0, grad.dtype(), grad.device())?;
                        zeros.diagonal(offset, 0, 1)?.copy_(grad)?;
                        Ok(Grads::from_iter([Some(zeros)]))
                    })
                });
                Ok(output)
            }
            rank => {
                Err(Error::argument("diag", format!("the rank is {rank}, expected a vector or a matrix")))
            }
        }
    }

    /// The last axis laid on a diagonal of two new axes, which stand at the given positions of the result
    /// (`torch.diag_embed`).
    ///
    /// # Errors
    /// If the tensor has no axes, or the positions do not exist or are the same.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::ones([5, 3]).diag_embed(1, -2, -1)?.shape(), [5, 4, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn diag_embed(&self, offset: isize, axis1: isize, axis2: isize) -> Result<Tensor> {
        const OP: &str = "diag_embed";
        let Some((&len, rest)) = self.shape().split_last() else {
            return Err(Error::argument(OP, "the tensor has no axes"));
        };
        let axes = rustorch_shape::normalize_axes(OP, &[axis1, axis2], self.rank() + 1)?;
        let size = len + offset.unsigned_abs();
        let mut shape = rest.to_vec();
        for axis in [axes[0].min(axes[1]), axes[0].max(axes[1])] {
            shape.insert(axis, size);
        }
        let zeros = Tensor::try_full(&shape, 0, self.dtype(), self.device())?;
        let (row, column) = (axes[0] as isize, axes[1] as isize);
        no_grad(|| zeros.diagonal(offset, row, column)?.copy_(self))?;
        record(OP, &[&zeros], &[self], || {
            Box::new(move |ctx| Ok(Grads::from_iter([Some(ctx.grad()?.diagonal(offset, row, column)?)])))
        });
        Ok(zeros)
    }

    /// The matrices of a block-diagonal matrix, in order, put into one (`torch.block_diag`). Vectors count as rows.
    ///
    /// # Errors
    /// If one has more than two axes, or two dtypes differ.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let joined = Tensor::block_diag(&[Tensor::from([[1, 2]]), Tensor::from([[3]])])?;
    /// assert_eq!(joined.to_vec::<i32>()?, [1, 2, 0, 0, 0, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn block_diag(blocks: &[impl AsRef<Tensor>]) -> Result<Tensor> {
        const OP: &str = "block_diag";
        let matrix = |tensor: &Tensor| match tensor.rank() {
            0 | 1 => tensor.reshape([1, tensor.numel()]),
            2 => Ok(tensor.clone()),
            rank => Err(Error::argument(OP, format!("a block has rank {rank}, expected at most 2"))),
        };
        let blocks = blocks.iter().map(|block| matrix(block.as_ref())).collect::<Result<Vec<_>>>()?;
        let Some(first) = blocks.first() else { return Ok(Tensor::zeros([1, 0])) };
        let dtype = blocks.iter().fold(first.dtype(), |dtype, block| dtype.promote(block.dtype()));
        let total = |axis: usize| blocks.iter().map(|block| block.shape()[axis]).sum::<usize>();
        let output = Tensor::try_full(&[total(0), total(1)], 0, dtype, first.device())?;
        let (mut row, mut column) = (0, 0);
        for block in &blocks {
            let [rows, columns] = [block.shape()[0], block.shape()[1]];
            output.narrow(0, row, rows)?.narrow(1, column, columns)?.copy_(block)?;
            (row, column) = (row + rows, column + columns);
        }
        Ok(output)
    }
}
