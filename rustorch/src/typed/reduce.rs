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
}

impl<S: Shape> TypedTensor<S> {
    /// The sum of all elements; `torch.sum`.
    #[track_caller]
    pub fn sum(&self) -> TypedTensor<()> {
        TypedTensor::trusted(self.as_tensor().sum())
    }
}
