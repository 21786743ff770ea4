//! Convolutions.

use super::{LayerSpec, Signature, StateSpec, parameter};
use crate::args::{ArgSpec, Args, Fallback, Feature, Value};
use crate::error::{Result, ShapeError};
use crate::poly::{Claim, Poly};
use crate::rules::{self, ConvOptions, Padding};
use crate::size::{Size, Truth};

pub(super) const CONV1D: LayerSpec = LayerSpec {
    name: "Conv1d",
    summary: "cross-correlation: [batch, in_channels, length] -> [batch, out_channels, length']",
    args: &conv_args(1),
    state: conv_state,
    signature: Signature::MAP,
    rule: conv_rule,
};

pub(super) const CONV2D: LayerSpec = LayerSpec {
    name: "Conv2d",
    summary: "cross-correlation: [batch, in_channels, h, w] -> [batch, out_channels, h', w']",
    args: &conv_args(2),
    state: conv_state,
    signature: Signature::MAP,
    rule: conv_rule,
};

const fn conv_args(axes: usize) -> [ArgSpec; 8] {
    [
        ArgSpec::size("in_channels").inferred(Feature::Before(axes)),
        ArgSpec::size("out_channels"),
        ArgSpec::window("kernel", axes).named(),
        ArgSpec::window("stride", axes).named().or(Fallback::Size(1)),
        ArgSpec::padding(axes),
        ArgSpec::window("dilation", axes).named().or(Fallback::Size(1)),
        ArgSpec::size("groups").named().or(Fallback::Size(1)),
        ArgSpec::bool("bias", true),
    ]
}

/// `[out_channels, in_channels / groups, kernel ..]`.
fn weight(args: &Args) -> Result<Vec<Poly>> {
    let (inputs, groups) = (args.size("in_channels")?, args.size("groups")?);
    let refuse = |message| Err(ShapeError::argument(args.op, "groups", message));
    if groups.is(0) {
        return refuse("groups is 0, but must be at least 1".to_string());
    }
    if inputs.holds(crate::Relation::MultipleOf, groups) == Truth::False {
        return refuse(format!("in_channels = {inputs} cannot be divided into {groups} groups"));
    }
    let Some(per_group) = inputs.over(groups) else {
        return refuse(format!("{inputs} channels cannot be divided into {groups} groups"));
    };
    let mut shape = vec![args.size("out_channels")?.clone(), per_group];
    shape.extend_from_slice(args.sizes("kernel")?);
    Ok(shape)
}

fn conv_state(args: &Args) -> Result<Vec<StateSpec>> {
    let bias = args.size("out_channels")?.clone();
    let mut state = vec![parameter("weight", weight(args)?)];
    if args.may_be("bias") {
        state.push(parameter("bias", vec![bias]));
    }
    Ok(state)
}

fn conv_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let padding = match args.get("padding") {
        Some(Value::Text(mode)) if mode == "same" => Padding::Same,
        Some(Value::Text(_)) => Padding::Valid,
        _ => Padding::Each(args.sizes("padding")?),
    };
    let options = ConvOptions {
        stride: args.sizes("stride")?,
        padding,
        dilation: args.sizes("dilation")?,
        groups: args.size("groups")?,
    };
    Ok(vec![rules::conv(args.op, inputs[0], &weight(args)?, options, claims)?])
}
