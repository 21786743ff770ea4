//! Activations and other layers without state that keep the shape.

use super::{LayerSpec, no_state, same};
use crate::args::{ArgSpec, Args, Fallback, Kind};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;

const fn elementwise(name: &'static str, summary: &'static str, args: &'static [ArgSpec]) -> LayerSpec {
    LayerSpec { name, summary, args, state: no_state, rule: same }
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

pub(super) const DROPOUT: LayerSpec = elementwise(
    "Dropout",
    "in training, zeroes each element with probability p and scales the rest",
    DROPOUT_ARGS,
);

pub(super) const SOFTMAX: LayerSpec = LayerSpec {
    name: "Softmax",
    summary: "exp(x) divided by its sum over axis dim",
    args: SOFTMAX_ARGS,
    state: no_state,
    rule: along_axis,
};

pub(super) const LOG_SOFTMAX: LayerSpec = LayerSpec {
    name: "LogSoftmax",
    summary: "the logarithm of softmax over axis dim",
    args: SOFTMAX_ARGS,
    state: no_state,
    rule: along_axis,
};

pub(crate) const GELU_ARGS: &[ArgSpec] =
    &[ArgSpec::of("approximate", Kind::Text(&["none", "tanh"])).named().or(Fallback::Text("none"))];
pub(crate) const LEAKY_RELU_ARGS: &[ArgSpec] = &[ArgSpec::float("negative_slope", 0.01)];
pub(crate) const ELU_ARGS: &[ArgSpec] = &[ArgSpec::float("alpha", 1.0)];
pub(crate) const DROPOUT_ARGS: &[ArgSpec] = &[ArgSpec::float("p", 0.5)];
pub(crate) const SOFTMAX_ARGS: &[ArgSpec] = &[ArgSpec::axis("dim")];

pub(crate) fn along_axis(args: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::cumulative(args.op, inputs[0], args.axis("dim")?)?])
}
