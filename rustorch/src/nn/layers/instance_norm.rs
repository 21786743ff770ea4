//! Normalisation of each channel of each example.

use super::norm::statistics_of_channels;
use crate::error::expect;
use crate::nn::build::{Arguments, OptionalNumber, builder, python};
use crate::nn::functional::{self, InstanceNormOptions};
use crate::nn::{Layer, Module, Training, Visitor, VisitorMut, init};
use crate::{DType, Result, Tensor};

macro_rules! instance_norm {
    ($layer:ident, $builder:ident, $name:literal, $axes:literal, $over:literal, $example:literal) => {
        #[doc = concat!("Every channel of every example normalised over ", $over, ": `(x - mean) / √(var + ε) · weight + bias`")]
        #[doc = concat!("(`torch.nn.", $name, "`; Ulyanov et al. 2016). A batch may be left out.")]
        ///
        /// Mean and variance are the example's own, also in evaluation. With running statistics, these move in training towards
        /// the mean of the examples' by `momentum`, and evaluation uses them. Neither these nor weight and bias exist unless
        /// asked for.
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{", $name, ", Layer}};")]
        #[doc = concat!("let layer = ", $name, "::builder(3).affine(true).build()?;")]
        #[doc = concat!("let x = Tensor::randn(", $example, ");")]
        /// assert!(layer.forward(&x)?.mean().item::<f32>()?.abs() < 1e-5);
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct $layer {
            /// `[num_features]`
            pub weight: Option<Tensor>,
            /// `[num_features]`
            pub bias: Option<Tensor>,
            /// `[num_features]`, a buffer.
            pub running_mean: Option<Tensor>,
            /// `[num_features]`, a buffer.
            pub running_var: Option<Tensor>,
            /// A buffer that PyTorch's state has, and that stays 0 there as well.
            pub num_batches_tracked: Option<Tensor>,
            /// The number of channels.
            pub num_features: usize,
            /// What is added to the variance.
            pub eps: f64,
            /// How much of the statistics enters the running ones; nothing without it, as in PyTorch.
            pub momentum: Option<f64>,
            pub(crate) training: Training,
        }

        builder! {
            #[doc = concat!("Builds an [`", $name, "`].")]
            $builder for $layer(num_features: usize) {
                /// What is added to the variance; 1e-5 unless set.
                eps: f64,
                /// How much of the statistics enters the running ones; 0.1 unless set.
                momentum: impl OptionalNumber,
                /// Whether there is a weight; `false` unless set.
                affine: bool,
                /// Whether there is a bias besides the weight; `true` unless set.
                bias: bool,
                /// Whether to keep running statistics, by which evaluation normalises; `false` unless set.
                track_running_stats: bool,
            }
        }

        impl $layer {
            /// The layer without weight, bias and running statistics.
            #[track_caller]
            #[inline]
            pub fn new(num_features: usize) -> Self {
                expect(Self::builder(num_features).build())
            }
        }

        impl Layer for $layer {
            #[inline]
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                let running = self.running_mean.as_ref().zip(self.running_var.as_ref());
                let use_input_stats = self.training.get() || running.is_none();
                rustorch_shape::rules::instance_norm(
                    $name,
                    input.shape(),
                    &self.num_features,
                    $axes,
                    use_input_stats,
                    &mut (),
                )?;
                let options = InstanceNormOptions {
                    use_input_stats,
                    momentum: self.momentum.unwrap_or_default(),
                    eps: self.eps,
                };
                let normalise = |input: &Tensor| {
                    let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
                    functional::instance_norm_with(input, running, weight, bias, options)
                };
                match input.rank() == $axes + 1 {
                    true => normalise(&input.unsqueeze(0)?)?.squeeze(0),
                    false => normalise(input),
                }
            }
        }

        statistics_of_channels!($layer, $name);
    };
}

instance_norm!(InstanceNorm1d, InstanceNorm1dBuilder, "InstanceNorm1d", 1, "its length", "[8, 3, 5]");
instance_norm!(
    InstanceNorm2d,
    InstanceNorm2dBuilder,
    "InstanceNorm2d",
    2,
    "height and width",
    "[8, 3, 4, 4]"
);
instance_norm!(
    InstanceNorm3d,
    InstanceNorm3dBuilder,
    "InstanceNorm3d",
    3,
    "depth, height and width",
    "[8, 3, 4, 4, 2]"
);
