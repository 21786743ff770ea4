//! Normalisation.

use crate::error::expect;
use crate::nn::build::{Arguments, OptionalNumber, SizeList, builder, module, python};
use crate::nn::functional::{self, BatchNormOptions};
use crate::nn::{Layer, Module, Training, Visitor, VisitorMut, init};
use crate::{DType, Result, Tensor, no_grad};

/// What batch and instance norms share: the same parameters, buffers and options, read, visited and shown alike.
macro_rules! statistics_of_channels {
    ($layer:ident, $name:literal) => {
        impl $layer {
            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self {
                    weight: args.parameter("weight", init::ones_)?,
                    bias: args.parameter("bias", init::zeros_)?,
                    running_mean: args.buffer("running_mean", 0.0, DType::F32)?,
                    running_var: args.buffer("running_var", 1.0, DType::F32)?,
                    num_batches_tracked: args.buffer("num_batches_tracked", 0.0, DType::I64)?,
                    num_features: args.size("num_features")?,
                    eps: args.float("eps")?,
                    momentum: args.optional_float("momentum")?,
                    training: Training::default(),
                })
            }
        }

        impl Module for $layer {
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
                visitor.training(&self.training);
                visitor.parameter("weight", &self.weight);
                visitor.parameter("bias", &self.bias);
                visitor.buffer("running_mean", &self.running_mean);
                visitor.buffer("running_var", &self.running_var);
                visitor.buffer("num_batches_tracked", &self.num_batches_tracked);
            }
            fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
                visitor.parameter("weight", &mut self.weight);
                visitor.parameter("bias", &mut self.bias);
                visitor.buffer("running_mean", &mut self.running_mean);
                visitor.buffer("running_var", &mut self.running_var);
                visitor.buffer("num_batches_tracked", &mut self.num_batches_tracked);
            }
            #[inline]
            fn repr(&self) -> String {
                format!(
                    "{}({}, eps={}, momentum={}, affine={}, bias={}, track_running_stats={})",
                    $name,
                    self.num_features,
                    python::float(self.eps),
                    self.momentum.map_or("None".to_owned(), python::float),
                    python::bool(self.weight.is_some()),
                    python::bool(self.bias.is_some()),
                    python::bool(self.running_mean.is_some())
                )
            }
        }

        impl std::fmt::Debug for $layer {
            #[inline]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.repr())
            }
        }
    };
}
pub(super) use statistics_of_channels;

macro_rules! batch_norm {
    ($layer:ident, $builder:ident, $name:literal, $ranks:expr, $input:literal, $example:literal) => {
        #[doc = concat!("Every channel normalised over ", $input, ": `(x - mean) / √(var + ε) · weight + bias`")]
        #[doc = concat!("(`torch.nn.", $name, "`; Ioffe and Szegedy 2015).")]
        ///
        /// In training, mean and variance are those of the batch, and the running ones move towards them by
        /// `momentum`, or become the mean of all batches so far without one; in evaluation the running ones are used. The
        /// weight starts at 1 and the bias at 0.
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{", $name, ", Layer}};")]
        #[doc = concat!("let layer = ", $name, "::new(3);")]
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
            /// The number of batches seen in training, a buffer.
            pub num_batches_tracked: Option<Tensor>,
            /// The number of channels.
            pub num_features: usize,
            /// What is added to the variance.
            pub eps: f64,
            /// How much of a batch's statistics enters the running ones; without it, as much as of every other batch.
            pub momentum: Option<f64>,
            pub(crate) training: Training,
        }

        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer(num_features: usize) {
                /// What is added to the variance; 1e-5 unless set.
                eps: f64,
                /// How much of a batch's statistics enters the running ones; 0.1 unless set. With `None` they are the
                /// mean of all batches.
                momentum: impl OptionalNumber,
                /// Whether there is a weight; `true` unless set.
                affine: bool,
                /// Whether there is a bias besides; `true` unless set.
                bias: bool,
                /// Whether to keep running statistics; without them, evaluation uses those of the batch too. `true`
                /// unless set.
                track_running_stats: bool,
            }
        }

        impl $layer {
            /// The layer with a weight, a bias and running statistics.
            ///
            /// # Panics
            /// If there is not enough memory.
            #[track_caller]
            pub fn new(num_features: usize) -> Self {
                expect(Self::builder(num_features).build())
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                rustorch_shape::rules::batch_norm($name, input.shape(), &self.num_features, $ranks, &mut ())?;
                let training = self.training.get();
                if let (true, Some(count)) = (training, &self.num_batches_tracked) {
                    no_grad(|| count.add_(1))?;
                }
                let running = self.running_mean.as_ref().zip(self.running_var.as_ref());
                let momentum = match training {
                    true => share_of_batch(self.momentum, self.num_batches_tracked.as_ref())?,
                    false => 0.0,
                };
                let options =
                    BatchNormOptions { training: training || running.is_none(), momentum, eps: self.eps };
                functional::batch_norm(input, running, self.weight.as_ref(), self.bias.as_ref(), options)
            }
        }

        statistics_of_channels!($layer, $name);
    };
}
/// How much of a batch's statistics enters the running ones: the momentum, or one part in as many as there were batches.
#[inline]
pub(crate) fn share_of_batch(momentum: Option<f64>, batches: Option<&Tensor>) -> Result<f64> {
    match (momentum, batches) {
        (Some(momentum), _) => Ok(momentum),
        (None, Some(batches)) => Ok(1.0 / batches.item::<i64>()? as f64),
        (None, None) => Ok(0.0),
    }
}

