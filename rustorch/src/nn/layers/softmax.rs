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
        #[derive(Clone)]
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
            #[inline]
            pub fn new(dim: isize) -> Self {
                Self { dim }
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self { dim: args.axis("dim")? })
            }
        }

        impl Layer for $layer {
            #[inline]
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
softmax!(
    /// [`Softmax`] of `-x` (`torch.nn.Softmin`).
    Softmin, SoftminBuilder, "Softmin", softmin
);

/// [`Softmax`] over the channels of images, `[batch, channels, h, w]` or `[channels, h, w]` (`torch.nn.Softmax2d`).
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, Softmax2d}};
/// let y = Softmax2d::new().forward(&Tensor::ones([1, 4, 2, 2]))?;
/// assert_eq!(y.to_vec::<f32>()?, [0.25; 16]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Softmax2d;

builder! {
    /// Builds a [`Softmax2d`].
    Softmax2dBuilder for Softmax2d() {}
}

impl Softmax2d {
    /// The layer.
    pub fn new() -> Self {
        Self
    }

    #[inline]
    fn assemble(_: &Arguments) -> Result<Self> {
        Ok(Self)
    }
}

impl Layer for Softmax2d {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        rustorch_shape::rules::image("Softmax2d", input.shape())?;
        input.softmax(-3)
    }
}

module!(Softmax2d {} | _ | "Softmax2d()".to_owned());
