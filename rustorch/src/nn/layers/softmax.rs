//! Softmax.

use crate::nn::Layer;
use crate::nn::build::{Arguments, builder, module};
use crate::{Result, Tensor};

macro_rules! softmax {
    ($(#[$doc:meta])* $layer:ident, $builder:ident, $name:literal, $method:ident) => {
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{Layer, ", $name, "}};")]
        #[doc = concat!("assert_eq!(", $name, "::new(-1).forward(&Tensor::ones([2, 3]))?.shape(), [2, 3]);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        pub struct $layer {
            /// The axis.
            pub dim: isize,
        }

        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer(dim: isize) {}
        }

        impl $layer {
            /// The layer for an axis.
            pub fn new(dim: isize) -> Self {
                Self { dim }
            }

            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self { dim: args.axis("dim")? })
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                input.$method(self.dim)
            }
        }

        module!($layer {} |layer| format!("{}(dim={})", $name, layer.dim));
    };
}

softmax!(
    /// `exp(x)` divided by its sum over an axis (`torch.nn.Softmax`).
    Softmax, SoftmaxBuilder, "Softmax", softmax
);
softmax!(
    /// The logarithm of [`Softmax`], computed so that nothing overflows (`torch.nn.LogSoftmax`).
    LogSoftmax, LogSoftmaxBuilder, "LogSoftmax", log_softmax
);
