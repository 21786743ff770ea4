//! Reductions over axes.

use super::{FunctionSpec, Outputs, X};
use crate::args::{ArgSpec, Args, Fallback, Kind};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    reduction("mean"),
    reduction("sum"),
    reduction("max"),
    reduction("min"),
    FunctionSpec { args: AXIS_ARGS, ..reduction("argmax") },
    FunctionSpec { args: AXIS_ARGS, ..reduction("argmin") },
];

const REDUCE_ARGS: &[ArgSpec] =
    &[ArgSpec::of("dim", Kind::Axes).or(Fallback::AllAxes), ArgSpec::flag("keepdim", false)];
const AXIS_ARGS: &[ArgSpec] = &[ArgSpec::axis("dim"), ArgSpec::flag("keepdim", false)];

const fn reduction(name: &'static str) -> FunctionSpec {
    FunctionSpec { name, inputs: X, args: REDUCE_ARGS, outputs: Outputs::One, rule: reduce }
}

fn reduce(args: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let (axes, keepdim) = (args.axes("dim")?, args.flag("keepdim")?);
    Ok(vec![match args.op {
        "mean" | "sum" => rules::reduce(args.op, inputs[0], axes, keepdim)?,
        _ => rules::arg_reduce(args.op, inputs[0], axes, keepdim)?,
    }])
}
