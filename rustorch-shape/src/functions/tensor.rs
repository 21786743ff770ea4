//! Functions of several tensors.

use super::{FunctionSpec, Inputs, Outputs};
use crate::args::{ArgSpec, Fallback, Kind, Rule, Value};
use crate::rules;

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    binary("matmul", |_, inputs, claims| Ok(vec![rules::matmul(inputs[0], inputs[1], claims)?])),
    binary("bmm", |_, inputs, claims| Ok(vec![rules::bmm(inputs[0], inputs[1], claims)?])),
    binary("maximum", |args, inputs, claims| {
        Ok(vec![rules::broadcast(args.op, inputs[0], inputs[1], claims)?])
    }),
    binary("minimum", |args, inputs, claims| {
        Ok(vec![rules::broadcast(args.op, inputs[0], inputs[1], claims)?])
    }),
    FunctionSpec {
        name: "cat",
        inputs: Inputs::List,
        args: JOIN_ARGS,
        outputs: Outputs::One,
        rule: |args, inputs, claims| Ok(vec![rules::cat(inputs, args.axis("dim")?, claims)?]),
    },
    FunctionSpec {
        name: "stack",
        inputs: Inputs::List,
        args: JOIN_ARGS,
        outputs: Outputs::One,
        rule: |args, inputs, claims| Ok(vec![rules::stack(inputs, args.axis("dim")?, claims)?]),
    },
    FunctionSpec {
        name: "scaled_dot_product_attention",
        inputs: Inputs::Named(&["query", "key", "value"]),
        args: &[
            ArgSpec::of("mask", Kind::Tensor).named().or(Fallback::Absent),
            ArgSpec::bool("causal", false),
        ],
        outputs: Outputs::One,
        rule: |args, inputs, claims| {
            let mask = match args.get("mask") {
                Some(Value::Tensor(shape)) => Some(&shape[..]),
                _ => None,
            };
            Ok(vec![rules::attention(inputs[0], inputs[1], inputs[2], mask, claims)?])
        },
    },
];

const JOIN_ARGS: &[ArgSpec] = &[ArgSpec::axis("dim").or(Fallback::Axis(0))];

const fn binary(name: &'static str, rule: Rule) -> FunctionSpec {
    FunctionSpec { name, inputs: Inputs::Named(&["a", "b"]), args: &[], outputs: Outputs::One, rule }
}
