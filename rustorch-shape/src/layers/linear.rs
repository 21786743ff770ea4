//! Linear maps, tables and layers that only change the view.

use super::{LayerSpec, StateSpec, no_state, parameter, same};
use crate::args::{ArgSpec, Args, Fallback, Feature};
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
    rule: linear_rule,
};

pub(super) const EMBEDDING: LayerSpec = LayerSpec {
    name: "Embedding",
    summary: "a row of the table for every index: [..] -> [.., embedding_dim]",
    args: &[ArgSpec::size("num_embeddings"), ArgSpec::size("embedding_dim")],
    state: |args| Ok(vec![parameter("weight", table(args)?)]),
    rule: |args, inputs, _| Ok(vec![rules::embedding(inputs[0], &table(args)?)?]),
};

pub(super) const FLATTEN: LayerSpec = LayerSpec {
    name: "Flatten",
    summary: "axes start_dim to end_dim merged into one",
    args: &[
        ArgSpec::axis("start_dim").or(Fallback::Axis(1)),
        ArgSpec::axis("end_dim").or(Fallback::Axis(-1)),
    ],
    state: no_state,
    rule: |args, inputs, _| {
        Ok(vec![rules::flatten(inputs[0], args.axis("start_dim")?, args.axis("end_dim")?)?])
    },
};

pub(super) const IDENTITY: LayerSpec =
    LayerSpec { name: "Identity", summary: "the input", args: &[], state: no_state, rule: same };

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
