//! Attention by several heads, and the layers of the transformer.

mod decoder;
mod encoder;
mod masks;
mod multihead;
mod options;
mod whole;

pub use decoder::{
    DecoderMasks, TransformerDecoder, TransformerDecoderBuilder, TransformerDecoderLayer,
    TransformerDecoderLayerBuilder,
};
pub use encoder::{
    SequenceMasks, TransformerEncoder, TransformerEncoderBuilder, TransformerEncoderLayer,
    TransformerEncoderLayerBuilder,
};
pub use masks::AttentionMasks;
pub use multihead::{MultiheadAttention, MultiheadAttentionBuilder};
pub use options::{TransformerActivation, TransformerOptions};
pub use whole::{Transformer, TransformerBuilder, TransformerMasks};
