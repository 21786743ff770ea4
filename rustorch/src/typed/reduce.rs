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
    sum_axis sum_keep = sum_dim; // x.sum_axis::<1>(), x.sum_keep::<1>()
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
    mean_axis mean_keep = mean_dim; // x.mean_axis::<1>(), x.mean_keep::<1>()
    /// The product over axis `I`; `torch.prod`.
    prod_axis prod_keep = prod_dim; // x.prod_axis::<1>(), x.prod_keep::<1>()
    /// The greatest element along axis `I`; `torch.amax`. Equal ones share the gradient.
    amax_axis amax_keep = amax_dim; // x.amax_axis::<1>(), x.amax_keep::<1>()
    /// The smallest element along axis `I`; `torch.amin`. Equal ones share the gradient.
    amin_axis amin_keep = amin_dim; // x.amin_axis::<1>(), x.amin_keep::<1>()
    /// `log Σ exp` over axis `I`; `torch.logsumexp`.
    logsumexp_axis logsumexp_keep = logsumexp; // x.logsumexp_axis::<1>(), x.logsumexp_keep::<1>()
    /// The variance over axis `I`, by `n - correction`; `torch.var`, whose correction is 1 unless given.
    var_axis var_keep = var_dim(correction: f64); // x.var_axis::<1>(1.0), x.var_keep::<1>(1.0)
    /// The standard deviation over axis `I`, by `n - correction`; `torch.std`, whose correction is 1 unless given.
    std_axis std_keep = std_dim(correction: f64); // x.std_axis::<1>(1.0), x.std_keep::<1>(1.0)
    /// Whether any element along axis `I` is not zero; `torch.any`.
    any_axis any_keep = any_dim; // x.any_axis::<1>(), x.any_keep::<1>()
    /// Whether all elements along axis `I` are not zero; `torch.all`.
    all_axis all_keep = all_dim; // x.all_axis::<1>(), x.all_keep::<1>()
}

/// Reductions of all elements. The lines that name them are what rustc shows to those who pass an axis.
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
    sum; // over one axis: x.sum_axis::<1>(), x.sum_keep::<1>()
    /// The mean of all elements; `torch.mean`.
    mean; // over one axis: x.mean_axis::<1>(), x.mean_keep::<1>()
    /// The product of all elements; `torch.prod`.
    prod; // over one axis: x.prod_axis::<1>(), x.prod_keep::<1>()
    /// The variance of all elements; `torch.var`.
    var; // over one axis: x.var_axis::<1>(1.0), x.var_keep::<1>(1.0)
    /// The standard deviation of all elements; `torch.std`.
    std; // over one axis: x.std_axis::<1>(1.0), x.std_keep::<1>(1.0)
    /// The greatest element; `torch.max`.
    max; // over one axis: x.amax_axis::<1>(), x.amax_keep::<1>()
    /// The smallest element; `torch.min`.
    min; // over one axis: x.amin_axis::<1>(), x.amin_keep::<1>()
    /// Whether any element is not zero; `torch.any`.
    any; // over one axis: x.any_axis::<1>(), x.any_keep::<1>()
    /// Whether all elements are not zero; `torch.all`.
    all; // over one axis: x.all_axis::<1>(), x.all_keep::<1>()
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
    pub fn argmax_axis<const I: usize>(/* x.argmax_axis::<1>() */ &self) -> TypedTensor<S::Removed>
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
    pub fn argmin_axis<const I: usize>(/* x.argmin_axis::<1>() */ &self) -> TypedTensor<S::Removed>
    where
        S: Axis<I>,
    {
        TypedTensor::infallible(self.as_tensor().argmin(I as isize, false))
    }
}
