//! Layers as functions: those without parameters, and those that are given theirs.

use super::{FunctionSpec, Inputs, of_x};
use crate::args::{ArgSpec, Args, Fallback, Kind, Value};
use crate::error::{Dims, Result, ShapeError};
use crate::layers::{pool, resample};
use crate::poly::{Claim, Poly};
use crate::rules::{self, ConvOptions, Padding};
use crate::size::{Relation, Size, Truth};

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    of_x("max_pool1d", "the largest of every window", pool::MAX_POOL1D_ARGS, pool::window_rule),
    of_x("max_pool2d", "the largest of every window", pool::MAX_POOL2D_ARGS, pool::window_rule),
    of_x("max_pool3d", "the largest of every window", pool::MAX_POOL3D_ARGS, pool::window_rule),
    of_x("avg_pool1d", "the mean of every window", pool::AVG_POOL1D_ARGS, pool::window_rule),
    of_x("avg_pool2d", "the mean of every window", pool::AVG_POOL2D_ARGS, pool::window_rule),
    of_x("avg_pool3d", "the mean of every window", pool::AVG_POOL3D_ARGS, pool::window_rule),
    of_x("lp_pool1d", LP_POOL, pool::LP_POOL1D_ARGS, pool::window_rule),
    of_x("lp_pool2d", LP_POOL, pool::LP_POOL2D_ARGS, pool::window_rule),
    of_x("lp_pool3d", LP_POOL, pool::LP_POOL3D_ARGS, pool::window_rule),
    of_x("adaptive_avg_pool1d", ADAPTIVE_AVG, pool::ADAPTIVE_POOL1D_ARGS, pool::adaptive_rule),
    of_x("adaptive_avg_pool2d", ADAPTIVE_AVG, pool::ADAPTIVE_POOL2D_ARGS, pool::adaptive_rule),
    of_x("adaptive_avg_pool3d", ADAPTIVE_AVG, pool::ADAPTIVE_POOL3D_ARGS, pool::adaptive_rule),
    of_x("adaptive_max_pool1d", ADAPTIVE_MAX, pool::ADAPTIVE_POOL1D_ARGS, pool::adaptive_rule),
    of_x("adaptive_max_pool2d", ADAPTIVE_MAX, pool::ADAPTIVE_POOL2D_ARGS, pool::adaptive_rule),
    of_x("adaptive_max_pool3d", ADAPTIVE_MAX, pool::ADAPTIVE_POOL3D_ARGS, pool::adaptive_rule),
    of_x(
        "interpolate",
        "images of another size, by nearest or interpolated positions",
        resample::INTERPOLATE_ARGS,
        resample::interpolate,
    ),
    of_x(
        "pixel_shuffle",
        "channels moved to positions",
        resample::PIXEL_SHUFFLE_ARGS,
        resample::pixel_shuffle,
    ),
    of_x(
        "pixel_unshuffle",
        "positions moved to channels",
        resample::PIXEL_UNSHUFFLE_ARGS,
        resample::pixel_unshuffle,
    ),
    weighted(
        "linear",
        "`x weightᵀ + bias` over the last axis",
        &[ArgSpec::optional("bias")],
        |args, inputs, claims| {
            let shape = rules::linear(inputs[0], inputs[1], claims)?;
            bias(args, &inputs[1][0], claims)?;
            Ok(vec![shape])
        },
    ),
    weighted("conv1d", "cross-correlation with the kernels `weight`", &conv_args(1), conv),
    weighted("conv2d", "cross-correlation with the kernels `weight`", &conv_args(2), conv),
    of_x(
        "layer_norm",
        "normalised over the last axes, which are `normalized_shape`",
        LAYER_NORM_ARGS,
        layer_norm,
    ),
    of_x("rms_norm", "divided by the root mean square over the last axes", RMS_NORM_ARGS, layer_norm),
    of_x(
        "group_norm",
        "normalised within `num_groups` groups of channels",
        &[
            ArgSpec::size("num_groups"),
            ArgSpec::optional("weight"),
            ArgSpec::optional("bias"),
            ArgSpec::float("eps", 1e-5).named(),
        ],
        |args, inputs, claims| {
            let channels = inputs[0].get(1).cloned().unwrap_or_else(|| Poly::constant(1));
            per_channel(args, &channels, claims)?;
            Ok(vec![rules::group_norm(inputs[0], args.size("num_groups")?, &channels, claims)?])
        },
    ),
    of_x(
        "instance_norm",
        "normalised over the positions of each channel of each example",
        &[ArgSpec::optional("weight"), ArgSpec::optional("bias"), ArgSpec::float("eps", 1e-5).named()],
        |args, inputs, claims| {
            let channels = inputs[0].get(1).cloned().unwrap_or_else(|| Poly::constant(1));
            per_channel(args, &channels, claims)?;
            Ok(vec![rules::batch_norm(args.op, inputs[0], &channels, &[3, 4, 5], claims)?])
        },
    ),
];

