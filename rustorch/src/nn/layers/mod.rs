//! The layers. Their arguments, defaults and parameter shapes stand in the table of `rustorch-shape`, which `model!`
//! checks by.

mod activation;
mod activation_more;
mod bilinear;
mod conv;
mod conv_transpose;
mod dropout;
mod embedding;
mod instance_norm;
mod linear;
mod norm;
mod padding;
mod pool;
mod recurrent;
mod resample;
mod rrelu;
mod shape;
mod softmax;
mod transformer;

pub use activation::*;
pub use activation_more::*;
pub use bilinear::{Bilinear, BilinearBuilder};
pub use conv::{Conv1d, Conv1dBuilder, Conv2d, Conv2dBuilder, Conv3d, Conv3dBuilder, PaddingMode};
pub use conv_transpose::{
    ConvTranspose1d, ConvTranspose1dBuilder, ConvTranspose2d, ConvTranspose2dBuilder, ConvTranspose3d,
    ConvTranspose3dBuilder,
};
pub use dropout::*;
pub use embedding::{Embedding, EmbeddingBuilder};
pub use instance_norm::*;
pub use linear::{Linear, LinearBuilder};
pub(crate) use norm::share_of_batch;
pub use norm::{
    BatchNorm1d, BatchNorm1dBuilder, BatchNorm2d, BatchNorm2dBuilder, BatchNorm3d, BatchNorm3dBuilder,
    GroupNorm, GroupNormBuilder, LayerNorm, LayerNormBuilder, RMSNorm, RMSNormBuilder,
};
pub use padding::*;
pub use pool::*;
pub(crate) use recurrent::Stack;
pub use recurrent::{
    Gru, GruBuilder, GruCell, GruCellBuilder, Lstm, LstmBuilder, LstmCell, LstmCellBuilder, RecurrentWeights,
    Rnn, RnnBuilder, RnnCell, RnnCellBuilder,
};
pub use resample::{
    PixelShuffle, PixelShuffleBuilder, PixelUnshuffle, PixelUnshuffleBuilder, Upsample, UpsampleBuilder,
};
pub use rrelu::*;
pub use shape::{Flatten, FlattenBuilder, Identity, IdentityBuilder, Unflatten, UnflattenBuilder};
pub use softmax::{
    LogSoftmax, LogSoftmaxBuilder, Softmax, Softmax2d, Softmax2dBuilder, SoftmaxBuilder, Softmin,
    SoftminBuilder,
};
pub use transformer::{
    AttentionMasks, DecoderMasks, MultiheadAttention, MultiheadAttentionBuilder, SequenceMasks, Transformer,
    TransformerActivation, TransformerBuilder, TransformerDecoder, TransformerDecoderBuilder,
    TransformerDecoderLayer, TransformerDecoderLayerBuilder, TransformerEncoder, TransformerEncoderBuilder,
    TransformerEncoderLayer, TransformerEncoderLayerBuilder, TransformerMasks, TransformerOptions,
};
