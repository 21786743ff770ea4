//! Convolutions.

use super::{LayerSpec, Signature, StateSpec, parameter};
use crate::args::{ArgSpec, Args, Fallback, Feature, Kind, Rule, Value};
use crate::error::{Result, ShapeError};
use crate::poly::{Claim, Poly};
use crate::rules::{self, ConvOptions, Padding, TransposeOptions};
use crate::size::{Size, Truth};

pub(super) const CONV1D: LayerSpec = LayerSpec {
    name: "Conv1d",
    summary: "cross-correlation: [batch, in_channels, length] -> [batch, out_channels, length']",
    args: &conv_args(1),
    state: conv_state,
    signature: Signature::MAP,
    rule: Rule::new(conv_rule),
};

pub(super) const CONV2D: LayerSpec = LayerSpec {
    name: "Conv2d",
    summary: "cross-correlation: [batch, in_channels, h, w] -> [batch, out_channels, h', w']",
    args: &conv_args(2),
    state: conv_state,
    signature: Signature::MAP,
    rule: Rule::new(conv_rule),
};

pub(super) const CONV3D: LayerSpec = LayerSpec {
    name: "Conv3d",
    summary: "cross-correlation: [batch, in_channels, d, h, w] -> [batch, out_channels, d', h', w']",
    args: &conv_args(3),
    state: conv_state,
    signature: Signature::MAP,
    rule: Rule::new(conv_rule),
};

pub(super) const CONV_TRANSPOSE1D: LayerSpec = LayerSpec {
    name: "ConvTranspose1d",
    summary: "transposed convolution: [batch, in_channels, length] -> [batch, out_channels, length']",
    args: &transpose_args(1),
    state: transpose_state,
    signature: Signature::MAP,
    rule: Rule::new(transpose_rule),
};

pub(super) const CONV_TRANSPOSE2D: LayerSpec = LayerSpec {
    name: "ConvTranspose2d",
    summary: "transposed convolution: [batch, in_channels, h, w] -> [batch, out_channels, h', w']",
    args: &transpose_args(2),
    state: transpose_state,
    signature: Signature::MAP,
    rule: Rule::new(transpose_rule),
};

pub(super) const CONV_TRANSPOSE3D: LayerSpec = LayerSpec {
    name: "ConvTranspose3d",
    summary: "transposed convolution: [batch, in_channels, d, h, w] -> [batch, out_channels, d', h', w']",
    args: &transpose_args(3),
    state: transpose_state,
    signature: Signature::MAP,
    rule: Rule::new(transpose_rule),
};

/// What is put around the input of a convolution.
const PADDING_MODES: &[&str] = &["zeros", "reflect", "replicate", "circular"];

const fn conv_args(axes: usize) -> [ArgSpec; 9] {
    [
        ArgSpec::size("in_channels").inferred(Feature::Before(axes)),
        ArgSpec::size("out_channels"),
        ArgSpec::window("kernel", axes).named(),
        ArgSpec::window("stride", axes).named().or(Fallback::Size(1)),
        ArgSpec::padding(axes),
        ArgSpec::window("dilation", axes).named().or(Fallback::Size(1)),
        ArgSpec::size("groups").named().or(Fallback::Size(1)),
        ArgSpec::bool("bias", true),
        ArgSpec::of("padding_mode", Kind::Text(PADDING_MODES)).named().or(Fallback::Text("zeros")),
    ]
}

const fn transpose_args(axes: usize) -> [ArgSpec; 9] {
    [
        ArgSpec::size("in_channels").inferred(Feature::Before(axes)),
        ArgSpec::size("out_channels"),
        ArgSpec::window("kernel", axes).named(),
        ArgSpec::window("stride", axes).named().or(Fallback::Size(1)),
        ArgSpec::window("padding", axes).named().or(Fallback::Size(0)),
        ArgSpec::window("output_padding", axes).named().or(Fallback::Size(0)),
        ArgSpec::size("groups").named().or(Fallback::Size(1)),
        ArgSpec::bool("bias", true),
        ArgSpec::window("dilation", axes).named().or(Fallback::Size(1)),
    ]
}

/// `[out_channels, in_channels / groups, kernel ..]`.
fn weight(args: &Args) -> Result<Vec<Poly>> {
    kernel_of(args, "out_channels", "in_channels")
}

/// `[whole, divided / groups, kernel ..]`.
fn kernel_of(args: &Args, whole: &'static str, divided: &'static str) -> Result<Vec<Poly>> {
    let (channels, groups) = (args.size(divided)?, args.size("groups")?);
    let refuse = |message| Err(ShapeError::argument(args.op, "groups", message));
    if groups.is(0) {
        return refuse("groups is 0, but must be at least 1".to_string());
    }
    if channels.holds(crate::Relation::MultipleOf, groups) == Truth::False {
        return refuse(format!("{divided} = {channels} cannot be divided into {groups} groups"));
    }
    let Some(per_group) = channels.over(groups) else {
        return refuse(format!("{channels} channels cannot be divided into {groups} groups"));
    };
    let mut shape = vec![args.size(whole)?.clone(), per_group];
    shape.extend_from_slice(args.sizes("kernel")?);
    Ok(shape)
}

fn conv_state(args: &Args) -> Result<Vec<StateSpec>> {
    state(args, weight(args)?)
}

/// `[in_channels, out_channels / groups, kernel ..]`.
fn transposed_weight(args: &Args) -> Result<Vec<Poly>> {
    kernel_of(args, "in_channels", "out_channels")
}

fn transpose_state(args: &Args) -> Result<Vec<StateSpec>> {
    state(args, transposed_weight(args)?)
}

fn transpose_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let options = TransposeOptions {
        stride: args.sizes("stride")?,
        padding: args.sizes("padding")?,
        output_padding: args.sizes("output_padding")?,
        dilation: args.sizes("dilation")?,
        groups: args.size("groups")?,
    };
    Ok(vec![rules::conv_transpose(args.op, inputs[0], &transposed_weight(args)?, options, claims)?])
}

fn state(args: &Args, weight: Vec<Poly>) -> Result<Vec<StateSpec>> {
    let bias = args.size("out_channels")?.clone();
    let mut state = vec![parameter("weight", weight)];
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
