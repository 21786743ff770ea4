//! The options that the transformer's layers share.

use std::fmt;

use crate::Tensor;
use crate::nn::build::Arguments;
use crate::nn::{Dropout, LayerNorm, Linear};
use crate::{Error, Result};

/// What follows the first of the two linear maps of a transformer's layer.
#[derive(Clone, Copy, Default)]
pub enum TransformerActivation {
    /// `max(x, 0)`
    #[default]
    Relu,
    /// `x Φ(x)`
    Gelu,
    /// Another function of the elements.
    Other(fn(&Tensor) -> Result<Tensor>),
}

impl TransformerActivation {
    #[inline]
    pub(super) fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Relu => Ok(x.relu()),
            Self::Gelu => Ok(x.gelu()),
            Self::Other(function) => function(x),
        }
    }
}

impl fmt::Debug for TransformerActivation {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relu => "Relu",
            Self::Gelu => "Gelu",
            Self::Other(_) => "Other",
        })
    }
}

/// A builder with the options that the transformer's layers share.
macro_rules! transformer_builder {
    ($(#[$doc:meta])* $builder:ident for $layer:ident($($required:ident),*) { $($(#[$option_doc:meta])* $option:ident: $ty:ty,)* }) => {
        $crate::nn::build::builder! {
            $(#[$doc])*
            $builder for $layer($($required: usize),*) {
                $($(#[$option_doc])* $option: $ty,)*
                /// The width between the two linear maps; 2048 unless set.
                dim_feedforward: usize,
                /// The probability of zero, in training; 0.1 unless set.
                dropout: f64,
                /// `"relu"` or `"gelu"`; `"relu"` unless set.
                activation: &str,
                /// What layer norm adds to the variance; 1e-5 unless set.
                layer_norm_eps: f64,
                /// Whether the batch is axis 0 and not axis 1; `false` unless set.
                batch_first: bool,
                /// Whether to normalise what goes in, and not the sum; `false` unless set.
                norm_first: bool,
                /// Whether linear maps and norms have biases; `true` unless set.
                bias: bool,
            }
        }
    };
}
pub(super) use transformer_builder;

/// The options of the transformer's layers, with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::TransformerOptions;
/// let options = TransformerOptions { norm_first: true, ..Default::default() };
/// assert_eq!((options.dim_feedforward, options.dropout), (2048, 0.1));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TransformerOptions {
    /// The width between the two linear maps.
    pub dim_feedforward: usize,
    /// The probability of zero, in training, of attention's weights, inner activations and what is added to the input.
    pub dropout: f64,
    /// What follows the first linear map.
    pub activation: TransformerActivation,
    /// What layer norm adds to the variance.
    pub layer_norm_eps: f64,
    /// Whether the batch is axis 0 and not axis 1.
    pub batch_first: bool,
    /// Whether to normalise what goes into attention and linear maps, and not the sum of input and what comes out.
    pub norm_first: bool,
    /// Whether linear maps and norms have biases.
    pub bias: bool,
}

impl Default for TransformerOptions {
    fn default() -> Self {
        Self {
            dim_feedforward: 2048,
            dropout: 0.1,
            activation: TransformerActivation::Relu,
            layer_norm_eps: 1e-5,
            batch_first: false,
            norm_first: false,
            bias: true,
        }
    }
}

impl TransformerOptions {
    #[inline]
    pub(super) fn check(&self, op: &'static str) -> Result<()> {
        if !(0.0..=1.0).contains(&self.dropout) {
            let message = format!("dropout is {}, expected a probability from 0 to 1", self.dropout);
            return Err(Error::argument(op, message));
        }
        Ok(())
    }

    /// Those that a builder collected.
    #[inline]
    pub(super) fn from_arguments(args: &Arguments) -> Result<Self> {
        let activation = match args.text("activation") {
            Some("gelu") => TransformerActivation::Gelu,
            _ => TransformerActivation::Relu,
        };
        Ok(Self {
            dim_feedforward: args.size("dim_feedforward")?,
            dropout: args.float("dropout")?,
            activation,
            layer_norm_eps: args.float("layer_norm_eps")?,
            batch_first: args.flag("batch_first")?,
            norm_first: args.flag("norm_first")?,
            bias: args.flag("bias")?,
        })
    }

    #[inline]
    pub(super) fn norm(&self, features: usize) -> Result<LayerNorm> {
        LayerNorm::builder(features).eps(self.layer_norm_eps).bias(self.bias).build()
    }

    #[inline]
    pub(super) fn linear(&self, from: usize, to: usize) -> Result<Linear> {
        Linear::builder(from, to).bias(self.bias).build()
    }

    pub(super) fn drop(&self) -> Dropout {
        Dropout::new(self.dropout)
    }
}
