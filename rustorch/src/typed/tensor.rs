//! [`TypedTensor`] itself: the doors in and out, and gradients.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use generic_array::GenericArray;

use super::Shape;
use crate::error::expect;
use crate::{Error, Result, Tensor};

/// A [`Tensor`] of shape `S`, known to the compiler. See the [module](crate::typed) for a tour.
///
/// It derefs to [`Tensor`]; a clone shares storage, as a tensor's does.
pub struct TypedTensor<S: Shape> {
    tensor: Tensor,
    // `fn() -> S`: a typed tensor is Send and Sync whatever its dims are.
    shape: PhantomData<fn() -> S>,
}

impl Tensor {
    /// This tensor with its shape as a type: the one checked door from dynamic to typed. Shares storage.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// dim!(Batch);
    /// let x = Tensor::zeros([32, 784]);
    /// assert!(x.typed::<shape![Batch, 784]>().is_ok());
    /// let error = x.typed::<shape![Batch, 10]>().unwrap_err();
    /// assert!(error.to_string().contains("axis 1 is 10 in (Batch, 10), not 784"));
    /// ```
    ///
    /// # Errors
    /// If the rank differs, a `Const` axis has another size, or two axes of one named dim differ.
    pub fn typed<S: Shape>(&self) -> Result<TypedTensor<S>> {
        S::check(self.shape())
            .map_err(|problem| Error::argument("typed", format!("shape {:?}: {problem}", self.shape())))?;
        Ok(TypedTensor::trusted(self.clone()))
    }
}

impl<S: Shape> TypedTensor<S> {
    /// The tensor without its type. Shares storage.
    pub fn as_tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The tensor without its type.
    pub fn into_tensor(self) -> Tensor {
        self.tensor
    }

    /// The sizes, as many as the type says.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let [rows, columns] = TypedTensor::<shape![2, 3]>::zeros().dims().into();
    /// assert_eq!((rows, columns), (2, 3));
    /// ```
    pub fn dims(&self) -> GenericArray<usize, S::Rank> {
        S::dims(self.tensor.shape())
    }

    /// The gradient, of the same shape; `None` before a backward pass has reached this tensor.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let w = TypedTensor::<shape![3]>::ones().requires_grad_(true)?;
    /// (&w * 2.0).sum().backward()?;
    /// let grad: TypedTensor<shape![3]> = w.grad().unwrap();
    /// assert_eq!(grad.to_vec::<f32>()?, [2.0, 2.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn grad(&self) -> Option<TypedTensor<S>> {
        self.tensor.grad().map(TypedTensor::trusted)
    }

    /// Asks for the gradient of this tensor to be kept, or no longer; `torch.Tensor.requires_grad_`.
    ///
    /// # Errors
    /// If the dtype is not differentiable, or the tensor was computed from others and `requires_grad` is false.
    pub fn requires_grad_(&self, requires_grad: bool) -> Result<Self> {
        self.tensor.requires_grad_(requires_grad).map(Self::trusted)
    }

    /// The same numbers without history; `torch.Tensor.detach`.
    pub fn detach(&self) -> Self {
        Self::trusted(self.tensor.detach())
    }

    /// Replaces the gradient.
    ///
    /// # Errors
    /// If its dtype or device differs from this tensor's.
    pub fn set_grad(&self, grad: Option<&TypedTensor<S>>) -> Result<()> {
        self.tensor.set_grad(grad.map(|grad| grad.tensor.clone()))
    }

    /// A tensor whose shape the caller has derived from types.
    pub(crate) fn trusted(tensor: Tensor) -> Self {
        debug_assert!(S::check(tensor.shape()).is_ok(), "{:?} is not {}", tensor.shape(), S::describe());
        Self { tensor, shape: PhantomData }
    }

    /// The result of an operation that the types have shown to be possible. What is left to fail is the device, and named
    /// dims of different sizes.
    #[track_caller]
    pub(crate) fn infallible(result: Result<Tensor>) -> Self {
        Self::trusted(expect(result))
    }
}

impl<S: Shape> Deref for TypedTensor<S> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.tensor
    }
}

impl<S: Shape> AsRef<Tensor> for TypedTensor<S> {
    fn as_ref(&self) -> &Tensor {
        &self.tensor
    }
}

impl<S: Shape> Clone for TypedTensor<S> {
    fn clone(&self) -> Self {
        Self { tensor: self.tensor.clone(), shape: PhantomData }
    }
}

impl<S: Shape> From<TypedTensor<S>> for Tensor {
    fn from(typed: TypedTensor<S>) -> Tensor {
        typed.tensor
    }
}

impl<S: Shape> From<&TypedTensor<S>> for Tensor {
    fn from(typed: &TypedTensor<S>) -> Tensor {
        typed.tensor.clone()
    }
}

impl<S: Shape> TryFrom<Tensor> for TypedTensor<S> {
    type Error = Error;

    fn try_from(tensor: Tensor) -> Result<Self> {
        tensor.typed()
    }
}

impl<S: Shape> fmt::Display for TypedTensor<S> {
    /// As the tensor is printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.tensor, f)
    }
}

impl<S: Shape> fmt::Debug for TypedTensor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tensor.fmt(f)
    }
}
