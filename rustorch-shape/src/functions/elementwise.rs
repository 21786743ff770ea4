//! Functions of single elements.

use super::{FunctionSpec, Inputs, Outputs, of_x, same};
use crate::args::{ArgSpec, Args, Fallback, Kind, Rule};
use crate::error::Result;
use crate::layers::{LayerSpec, activation};
use crate::poly::{Claim, Poly};
use crate::rules;

pub(super) const UNARY: &[FunctionSpec] = &[
    unary("relu", "`max(x, 0)`"),
    unary("relu6", "`min(max(x, 0), 6)`"),
    with("gelu", "`x Φ(x)`", activation::GELU_ARGS),
    unary("silu", "`x σ(x)`"),
    unary("mish", "`x tanh(softplus(x))`"),
    unary("tanh", "the hyperbolic tangent"),
    unary("sigmoid", "`1 / (1 + exp(-x))`"),
    unary("log_sigmoid", "`log σ(x)`"),
    with("leaky_relu", "`x`, or `negative_slope x` where that is negative", activation::LEAKY_RELU_ARGS),
    with("elu", "`x`, or `alpha (exp(x) - 1)` where x is negative", activation::ELU_ARGS),
    unary("selu", "the self-normalising `elu`"),
    of_x(
        "celu",
        "`x`, or `alpha (exp(x / alpha) - 1)` where x is negative",
        activation::ELU_ARGS,
        activation::celu_rule,
    ),
    with(
        "softplus",
        "`log(1 + exp(beta x)) / beta`, linear where `beta x > threshold`",
        activation::SOFTPLUS_ARGS,
    ),
    unary("softsign", "`x / (1 + |x|)`"),
    unary("tanhshrink", "`x - tanh(x)`"),
    of_x(
        "hardtanh",
        "`x` limited to `min_val ..= max_val`",
        activation::HARDTANH_ARGS,
        activation::hardtanh_rule,
    ),
    unary("hardsigmoid", "`min(max(x + 3, 0), 6) / 6`"),
    unary("hardswish", "`x hardsigmoid(x)`"),
    with("hardshrink", "`x` where `|x| > lambd`, otherwise 0", activation::SHRINK_ARGS),
    of_x(
        "softshrink",
        "`x` moved by `lambd` towards 0",
        activation::SHRINK_ARGS,
        activation::softshrink_rule,
    ),
    with("threshold", "`x` where `x > threshold`, otherwise `value`", activation::THRESHOLD_ARGS),
    unary("neg", "`-x`"),
    unary("abs", "`|x|`"),
    unary("sign", "-1, 0 or 1"),
    unary("sgn", "`x / |x|`, or 0"),
    unary("square", "`x²`"),
    unary("sqrt", "`√x`"),
    unary("rsqrt", "`1 / √x`"),
    unary("reciprocal", "`1 / x`"),
    unary("exp", "`eˣ`"),
    unary("exp2", "`2ˣ`"),
    unary("expm1", "`eˣ - 1`"),
    unary("log", "the natural logarithm"),
    unary("log2", "the logarithm to base 2"),
    unary("log10", "the logarithm to base 10"),
    unary("log1p", "`log(1 + x)`"),
    unary("sin", "the sine"),
    unary("cos", "the cosine"),
    unary("tan", "the tangent"),
    unary("asin", "the inverse sine"),
    unary("acos", "the inverse cosine"),
    unary("atan", "the inverse tangent"),
    unary("sinh", "the hyperbolic sine"),
    unary("cosh", "the hyperbolic cosine"),
    unary("asinh", "the inverse hyperbolic sine"),
    unary("acosh", "the inverse hyperbolic cosine"),
    unary("atanh", "the inverse hyperbolic tangent"),
    unary("sinc", "`sin(πx) / πx`"),
    unary("erf", "the error function"),
    unary("erfc", "`1 - erf(x)`"),
    unary("erfinv", "the inverse of `erf`"),
    unary("lgamma", "`log |Γ(x)|`"),
    unary("digamma", "the derivative of `lgamma`"),
    unary("logit", "`log(x / (1 - x))`"),
    unary("floor", "rounded down"),
    unary("ceil", "rounded up"),
    unary("round", "rounded, halves to even"),
    unary("trunc", "rounded towards 0"),
    unary("frac", "`x - trunc(x)`"),
    unary("logical_not", "whether `x` is 0"),
    unary("isnan", "whether `x` is not a number"),
    unary("isinf", "whether `x` is infinite"),
    unary("isfinite", "whether `x` is a finite number"),
    in_training(
        "dropout",
        "in training, zero with probability `p`, otherwise `x / (1 - p)`; in evaluation, `x`",
        &activation::DROPOUT,
    ),
    in_training(
        "dropout1d",
        "`dropout` of the channels of `[batch, channels, length]`",
        &activation::DROPOUT1D,
    ),
    in_training(
        "dropout2d",
        "`dropout` of the channels of `[batch, channels, h, w]`",
        &activation::DROPOUT2D,
    ),
    in_training(
        "dropout3d",
        "`dropout` of the channels of `[batch, channels, d, h, w]`",
        &activation::DROPOUT3D,
    ),
    in_training(
        "alpha_dropout",
        "in training, as `selu` saturates with probability `p`, with mean and variance kept; in evaluation, `x`",
        &activation::ALPHA_DROPOUT,
    ),
    in_training(
        "feature_alpha_dropout",
        "`alpha_dropout` of the channels of `[batch, channels, ..]`",
        &activation::FEATURE_ALPHA_DROPOUT,
    ),
    in_training(
        "rrelu",
        "`x`, or where that is negative `x` times a slope drawn from `lower .. upper`; in evaluation, the mean slope",
        &activation::RRELU,
    ),
];

