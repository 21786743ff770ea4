//! Functions of several tensors.

use super::{FunctionSpec, Inputs, Outputs};
use crate::args::{ArgSpec, Fallback, Kind, Rule, RuleFn};
use crate::rules;

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    binary("matmul", "the matrix product of the last two axes", |_, inputs, claims| {
        Ok(vec![rules::matmul(inputs[0], inputs[1], claims)?])
    }),
    binary("bmm", "the products of two batches of matrices", |_, inputs, claims| {
        Ok(vec![rules::bmm(inputs[0], inputs[1], claims)?])
    }),
    binary("mm", "the product of two matrices", |_, inputs, claims| {
        Ok(vec![rules::mm(inputs[0], inputs[1], claims)?])
    }),
    binary("outer", "all products of the entries of two vectors", |_, inputs, _| {
        Ok(vec![rules::outer(inputs[0], inputs[1])?])
    }),
    FunctionSpec {
        args: &[ArgSpec::axis("dim").or(Fallback::Axis(1)), ArgSpec::float("eps", 1e-8)],
        ..binary(
            "cosine_similarity",
            "the cosine of the angle between vectors along `dim`",
            |args, inputs, claims| {
                let shape = rules::broadcast(args.op, inputs[0], inputs[1], claims)?;
                Ok(vec![rules::reduce(args.op, &shape, &[args.axis("dim")?], false)?])
            },
        )
    },
    FunctionSpec {
        name: "cat",
        summary: "tensors laid end to end along `dim`",
        inputs: Inputs::List,
        args: JOIN_ARGS,
        outputs: Outputs::One,
        rule: Rule::new(|args, inputs, claims| Ok(vec![rules::cat(inputs, args.axis("dim")?, claims)?])),
    },
    FunctionSpec {
        name: "stack",
        summary: "tensors stacked along a new axis `dim`",
        inputs: Inputs::List,
        args: JOIN_ARGS,
        outputs: Outputs::One,
        rule: Rule::new(|args, inputs, claims| Ok(vec![rules::stack(inputs, args.axis("dim")?, claims)?])),
    },
    FunctionSpec {
        name: "scaled_dot_product_attention",
        summary: "`softmax(scale · q kᵀ + mask) v`; `scale` is `1 / √features` unless given",
        inputs: Inputs::Named(&["query", "key", "value"]),
        args: &[
            ArgSpec::optional("mask"),
            ArgSpec::bool("causal", false),
            ArgSpec::of("scale", Kind::OptionalFloat).named().or(Fallback::Absent),
        ],
        outputs: Outputs::One,
        rule: Rule::new(|args, inputs, claims| {
            Ok(vec![rules::attention(inputs[0], inputs[1], inputs[2], args.tensor("mask"), claims)?])
        }),
    },
];

const JOIN_ARGS: &[ArgSpec] = &[ArgSpec::axis("dim").or(Fallback::Axis(0))];

const fn binary(name: &'static str, summary: &'static str, rule: RuleFn) -> FunctionSpec {
    FunctionSpec {
        name,
        summary,
        inputs: Inputs::Named(&["a", "b"]),
        args: &[],
        outputs: Outputs::One,
        rule: Rule::new(rule),
    }
}