batch_norm!(BatchNorm1d, BatchNorm1dBuilder, "BatchNorm1d", &[2, 3], "batch and length", "[8, 3]");
batch_norm!(BatchNorm2d, BatchNorm2dBuilder, "BatchNorm2d", &[4], "batch, height and width", "[8, 3, 4, 4]");
batch_norm!(
    BatchNorm3d,
    BatchNorm3dBuilder,
    "BatchNorm3d",
    &[5],
    "batch, depth, height and width",
    "[8, 3, 4, 4, 2]"
);

/// Normalisation over the last axes: `(x - mean) / √(var + ε) · weight + bias` (`torch.nn.LayerNorm`; Ba et al. 2016).
///
/// The weight starts at 1 and the bias at 0.
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, LayerNorm}};
/// let layer = LayerNorm::new([4, 8]);
/// assert_eq!(layer.forward(&Tensor::randn([2, 4, 8]))?.shape(), [2, 4, 8]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct LayerNorm {
    /// The sizes of the last axes.
    pub normalized_shape: Vec<usize>,
    /// `normalized_shape`
    pub weight: Option<Tensor>,
    /// `normalized_shape`
    pub bias: Option<Tensor>,
    /// What is added to the variance.
    pub eps: f64,
}

builder! {
    /// Builds a [`LayerNorm`].
    LayerNormBuilder for LayerNorm(normalized_shape: impl SizeList) {
        /// What is added to the variance; 1e-5 unless set.
        eps: f64,
        /// Whether there is a weight; `true` unless set.
        elementwise_affine: bool,
        /// Whether there is a bias besides; `true` unless set.
        bias: bool,
    }
}

impl LayerNorm {
    /// The layer with a weight and a bias.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn new(normalized_shape: impl SizeList) -> Self {
        expect(Self::builder(normalized_shape).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self {
            normalized_shape: args.sizes("normalized_shape")?,
            weight: args.parameter("weight", init::ones_)?,
            bias: args.parameter("bias", init::zeros_)?,
            eps: args.float("eps")?,
        })
    }
}

impl Layer for LayerNorm {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        functional::layer_norm(input, &self.normalized_shape, weight, bias, self.eps)
    }
}

module!(LayerNorm { parameter weight, parameter bias } |layer| {
    format!(
        "LayerNorm({}, eps={}, elementwise_affine={}, bias={})",
        python::tuple(&layer.normalized_shape),
        python::float(layer.eps),
        python::bool(layer.weight.is_some()),
        python::bool(layer.bias.is_some())
    )
});

