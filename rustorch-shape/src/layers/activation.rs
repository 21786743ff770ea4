//! Activations and other layers without state that keep the shape.

use super::{LayerSpec, Signature, no_state, parameter, same};
use crate::args::{ArgSpec, Args, Fallback, Kind, Rule, RuleFn};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;

const fn elementwise(name: &'static str, summary: &'static str, args: &'static [ArgSpec]) -> LayerSpec {
    LayerSpec { name, summary, args, state: no_state, signature: Signature::MAP, rule: Rule::new(same) }
}

pub(super) const RELU: LayerSpec = elementwise("ReLU", "max(x, 0)", &[]);

pub(super) const GELU: LayerSpec = elementwise("GELU", "x Φ(x)", GELU_ARGS);

pub(super) const SILU: LayerSpec = elementwise("SiLU", "x σ(x)", &[]);

pub(super) const TANH: LayerSpec = elementwise("Tanh", "tanh(x)", &[]);

pub(super) const SIGMOID: LayerSpec = elementwise("Sigmoid", "1 / (1 + exp(-x))", &[]);

pub(super) const LEAKY_RELU: LayerSpec =
    elementwise("LeakyReLU", "x, or negative_slope * x where that is negative", LEAKY_RELU_ARGS);

pub(super) const ELU: LayerSpec =
    elementwise("ELU", "x, or alpha * (exp(x) - 1) where x is negative", ELU_ARGS);

pub(crate) const DROPOUT: LayerSpec = elementwise(
    "Dropout",
    "in training, zeroes each element with probability p and scales the rest",
    DROPOUT_ARGS,
);

pub(crate) const DROPOUT1D: LayerSpec = dropout(
    "Dropout1d",
    "in training, zeroes each channel of [batch, channels, length]",
    |args, inputs, _| channels(args, inputs, &[3, 2], "[batch, channels, length] or [channels, length]"),
);

pub(crate) const DROPOUT2D: LayerSpec =
    dropout("Dropout2d", "in training, zeroes each channel of [batch, channels, h, w]", |args, inputs, _| {
        channels(args, inputs, &[4, 3], "[batch, channels, h, w] or [batch, channels, length]")
    });

pub(crate) const DROPOUT3D: LayerSpec = dropout(
    "Dropout3d",
    "in training, zeroes each channel of [batch, channels, d, h, w]",
    |args, inputs, _| channels(args, inputs, &[5, 4], "[batch, channels, d, h, w] or [channels, d, h, w]"),
);

pub(crate) const ALPHA_DROPOUT: LayerSpec = dropout(
    "AlphaDropout",
    "in training, saturates each element as SELU does with probability p, and keeps mean and variance",
    same,
);

pub(crate) const FEATURE_ALPHA_DROPOUT: LayerSpec = dropout(
    "FeatureAlphaDropout",
    "AlphaDropout of whole channels: [batch, channels, ..]",
    |args, inputs, _| {
        rules::matrices(args.op, inputs[0])?;
        Ok(vec![inputs[0].to_vec()])
    },
);

#[inline]
const fn dropout(name: &'static str, summary: &'static str, rule: RuleFn) -> LayerSpec {
    LayerSpec { rule: Rule::new(rule), ..elementwise(name, summary, DROPOUT_ARGS) }
}

/// Inputs with channels, of these ranks.
fn channels(args: &Args, inputs: &[&[Poly]], ranks: &[usize], layout: &str) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::ranked(args.op, inputs[0], ranks, layout)?])
}

pub(super) const SOFTMAX: LayerSpec = LayerSpec {
    name: "Softmax",
    summary: "exp(x) divided by its sum over axis dim",
    args: SOFTMAX_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(along_axis),
};

pub(super) const LOG_SOFTMAX: LayerSpec = LayerSpec {
    name: "LogSoftmax",
    summary: "the logarithm of softmax over axis dim",
    args: SOFTMAX_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(along_axis),
};

pub(super) const RELU6: LayerSpec = elementwise("ReLU6", "min(max(x, 0), 6)", &[]);

pub(super) const SELU: LayerSpec = elementwise("SELU", "the self-normalising ELU", &[]);

pub(super) const CELU: LayerSpec = LayerSpec {
    rule: Rule::new(celu_rule),
    ..elementwise("CELU", "x, or alpha * (exp(x / alpha) - 1) where x is negative", ELU_ARGS)
};

pub(super) const MISH: LayerSpec = elementwise("Mish", "x tanh(softplus(x))", &[]);

pub(super) const SOFTPLUS: LayerSpec = elementwise(
    "Softplus",
    "log(1 + exp(beta * x)) / beta, linear where beta * x > threshold",
    SOFTPLUS_ARGS,
);

pub(super) const LOG_SIGMOID: LayerSpec = elementwise("LogSigmoid", "log σ(x)", &[]);

pub(super) const SOFTSIGN: LayerSpec = elementwise("Softsign", "x / (1 + |x|)", &[]);

pub(super) const TANHSHRINK: LayerSpec = elementwise("Tanhshrink", "x - tanh(x)", &[]);

pub(super) const HARDTANH: LayerSpec = LayerSpec {
    rule: Rule::new(|args, inputs, claims| {
        if let (Some(low), Some(high)) = (args.number("min_val"), args.number("max_val")) {
            rules::hardtanh_layer(args.op, low, high)?;
        }
        same(args, inputs, claims)
    }),
    ..elementwise("Hardtanh", "x limited to min_val ..= max_val", HARDTANH_ARGS)
};

