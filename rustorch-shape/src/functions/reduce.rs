//! Reductions over axes.

use super::{FunctionSpec, Outputs, of_x};
use crate::args::{ArgSpec, Args, Fallback, Kind};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    of_x("mean", "the mean over `dim`, or over all axes", REDUCE_ARGS, reduce),
    of_x("sum", "the sum over `dim`, or over all axes", REDUCE_ARGS, reduce),
    of_x("prod", "the product over `dim`, or over all axes", REDUCE_ARGS, reduce),
    of_x("max", "the largest over `dim`, or over all axes", REDUCE_ARGS, reduce),
    of_x("min", "the smallest over `dim`, or over all axes", REDUCE_ARGS, reduce),
    of_x("amax", "as `max`", REDUCE_ARGS, reduce),
    of_x("amin", "as `min`", REDUCE_ARGS, reduce),
    of_x("logsumexp", "the logarithm of the sum of exponentials", REDUCE_ARGS, reduce),
    of_x("all", "whether none is 0", REDUCE_ARGS, reduce),
    of_x("any", "whether one is not 0", REDUCE_ARGS, reduce),
    of_x("var", "the variance, with `correction` taken off the count", SPREAD_ARGS, reduce),
    of_x("std", "the standard deviation, with `correction` taken off the count", SPREAD_ARGS, reduce),
    of_x("norm", "the `p`-norm: the root of the sum of powers", NORM_ARGS, reduce),
    of_x("argmax", "where along `dim` the largest stands", AXIS_ARGS, reduce),
    of_x("argmin", "where along `dim` the smallest stands", AXIS_ARGS, reduce),
    FunctionSpec {
        outputs: Outputs::Tuple(2),
        ..of_x(
            "topk",
            "the `k` largest along `dim`, and where they stand",
            TOPK_ARGS,
            |args, inputs, claims| {
                let shape = rules::topk(inputs[0], args.size("k")?, args.axis("dim")?, claims)?;
                Ok(vec![shape.clone(), shape])
            },
        )
    },
    FunctionSpec {
        outputs: Outputs::Tuple(2),
        ..of_x("sort", "the entries of `dim` in order, and where they stood", SORT_ARGS, |args, inputs, _| {
            Ok(vec![rules::cumulative(args.op, inputs[0], args.axis("dim")?)?; 2])
        })
    },
];

const REDUCE_ARGS: &[ArgSpec] =
    &[ArgSpec::of("dim", Kind::Axes).or(Fallback::AllAxes), ArgSpec::flag("keepdim", false)];
const AXIS_ARGS: &[ArgSpec] = &[ArgSpec::axis("dim"), ArgSpec::flag("keepdim", false)];
const SPREAD_ARGS: &[ArgSpec] = &[
    ArgSpec::of("dim", Kind::Axes).or(Fallback::AllAxes),
    ArgSpec::float("correction", 1.0).named(),
    ArgSpec::flag("keepdim", false),
];
const NORM_ARGS: &[ArgSpec] = &[
    ArgSpec::float("p", 2.0),
    ArgSpec::of("dim", Kind::Axes).or(Fallback::AllAxes),
    ArgSpec::flag("keepdim", false),
];
const TOPK_ARGS: &[ArgSpec] = &[
    ArgSpec::size("k"),
    ArgSpec::axis("dim").or(Fallback::Axis(-1)),
    ArgSpec::bool("largest", true),
    ArgSpec::bool("sorted", true),
];
const SORT_ARGS: &[ArgSpec] = &[
    ArgSpec::axis("dim").or(Fallback::Axis(-1)),
    ArgSpec::bool("descending", false),
    ArgSpec::bool("stable", false),
];

fn reduce(args: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let (axes, keepdim) = (args.axes("dim")?, args.flag("keepdim")?);
    Ok(vec![match args.op {
        "max" | "min" | "amax" | "amin" | "argmax" | "argmin" => {
            rules::arg_reduce(args.op, inputs[0], axes, keepdim)?
        }
        _ => rules::reduce(args.op, inputs[0], axes, keepdim)?,
    }])
}
