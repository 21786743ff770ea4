//! Linear maps, tables and layers that only change the view.

use super::{LayerSpec, Signature, StateSpec, no_state, parameter, same};
use crate::args::{ArgSpec, Args, Fallback, Feature, Kind, Rule};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;

pub(super) const LINEAR: LayerSpec = LayerSpec {
    name: "Linear",
    summary: "x Wᵀ + b over the last axis: [.., in_features] -> [.., out_features]",
    args: &[
        ArgSpec::size("in_features").inferred(Feature::Last),
        ArgSpec::size("out_features"),
        ArgSpec::bool("bias", true),
    ],
    state: linear_state,
    signature: Signature::MAP,
    rule: Rule::new(linear_rule),
};

pub(super) const EMBEDDING: LayerSpec = LayerSpec {
    name: "Embedding",
    summary: "a row of the table for every index: [..] -> [.., embedding_dim]",
    args: &[
        ArgSpec::size("num_embeddings"),
        ArgSpec::size("embedding_dim"),
        ArgSpec::axis("padding_idx").named().or(Fallback::Absent),
        ArgSpec::of("max_norm", Kind::Float).named().or(Fallback::Absent),
        ArgSpec::float("norm_type", 2.0).named(),
        ArgSpec::bool("scale_grad_by_freq", false),
    ],
    state: |args| Ok(vec![parameter("weight", table(args)?)]),
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, _| Ok(vec![rules::embedding(inputs[0], &table(args)?)?])),
};

pub(super) const FLATTEN: LayerSpec = LayerSpec {
    name: "Flatten",
    summary: "axes start_dim to end_dim merged into one",
    args: &[
        ArgSpec::axis("start_dim").or(Fallback::Axis(1)),
        ArgSpec::axis("end_dim").or(Fallback::Axis(-1)),
    ],
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, _| {
        Ok(vec![rules::flatten(inputs[0], args.axis("start_dim")?, args.axis("end_dim")?)?])
    }),
};

pub(super) const BILINEAR: LayerSpec = LayerSpec {
    name: "Bilinear",
    summary: "x1ᵀ W x2 + b over the last axes: [.., in1_features], [.., in2_features] -> [.., out_features]",
    args: &[
        ArgSpec::size("in1_features"),
        ArgSpec::size("in2_features"),
        ArgSpec::size("out_features"),
        ArgSpec::bool("bias", true),
    ],
    state: |args| {
        let weight = bilinear_weight(args)?;
        let bias = args.may_be("bias").then(|| parameter("bias", vec![weight[0].clone()]));
        Ok([parameter("weight", weight)].into_iter().chain(bias).collect())
    },
    signature: Signature { inputs: &["x1", "x2"], ..Signature::MAP },
    rule: Rule::new(|args, inputs, claims| {
        Ok(vec![rules::bilinear(inputs[0], inputs[1], &bilinear_weight(args)?, claims)?])
    }),
};

pub(super) const UNFLATTEN: LayerSpec = LayerSpec {
    name: "Unflatten",
    summary: "axis dim split into sizes",
    args: &[ArgSpec::axis("dim"), ArgSpec::of("sizes", Kind::Sizes)],
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| {
        let sizes: Vec<Option<Poly>> = args.sizes("sizes")?.iter().cloned().map(Some).collect();
        Ok(vec![rules::unflatten(inputs[0], args.axis("dim")?, &sizes, claims)?])
    }),
};

fn bilinear_weight(args: &Args) -> Result<Vec<Poly>> {
    ["out_features", "in1_features", "in2_features"]
        .into_iter()
        .map(|name| Ok(args.size(name)?.clone()))
        .collect()
}

pub(super) const IDENTITY: LayerSpec = LayerSpec {
    name: "Identity",
    summary: "the input",
    args: &[],
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(same),
};

fn linear_weight(args: &Args) -> Result<Vec<Poly>> {
    Ok(vec![args.size("out_features")?.clone(), args.size("in_features")?.clone()])
}

fn linear_state(args: &Args) -> Result<Vec<StateSpec>> {
    let weight = linear_weight(args)?;
    let bias = args.may_be("bias").then(|| parameter("bias", vec![weight[0].clone()]));
    Ok([parameter("weight", weight)].into_iter().chain(bias).collect())
}

fn linear_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::linear(inputs[0], &linear_weight(args)?, claims)?])
}

fn table(args: &Args) -> Result<Vec<Poly>> {
    Ok(vec![args.size("num_embeddings")?.clone(), args.size("embedding_dim")?.clone()])
}
