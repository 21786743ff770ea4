//! Tensors stretched to a common shape.

use crate::{Error, Result, Tensor};

/// Which axis of a grid the first vector runs along ([`Tensor::meshgrid`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Indexing {
    /// Along axis 0, the second along axis 1: matrix indexing, PyTorch's default.
    #[default]
    Ij,
    /// Along axis 1, the second along axis 0: Cartesian indexing, as images have it.
    Xy,
}

impl Tensor {
    /// The coordinates of a grid: for each vector a tensor of the grid's shape, in which the vector's entries vary
    /// along its own axis (`torch.meshgrid`). The results are views.
    ///
    /// # Errors
    /// If there are none, one has more than one axis, or the dtypes differ.
    ///
    /// ```
    /// use rustorch::{Indexing, Tensor};
    /// let grid = Tensor::meshgrid(&[Tensor::from([1, 2]), Tensor::from([3, 4, 5])], Indexing::Ij)?;
    /// assert_eq!(grid[0].to_vec::<i32>()?, [1, 1, 1, 2, 2, 2]);
    /// assert_eq!(grid[1].to_vec::<i32>()?, [3, 4, 5, 3, 4, 5]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn meshgrid(vectors: &[impl AsRef<Tensor>], indexing: Indexing) -> Result<Vec<Tensor>> {
        const OP: &str = "meshgrid";
        let vectors: Vec<&Tensor> = vectors.iter().map(AsRef::as_ref).collect();
        let Some(first) = vectors.first() else {
            return Err(Error::argument(OP, "there are no vectors"));
        };
        if let Some((k, other)) =
            vectors.iter().enumerate().find(|(_, v)| v.rank() > 1 || v.dtype() != first.dtype())
        {
            return Err(Error::argument(
                OP,
                format!(
                    "tensor {k} is {:?} {}, expected a vector of {}",
                    other.shape(),
                    other.dtype(),
                    first.dtype()
                ),
            ));
        }
        let mut shape: Vec<usize> = vectors.iter().map(|vector| vector.numel()).collect();
        let swap = indexing == Indexing::Xy && shape.len() > 1;
        if swap {
            shape.swap(0, 1);
        }
        let stretch = |(k, vector): (usize, &&Tensor)| {
            let axis = if swap && k < 2 { 1 - k } else { k };
            let mut own = vec![1; shape.len()];
            own[axis] = vector.numel();
            vector.reshape(own)?.expand(shape.as_slice())
        };
        vectors.iter().enumerate().map(stretch).collect()
    }

    /// Tensors stretched to the shape to which they broadcast, as views (`torch.broadcast_tensors`).
    ///
    /// # Errors
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let pair = Tensor::broadcast_tensors(&[Tensor::zeros([3, 1]), Tensor::zeros([2])])?;
    /// assert_eq!(pair[0].shape(), [3, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn broadcast_tensors(tensors: &[impl AsRef<Tensor>]) -> Result<Vec<Tensor>> {
        let shapes: Vec<&[usize]> = tensors.iter().map(|tensor| tensor.as_ref().shape()).collect();
        let shape = rustorch_shape::rules::broadcast_all("broadcast_tensors", &shapes, &mut ())?;
        tensors.iter().map(|tensor| tensor.as_ref().expand(shape.as_slice())).collect()
    }
}
