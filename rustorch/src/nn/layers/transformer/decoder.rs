//! The decoder.

use super::encoder::attention;
use super::options::transformer_builder;
use super::{AttentionMasks, MultiheadAttention, TransformerActivation, TransformerOptions};
use crate::error::expect;
use crate::nn::build::{Arguments, module};
use crate::nn::{Dropout, Layer, LayerNorm, Linear, ModuleList};
use crate::{Error, Result, Tensor};

/// What a decoder may see of its own sequence (`tgt`) and of the encoder's (`memory`); nothing is hidden by default. `true` hides, as
/// in [`AttentionMasks`].
#[derive(Debug, Clone, Copy, Default)]
pub struct DecoderMasks<'a> {
    /// `[l, l]`, or `[batch · nhead, l, l]`.
    pub tgt_mask: Option<&'a Tensor>,
    /// `[l, s]`, or `[batch · nhead, l, s]`.
    pub memory_mask: Option<&'a Tensor>,
    /// `[batch, l]`
    pub tgt_key_padding_mask: Option<&'a Tensor>,
    /// `[batch, s]`
    pub memory_key_padding_mask: Option<&'a Tensor>,
    /// Whether position `i` sees only positions up to `i` of its own sequence; not looked at if there is a `tgt_mask`.
    pub tgt_is_causal: bool,
    /// The same of the memory.
    pub memory_is_causal: bool,
}

/// Self-attention, attention to the encoder's output, then two linear maps per position, each added to its input and normalised
/// (`torch.nn.TransformerDecoderLayer`; Vaswani et al. 2017).
///
/// ```
/// use rustorch::{Tensor, nn::{DecoderMasks, TransformerDecoderLayer, TransformerOptions}};
/// let options = TransformerOptions { dim_feedforward: 16, ..Default::default() };
/// let layer = TransformerDecoderLayer::with_options(8, 2, options)?; // or builder(8, 2).dim_feedforward(16).build()?
/// let (tgt, memory) = (Tensor::randn([5, 3, 8]), Tensor::randn([7, 3, 8]));
/// let masks = DecoderMasks { tgt_is_causal: true, ..Default::default() };
/// assert_eq!(layer.forward(&tgt, &memory, masks)?.shape(), [5, 3, 8]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct TransformerDecoderLayer {
    /// Attention of the sequence to itself.
    pub self_attn: MultiheadAttention,
    /// Attention to the encoder's output.
    pub multihead_attn: MultiheadAttention,
    /// From `d_model` to `dim_feedforward`.
    pub linear1: Linear,
    /// After the activation.
    pub dropout: Dropout,
    /// From `dim_feedforward` to `d_model`.
    pub linear2: Linear,
    /// Of self-attention.
    pub norm1: LayerNorm,
    /// Of attention to the encoder's output.
    pub norm2: LayerNorm,
    /// Of the linear maps.
    pub norm3: LayerNorm,
    /// After self-attention.
    pub dropout1: Dropout,
    /// After attention to the encoder's output.
    pub dropout2: Dropout,
    /// After the linear maps.
    pub dropout3: Dropout,
    /// Whether to normalise what goes in, and not the sum.
    pub norm_first: bool,
    /// What follows `linear1`.
    pub activation: TransformerActivation,
}

transformer_builder! {
    /// Builds a [`TransformerDecoderLayer`].
    TransformerDecoderLayerBuilder for TransformerDecoderLayer(d_model, nhead) {}
}

