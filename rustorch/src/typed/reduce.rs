//! Reductions over one axis or all.

use super::{Axis, Shape, TypedTensor};

/// For each reduction: over one axis that goes, and over one that stays as `One`.
macro_rules! reductions {
    ($($(#[$doc:meta])* $axis:ident $keep:ident = $call:ident;)*) => {
        impl<S: Shape> TypedTensor<S> {$(
            $(#[$doc])*
            ///
            /// The result no longer has axis `I`.
            #[track_caller]
            pub fn $axis<const I: usize>(&self) -> TypedTensor<S::Removed>
            where
                S: Axis<I>,
            {
                TypedTensor::infallible(self.as_tensor().$call(I, false))
            }

            $(#[$doc])*
            ///
            /// The result keeps axis `I` as [`One`](super::One), which broadcasts against the axis it came from.
            #[track_caller]
            pub fn $keep<const I: usize>(&self) -> TypedTensor<S::Kept>
            where
                S: Axis<I>,
            {
                TypedTensor::infallible(self.as_tensor().$call(I, true))
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
}

impl<S: Shape> TypedTensor<S> {
    /// The sum of all elements; `torch.sum`.
    #[track_caller]
    pub fn sum(&self) -> TypedTensor<()> {
        TypedTensor::trusted(self.as_tensor().sum())
    }

    /// The mean of all elements; `torch.mean`.
    ///
    /// # Panics
    /// If the dtype is neither real nor complex.
    #[track_caller]
    pub fn mean(&self) -> TypedTensor<()> {
        TypedTensor::trusted(self.as_tensor().mean())
    }
}
