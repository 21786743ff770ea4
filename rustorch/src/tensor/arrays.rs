//! Between tensors and the arrays of the crate `ndarray` (feature `ndarray`).

use ndarray::{ArrayBase, ArrayD, Data, Dimension, IxDyn};

use crate::error::expect;
use crate::{Element, Error, Result, Tensor};

impl<T: Element> TryFrom<&Tensor> for ArrayD<T> {
    type Error = Error;

    /// A copy of the elements in an array of the same shape.
    ///
    /// # Errors
    /// If `T` is not the tensor's dtype.
    ///
    /// ```
    /// use ndarray::ArrayD;
    /// use rustorch::Tensor;
    /// let array = ArrayD::<f32>::try_from(&Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]).t()?)?;
    /// assert_eq!(array[[0, 1]], 3.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    fn try_from(tensor: &Tensor) -> Result<Self> {
        let elements = tensor.to_vec::<T>()?;
        Self::from_shape_vec(IxDyn(tensor.shape()), elements)
            .map_err(|error| Error::argument("to ndarray", format!("shape {:?}: {error}", tensor.shape())))
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> From<ArrayBase<S, D>> for Tensor {
    /// A tensor of the shape and elements of an array or a view of one, which are copied.
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use ndarray::array;
    /// use rustorch::Tensor;
    /// let x = Tensor::from(array![[1i64, 2, 3], [4, 5, 6]].reversed_axes());
    /// assert_eq!((x.shape(), x.to_vec::<i64>()?), ([3, 2].as_slice(), vec![1, 4, 2, 5, 3, 6]));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    fn from(array: ArrayBase<S, D>) -> Self {
        Self::from(&array)
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Tensor {
    /// A tensor of the shape and elements of an array or a view of one, which are copied.
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use ndarray::{array, s};
    /// use rustorch::Tensor;
    /// let array = array![[1i64, 2, 3], [4, 5, 6]];
    /// assert_eq!(Tensor::from(&array).shape(), [2, 3]);
    /// assert_eq!(Tensor::from(array.slice(s![.., ..;-2])).to_vec::<i64>()?, [3, 1, 6, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    fn from(array: &ArrayBase<S, D>) -> Self {
        let shape = array.shape().to_vec();
        let rows = array.as_standard_layout();
        expect(match rows.as_slice() {
            Some(elements) => Self::from_slice(elements, shape),
            None => Self::from_vec(rows.iter().copied().collect(), shape),
        })
    }
}
