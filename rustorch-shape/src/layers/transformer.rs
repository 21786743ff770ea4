//! Attention and transformer layers.

use super::{LayerSpec, Signature, StateSpec, parameter};
use crate::args::{ArgSpec, Args, Fallback, Feature, Kind, Rule};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules::{self, Multihead};
use crate::size::Size;

pub(super) const MULTIHEAD_ATTENTION: LayerSpec = LayerSpec {
    name: "MultiheadAttention",
    summary: "attention by several heads, of a sequence to itself or of a query to keys and values: [length, batch, embed_dim] -> the same",
    args: &[
        ArgSpec::size("embed_dim").inferred(Feature::Last),
        ArgSpec::size("num_heads"),
        ArgSpec::probability("dropout", 0.0).named(),
        ArgSpec::bool("bias", true),
        ArgSpec::bool("add_bias_kv", false),
        ArgSpec::bool("add_zero_attn", false),
        ArgSpec::size("kdim").named().or(Fallback::Same("embed_dim")),
        ArgSpec::size("vdim").named().or(Fallback::Same("embed_dim")),
        ArgSpec::flag("batch_first", false),
    ],
    signature: Signature {
        inputs: &["query"],
        more: &["key", "value"],
        options: &[
            ArgSpec::optional("attn_mask"),
            ArgSpec::optional("key_padding_mask"),
            ArgSpec::bool("is_causal", false),
        ],
        adapter: Some("multihead_attention"),
        ..Signature::MAP
    },
    state: attention_state,
    rule: Rule::new(attention_rule),
};

const D_MODEL: ArgSpec = ArgSpec::size("d_model").inferred(Feature::Last);
const NHEAD: ArgSpec = ArgSpec::size("nhead");
const LAYERS: ArgSpec = ArgSpec::size("num_layers");
const FEEDFORWARD: ArgSpec = ArgSpec::size("dim_feedforward").or(Fallback::Size(2048));
const DROPOUT: ArgSpec = ArgSpec::probability("dropout", 0.1).named();
const ACTIVATION: ArgSpec =
    ArgSpec::of("activation", Kind::Text(&["relu", "gelu"])).named().or(Fallback::Text("relu"));
const EPS: ArgSpec = ArgSpec::float("layer_norm_eps", 1e-5).named();
const BATCH_FIRST: ArgSpec = ArgSpec::flag("batch_first", false);
const NORM_FIRST: ArgSpec = ArgSpec::bool("norm_first", false);
const BIAS: ArgSpec = ArgSpec::bool("bias", true);
const NORM: ArgSpec = ArgSpec::bool("norm", false);

const OF_ENCODER: Signature = Signature {
    inputs: &["src"],
    options: &[
        ArgSpec::optional("mask"),
        ArgSpec::optional("key_padding_mask"),
        ArgSpec::bool("is_causal", false),
    ],
    ..Signature::MAP
};
const OF_DECODER: Signature = Signature {
    inputs: &["tgt", "memory"],
    options: &[
        ArgSpec::optional("tgt_mask"),
        ArgSpec::optional("memory_mask"),
        ArgSpec::optional("tgt_key_padding_mask"),
        ArgSpec::optional("memory_key_padding_mask"),
        ArgSpec::bool("tgt_is_causal", false),
        ArgSpec::bool("memory_is_causal", false),
    ],
    ..Signature::MAP
};

pub(super) const TRANSFORMER_ENCODER_LAYER: LayerSpec = LayerSpec {
    name: "TransformerEncoderLayer",
    summary: "self-attention, then a layer of neurons per position, each added to its input and normalised",
    args: &[D_MODEL, NHEAD, FEEDFORWARD, DROPOUT, ACTIVATION, EPS, BATCH_FIRST, NORM_FIRST, BIAS],
    signature: Signature { adapter: Some("transformer_encoder_layer"), ..OF_ENCODER },
    state: |args| layer_state(args, "", ENCODER),
    rule: Rule::new(encoder_rule),
};

pub(super) const TRANSFORMER_DECODER_LAYER: LayerSpec = LayerSpec {
    name: "TransformerDecoderLayer",
    summary: "self-attention, attention to what an encoder gives (`memory`), then a layer of neurons per position",
    args: &[D_MODEL, NHEAD, FEEDFORWARD, DROPOUT, ACTIVATION, EPS, BATCH_FIRST, NORM_FIRST, BIAS],
    signature: Signature { adapter: Some("transformer_decoder_layer"), ..OF_DECODER },
    state: |args| layer_state(args, "", DECODER),
    rule: Rule::new(decoder_rule),
};

