//! Tensors from nothing, of one value, and from elements in memory. Sequences are beside, random tensors in [`crate::random`].

use super::{IntoShape, checked_numel};
use crate::dtype::dispatch;
use crate::error::expect;
use crate::layout::Layout;
use crate::ops::elementwise::{Number, cast};
use crate::storage::{Storage, lock_for_write};
use crate::{DType, Device, Error, Result, Scalar, Tensor};

/// The dtype and device of a new tensor; made from either or both.
///
/// ```
/// use rustorch::{DType, Device, Tensor};
/// assert_eq!(Tensor::zeros_with([2], DType::F64).dtype(), DType::F64);
/// assert_eq!(Tensor::zeros_with([2], (DType::I64, Device::Cpu)).dtype(), DType::I64);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorOptions {
    /// The type of the elements; `F32` unless said otherwise.
    pub dtype: DType,
    /// Where the elements are stored; the CPU unless said otherwise.
    pub device: Device,
}

impl Default for TensorOptions {
    fn default() -> Self {
        Self { dtype: DType::F32, device: Device::Cpu }
    }
}

impl From<DType> for TensorOptions {
    fn from(dtype: DType) -> Self {
        Self { dtype, ..Self::default() }
    }
}

impl From<Device> for TensorOptions {
    fn from(device: Device) -> Self {
        Self { device, ..Self::default() }
    }
}

impl From<(DType, Device)> for TensorOptions {
    fn from((dtype, device): (DType, Device)) -> Self {
        Self { dtype, device }
    }
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident, $with:ident, $like:ident = $value:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If there is not enough memory.
        #[track_caller]
        pub fn $name(shape: impl IntoShape) -> Tensor {
            Self::$with(shape, TensorOptions::default())
        }

        #[doc = concat!("[`Tensor::", stringify!($name), "`] of a given dtype or device.")]
        ///
        /// # Panics
        /// If the device does not have the memory, or is not there.
        #[track_caller]
        pub fn $with(shape: impl IntoShape, options: impl Into<TensorOptions>) -> Tensor {
            let TensorOptions { dtype, device } = options.into();
            expect(Self::try_full(&shape.into_shape(), $value, dtype, device))
        }

        #[doc = concat!("[`Tensor::", stringify!($name), "`] of this tensor's shape, dtype and device.")]
        #[track_caller]
        pub fn $like(&self) -> Tensor {
            expect(Self::try_full(self.shape(), $value, self.dtype(), self.device()))
        }
    )*};
}

impl Tensor {
    constants! {
        /// A tensor of zeros (`torch.zeros`).
        zeros, zeros_with, zeros_like = 0.0;
        /// A tensor of ones (`torch.ones`).
        ones, ones_with, ones_like = 1.0;
    }

    /// A tensor of one value, whose kind decides the dtype: `Bool`, `I64`, `F32` or `Complex64` (`torch.full`).
    ///
    /// # Panics
    /// If the dtype does not hold the value, as `F32` does not hold `1e40`, or there is not enough memory.
    #[track_caller]
    pub fn full(shape: impl IntoShape, value: impl Into<Scalar>) -> Tensor {
        let value = value.into();
        Self::full_with(shape, value, value.dtype())
    }

    /// [`Tensor::full`] of a given dtype or device.
    ///
    /// # Panics
    /// If the dtype does not hold the value, save for a fraction that integers drop, or the device does not have the
    /// memory, or is not there.
    #[track_caller]
    pub fn full_with(
        shape: impl IntoShape,
        value: impl Into<Scalar>,
        options: impl Into<TensorOptions>,
    ) -> Tensor {
        let (TensorOptions { dtype, device }, value) = (options.into(), value.into());
        expect(value.check_fits("full", dtype));
        expect(Self::try_full(&shape.into_shape(), value, dtype, device))
    }

    /// [`Tensor::full`] of this tensor's shape, dtype and device (`torch.full_like`).
    ///
    /// # Panics
    /// As [`Tensor::full_with`].
    #[track_caller]
    #[inline]
    pub fn full_like(&self, value: impl Into<Scalar>) -> Tensor {
        let value = value.into();
        expect(value.check_fits("full_like", self.dtype()));
        expect(Self::try_full(self.shape(), value, self.dtype(), self.device()))
    }

