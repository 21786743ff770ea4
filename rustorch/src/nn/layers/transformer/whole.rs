//! Encoder and decoder together.

use super::options::transformer_builder;
use super::{
    DecoderMasks, SequenceMasks, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer, TransformerOptions,
};
use crate::error::expect;
use crate::nn::build::{Arguments, module};
use crate::nn::{Module, init};
use crate::{Error, Result, Tensor};

/// What a [`Transformer`] may see; nothing is hidden by default. `true` hides.
#[derive(Debug, Clone, Copy, Default)]
pub struct TransformerMasks<'a> {
    /// Of the encoder.
    pub src: SequenceMasks<'a>,
    /// Of the decoder.
    pub tgt: DecoderMasks<'a>,
}

/// An encoder of one sequence and a decoder of another that sees it (`torch.nn.Transformer`; Vaswani et al. 2017).
///
/// Matrices start as [`xavier_uniform_`](init::xavier_uniform_) has them.
///
/// ```
/// use rustorch::{Tensor, nn::{Transformer, TransformerMasks, TransformerOptions}};
/// let options = TransformerOptions { dim_feedforward: 16, batch_first: true, ..Default::default() };
/// let model = Transformer::with_options(8, 2, [1, 1], options)?;
/// let (src, tgt) = (Tensor::randn([3, 7, 8]), Tensor::randn([3, 5, 8]));
/// let mut masks = TransformerMasks::default();
/// masks.tgt.tgt_is_causal = true;
/// assert_eq!(model.forward(&src, &tgt, masks)?.shape(), [3, 5, 8]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Transformer {
    /// What sees the source.
    pub encoder: TransformerEncoder,
    /// What sees the target, and the encoder's output.
    pub decoder: TransformerDecoder,
    d_model: usize,
    batch_first: bool,
}

transformer_builder! {
    /// Builds a [`Transformer`].
    TransformerBuilder for Transformer(d_model, nhead) {
        /// Layers of the encoder; 6 unless set.
        num_encoder_layers: usize,
        /// Layers of the decoder; 6 unless set.
        num_decoder_layers: usize,
    }
}

impl Transformer {
    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let options = TransformerOptions::from_arguments(args)?;
        let num_layers = [args.size("num_encoder_layers")?, args.size("num_decoder_layers")?];
        Self::with_options(args.size("d_model")?, args.size("nhead")?, num_layers, options)
    }

    /// PyTorch's defaults: 512 features, 8 heads, 6 layers each.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "44 million parameters are not made in passing")]
    #[inline]
    pub fn new() -> Self {
        expect(Self::with_options(512, 8, [6, 6], TransformerOptions::default()))
    }

    /// `num_layers` are those of encoder and decoder.
    ///
    /// # Errors
    /// If the heads do not divide the features, there are no layers, `dropout` is not a probability, or there is not enough memory.
    #[inline]
    pub fn with_options(
        d_model: usize,
        nhead: usize,
        num_layers: [usize; 2],
        options: TransformerOptions,
    ) -> Result<Self> {
        let encoders =
            (0..num_layers[0]).map(|_| TransformerEncoderLayer::with_options(d_model, nhead, options));
        let decoders =
            (0..num_layers[1]).map(|_| TransformerDecoderLayer::with_options(d_model, nhead, options));
        let transformer = Self {
            encoder: TransformerEncoder::new(encoders.collect::<Result<_>>()?, Some(options.norm(d_model)?))?,
            decoder: TransformerDecoder::new(decoders.collect::<Result<_>>()?, Some(options.norm(d_model)?))?,
            d_model,
            batch_first: options.batch_first,
        };
        for parameter in transformer.parameters() {
            if parameter.rank() > 1 {
                init::xavier_uniform_(&parameter, 1.0)?;
            }
        }
        Ok(transformer)
    }

    /// The decoder's output for `tgt`, of the same shape, which sees what the encoder makes of `src`. Both are
    /// `[length, batch, d_model]`, `[batch, length, d_model]` if `batch_first`, or `[length, d_model]`.
    ///
    /// # Errors
    /// If an input or a mask does not fit.
    #[inline]
    pub fn forward(&self, src: &Tensor, tgt: &Tensor, masks: TransformerMasks<'_>) -> Result<Tensor> {
        let batch = usize::from(!self.batch_first);
        let fits = src.rank() == tgt.rank() && (src.rank() < 3 || src.shape()[batch] == tgt.shape()[batch]);
        if !fits {
            let message = format!(
                "src {:?} and tgt {:?} must be of one rank and batch (axis {batch}), and have {} features",
                src.shape(),
                tgt.shape(),
                self.d_model
            );
            return Err(Error::argument("Transformer", message));
        }
        let memory = self.encoder.forward(src, masks.src)?;
        self.decoder.forward(tgt, &memory, masks.tgt)
    }

    /// `[size, size]`: -∞ where the column is beyond the row, else 0 (`Transformer.generate_square_subsequent_mask`).
    ///
    /// # Errors
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::nn::Transformer;
    /// let mask = Transformer::generate_square_subsequent_mask(2)?;
    /// assert_eq!(mask.to_vec::<f32>()?, [0.0, f32::NEG_INFINITY, 0.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn generate_square_subsequent_mask(size: usize) -> Result<Tensor> {
        let positions = Tensor::arange(0, size, 1)?;
        Tensor::zeros([size, size]).masked_fill(&positions.unsqueeze(1)?.lt(&positions)?, f64::NEG_INFINITY)
    }
}

module!(
    Transformer { module encoder, module decoder }
    |transformer| crate::nn::module::repr_of("Transformer", &Module::children(transformer))
);
