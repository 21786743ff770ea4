//! Layers whose masks are a struct in the library and arguments by name in `model!`: inputs, then all options in the order of
//! the table.

use crate::nn::{
    AttentionMasks, DecoderMasks, MultiheadAttention, SequenceMasks, Transformer, TransformerDecoder,
    TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer, TransformerMasks,
};
use crate::{Result, Tensor};

/// Attention of `query` to `key` and `value`, or to itself.
///
/// # Errors
/// As [`MultiheadAttention::forward`].
#[inline]
pub fn multihead_attention(
    layer: &MultiheadAttention,
    query: &Tensor,
    key: Option<&Tensor>,
    value: Option<&Tensor>,
    attn_mask: Option<&Tensor>,
    key_padding_mask: Option<&Tensor>,
    is_causal: bool,
) -> Result<Tensor> {
    let masks = AttentionMasks { attn_mask, key_padding_mask, is_causal, ..Default::default() };
    Ok(layer.forward(query, key.unwrap_or(query), value.unwrap_or(query), masks)?.0)
}

macro_rules! encoders {
    ($($name:ident: $layer:ident;)*) => {$(
        /// The layer with its masks.
        ///
        /// # Errors
        /// As the layer's `forward`.
        #[inline]
        pub fn $name(
            layer: &$layer,
            src: &Tensor,
            mask: Option<&Tensor>,
            key_padding_mask: Option<&Tensor>,
            is_causal: bool,
        ) -> Result<Tensor> {
            layer.forward(src, SequenceMasks { mask, key_padding_mask, is_causal })
        }
    )*};
}
encoders! {
    transformer_encoder_layer: TransformerEncoderLayer;
    transformer_encoder: TransformerEncoder;
}

macro_rules! decoders {
    ($($name:ident: $layer:ident;)*) => {$(
        /// The layer with its masks.
        ///
        /// # Errors
        /// As the layer's `forward`.
        #[expect(clippy::too_many_arguments, reason = "generated code writes them all")]
        #[inline]
        pub fn $name(
            layer: &$layer,
            tgt: &Tensor,
            memory: &Tensor,
            tgt_mask: Option<&Tensor>,
            memory_mask: Option<&Tensor>,
            tgt_key_padding_mask: Option<&Tensor>,
            memory_key_padding_mask: Option<&Tensor>,
            tgt_is_causal: bool,
            memory_is_causal: bool,
        ) -> Result<Tensor> {
            let masks = DecoderMasks {
                tgt_mask,
                memory_mask,
                tgt_key_padding_mask,
                memory_key_padding_mask,
                tgt_is_causal,
                memory_is_causal,
            };
            layer.forward(tgt, memory, masks)
        }
    )*};
}
decoders! {
    transformer_decoder_layer: TransformerDecoderLayer;
    transformer_decoder: TransformerDecoder;
}

/// Encoder and decoder with their masks.
///
/// # Errors
/// As [`Transformer::forward`].
#[expect(clippy::too_many_arguments, reason = "generated code writes them all")]
#[inline]
pub fn transformer(
    layer: &Transformer,
    src: &Tensor,
    tgt: &Tensor,
    src_mask: Option<&Tensor>,
    tgt_mask: Option<&Tensor>,
    memory_mask: Option<&Tensor>,
    src_key_padding_mask: Option<&Tensor>,
    tgt_key_padding_mask: Option<&Tensor>,
    memory_key_padding_mask: Option<&Tensor>,
    src_is_causal: bool,
    tgt_is_causal: bool,
    memory_is_causal: bool,
) -> Result<Tensor> {
    let masks = TransformerMasks {
        src: SequenceMasks {
            mask: src_mask,
            key_padding_mask: src_key_padding_mask,
            is_causal: src_is_causal,
        },
        tgt: DecoderMasks {
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        },
    };
    layer.forward(src, tgt, masks)
}
