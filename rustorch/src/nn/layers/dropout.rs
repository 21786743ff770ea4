//! Dropout.

use crate::nn::build::{Arguments, builder, python};
use crate::nn::{Layer, Module, Training, Visitor, VisitorMut, functional};
use crate::{Error, Result, Tensor};

/// Layers of one probability, which do nothing in evaluation.
macro_rules! dropouts {
    ($($(#[$doc:meta])* $layer:ident $builder:ident $name:literal $function:ident $input:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{", $name, ", Layer, Module}};")]
        #[doc = concat!("let (layer, x) = (", $name, "::new(0.5), Tensor::ones(", $input, "));")]
        /// assert!(!layer.forward(&x)?.equal(&x)?);
        /// layer.eval();
        /// assert!(layer.forward(&x)?.equal(&x)?);
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct $layer {
            /// The probability.
            pub p: f64,
            pub(crate) training: Training,
        }

        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer() {
                /// The probability of zero; 0.5 unless set.
                p: f64,
            }
        }

        impl $layer {
            /// The layer with a probability; one that is not from 0 to 1 is an error of `forward`.
            pub fn new(p: f64) -> Self {
                Self { p, training: Training::default() }
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                let p = args.float("p")?;
                if !(0.0..=1.0).contains(&p) {
                    return Err(Error::argument($name, format!("p is {p}, expected a probability from 0 to 1")));
                }
                Ok(Self::new(p))
            }
        }

        impl Default for $layer {
            fn default() -> Self {
                Self::new(0.5)
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                functional::$function(input, self.p, self.training.get())
            }
        }

        impl Module for $layer {
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
                visitor.training(&self.training);
            }
            fn visit_mut<'a>(&'a mut self, _: &mut VisitorMut<'a>) {}
            #[inline]
            fn repr(&self) -> String {
                format!("{}(p={}, inplace=False)", $name, python::float(self.p))
            }
        }

        impl std::fmt::Debug for $layer {
            #[inline]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.repr())
            }
        }
    )*};
}

dropouts! {
    /// In training, zeroes each element with probability `p` and divides the others by `1 - p`; in evaluation, the identity
    /// (`torch.nn.Dropout`; Srivastava et al. 2014).
    Dropout DropoutBuilder "Dropout" dropout "[100]";
    /// In training, zeroes each channel of `[batch, channels, length]` or `[channels, length]` with probability `p` and divides the
    /// others by `1 - p`; in evaluation, the identity (`torch.nn.Dropout1d`; Tompson et al. 2015).
    Dropout1d Dropout1dBuilder "Dropout1d" dropout1d "[2, 50, 3]";
    /// In training, zeroes each channel of `[batch, channels, h, w]` with probability `p` and divides the others by `1 - p`; in
    /// evaluation, the identity (`torch.nn.Dropout2d`; Tompson et al. 2015). Three axes are `[batch, channels, length]`, as in
    /// PyTorch.
    Dropout2d Dropout2dBuilder "Dropout2d" dropout2d "[2, 50, 3, 3]";
    /// In training, zeroes each channel of `[batch, channels, d, h, w]` or `[channels, d, h, w]` with probability `p` and divides
    /// the others by `1 - p`; in evaluation, the identity (`torch.nn.Dropout3d`; Tompson et al. 2015).
    Dropout3d Dropout3dBuilder "Dropout3d" dropout3d "[2, 50, 2, 2, 2]";
    /// In training, sets each element with probability `p` to where `SELU` saturates, and scales and moves all so that numbers of
    /// mean 0 and variance 1 keep them; in evaluation, the identity (`torch.nn.AlphaDropout`; Klambauer et al. 2017).
    AlphaDropout AlphaDropoutBuilder "AlphaDropout" alpha_dropout "[100]";
    /// [`AlphaDropout`] of whole channels (axis 1) of each example (`torch.nn.FeatureAlphaDropout`).
    FeatureAlphaDropout FeatureAlphaDropoutBuilder "FeatureAlphaDropout" feature_alpha_dropout "[2, 50, 3]";
}
