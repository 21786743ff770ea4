//! Creation of typed tensors: the shape is in the type, so only the sizes of run-time dims have to be given. Nested arrays
//! bring their own: `TypedTensor::from([[1.0f32, 2.0], [3.0, 4.0]])`.

use super::shape::sized;
use super::{Const, FixedShape, Shape, TypedTensor};
use crate::{Element, Error, Result, Scalar, Tensor, TensorData, TensorOptions};

/// For each way of filling: with PyTorch's defaults, with options, and for shapes with run-time dims.
macro_rules! creation {
    ($($(#[$doc:meta])* $name:ident $with:ident $sized:ident;)*) => {
        impl<S: Shape> TypedTensor<S> {$(
            $(#[$doc])*
            ///
            /// Every axis must have its size in the type; otherwise it does not compile.
            ///
            /// # Panics
            /// If there is not enough memory.
            #[track_caller]
            pub fn $name() -> Self
            where
                S: FixedShape,
            {
                Self::$with(TensorOptions::default())
            }

            #[doc = concat!("[`TypedTensor::", stringify!($name), "`] of a given dtype or device.")]
            ///
            /// # Panics
            /// If the device does not have the memory, or is not there.
            #[track_caller]
            pub fn $with(options: impl Into<TensorOptions>) -> Self
            where
                S: FixedShape,
            {
                let sizes: Vec<usize> = S::AXES.iter().filter_map(|axis| axis.size).collect();
                Self::trusted(Tensor::$with(sizes, options))
            }

            #[doc = concat!("[`TypedTensor::", stringify!($name), "`] of a shape with run-time dims, whose sizes are `dims`, in the order")]
            /// in which each first appears in the shape.
            ///
            /// # Errors
            /// If there are more or fewer `dims` than run-time dims.
            pub fn $sized(dims: &[usize], options: impl Into<TensorOptions>) -> Result<Self> {
                let sizes = sized::<S>(dims).map_err(|problem| Error::argument(stringify!($sized), problem))?;
                Ok(Self::trusted(Tensor::$with(sizes, options)))
            }
        )*}
    };
}

creation! {
    /// Zeros; `torch.zeros`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// dim!(Batch);
    /// assert_eq!(TypedTensor::<shape![2, 3]>::zeros().shape(), [2, 3]);
    /// assert_eq!(TypedTensor::<shape![Batch, 3]>::zeros_sized(&[32], DType::F64)?.shape(), [32, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    zeros zeros_with zeros_sized;
    /// Ones; `torch.ones`.
    ones ones_with ones_sized;
    /// Standard normal numbers; `torch.randn`.
    randn randn_with randn_sized;
    /// Uniform numbers in `[0, 1)`; `torch.rand`.
    rand rand_with rand_sized;
}

impl<S: FixedShape> TypedTensor<S> {
    /// `value` everywhere, in the dtype of the number; `torch.full`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// assert_eq!(TypedTensor::<shape![2]>::full(0.5).to_vec::<f32>()?, [0.5, 0.5]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn full(value: impl Into<Scalar>) -> Self {
        let sizes: Vec<usize> = S::AXES.iter().filter_map(|axis| axis.size).collect();
        Self::trusted(Tensor::full(sizes, value))
    }
}

impl<const N: usize> TypedTensor<(Const<N>, Const<N>)> {
    /// The identity matrix; `torch.eye`.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn eye() -> Self {
        Self::trusted(Tensor::eye(N))
    }
}

impl<const N: usize> TypedTensor<(Const<N>,)> {
    /// The whole numbers from 0 on, as `I64`; `torch.arange`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// assert_eq!(TypedTensor::<shape![3]>::arange().to_vec::<i64>()?, [0, 1, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn arange() -> Self {
        Self::infallible(Tensor::arange(0, N as i64, 1))
    }
}

/// Nested arrays, whose lengths are the shape.
macro_rules! arrays {
    ($([$($n:ident)*] $array:ty;)*) => {$(
        impl<T: TensorData + Element, $(const $n: usize),*> From<$array> for TypedTensor<($(Const<$n>,)*)> {
            #[track_caller]
            fn from(data: $array) -> Self {
                Self::trusted(Tensor::from(data))
            }
        }
    )*};
}

arrays! {
    [A] [T; A];
    [A B] [[T; B]; A];
    [A B C] [[[T; C]; B]; A];
    [A B C D] [[[[T; D]; C]; B]; A];
}