const LP_POOL: &str = "`(Σ x^norm_type)^(1/norm_type)` over every window";
const ADAPTIVE_AVG: &str = "means over as many windows as `output_size` asks for";
const ADAPTIVE_MAX: &str = "the largest of as many windows as `output_size` asks for";

const LAYER_NORM_ARGS: &[ArgSpec] = &[
    ArgSpec::of("normalized_shape", Kind::Sizes),
    ArgSpec::optional("weight"),
    ArgSpec::optional("bias"),
    ArgSpec::float("eps", 1e-5).named(),
];
const RMS_NORM_ARGS: &[ArgSpec] = &[
    ArgSpec::of("normalized_shape", Kind::Sizes),
    ArgSpec::optional("weight"),
    ArgSpec::float("eps", 1.1920928955078125e-7).named(),
];

const fn weighted(
    name: &'static str,
    summary: &'static str,
    args: &'static [ArgSpec],
    rule: crate::args::RuleFn,
) -> FunctionSpec {
    FunctionSpec { inputs: Inputs::Named(&["x", "weight"]), ..of_x(name, summary, args, rule) }
}

const fn conv_args(axes: usize) -> [ArgSpec; 5] {
    [
        ArgSpec::optional("bias"),
        ArgSpec::window("stride", axes).named().or(Fallback::Size(1)),
        ArgSpec::padding(axes),
        ArgSpec::window("dilation", axes).named().or(Fallback::Size(1)),
        ArgSpec::size("groups").named().or(Fallback::Size(1)),
    ]
}

fn conv(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
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
    let shape = rules::conv(args.op, inputs[0], inputs[1], options, claims)?;
    bias(args, &inputs[1][0], claims)?;
    Ok(vec![shape])
}

fn layer_norm(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let normalized = args.sizes("normalized_shape")?;
    let shape = rules::layer_norm(args.op, inputs[0], normalized, claims)?;
    for name in ["weight", "bias"] {
        vector(args, name, normalized, claims)?;
    }
    Ok(vec![shape])
}

fn per_channel(args: &Args, channels: &Poly, claims: &mut Vec<Claim>) -> Result<()> {
    ["weight", "bias"]
        .into_iter()
        .try_for_each(|name| vector(args, name, std::slice::from_ref(channels), claims))
}

fn bias(args: &Args, features: &Poly, claims: &mut Vec<Claim>) -> Result<()> {
    vector(args, "bias", std::slice::from_ref(features), claims)
}

/// Checks that a tensor argument, if there is one, has this shape.
fn vector(args: &Args, name: &'static str, expected: &[Poly], claims: &mut Vec<Claim>) -> Result<()> {
    let Some(shape) = args.tensor(name) else { return Ok(()) };
    let error = || {
        let message = format!("the {name} is {}, but {} is needed", Dims(shape), Dims(expected));
        ShapeError::argument(args.op, name, message)
    };
    if shape.len() != expected.len() {
        return Err(error());
    }
    for (size, wanted) in shape.iter().zip(expected) {
        match size.holds(Relation::Equal, wanted) {
            Truth::True => {}
            Truth::False => return Err(error()),
            Truth::Unknown => Poly::claim(claims, size, Relation::Equal, wanted, error()),
        }
    }
    Ok(())
}
