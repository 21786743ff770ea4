//! Whether attention and the layers of the transformer are as they were declared: their fields are public, and plans are made of them.

use super::run::has_shape;
use crate::nn::{
    LayerNorm, Linear, MultiheadAttention, Transformer, TransformerActivation, TransformerDecoder,
    TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer,
};

/// Attention as it was declared.
#[derive(Clone, Copy)]
pub struct Heads {
    /// The features of queries, of keys and of values.
    pub features: [usize; 3],
    /// How many heads.
    pub count: usize,
    /// Whether the batch is axis 0.
    pub batch_first: bool,
    /// Whether there are a learnt key and one of zeros.
    pub extra: [bool; 2],
}

/// A layer of the transformer as it was declared.
#[derive(Clone, Copy)]
pub struct Block {
    /// The features, those between the two linear maps, and the number of heads.
    pub sizes: [usize; 3],
    /// Whether the batch is axis 0.
    pub batch_first: bool,
    /// Whether norms come first.
    pub norm_first: bool,
    /// `relu` or `gelu`.
    pub activation: &'static str,
    /// The layers of encoder and decoder, as far as there are any.
    pub layers: [usize; 2],
    /// Whether there is a norm at the end.
    pub norm: bool,
}

/// A layer that may be as it was declared.
pub trait Attentive<D> {
    /// Whether it is.
    fn is_as(&self, declared: &D) -> bool;
}

fn linear(layer: &Linear, [inputs, outputs]: [usize; 2]) -> bool {
    layer.weight.shape() == [outputs, inputs] && has_shape(&layer.bias, &[outputs])
}

fn norm(layer: &LayerNorm, features: usize) -> bool {
    layer.normalized_shape[..] == [features]
        && has_shape(&layer.weight, &[features])
        && has_shape(&layer.bias, &[features])
}

impl Attentive<Heads> for MultiheadAttention {
    fn is_as(&self, declared: &Heads) -> bool {
        let [e, keys, values] = declared.features;
        let is_alike = keys == e && values == e;
        let own = [&self.q_proj_weight, &self.k_proj_weight, &self.v_proj_weight];
        let projections = match &self.in_proj_weight {
            Some(weight) => is_alike && weight.shape() == [3 * e, e],
            None => {
                let columns = [e, keys, values];
                let fits = |weight: &Option<crate::Tensor>, columns: usize| {
                    weight.as_ref().is_some_and(|weight| weight.shape() == [e, columns])
                };
                !is_alike && own.into_iter().zip(columns).all(|(weight, columns)| fits(weight, columns))
            }
        };
        let [learnt, zeros] = declared.extra;
        let more = [&self.bias_k, &self.bias_v];
        projections
            && has_shape(&self.in_proj_bias, &[3 * e])
            && more.iter().all(|one| one.is_some() == learnt && has_shape(*one, &[1, 1, e]))
            && linear(&self.out_proj, [e; 2])
            && self.embed_dim == e
            && self.num_heads == declared.count
            && self.batch_first == declared.batch_first
            && self.add_zero_attn == zeros
    }
}

impl Block {
    fn heads(&self) -> Heads {
        let [features, _, count] = self.sizes;
        Heads { features: [features; 3], count, batch_first: self.batch_first, extra: [false; 2] }
    }

    fn neurons(&self, first: &Linear, second: &Linear) -> bool {
        let [features, inner, _] = self.sizes;
        linear(first, [features, inner]) && linear(second, [inner, features])
    }

    fn activation(&self, activation: TransformerActivation) -> bool {
        match activation {
            TransformerActivation::Relu => self.activation == "relu",
            TransformerActivation::Gelu => self.activation == "gelu",
            TransformerActivation::Other(_) => false,
        }
    }

    fn norm(&self, last: &Option<LayerNorm>) -> bool {
        last.is_some() == self.norm && last.as_ref().is_none_or(|last| norm(last, self.sizes[0]))
    }
}

impl Attentive<Block> for TransformerEncoderLayer {
    fn is_as(&self, declared: &Block) -> bool {
        self.self_attn.is_as(&declared.heads())
            && declared.neurons(&self.linear1, &self.linear2)
            && [&self.norm1, &self.norm2].into_iter().all(|one| norm(one, declared.sizes[0]))
            && self.norm_first == declared.norm_first
            && declared.activation(self.activation)
    }
}

impl Attentive<Block> for TransformerDecoderLayer {
    fn is_as(&self, declared: &Block) -> bool {
        [&self.self_attn, &self.multihead_attn].into_iter().all(|one| one.is_as(&declared.heads()))
            && declared.neurons(&self.linear1, &self.linear2)
            && [&self.norm1, &self.norm2, &self.norm3].into_iter().all(|one| norm(one, declared.sizes[0]))
            && self.norm_first == declared.norm_first
            && declared.activation(self.activation)
    }
}

impl Attentive<Block> for TransformerEncoder {
    fn is_as(&self, declared: &Block) -> bool {
        self.layers.len() == declared.layers[0]
            && self.layers.iter().all(|layer| layer.is_as(declared))
            && declared.norm(&self.norm)
    }
}

impl Attentive<Block> for TransformerDecoder {
    fn is_as(&self, declared: &Block) -> bool {
        self.layers.len() == declared.layers[1]
            && self.layers.iter().all(|layer| layer.is_as(declared))
            && declared.norm(&self.norm)
    }
}

impl Attentive<Block> for Transformer {
    fn is_as(&self, declared: &Block) -> bool {
        self.encoder.is_as(declared) && self.decoder.is_as(declared)
    }
}
