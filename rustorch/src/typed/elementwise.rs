//! Operations that keep the shape, and elementwise ones of two tensors.

use super::{Axis, Broadcast, Shape, TypedTensor};
use crate::{DType, Device, Result};

/// Methods of [`Tensor`](crate::Tensor) of the same name, whose result has the shape of the operand.
macro_rules! keep_shape {
    ($($name:ident($($argument:ident),*);)*) => {
        impl<S: Shape> TypedTensor<S> {$(
            #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), "), with the shape kept.")]
            ///
            /// # Panics
            /// As the method of `Tensor`.
            #[track_caller]
            pub fn $name(&self $(, $argument: f64)*) -> Self {
                Self::trusted(self.as_tensor().$name($($argument),*))
            }
        )*}
    };
}

keep_shape! {
    relu(); relu6(); leaky_relu(slope); elu(alpha); selu(); celu(alpha); gelu(); gelu_tanh(); silu(); mish();
    softplus(beta, threshold); log_sigmoid(); softsign(); tanhshrink(); hardtanh(low, high); hardsigmoid(); hardswish();
    hardshrink(lambda); softshrink(lambda); threshold(threshold, value);
    neg(); square(); reciprocal(); conj(); abs(); sign(); sgn(); floor(); ceil(); trunc(); round(); frac();
    exp(); expm1(); exp2(); log(); log1p(); log2(); log10(); sqrt(); rsqrt(); sigmoid(); tanh();
    sin(); cos(); tan(); sinh(); cosh(); asin(); acos(); atan(); asinh(); acosh(); atanh();
    erf(); erfc(); erfinv(); lgamma(); digamma(); logit(); sinc();
}

/// Methods of two tensors, whose shapes broadcast.
macro_rules! broadcasting {
    ($($name:ident)*) => {
        impl<S: Shape> TypedTensor<S> {$(
            #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ") of shapes that broadcast.")]
            ///
            /// # Panics
            /// If the dtype has no such operation, the devices differ, or a run-time dim has two sizes.
            #[track_caller]
            pub fn $name<R: Shape>(&self, other: &TypedTensor<R>) -> TypedTensor<<S as Broadcast<R>>::Output>
            where
                S: Broadcast<R>,
            {
                TypedTensor::infallible(self.as_tensor().$name(other.as_tensor()))
            }
        )*}
    };
}

broadcasting! { maximum minimum fmax fmin atan2 hypot logaddexp fmod remainder }

impl<S: Shape> TypedTensor<S> {
    /// The tensor converted to `dtype`; [`Tensor::to_dtype`](crate::Tensor::to_dtype).
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x: TypedTensor<shape![2]> = TypedTensor::<shape![2]>::ones().to_dtype(DType::F64);
    /// assert_eq!(x.dtype(), DType::F64);
    /// ```
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Self {
        Self::trusted(self.as_tensor().to_dtype(dtype))
    }

    /// The tensor on `device`; [`Tensor::to_device`](crate::Tensor::to_device).
    ///
    /// # Errors
    /// If the device is not there or has no memory left.
    pub fn to_device(&self, device: Device) -> Result<Self> {
        self.as_tensor().to_device(device).map(Self::trusted)
    }

    /// The elements in row-major order; [`Tensor::contiguous`](crate::Tensor::contiguous).
    #[track_caller]
    pub fn contiguous(&self) -> Self {
        Self::trusted(self.as_tensor().contiguous())
    }

    /// `softmax` along axis `I`; [`Tensor::softmax`](crate::Tensor::softmax).
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let p: TypedTensor<shape![2, 4]> = TypedTensor::<shape![2, 4]>::zeros().softmax::<1>();
    /// assert_eq!(p.to_vec::<f32>()?, [0.25; 8]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax<const I: usize>(&self) -> Self
    where
        S: Axis<I>,
    {
        Self::infallible(self.as_tensor().softmax(I as isize))
    }

    /// `log_softmax` along axis `I`; [`Tensor::log_softmax`](crate::Tensor::log_softmax).
    #[track_caller]
    pub fn log_softmax<const I: usize>(&self) -> Self
    where
        S: Axis<I>,
    {
        Self::infallible(self.as_tensor().log_softmax(I as isize))
    }
}
