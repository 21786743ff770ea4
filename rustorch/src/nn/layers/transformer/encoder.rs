//! The encoder.

use super::options::transformer_builder;
use super::{AttentionMasks, MultiheadAttention, TransformerActivation, TransformerOptions};
use crate::error::expect;
use crate::nn::build::{Arguments, module};
use crate::nn::{Dropout, Layer, LayerNorm, Linear, ModuleList};
use crate::{Error, Result, Tensor};

/// What an encoder may see; nothing is hidden by default. `true` hides, as in [`AttentionMasks`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SequenceMasks<'a> {
    /// `[l, l]`, or `[batch · nhead, l, l]`.
    pub mask: Option<&'a Tensor>,
    /// `[batch, l]`
    pub key_padding_mask: Option<&'a Tensor>,
    /// Whether position `i` sees only positions up to `i`; not looked at if there is a `mask`.
    pub is_causal: bool,
}

impl<'a> SequenceMasks<'a> {
    pub(super) fn attention(self) -> AttentionMasks<'a> {
        AttentionMasks {
            attn_mask: self.mask,
            key_padding_mask: self.key_padding_mask,
            is_causal: self.is_causal,
            ..Default::default()
        }
    }
}

/// Self-attention, then two linear maps per position, each added to its input and normalised
/// (`torch.nn.TransformerEncoderLayer`; Vaswani et al. 2017): `x = norm1(x + attention(x))`, `x = norm2(x + linear2(f(linear1(x))))`,
/// or, with `norm_first`, `x = x + attention(norm1(x))` and so on.
///
/// ```
/// use rustorch::{Tensor, nn::{SequenceMasks, TransformerEncoderLayer}};
/// let layer = TransformerEncoderLayer::builder(8, 2).dim_feedforward(16).batch_first(true).build()?;
/// let masks = SequenceMasks { is_causal: true, ..Default::default() };
/// assert_eq!(layer.forward(&Tensor::randn([3, 5, 8]), masks)?.shape(), [3, 5, 8]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct TransformerEncoderLayer {
    /// Attention of the sequence to itself.
    pub self_attn: MultiheadAttention,
    /// From `d_model` to `dim_feedforward`.
    pub linear1: Linear,
    /// After the activation.
    pub dropout: Dropout,
    /// From `dim_feedforward` to `d_model`.
    pub linear2: Linear,
    /// Of attention.
    pub norm1: LayerNorm,
    /// Of the linear maps.
    pub norm2: LayerNorm,
    /// After attention.
    pub dropout1: Dropout,
    /// After the linear maps.
    pub dropout2: Dropout,
    /// Whether to normalise what goes in, and not the sum.
    pub norm_first: bool,
    /// What follows `linear1`.
    pub activation: TransformerActivation,
}

transformer_builder! {
    /// Builds a [`TransformerEncoderLayer`].
    TransformerEncoderLayerBuilder for TransformerEncoderLayer(d_model, nhead) {}
}

impl TransformerEncoderLayer {
    /// The layer with PyTorch's defaults.
    ///
    /// # Panics
    /// If the heads do not divide the features, or there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(d_model: usize, nhead: usize) -> Self {
        expect(Self::with_options(d_model, nhead, TransformerOptions::default()))
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let options = TransformerOptions::from_arguments(args)?;
        Self::with_options(args.size("d_model")?, args.size("nhead")?, options)
    }

    /// The layer with options.
    ///
    /// # Errors
    /// If the heads do not divide the features, `dropout` is not a probability, or there is not enough memory.
    #[inline]
    pub fn with_options(d_model: usize, nhead: usize, options: TransformerOptions) -> Result<Self> {
        options.check("TransformerEncoderLayer")?;
        Ok(Self {
            self_attn: attention(d_model, nhead, &options)?,
            linear1: options.linear(d_model, options.dim_feedforward)?,
            dropout: options.drop(),
            linear2: options.linear(options.dim_feedforward, d_model)?,
            norm1: options.norm(d_model)?,
            norm2: options.norm(d_model)?,
            dropout1: options.drop(),
            dropout2: options.drop(),
            norm_first: options.norm_first,
            activation: options.activation,
        })
    }

    /// The output for `[length, batch, d_model]`, `[batch, length, d_model]` if `batch_first`, or one sequence `[length, d_model]`; of
    /// the same shape.
    ///
    /// # Errors
    /// If the input or a mask does not fit.
    #[inline]
    pub fn forward(&self, src: &Tensor, masks: SequenceMasks<'_>) -> Result<Tensor> {
        let attend = |x: &Tensor| {
            let (y, _) = self.self_attn.forward(x, x, x, masks.attention())?;
            self.dropout1.forward(&y)
        };
        let neurons = |x: &Tensor| {
            let inner = self.activation.apply(&self.linear1.forward(x)?)?;
            self.dropout2.forward(&self.linear2.forward(&self.dropout.forward(&inner)?)?)
        };
        if self.norm_first {
            let x = src.add(&attend(&self.norm1.forward(src)?)?)?;
            return x.add(&neurons(&self.norm2.forward(&x)?)?);
        }
        let x = self.norm1.forward(&src.add(&attend(src)?)?)?;
        self.norm2.forward(&x.add(&neurons(&x)?)?)
    }
}

