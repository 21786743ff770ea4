//! Functions that take elements by index tensors.

use super::{FunctionSpec, Inputs, of_x};
use crate::args::{ArgSpec, Fallback};
use crate::rules;

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    of_x(
        "gather",
        "for every entry of `index`, the entry of `x` at that position of `dim`",
        &[ArgSpec::axis("dim"), ArgSpec::tensor("index")],
        |args, inputs, claims| {
            let index = args.tensor("index").unwrap_or_default();
            Ok(vec![rules::gather(args.op, inputs[0], args.axis("dim")?, index, claims)?])
        },
    ),
    of_x(
        "index_select",
        "the entries of `dim` that the vector `index` names",
        &[ArgSpec::axis("dim"), ArgSpec::tensor("index")],
        |args, inputs, _| {
            let index = args.tensor("index").unwrap_or_default();
            Ok(vec![rules::index_select(inputs[0], args.axis("dim")?, index)?])
        },
    ),
    FunctionSpec {
        inputs: Inputs::Named(&["x", "index"]),
        ..of_x(
            "take_along_dim",
            "as `gather`, other axes broadcasting",
            &[ArgSpec::axis("dim").or(Fallback::Axis(-1))],
            |args, inputs, claims| {
                Ok(vec![rules::take_along(args.op, inputs[0], args.axis("dim")?, inputs[1], claims)?])
            },
        )
    },
    FunctionSpec {
        inputs: Inputs::Named(&["indices", "weight"]),
        ..of_x("embedding", "the rows of the matrix `weight` that the indices name", &[], |_, inputs, _| {
            Ok(vec![rules::embedding(inputs[0], inputs[1])?])
        })
    },
];
