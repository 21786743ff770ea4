//! Attention and transformer layers.

use super::{LayerSpec, Signature, StateSpec, parameter};
use crate::args::{ArgSpec, Args, Fallback, Feature, Kind};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;
use crate::size::Size;

pub(super) const MULTIHEAD_ATTENTION: LayerSpec = LayerSpec {
    name: "MultiheadAttention",
    summary: "attention of a sequence to itself by several heads: [length, batch, embed_dim] -> the same",
    args: &[
        ArgSpec::size("embed_dim").inferred(Feature::Last),
        ArgSpec::size("num_heads"),
        ArgSpec::float("dropout", 0.0).named(),
        ArgSpec::bool("bias", true),
        ArgSpec::bool("add_bias_kv", false),
        ArgSpec::bool("add_zero_attn", false),
        ArgSpec::size("kdim").named().or(Fallback::Same("embed_dim")),
        ArgSpec::size("vdim").named().or(Fallback::Same("embed_dim")),
        ArgSpec::flag("batch_first", false),
    ],
    signature: Signature::MAP,
    state: attention_state,
    rule: attention_rule,
};

pub(super) const TRANSFORMER_ENCODER_LAYER: LayerSpec = LayerSpec {
    name: "TransformerEncoderLayer",
    summary: "self-attention, then a layer of neurons per position, each added to its input and normalised",
    args: &[
        ArgSpec::size("d_model").inferred(Feature::Last),
        ArgSpec::size("nhead"),
        ArgSpec::size("dim_feedforward").or(Fallback::Size(2048)),
        ArgSpec::float("dropout", 0.1).named(),
        ArgSpec::of("activation", Kind::Text(&["relu", "gelu"])).named().or(Fallback::Text("relu")),
        ArgSpec::float("layer_norm_eps", 1e-5).named(),
        ArgSpec::flag("batch_first", false),
        ArgSpec::bool("norm_first", false),
        ArgSpec::bool("bias", true),
    ],
    signature: Signature::MAP,
    state: encoder_state,
    rule: |args, inputs, claims| {
        let (features, heads) = (args.size("d_model")?, args.size("nhead")?);
        Ok(vec![rules::self_attention(args.op, inputs[0], features, heads, claims)?])
    },
};

fn times(args: &Args, factor: usize, name: &'static str) -> Result<Poly> {
    let size = args.size(name)?;
    size.times(&Poly::constant(factor)).ok_or_else(|| {
        crate::ShapeError::argument(args.op, name, format!("{factor} * {size} is too large to be a size"))
    })
}

fn attention_state(args: &Args) -> Result<Vec<StateSpec>> {
    let embed = args.size("embed_dim")?;
    let (key, value) = (args.size("kdim")?, args.size("vdim")?);
    let (bias, rows) = (args.may_be("bias"), times(args, 3, "embed_dim")?);
    let one = || Poly::constant(1);
    let mut state = if key == embed && value == embed {
        vec![parameter("in_proj_weight", vec![rows.clone(), embed.clone()])]
    } else {
        [("q_proj_weight", embed), ("k_proj_weight", key), ("v_proj_weight", value)]
            .map(|(name, columns)| parameter(name, vec![embed.clone(), columns.clone()]))
            .to_vec()
    };
    if bias {
        state.push(parameter("in_proj_bias", vec![rows]));
    }
    if args.may_be("add_bias_kv") {
        state.extend(["bias_k", "bias_v"].map(|name| parameter(name, vec![one(), one(), embed.clone()])));
    }
    state.push(parameter("out_proj.weight", vec![embed.clone(), embed.clone()]));
    if bias {
        state.push(parameter("out_proj.bias", vec![embed.clone()]));
    }
    Ok(state)
}

/// Attention of a sequence to itself.
fn attention_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let (features, heads) = (args.size("embed_dim")?, args.size("num_heads")?);
    Ok(vec![rules::self_attention(args.op, inputs[0], features, heads, claims)?])
}

fn encoder_state(args: &Args) -> Result<Vec<StateSpec>> {
    let (features, inner) = (args.size("d_model")?, args.size("dim_feedforward")?);
    let rows = times(args, 3, "d_model")?;
    let list: [(&str, Vec<&Poly>); 12] = [
        ("self_attn.in_proj_weight", vec![&rows, features]),
        ("self_attn.in_proj_bias", vec![&rows]),
        ("self_attn.out_proj.weight", vec![features, features]),
        ("self_attn.out_proj.bias", vec![features]),
        ("linear1.weight", vec![inner, features]),
        ("linear1.bias", vec![inner]),
        ("linear2.weight", vec![features, inner]),
        ("linear2.bias", vec![features]),
        ("norm1.weight", vec![features]),
        ("norm1.bias", vec![features]),
        ("norm2.weight", vec![features]),
        ("norm2.bias", vec![features]),
    ];
    let kept = list.into_iter().filter(|(name, _)| args.may_be("bias") || !name.ends_with("bias"));
    Ok(kept.map(|(name, shape)| parameter(name.to_owned(), shape.into_iter().cloned().collect())).collect())
}