pub(super) const HARDSIGMOID: LayerSpec = elementwise("Hardsigmoid", "min(max(x + 3, 0), 6) / 6", &[]);

pub(super) const HARDSWISH: LayerSpec = elementwise("Hardswish", "x hardsigmoid(x)", &[]);

pub(super) const HARDSHRINK: LayerSpec =
    elementwise("Hardshrink", "x where |x| > lambd, otherwise 0", SHRINK_ARGS);

pub(super) const SOFTSHRINK: LayerSpec = LayerSpec {
    rule: Rule::new(softshrink_rule),
    ..elementwise("Softshrink", "x moved by lambd towards 0", SHRINK_ARGS)
};

pub(super) const THRESHOLD: LayerSpec =
    elementwise("Threshold", "x where x > threshold, otherwise value", THRESHOLD_ARGS);

pub(super) const PRELU: LayerSpec = LayerSpec {
    name: "PReLU",
    summary: "x, or weight * x where that is negative; one weight, or one per channel",
    args: &[ArgSpec::size("num_parameters").or(Fallback::Size(1)), ArgSpec::float("init", 0.25).named()],
    state: |args| Ok(vec![parameter("weight", vec![args.size("num_parameters")?.clone()])]),
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, claims| {
        let weight = [args.size("num_parameters")?.clone()];
        Ok(vec![rules::prelu(args.op, inputs[0], &weight, claims)?])
    }),
};

pub(crate) const RRELU: LayerSpec = LayerSpec {
    rule: Rule::new(|args, inputs, claims| {
        if let (Some(lower), Some(upper)) = (args.number("lower"), args.number("upper")) {
            rules::rrelu(args.op, lower, upper)?;
        }
        same(args, inputs, claims)
    }),
    ..elementwise(
        "RReLU",
        "x, or where that is negative x times a slope drawn from lower .. upper; in evaluation, the mean slope",
        RRELU_ARGS,
    )
};

pub(super) const GLU: LayerSpec = LayerSpec {
    name: "GLU",
    summary: "the first half of axis dim times σ of the second",
    args: GLU_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(glu_rule),
};

pub(super) const SOFTMIN: LayerSpec =
    LayerSpec { name: "Softmin", summary: "softmax(-x) over axis dim", ..SOFTMAX };

pub(super) const SOFTMAX2D: LayerSpec = LayerSpec {
    name: "Softmax2d",
    summary: "softmax over the channels of [batch, channels, h, w] or [channels, h, w]",
    args: &[],
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(|args, inputs, _| Ok(vec![rules::image(args.op, inputs[0])?])),
};

pub(crate) const GELU_ARGS: &[ArgSpec] =
    &[ArgSpec::of("approximate", Kind::Text(&["none", "tanh"])).named().or(Fallback::Text("none"))];
pub(crate) const LEAKY_RELU_ARGS: &[ArgSpec] = &[ArgSpec::float("negative_slope", 0.01)];
pub(crate) const ELU_ARGS: &[ArgSpec] = &[ArgSpec::float("alpha", 1.0)];
pub(crate) const RRELU_ARGS: &[ArgSpec] =
    &[ArgSpec::float("lower", 1.0 / 8.0), ArgSpec::float("upper", 1.0 / 3.0)];
pub(crate) const SOFTPLUS_ARGS: &[ArgSpec] =
    &[ArgSpec::float("beta", 1.0), ArgSpec::float("threshold", 20.0)];
pub(crate) const HARDTANH_ARGS: &[ArgSpec] =
    &[ArgSpec::float("min_val", -1.0), ArgSpec::float("max_val", 1.0)];
pub(crate) const SHRINK_ARGS: &[ArgSpec] = &[ArgSpec::float("lambd", 0.5)];
pub(crate) const THRESHOLD_ARGS: &[ArgSpec] =
    &[ArgSpec::of("threshold", Kind::Float), ArgSpec::of("value", Kind::Float)];
pub(crate) const GLU_ARGS: &[ArgSpec] = &[ArgSpec::axis("dim").or(Fallback::Axis(-1))];
pub(crate) const DROPOUT_ARGS: &[ArgSpec] = &[ArgSpec::probability("p", 0.5)];
pub(crate) const SOFTMAX_ARGS: &[ArgSpec] = &[ArgSpec::axis("dim")];

pub(crate) fn along_axis(args: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::cumulative(args.op, inputs[0], args.axis("dim")?)?])
}

pub(crate) fn glu_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::glu(args.op, inputs[0], args.axis("dim")?, claims)?])
}

pub(crate) fn celu_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    args.number("alpha").map_or(Ok(()), |alpha| rules::celu(args.op, alpha))?;
    same(args, inputs, claims)
}

pub(crate) fn softshrink_rule(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    args.number("lambd").map_or(Ok(()), |lambda| rules::softshrink(args.op, lambda))?;
    same(args, inputs, claims)
}

pub(crate) fn hardtanh_rule(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    if let (Some(low), Some(high)) = (args.number("min_val"), args.number("max_val")) {
        rules::hardtanh(args.op, low, high)?;
    }
    same(args, inputs, claims)
}