    /// A tensor of unspecified values (`torch.empty`). They are zeros, since Rust has no safe way to show memory that
    /// was never written.
    #[track_caller]
    pub fn empty(shape: impl IntoShape) -> Tensor {
        Self::zeros(shape)
    }

    /// [`Tensor::empty`] of this tensor's shape, dtype and device (`torch.empty_like`).
    #[track_caller]
    #[inline]
    pub fn empty_like(&self) -> Tensor {
        self.zeros_like()
    }

    /// A tensor without axes holding a number.
    pub(crate) fn from_scalar(value: Scalar, dtype: DType) -> Tensor {
        expect(Self::try_full(&[], value, dtype, Device::Cpu))
    }

    /// A tensor of one value.
    #[inline]
    pub(crate) fn try_full(
        shape: &[usize],
        value: impl Into<Scalar>,
        dtype: DType,
        device: Device,
    ) -> Result<Tensor> {
        let tensor = Self::uninit(shape, dtype, device)?;
        tensor.fill_raw(value.into())?;
        Ok(tensor)
    }

    /// Writes one value to every element, unseen by autograd.
    pub(crate) fn fill_raw(&self, value: Scalar) -> Result<()> {
        let guard = lock_for_write(self.storage(), &[]);
        match self.device() {
            Device::Cpu => {
                dispatch!(self.dtype(), T => fill_host(self, scalar_to::<T>(value)));
                drop(guard);
                Ok(())
            }
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => crate::ops::elementwise::cuda_fill(self, value),
            #[cfg(not(feature = "cuda"))]
            device @ Device::Cuda(_) => Err(Error::no_cuda(device)),
        }
    }

    /// A tensor of elements, in row-major order, of the given shape.
    ///
    /// # Errors
    /// If the shape does not have as many elements as the vector.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from_vec(vec![1i64, 2, 3, 4], [2, 2])?;
    /// assert_eq!(x.shape(), [2, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn from_vec<T: crate::Element>(data: Vec<T>, shape: impl IntoShape) -> Result<Tensor> {
        Self::from_slice(&data, shape)
    }

    /// A tensor of copies of elements, in row-major order, of the given shape.
    ///
    /// # Errors
    /// If the shape does not have as many elements as the slice.
    pub fn from_slice<T: crate::Element>(data: &[T], shape: impl IntoShape) -> Result<Tensor> {
        let shape = shape.into_shape();
        if checked_numel(&shape) != Some(data.len()) {
            return Err(Error::argument(
                "from_slice",
                format!("{} elements do not fill the shape {shape:?}", data.len()),
            ));
        }
        let storage = Storage::uninit(data.len(), T::DTYPE, Device::Cpu)?;
        // SAFETY: the storage was just made for as many elements of this type, and nothing else refers to it.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), storage.host_ptr().cast(), data.len()) }
        Ok(Self::from_parts(storage, Layout::contiguous(shape.as_slice()), T::DTYPE))
    }
}

/// A number as an element.
pub(crate) fn scalar_to<T: Number>(value: Scalar) -> T {
    match value {
        Scalar::Bool(value) => cast(value),
        Scalar::Int(value) => cast(value),
        Scalar::Float(value) => cast(value),
        Scalar::Complex(value) => cast(value),
    }
}

fn fill_host<T: Number>(tensor: &Tensor, value: T) {
    let base = tensor.host_ptr().cast::<T>();
    let layout = tensor.layout();
    if layout.is_contiguous() {
        for i in 0..layout.numel() {
            // SAFETY: inside the storage, which the caller has locked for writing.
            unsafe { base.add(i).write(value) }
        }
        return;
    }
    let stride = layout.strides.last().copied().unwrap_or(0);
    crate::ops::elementwise::for_each_row(
        &layout.shape,
        &layout.strides,
        0,
        layout.numel(),
        |offset, _, len| {
            for i in 0..len {
                // SAFETY: as above.
                unsafe { base.add(offset + i * stride).write(value) }
            }
        },
    );
}