/// Attention as the transformer's layers have it.
#[inline]
pub(super) fn attention(
    d_model: usize,
    nhead: usize,
    options: &TransformerOptions,
) -> Result<MultiheadAttention> {
    MultiheadAttention::builder(d_model, nhead)
        .dropout(options.dropout)
        .bias(options.bias)
        .batch_first(options.batch_first)
        .build()
}

/// Without masks.
impl Layer for TransformerEncoderLayer {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        TransformerEncoderLayer::forward(self, input, SequenceMasks::default())
    }
}

module!(
    TransformerEncoderLayer {
        module self_attn, module linear1, module dropout, module linear2, module norm1, module norm2, module dropout1,
        module dropout2
    } |layer| crate::nn::module::repr_of("TransformerEncoderLayer", &crate::nn::Module::children(layer))
);

/// Encoder layers in a row, and a norm at the end (`torch.nn.TransformerEncoder`).
///
/// ```
/// use rustorch::{Tensor, nn::{SequenceMasks, TransformerEncoder, TransformerEncoderLayer}};
/// let layers = (0..2).map(|_| TransformerEncoderLayer::builder(8, 2).dim_feedforward(16).build());
/// let encoder = TransformerEncoder::new(layers.collect::<rustorch::Result<_>>()?, None)?;
/// let equal = TransformerEncoder::builder(8, 2, 2).dim_feedforward(16).build()?;
/// assert_eq!(encoder.layers.len(), equal.layers.len());
/// assert_eq!(encoder.forward(&Tensor::randn([5, 3, 8]), SequenceMasks::default())?.shape(), [5, 3, 8]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct TransformerEncoder {
    /// The layers.
    pub layers: ModuleList<TransformerEncoderLayer>,
    /// What the last layer's output goes through.
    pub norm: Option<LayerNorm>,
}

transformer_builder! {
    /// Builds a [`TransformerEncoder`].
    TransformerEncoderBuilder for TransformerEncoder(d_model, nhead, num_layers) {
        /// Whether the output is normalised at the end; `false` unless set.
        norm: bool,
    }
}

impl TransformerEncoder {
    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let options = TransformerOptions::from_arguments(args)?;
        let (d_model, nhead) = (args.size("d_model")?, args.size("nhead")?);
        let layers = (0..args.size("num_layers")?)
            .map(|_| TransformerEncoderLayer::with_options(d_model, nhead, options));
        let norm = if args.flag("norm")? { Some(options.norm(d_model)?) } else { None };
        Self::new(layers.collect::<Result<_>>()?, norm)
    }

    /// These layers, and the norm if there is one. (PyTorch copies one layer with its weights; here each has its own.)
    ///
    /// # Errors
    /// If there are no layers.
    #[inline]
    pub fn new(layers: Vec<TransformerEncoderLayer>, norm: Option<LayerNorm>) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::argument("TransformerEncoder", "there are no layers, expected at least 1"));
        }
        Ok(Self { layers, norm })
    }

    /// The output for the input of the first layer, of the same shape.
    ///
    /// # Errors
    /// If the input or a mask does not fit.
    #[inline]
    pub fn forward(&self, src: &Tensor, masks: SequenceMasks<'_>) -> Result<Tensor> {
        let mut x = src.clone();
        for layer in &self.layers {
            x = layer.forward(&x, masks)?;
        }
        self.norm.as_ref().map_or(Ok(x.clone()), |norm| norm.forward(&x))
    }
}

/// Without masks.
impl Layer for TransformerEncoder {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        TransformerEncoder::forward(self, input, SequenceMasks::default())
    }
}

module!(
    TransformerEncoder { module layers, module norm }
    |encoder| crate::nn::module::repr_of("TransformerEncoder", &crate::nn::Module::children(encoder))
);
