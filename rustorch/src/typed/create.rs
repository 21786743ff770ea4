//! Creation of typed tensors: the shape is in the type, so only the sizes of run-time dims have to be given.

use super::shape::sized;
use super::{FixedShape, Shape, TypedTensor};
use crate::{Error, Result, Tensor, TensorOptions};

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
