//! Reductions over one axis or all.

use super::{Axis, Shape, TypedTensor};

/// For each reduction: over one axis that goes, and over one that stays as `One`.
macro_rules! reductions {
    ($($(#[$doc:meta])* $axis:ident $keep:ident = $call:ident $(($argument:ident: $t:ty))?;)*) => {
        impl<S: Shape> TypedTensor<S> {$(
            $(#[$doc])*
            ///
            /// The result no longer has axis `I`.
            #[track_caller]
            pub fn $axis<const I: usize>(&self $(, $argument: $t)?) -> TypedTensor<S::Removed>
            where
                S: Axis<I>,
            {
                TypedTensor::infallible(self.as_tensor().$call(I $(, $argument)?, false))
            }

            $(#[$doc])*
            ///
            /// The result keeps axis `I` as [`One`](super::One), which broadcasts against the axis it came from.
            #[track_caller]
            pub fn $keep<const I: usize>(&self $(, $argument: $t)?) -> TypedTensor<S::Kept>
            where
                S: Axis<I>,
            {
                TypedTensor::infallible(self.as_tensor().$call(I $(, $argument)?, true))
            }
        )*}
    };
}

reductions! {
    /// The sum over axis `I`; `torch.sum`.
    sum_axis sum_keep = sum_dim;
    /// The mean over axis `I`; `torch.mean`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = Tensor::from([[1.0f32, 3.0], [5.0, 7.0]]).typed::<shape![2, 2]>()?;
    /// let means: TypedTensor<shape![2]> = x.mean_axis::<1>();
    /// assert_eq!(means.to_vec::<f32>()?, [2.0, 6.0]);
    /// let centred: TypedTensor<shape![2, 2]> = &x - x.mean_keep::<1>();
    /// assert_eq!(centred.to_vec::<f32>()?, [-1.0, 1.0, -1.0, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    mean_axis mean_keep = mean_dim;
    /// The product over axis `I`; `torch.prod`.
    prod_axis prod_keep = prod_dim;
    /// The greatest element along axis `I`; `torch.amax`. Equal ones share the gradient.
    amax_axis amax_keep = amax_dim;
    /// The smallest element along axis `I`; `torch.amin`. Equal ones share the gradient.
    amin_axis amin_keep = amin_dim;
    /// `log Σ exp` over axis `I`; `torch.logsumexp`.
    logsumexp_axis logsumexp_keep = logsumexp;
    /// The variance over axis `I`, by `n - correction`; `torch.var`, whose correction is 1 unless given.
    var_axis var_keep = var_dim(correction: f64);
    /// The standard deviation over axis `I`, by `n - correction`; `torch.std`, whose correction is 1 unless given.
    std_axis std_keep = std_dim(correction: f64);
    /// Whether any element along axis `I` is not zero; `torch.any`.
    any_axis any_keep = any_dim;
    /// Whether all elements along axis `I` are not zero; `torch.all`.
    all_axis all_keep = all_dim;
}

/// Reductions of all elements.
macro_rules! full {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl<S: Shape> TypedTensor<S> {$(
            $(#[$doc])*
            ///
            /// # Panics
            #[doc = concat!("As [`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ").")]
            #[track_caller]
            pub fn $name(&self) -> TypedTensor<()> {
                TypedTensor::trusted(self.as_tensor().$name())
            }
        )*}
    };
}

full! {
    /// The sum of all elements; `torch.sum`.
    sum;
    /// The mean of all elements; `torch.mean`.
    mean;
    /// The product of all elements; `torch.prod`.
    prod;
    /// The variance of all elements; `torch.var`.
    var;
    /// The standard deviation of all elements; `torch.std`.
    std;
    /// The greatest element; `torch.max`.
    max;
    /// The smallest element; `torch.min`.
    min;
    /// Whether any element is not zero; `torch.any`.
    any;
    /// Whether all elements are not zero; `torch.all`.
    all;
}

impl<S: Shape> TypedTensor<S> {
    /// Where the greatest element along axis `I` is, as `I64`; `torch.argmax`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::from([[1.0f32, 5.0, 3.0], [9.0, 7.0, 8.0]]);
    /// let places: TypedTensor<shape![2]> = x.argmax_axis::<1>();
    /// assert_eq!(places.to_vec::<i64>()?, [1, 0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the axis is empty or the dtype complex.
    #[track_caller]
    pub fn argmax_axis<const I: usize>(&self) -> TypedTensor<S::Removed>
    where
        S: Axis<I>,
    {
        TypedTensor::infallible(self.as_tensor().argmax(I as isize, false))
    }

    /// Where the smallest element along axis `I` is, as `I64`; `torch.argmin`.
    ///
    /// # Panics
    /// If the axis is empty or the dtype complex.
    #[track_caller]
    pub fn argmin_axis<const I: usize>(&self) -> TypedTensor<S::Removed>
    where
        S: Axis<I>,
    {
        TypedTensor::infallible(self.as_tensor().argmin(I as isize, false))
    }
}