pub(super) const TRANSFORMER_ENCODER: LayerSpec = LayerSpec {
    name: "TransformerEncoder",
    summary: "`num_layers` of TransformerEncoderLayer in a row, and a LayerNorm at the end if `norm`",
    args: &[
        D_MODEL,
        NHEAD,
        LAYERS,
        FEEDFORWARD,
        DROPOUT,
        ACTIVATION,
        EPS,
        BATCH_FIRST,
        NORM_FIRST,
        BIAS,
        NORM,
    ],
    signature: Signature { adapter: Some("transformer_encoder"), ..OF_ENCODER },
    state: |args| stack_state(args, "", "num_layers", ENCODER, args.may_be("norm")),
    rule: Rule::new(encoder_rule),
};

pub(super) const TRANSFORMER_DECODER: LayerSpec = LayerSpec {
    name: "TransformerDecoder",
    summary: "`num_layers` of TransformerDecoderLayer in a row, and a LayerNorm at the end if `norm`",
    args: &[
        D_MODEL,
        NHEAD,
        LAYERS,
        FEEDFORWARD,
        DROPOUT,
        ACTIVATION,
        EPS,
        BATCH_FIRST,
        NORM_FIRST,
        BIAS,
        NORM,
    ],
    signature: Signature { adapter: Some("transformer_decoder"), ..OF_DECODER },
    state: |args| stack_state(args, "", "num_layers", DECODER, args.may_be("norm")),
    rule: Rule::new(decoder_rule),
};

pub(super) const TRANSFORMER: LayerSpec = LayerSpec {
    name: "Transformer",
    summary: "an encoder of `src` and a decoder of `tgt` that sees what it gives: [length, batch, d_model] -> that of `tgt`",
    args: &[
        D_MODEL,
        NHEAD,
        ArgSpec::size("num_encoder_layers").or(Fallback::Size(6)),
        ArgSpec::size("num_decoder_layers").or(Fallback::Size(6)),
        FEEDFORWARD,
        DROPOUT,
        ACTIVATION,
        EPS,
        BATCH_FIRST,
        NORM_FIRST,
        BIAS,
    ],
    signature: Signature {
        inputs: &["src", "tgt"],
        options: &[
            ArgSpec::optional("src_mask"),
            ArgSpec::optional("tgt_mask"),
            ArgSpec::optional("memory_mask"),
            ArgSpec::optional("src_key_padding_mask"),
            ArgSpec::optional("tgt_key_padding_mask"),
            ArgSpec::optional("memory_key_padding_mask"),
            ArgSpec::bool("src_is_causal", false),
            ArgSpec::bool("tgt_is_causal", false),
            ArgSpec::bool("memory_is_causal", false),
        ],
        adapter: Some("transformer"),
        ..Signature::MAP
    },
    state: |args| {
        let encoder = stack_state(args, "encoder.", "num_encoder_layers", ENCODER, true)?;
        let decoder = stack_state(args, "decoder.", "num_decoder_layers", DECODER, true)?;
        Ok([encoder, decoder].concat())
    },
    rule: Rule::new(transformer_rule),
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

/// The sizes of attention that the arguments give.
fn sizes(args: &Args) -> Result<Multihead<'_, Poly>> {
    let names = if args.op == "MultiheadAttention" {
        ["embed_dim", "num_heads", "kdim", "vdim"]
    } else {
        ["d_model", "nhead", "d_model", "d_model"]
    };
    Ok(Multihead {
        op: args.op,
        embed_dim: args.size(names[0])?,
        num_heads: args.size(names[1])?,
        kdim: args.size(names[2])?,
        vdim: args.size(names[3])?,
        batch_first: args.flag("batch_first")?,
    })
}

/// Attention of a query to keys and values, or of a sequence to itself.
fn attention_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let layer = sizes(args)?;
    let (query, key, value) = match inputs {
        [query, key, value, ..] => (*query, *key, *value),
        _ => (inputs[0], inputs[0], inputs[0]),
    };
    let output = rules::multihead_attention(layer, query, key, value, claims)?;
    attention_masks(args, layer, ("attn_mask", "key_padding_mask"), (query, key), claims)?;
    Ok(vec![output])
}

fn encoder_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let layer = sizes(args)?;
    let output = rules::self_attention(args.op, inputs[0], layer.embed_dim, layer.num_heads, claims)?;
    attention_masks(args, layer, ("mask", "key_padding_mask"), (inputs[0], inputs[0]), claims)?;
    Ok(vec![output])
}

fn decoder_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let (layer, tgt, memory) = (sizes(args)?, inputs[0], inputs[1]);
    let output = rules::cross_attention(layer, (0, "tgt", tgt), (1, "memory", memory), claims)?;
    attention_masks(args, layer, ("tgt_mask", "tgt_key_padding_mask"), (tgt, tgt), claims)?;
    attention_masks(args, layer, ("memory_mask", "memory_key_padding_mask"), (tgt, memory), claims)?;
    Ok(vec![output])
}

