//! Normalisation.

use super::{LayerSpec, Signature, StateSpec, buffer, parameter};
use crate::args::{ArgSpec, Args, Fallback, Feature, Kind, Rule};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;

pub(super) const BATCH_NORM1D: LayerSpec = LayerSpec {
    name: "BatchNorm1d",
    summary: "normalised per channel over batch and length: [batch, channels] or [batch, channels, length]",
    args: BATCH_NORM_ARGS,
    state: batch_norm_state,
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| {
        args.number("eps").map_or(Ok(()), |eps| rules::batch_norm_eps(args.op, eps, false))?;
        Ok(vec![rules::batch_norm(args.op, inputs[0], args.size("num_features")?, &[2, 3], claims)?])
    }),
};

pub(super) const BATCH_NORM2D: LayerSpec = LayerSpec {
    name: "BatchNorm2d",
    summary: "normalised per channel over batch, height and width: [batch, channels, h, w]",
    args: BATCH_NORM_ARGS,
    state: batch_norm_state,
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| {
        args.number("eps").map_or(Ok(()), |eps| rules::batch_norm_eps(args.op, eps, false))?;
        Ok(vec![rules::batch_norm(args.op, inputs[0], args.size("num_features")?, &[4], claims)?])
    }),
};

pub(super) const BATCH_NORM3D: LayerSpec = LayerSpec {
    name: "BatchNorm3d",
    summary: "normalised per channel over batch, depth, height and width: [batch, channels, d, h, w]",
    args: BATCH_NORM_ARGS,
    state: batch_norm_state,
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| {
        args.number("eps").map_or(Ok(()), |eps| rules::batch_norm_eps(args.op, eps, false))?;
        Ok(vec![rules::batch_norm(args.op, inputs[0], args.size("num_features")?, &[5], claims)?])
    }),
};

pub(super) const INSTANCE_NORM1D: LayerSpec = LayerSpec {
    name: "InstanceNorm1d",
    summary: "normalised per example and channel over length: [batch, channels, length]",
    args: &instance_norm_args(1),
    state: batch_norm_state,
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| instance_norm(1, args, inputs, claims)),
};

pub(super) const INSTANCE_NORM2D: LayerSpec = LayerSpec {
    name: "InstanceNorm2d",
    summary: "normalised per example and channel over height and width: [batch, channels, h, w]",
    args: &instance_norm_args(2),
    rule: Rule::new(|args, inputs, claims| instance_norm(2, args, inputs, claims)),
    ..INSTANCE_NORM1D
};

pub(super) const INSTANCE_NORM3D: LayerSpec = LayerSpec {
    name: "InstanceNorm3d",
    summary: "normalised per example and channel over depth, height and width: [batch, channels, d, h, w]",
    args: &instance_norm_args(3),
    rule: Rule::new(|args, inputs, claims| instance_norm(3, args, inputs, claims)),
    ..INSTANCE_NORM1D
};

pub(super) const LAYER_NORM: LayerSpec = LayerSpec {
    name: "LayerNorm",
    summary: "normalised over the last axes, which are normalized_shape",
    args: &[
        ArgSpec::of("normalized_shape", Kind::Sizes).inferred(Feature::Last),
        ArgSpec::float("eps", 1e-5).named(),
        ArgSpec::bool("elementwise_affine", true),
        ArgSpec::bool("bias", true),
    ],
    state: |args| {
        Ok(with_bias(args, affine(args, "elementwise_affine", args.sizes("normalized_shape")?.to_vec())))
    },
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| {
        Ok(vec![rules::layer_norm(args.op, inputs[0], args.sizes("normalized_shape")?, claims)?])
    }),
};

pub(super) const GROUP_NORM: LayerSpec = LayerSpec {
    name: "GroupNorm",
    summary: "normalised within num_groups groups of channels: [batch, channels, ..]",
    args: &[
        ArgSpec::size("num_groups"),
        ArgSpec::size("num_channels").inferred(Feature::Second),
        ArgSpec::float("eps", 1e-5).named(),
        ArgSpec::bool("affine", true),
        ArgSpec::bool("bias", true),
    ],
    state: |args| Ok(with_bias(args, affine(args, "affine", vec![args.size("num_channels")?.clone()]))),
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| {
        let (groups, channels) = (args.size("num_groups")?, args.size("num_channels")?);
        Ok(vec![rules::group_norm(inputs[0], groups, channels, claims)?])
    }),
};

pub(super) const RMS_NORM: LayerSpec = LayerSpec {
    name: "RMSNorm",
    summary: "divided by the root mean square over the last axes, which are normalized_shape",
    args: &[
        ArgSpec::of("normalized_shape", Kind::Sizes).inferred(Feature::Last),
        ArgSpec::float("eps", 1.1920928955078125e-7).named(),
        ArgSpec::bool("elementwise_affine", true),
    ],
    state: |args| {
        let weight = args.may_be("elementwise_affine").then_some(args.sizes("normalized_shape")?);
        Ok(weight.map(|shape| parameter("weight", shape.to_vec())).into_iter().collect())
    },
    signature: Signature::MAP,
    rule: LAYER_NORM.rule,
};

const BATCH_NORM_ARGS: &[ArgSpec] = &[
    ArgSpec::size("num_features").inferred(Feature::Second),
    ArgSpec::float("eps", 1e-5).named(),
    ArgSpec::of("momentum", Kind::OptionalFloat).named().or(Fallback::Float(0.1)),
    ArgSpec::bool("affine", true),
    ArgSpec::bool("bias", true),
    ArgSpec::bool("track_running_stats", true),
];

const fn instance_norm_args(axes: usize) -> [ArgSpec; 6] {
    [
        ArgSpec::size("num_features").inferred(Feature::Before(axes)),
        ArgSpec::float("eps", 1e-5).named(),
        ArgSpec::of("momentum", Kind::OptionalFloat).named().or(Fallback::Float(0.1)),
        ArgSpec::bool("affine", false),
        ArgSpec::bool("bias", true),
        ArgSpec::bool("track_running_stats", false),
    ]
}

fn instance_norm(
    spatial: usize,
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    args.number("eps").map_or(Ok(()), |eps| rules::batch_norm_eps(args.op, eps, false))?;
    let (channels, of_input) = (args.size("num_features")?, !args.may_be("track_running_stats"));
    Ok(vec![rules::instance_norm(args.op, inputs[0], channels, spatial, of_input, claims)?])
}

fn batch_norm_state(args: &Args) -> Result<Vec<StateSpec>> {
    let features = vec![args.size("num_features")?.clone()];
    let mut state = with_bias(args, affine(args, "affine", features.clone()));
    if args.may_be("track_running_stats") {
        state.extend([
            buffer("running_mean", features.clone()),
            buffer("running_var", features),
            buffer("num_batches_tracked", Vec::new()),
        ]);
    }
    Ok(state)
}

/// The parameters without the bias, if the arguments leave it out.
fn with_bias(args: &Args, mut state: Vec<StateSpec>) -> Vec<StateSpec> {
    state.retain(|entry| entry.name != "bias" || args.may_be("bias"));
    state
}

fn affine(args: &Args, switch: &str, shape: Vec<Poly>) -> Vec<StateSpec> {
    if args.may_be(switch) {
        vec![parameter("weight", shape.clone()), parameter("bias", shape)]
    } else {
        Vec::new()
    }
}