impl TransformerDecoderLayer {
    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let options = TransformerOptions::from_arguments(args)?;
        Self::with_options(args.size("d_model")?, args.size("nhead")?, options)
    }

    /// The layer with PyTorch's defaults.
    ///
    /// # Panics
    /// If the heads do not divide the features, or there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(d_model: usize, nhead: usize) -> Self {
        expect(Self::with_options(d_model, nhead, TransformerOptions::default()))
    }

    /// The layer with options.
    ///
    /// # Errors
    /// If the heads do not divide the features, `dropout` is not a probability, or there is not enough memory.
    #[inline]
    pub fn with_options(d_model: usize, nhead: usize, options: TransformerOptions) -> Result<Self> {
        options.check("TransformerDecoderLayer")?;
        Ok(Self {
            self_attn: attention(d_model, nhead, &options)?,
            multihead_attn: attention(d_model, nhead, &options)?,
            linear1: options.linear(d_model, options.dim_feedforward)?,
            dropout: options.drop(),
            linear2: options.linear(options.dim_feedforward, d_model)?,
            norm1: options.norm(d_model)?,
            norm2: options.norm(d_model)?,
            norm3: options.norm(d_model)?,
            dropout1: options.drop(),
            dropout2: options.drop(),
            dropout3: options.drop(),
            norm_first: options.norm_first,
            activation: options.activation,
        })
    }

    /// The output for `tgt`, of the same shape, and the encoder's output `memory`; both as
    /// [`TransformerEncoderLayer`](super::TransformerEncoderLayer) takes them.
    ///
    /// # Errors
    /// If an input or a mask does not fit.
    #[inline]
    pub fn forward(&self, tgt: &Tensor, memory: &Tensor, masks: DecoderMasks<'_>) -> Result<Tensor> {
        let attend = |x: &Tensor| {
            let masks = AttentionMasks {
                attn_mask: masks.tgt_mask,
                key_padding_mask: masks.tgt_key_padding_mask,
                is_causal: masks.tgt_is_causal,
                ..Default::default()
            };
            self.dropout1.forward(&self.self_attn.forward(x, x, x, masks)?.0)
        };
        let recall = |x: &Tensor| {
            let masks = AttentionMasks {
                attn_mask: masks.memory_mask,
                key_padding_mask: masks.memory_key_padding_mask,
                is_causal: masks.memory_is_causal,
                ..Default::default()
            };
            self.dropout2.forward(&self.multihead_attn.forward(x, memory, memory, masks)?.0)
        };
        let neurons = |x: &Tensor| {
            let inner = self.activation.apply(&self.linear1.forward(x)?)?;
            self.dropout3.forward(&self.linear2.forward(&self.dropout.forward(&inner)?)?)
        };
        if self.norm_first {
            let x = tgt.add(&attend(&self.norm1.forward(tgt)?)?)?;
            let x = x.add(&recall(&self.norm2.forward(&x)?)?)?;
            return x.add(&neurons(&self.norm3.forward(&x)?)?);
        }
        let x = self.norm1.forward(&tgt.add(&attend(tgt)?)?)?;
        let x = self.norm2.forward(&x.add(&recall(&x)?)?)?;
        self.norm3.forward(&x.add(&neurons(&x)?)?)
    }
}

module!(
    TransformerDecoderLayer {
        module self_attn, module multihead_attn, module linear1, module dropout, module linear2, module norm1, module norm2,
        module norm3, module dropout1, module dropout2, module dropout3
    } |layer| crate::nn::module::repr_of("TransformerDecoderLayer", &crate::nn::Module::children(layer))
);

/// Decoder layers in a row, and a norm at the end (`torch.nn.TransformerDecoder`).
#[derive(Clone)]
pub struct TransformerDecoder {
    /// The layers.
    pub layers: ModuleList<TransformerDecoderLayer>,
    /// What the last layer's output goes through.
    pub norm: Option<LayerNorm>,
}

transformer_builder! {
    /// Builds a [`TransformerDecoder`].
    TransformerDecoderBuilder for TransformerDecoder(d_model, nhead, num_layers) {
        /// Whether the output is normalised at the end; `false` unless set.
        norm: bool,
    }
}

impl TransformerDecoder {
    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let options = TransformerOptions::from_arguments(args)?;
        let (d_model, nhead) = (args.size("d_model")?, args.size("nhead")?);
        let layers = (0..args.size("num_layers")?)
            .map(|_| TransformerDecoderLayer::with_options(d_model, nhead, options));
        let norm = if args.flag("norm")? { Some(options.norm(d_model)?) } else { None };
        Self::new(layers.collect::<Result<_>>()?, norm)
    }

    /// These layers, and the norm if there is one. (PyTorch copies one layer with its weights; here each has its own.)
    ///
    /// # Errors
    /// If there are no layers.
    #[inline]
    pub fn new(layers: Vec<TransformerDecoderLayer>, norm: Option<LayerNorm>) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::argument("TransformerDecoder", "there are no layers, expected at least 1"));
        }
        Ok(Self { layers, norm })
    }

    /// The output for `tgt`, of the same shape, and the encoder's output `memory`, which every layer sees.
    ///
    /// # Errors
    /// If an input or a mask does not fit.
    #[inline]
    pub fn forward(&self, tgt: &Tensor, memory: &Tensor, masks: DecoderMasks<'_>) -> Result<Tensor> {
        let mut x = tgt.clone();
        for layer in &self.layers {
            x = layer.forward(&x, memory, masks)?;
        }
        self.norm.as_ref().map_or(Ok(x.clone()), |norm| norm.forward(&x))
    }
}

module!(
    TransformerDecoder { module layers, module norm }
    |decoder| crate::nn::module::repr_of("TransformerDecoder", &crate::nn::Module::children(decoder))
);
