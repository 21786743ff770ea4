//! Between tensors and Rust values, and between dtypes.

use crate::autograd::{Grads, record};
use crate::dtype::{Element, dispatch};
use crate::error::expect;
use crate::ops::elementwise::cast;
use crate::{DType, Device, Error, Result, Tensor};

impl Tensor {
    /// The elements in row-major order.
    ///
    /// # Errors
    /// If `T` is not the tensor's dtype.
    ///
    /// ```
    /// use rustorch::{DType, Tensor};
    /// let x = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.t()?.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
    /// let error = x.to_vec::<i64>().unwrap_err();
    /// assert_eq!(error.to_string(), "to_vec: the tensor is float32, not int64; convert with `to_dtype`");
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype() {
            return Err(Error::argument(
                "to_vec",
                format!("the tensor is {}, not {}; convert with `to_dtype`", self.dtype(), T::DTYPE),
            ));
        }
        let source = crate::no_grad(|| Ok::<_, Error>(self.to_host()?.contiguous()))?;
        let _guard = source.storage().read();
        // SAFETY: contiguous, of this dtype, and locked against writers.
        Ok(unsafe { std::slice::from_raw_parts(source.host_ptr().cast::<T>(), source.numel()) }.to_vec())
    }

    /// The only element, converted to `T` (`torch.Tensor.item`).
    ///
    /// # Errors
    /// If the tensor does not have exactly one element.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[2.5f32]]).item::<f64>()?, 2.5);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn item<T: Element>(&self) -> Result<T> {
        if self.numel() != 1 {
            return Err(Error::argument(
                "item",
                format!("a tensor of shape {:?} has {} elements, not one", self.shape(), self.numel()),
            ));
        }
        let source = self.to_host()?;
        let _guard = source.storage().read();
        Ok(dispatch!(self.dtype(), A => {
            // SAFETY: one element of this dtype, locked against writers.
            let value = unsafe { source.host_ptr().cast::<A>().read() };
            dispatch!(T::DTYPE, B => identity::<B, T>(cast::<A, B>(value)))
        }))
    }

    /// The tensor with elements of another type; itself if it has it already (`torch.Tensor.to`). Floats become
    /// integers by dropping the fraction, numbers become bools by asking whether they are not zero, complex numbers
    /// become real by dropping the imaginary part.
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::{DType, Tensor};
    /// let x = Tensor::from([1.7f32, -1.7]).to_dtype(DType::I64);
    /// assert_eq!(x.to_vec::<i64>()?, [1, -1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Tensor {
        if dtype == self.dtype() {
            return self.clone();
        }
        let output = expect(self.copy_raw(dtype));
        let own = self.dtype();
        if dtype.is_differentiable() {
            record("to_dtype", &[&output], &[self], || {
                Box::new(move |ctx| Ok(Grads::from_iter([Some(ctx.grad()?.to_dtype(own))])))
            });
        }
        output
    }

    /// The tensor's dtype changed to that of another (`torch.Tensor.type_as`).
    #[track_caller]
    #[inline]
    pub fn type_as(&self, other: &Tensor) -> Tensor {
        self.to_dtype(other.dtype())
    }

    /// The tensor in main memory.
    pub(crate) fn to_host(&self) -> Result<Tensor> {
        if self.device().is_cpu() {
            return Ok(self.clone());
        }
        self.move_raw(Device::Cpu)
    }
}

/// Converts between two types that dispatch has found to be the same.
fn identity<A: Element, B: Element>(value: A) -> B {
    assert_eq!(A::DTYPE, B::DTYPE, "a dtype has one element type");
    // SAFETY: equal dtypes mean equal types, since each element type has a dtype of its own.
    unsafe { std::mem::transmute_copy(&value) }
}