fn transformer_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let (layer, src, tgt) = (sizes(args)?, inputs[0], inputs[1]);
    let output = rules::cross_attention(layer, (1, "tgt", tgt), (0, "src", src), claims)?;
    attention_masks(args, layer, ("src_mask", "src_key_padding_mask"), (src, src), claims)?;
    attention_masks(args, layer, ("tgt_mask", "tgt_key_padding_mask"), (tgt, tgt), claims)?;
    attention_masks(args, layer, ("memory_mask", "memory_key_padding_mask"), (tgt, src), claims)?;
    Ok(vec![output])
}

/// Checks two masks that the arguments may hold.
fn attention_masks(
    args: &Args,
    layer: Multihead<'_, Poly>,
    (mask, padding): (&'static str, &'static str),
    (query, key): (&[Poly], &[Poly]),
    claims: &mut Vec<Claim>,
) -> Result<()> {
    if let Some(shape) = args.tensor(mask) {
        rules::attention_mask(layer, (mask, shape), query, key, claims)?;
    }
    if let Some(shape) = args.tensor(padding) {
        rules::key_padding_mask(layer, (padding, shape), key, claims)?;
    }
    Ok(())
}

/// A parameter of a layer: its name, and the names of its sizes, where `3` is three times the features.
type Parameters = &'static [(&'static str, &'static [Part])];

#[derive(Clone, Copy)]
enum Part {
    Features,
    Thrice,
    Inner,
}
use Part::{Features, Inner, Thrice};

const ENCODER: Parameters = &[
    ("self_attn.in_proj_weight", &[Thrice, Features]),
    ("self_attn.in_proj_bias", &[Thrice]),
    ("self_attn.out_proj.weight", &[Features, Features]),
    ("self_attn.out_proj.bias", &[Features]),
    ("linear1.weight", &[Inner, Features]),
    ("linear1.bias", &[Inner]),
    ("linear2.weight", &[Features, Inner]),
    ("linear2.bias", &[Features]),
    ("norm1.weight", &[Features]),
    ("norm1.bias", &[Features]),
    ("norm2.weight", &[Features]),
    ("norm2.bias", &[Features]),
];

const DECODER: Parameters = &[
    ("self_attn.in_proj_weight", &[Thrice, Features]),
    ("self_attn.in_proj_bias", &[Thrice]),
    ("self_attn.out_proj.weight", &[Features, Features]),
    ("self_attn.out_proj.bias", &[Features]),
    ("multihead_attn.in_proj_weight", &[Thrice, Features]),
    ("multihead_attn.in_proj_bias", &[Thrice]),
    ("multihead_attn.out_proj.weight", &[Features, Features]),
    ("multihead_attn.out_proj.bias", &[Features]),
    ("linear1.weight", &[Inner, Features]),
    ("linear1.bias", &[Inner]),
    ("linear2.weight", &[Features, Inner]),
    ("linear2.bias", &[Features]),
    ("norm1.weight", &[Features]),
    ("norm1.bias", &[Features]),
    ("norm2.weight", &[Features]),
    ("norm2.bias", &[Features]),
    ("norm3.weight", &[Features]),
    ("norm3.bias", &[Features]),
];

/// The parameters of one layer, their names behind `prefix`.
fn layer_state(args: &Args, prefix: &str, parameters: Parameters) -> Result<Vec<StateSpec>> {
    let rows = times(args, 3, "d_model")?;
    let size = |part: &Part| {
        Ok(match part {
            Features => args.size("d_model")?.clone(),
            Thrice => rows.clone(),
            Inner => args.size("dim_feedforward")?.clone(),
        })
    };
    let kept = parameters.iter().filter(|(name, _)| args.may_be("bias") || !name.ends_with("bias"));
    kept.map(|(name, sizes)| {
        Ok(parameter(format!("{prefix}{name}"), sizes.iter().map(size).collect::<Result<_>>()?))
    })
    .collect()
}

/// Those of layers in a row, and of the norm behind them; of a number that is not known, none.
fn stack_state(
    args: &Args,
    prefix: &str,
    count: &'static str,
    parameters: Parameters,
    has_norm: bool,
) -> Result<Vec<StateSpec>> {
    let mut state = Vec::new();
    for layer in 0..args.size(count)?.as_constant().unwrap_or(0) {
        state.extend(layer_state(args, &format!("{prefix}layers.{layer}."), parameters)?);
    }
    if has_norm {
        let names: &[&str] = if args.may_be("bias") { &["weight", "bias"] } else { &["weight"] };
        let features = args.size("d_model")?;
        state.extend(
            names.iter().map(|name| parameter(format!("{prefix}norm.{name}"), vec![features.clone()])),
        );
    }
    Ok(state)
}