/// Normalisation within groups of channels, and over all axes after them (`torch.nn.GroupNorm`; Wu and He 2018).
///
/// The weight starts at 1 and the bias at 0.
///
/// ```
/// use rustorch::{Tensor, nn::{GroupNorm, Layer}};
/// let layer = GroupNorm::new(3, 6);
/// assert_eq!(layer.forward(&Tensor::randn([2, 6, 5, 5]))?.shape(), [2, 6, 5, 5]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct GroupNorm {
    /// The number of groups.
    pub num_groups: usize,
    /// The number of channels.
    pub num_channels: usize,
    /// `[num_channels]`
    pub weight: Option<Tensor>,
    /// `[num_channels]`
    pub bias: Option<Tensor>,
    /// What is added to the variance.
    pub eps: f64,
}

builder! {
    /// Builds a [`GroupNorm`].
    GroupNormBuilder for GroupNorm(num_groups: usize, num_channels: usize) {
        /// What is added to the variance; 1e-5 unless set.
        eps: f64,
        /// Whether there is a weight; `true` unless set.
        affine: bool,
        /// Whether there is a bias besides; `true` unless set.
        bias: bool,
    }
}

impl GroupNorm {
    /// The layer with a weight and a bias; channels that do not divide into the groups are an error of `forward`.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(num_groups: usize, num_channels: usize) -> Self {
        expect(Self::builder(num_groups, num_channels).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self {
            num_groups: args.size("num_groups")?,
            num_channels: args.size("num_channels")?,
            weight: args.parameter("weight", init::ones_)?,
            bias: args.parameter("bias", init::zeros_)?,
            eps: args.float("eps")?,
        })
    }
}

impl Layer for GroupNorm {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        rustorch_shape::rules::group_norm(input.shape(), &self.num_groups, &self.num_channels, &mut ())?;
        functional::group_norm(input, self.num_groups, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}

module!(GroupNorm { parameter weight, parameter bias } |layer| {
    format!(
        "GroupNorm({}, {}, eps={}, affine={}, bias={})",
        layer.num_groups,
        layer.num_channels,
        python::float(layer.eps),
        python::bool(layer.weight.is_some()),
        python::bool(layer.bias.is_some())
    )
});

/// Division by the root mean square over the last axes: `x / √(mean(x²) + ε) · weight` (`torch.nn.RMSNorm`; Zhang and
/// Sennrich 2019). The weight starts at 1.
///
/// `eps` is that of single precision unless set, which PyTorch also uses for `F32`.
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, RMSNorm}};
/// let y = RMSNorm::new(2).forward(&Tensor::from([[1.0f32, 7.0]]))?;
/// assert!((y.to_vec::<f32>()?[0] - 0.2).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct RMSNorm {
    /// The sizes of the last axes.
    pub normalized_shape: Vec<usize>,
    /// `normalized_shape`
    pub weight: Option<Tensor>,
    /// What is added to the mean square.
    pub eps: f64,
}

builder! {
    /// Builds an [`RMSNorm`].
    RMSNormBuilder for RMSNorm(normalized_shape: impl SizeList) {
        /// What is added to the mean square; that of single precision unless set.
        eps: f64,
        /// Whether there is a weight; `true` unless set.
        elementwise_affine: bool,
    }
}

impl RMSNorm {
    /// The layer with a weight.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn new(normalized_shape: impl SizeList) -> Self {
        expect(Self::builder(normalized_shape).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self {
            normalized_shape: args.sizes("normalized_shape")?,
            weight: args.parameter("weight", init::ones_)?,
            eps: args.float("eps")?,
        })
    }
}

impl Layer for RMSNorm {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::rms_norm(input, &self.normalized_shape, self.weight.as_ref(), self.eps)
    }
}

module!(RMSNorm { parameter weight } |layer| {
    format!(
        "RMSNorm({}, eps={}, elementwise_affine={})",
        python::tuple(&layer.normalized_shape),
        python::float(layer.eps),
        python::bool(layer.weight.is_some())
    )
});
