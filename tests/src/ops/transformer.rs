//! Attention by several heads and the layers of the transformer, with the weights of the case in place of their own.

use std::vec::IntoIter;

use rustorch::nn::{
    AttentionMasks, DecoderMasks, LayerNorm, Linear, MultiheadAttention, SequenceMasks, Transformer,
    TransformerActivation, TransformerDecoderLayer, TransformerEncoderLayer, TransformerMasks,
    TransformerOptions,
};
use rustorch::{Result, Tensor};

use super::{Table, table};
use crate::golden::Args;

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "multihead_attention" => |a| multihead(a)?;
        "transformer_encoder_layer" => |a| {
            let mut layer = TransformerEncoderLayer::with_options(a.size(4), a.size(5), options(a, 6))?;
            fill_encoder(&mut layer, &mut a.tensors(3).into_iter());
            let (mask, key_padding_mask) = (a.tensor_or_none(1), a.tensor_or_none(2));
            [layer.forward(a.tensor(0), SequenceMasks { mask, key_padding_mask, is_causal: false })?]
        };
        "transformer_decoder_layer" => |a| {
            let mut layer = TransformerDecoderLayer::with_options(a.size(5), a.size(6), options(a, 7))?;
            fill_decoder(&mut layer, &mut a.tensors(4).into_iter());
            let masks = DecoderMasks {
                tgt_mask: a.tensor_or_none(2),
                memory_key_padding_mask: a.tensor_or_none(3),
                ..Default::default()
            };
            [layer.forward(a.tensor(0), a.tensor(1), masks)?]
        };
        "transformer" => |a| {
            let options = TransformerOptions { dim_feedforward: a.size(8), dropout: 0.0, ..Default::default() };
            let mut model = Transformer::with_options(a.size(4), a.size(5), [a.size(6), a.size(7)], options)?;
            let values = &mut a.tensors(3).into_iter();
            model.encoder.layers.iter_mut().for_each(|layer| fill_encoder(layer, values));
            model.encoder.norm.iter_mut().for_each(|norm| fill_norm(norm, values));
            model.decoder.layers.iter_mut().for_each(|layer| fill_decoder(layer, values));
            model.decoder.norm.iter_mut().for_each(|norm| fill_norm(norm, values));
            let mut masks = TransformerMasks::default();
            masks.tgt.tgt_mask = a.tensor_or_none(2);
            [model.forward(a.tensor(0), a.tensor(1), masks)?]
        };
    }
}

fn multihead(a: &Args) -> Result<Vec<Tensor>> {
    let mut layer = MultiheadAttention::builder(a.size(8), a.size(9))
        .bias(a.bool(10))
        .add_bias_kv(a.bool(11))
        .add_zero_attn(a.bool(12))
        .kdim(a.size(13))
        .vdim(a.size(14))
        .batch_first(a.bool(15))
        .build()?;
    fill_attention(&mut layer, &mut a.tensors(7).into_iter());
    let query = a.tensor(0);
    let (key, value) = (a.tensor_or_none(1).unwrap_or(query), a.tensor_or_none(2).unwrap_or(query));
    let masks = AttentionMasks {
        attn_mask: a.tensor_or_none(3),
        key_padding_mask: a.tensor_or_none(4),
        need_weights: a.bool(5),
        per_head_weights: a.bool(6),
        ..Default::default()
    };
    let (output, weights) = layer.forward(query, key, value, masks)?;
    Ok([Some(output), weights].into_iter().flatten().collect())
}

/// Width, activation, norm_first, batch_first and bias from argument `at` on.
fn options(a: &Args, at: usize) -> TransformerOptions {
    TransformerOptions {
        dim_feedforward: a.size(at),
        dropout: 0.0,
        activation: match a.text(at + 1) {
            "gelu" => TransformerActivation::Gelu,
            _ => TransformerActivation::Relu,
        },
        norm_first: a.bool(at + 2),
        batch_first: a.bool(at + 3),
        bias: a.bool(at + 4),
        ..Default::default()
    }
}

type Values = IntoIter<Tensor>;

fn next(values: &mut Values) -> Tensor {
    values.next().expect("the case has every parameter")
}

fn fill_optional(slot: &mut Option<Tensor>, values: &mut Values) {
    if slot.is_some() {
        *slot = Some(next(values));
    }
}

fn fill_linear(linear: &mut Linear, values: &mut Values) {
    linear.weight = next(values);
    fill_optional(&mut linear.bias, values);
}

fn fill_norm(norm: &mut LayerNorm, values: &mut Values) {
    fill_optional(&mut norm.weight, values);
    fill_optional(&mut norm.bias, values);
}

fn fill_attention(layer: &mut MultiheadAttention, values: &mut Values) {
    for slot in [
        &mut layer.in_proj_weight,
        &mut layer.q_proj_weight,
        &mut layer.k_proj_weight,
        &mut layer.v_proj_weight,
        &mut layer.in_proj_bias,
        &mut layer.bias_k,
        &mut layer.bias_v,
    ] {
        fill_optional(slot, values);
    }
    fill_linear(&mut layer.out_proj, values);
}

fn fill_encoder(layer: &mut TransformerEncoderLayer, values: &mut Values) {
    fill_attention(&mut layer.self_attn, values);
    fill_linear(&mut layer.linear1, values);
    fill_linear(&mut layer.linear2, values);
    fill_norm(&mut layer.norm1, values);
    fill_norm(&mut layer.norm2, values);
}

fn fill_decoder(layer: &mut TransformerDecoderLayer, values: &mut Values) {
    fill_attention(&mut layer.self_attn, values);
    fill_attention(&mut layer.multihead_attn, values);
    fill_linear(&mut layer.linear1, values);
    fill_linear(&mut layer.linear2, values);
    fill_norm(&mut layer.norm1, values);
    fill_norm(&mut layer.norm2, values);
    fill_norm(&mut layer.norm3, values);
}