/// The function of a layer that differs in training and evaluation.
const fn in_training(name: &'static str, summary: &'static str, layer: &LayerSpec) -> FunctionSpec {
    FunctionSpec { outputs: Outputs::InTraining, rule: layer.rule, ..of_x(name, summary, layer.args, same) }
}

pub(super) const BINARY: &[FunctionSpec] = &[
    binary("add", "`a + b`"),
    binary("sub", "`a - b`"),
    binary("mul", "`a * b`"),
    binary("div", "`a / b`"),
    binary("remainder", "`a % b`, with the sign of `b`"),
    binary("fmod", "the remainder of `a / b`, with the sign of `a`"),
    binary("floor_divide", "`a / b`, rounded down"),
    binary("pow", "`a` to the power of `b`"),
    binary("maximum", "the larger one"),
    binary("minimum", "the smaller one"),
    binary("fmax", "the larger one, NaN if both are"),
    binary("fmin", "the smaller one, NaN if both are"),
    binary("atan2", "the angle of the point `(b, a)`"),
    binary("hypot", "`√(a² + b²)`"),
    binary("copysign", "`|a|` with the sign of `b`"),
    binary("xlogy", "`a log(b)`, 0 where `a` is 0"),
    binary("logaddexp", "`log(exp(a) + exp(b))`"),
    binary("eq", "whether `a == b`"),
    binary("ne", "whether `a != b`"),
    binary("lt", "whether `a < b`"),
    binary("le", "whether `a <= b`"),
    binary("gt", "whether `a > b`"),
    binary("ge", "whether `a >= b`"),
    binary("logical_and", "whether neither is 0"),
    binary("logical_or", "whether one is not 0"),
    binary("logical_xor", "whether exactly one is not 0"),
    with(
        "clamp",
        "`x` limited to `min ..= max`; one of them may be left out: `clamp(x, min = 0.0)`",
        &[ArgSpec::operand("min"), ArgSpec::operand("max")],
    )
    .operands(),
    with("clamp_min", "`x`, at least `min`", &[ArgSpec::operand("min")]).operands(),
    with("clamp_max", "`x`, at most `max`", &[ArgSpec::operand("max")]).operands(),
];

pub(super) const OTHERS: &[FunctionSpec] = &[
    FunctionSpec {
        inputs: Inputs::Named(&["condition"]),
        ..with(
            "where_",
            "`yes` where the condition holds, otherwise `no`",
            &[ArgSpec::operand("yes"), ArgSpec::operand("no")],
        )
        .operands()
    },
    FunctionSpec {
        inputs: Inputs::Named(&["x", "mask"]),
        ..with("masked_fill", "`value` where the mask holds, otherwise `x`", &[ArgSpec::operand("value")])
            .operands()
    },
    FunctionSpec {
        inputs: Inputs::Named(&["start", "end"]),
        ..with("lerp", "`start + weight (end - start)`", &[ArgSpec::operand("weight")]).operands()
    },
    FunctionSpec {
        inputs: Inputs::Named(&["x", "a", "b"]),
        ..with("addcmul", "`x + value a b`", &[ArgSpec::float("value", 1.0)]).operands()
    },
    FunctionSpec {
        inputs: Inputs::Named(&["x", "a", "b"]),
        ..with("addcdiv", "`x + value a / b`", &[ArgSpec::float("value", 1.0)]).operands()
    },
    FunctionSpec {
        inputs: Inputs::Named(&["x", "weight"]),
        ..of_x(
            "prelu",
            "`x`, or `weight x` where that is negative; one weight, or one per channel",
            &[],
            |args, inputs, claims| Ok(vec![rules::prelu(args.op, inputs[0], inputs[1], claims)?]),
        )
    },
    of_x(
        "softmax",
        "`exp(x)` divided by its sum over `dim`",
        activation::SOFTMAX_ARGS,
        activation::along_axis,
    ),
    of_x("softmin", "`softmax(-x)`", activation::SOFTMAX_ARGS, activation::along_axis),
    of_x("log_softmax", "the logarithm of `softmax`", activation::SOFTMAX_ARGS, activation::along_axis),
    of_x(
        "glu",
        "the first half of `dim` times `σ` of the second",
        activation::GLU_ARGS,
        activation::glu_rule,
    ),
    of_x(
        "normalize",
        "`x` divided by its norm over `dim`",
        &[
            ArgSpec::float("p", 2.0),
            ArgSpec::axis("dim").or(Fallback::Axis(1)),
            ArgSpec::of("eps", Kind::Float).named().or(Fallback::Float(1e-12)),
        ],
        activation::along_axis,
    ),
];

const fn unary(name: &'static str, summary: &'static str) -> FunctionSpec {
    with(name, summary, &[])
}

const fn with(name: &'static str, summary: &'static str, args: &'static [ArgSpec]) -> FunctionSpec {
    of_x(name, summary, args, same)
}

const fn binary(name: &'static str, summary: &'static str) -> FunctionSpec {
    FunctionSpec {
        name,
        summary,
        inputs: Inputs::Named(&["a"]),
        args: B,
        outputs: Outputs::One,
        rule: Rule::new(broadcast),
    }
}

const B: &[ArgSpec] = &[ArgSpec::operand("b")];

impl FunctionSpec {
    /// The same, with the shape that all its tensors broadcast to.
    const fn operands(mut self) -> Self {
        self.rule = Rule::new(broadcast);
        self
    }
}

/// All tensors broadcast, numbers fit everywhere.
fn broadcast(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let mut shapes = inputs.to_vec();
    for name in ["b", "yes", "no", "min", "max", "value", "weight"] {
        shapes.extend(args.tensor(name));
    }
    Ok(vec![rules::broadcast_all(args.op, &shapes, claims)?])
}
