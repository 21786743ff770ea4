//! Functions that move or repeat elements.

use super::{FunctionSpec, of_x, same};
use crate::args::{ArgSpec, Args, Fallback, Kind, Value};
use crate::error::{Result, normalize_axes};
use crate::poly::{Claim, Poly};
use crate::rules;

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    of_x("flip", "the reverse order along `dims`", &[ArgSpec::of("dims", Kind::Axes)], |args, inputs, _| {
        normalize_axes(args.op, args.axes("dims")?, inputs[0].len())?;
        Ok(vec![inputs[0].to_vec()])
    }),
    of_x(
        "roll",
        "elements moved by `shifts` along `dims`, coming back in at the other end",
        &[ArgSpec::of("shifts", Kind::Ints), ArgSpec::of("dims", Kind::Axes)],
        |args, inputs, _| Ok(vec![rules::roll(inputs[0], args.axes("shifts")?, args.axes("dims")?)?]),
    ),
    of_x(
        "repeat",
        "the tensor laid side by side with itself, `repeats` times along each axis",
        &[ArgSpec::of("repeats", Kind::Sizes)],
        |args, inputs, _| Ok(vec![rules::repeat(inputs[0], args.sizes("repeats")?)?]),
    ),
    of_x(
        "repeat_interleave",
        "every entry of `dim` `repeats` times",
        &[ArgSpec::size("repeats"), ArgSpec::axis("dim")],
        |args, inputs, _| {
            Ok(vec![rules::repeat_interleave(inputs[0], args.size("repeats")?, args.axis("dim")?)?])
        },
    ),
    of_x(
        "pad",
        "entries added around the last axes: `[left, right]` of the last, then of the one before",
        &[
            ArgSpec::of("padding", Kind::Sizes),
            ArgSpec::of("mode", Kind::Text(&["constant", "reflect", "replicate", "circular"]))
                .named()
                .or(Fallback::Text("constant")),
            ArgSpec::float("value", 0.0).named(),
        ],
        |args, inputs, claims| {
            let padding = args.sizes("padding")?;
            let shape = rules::pad(args.op, inputs[0], padding)?;
            if let Some(Value::Text(mode)) = args.get("mode") {
                rules::pad_border(args.op, inputs[0], padding, rules::Border::of(mode), claims)?;
            }
            Ok(vec![shape])
        },
    ),
    of_x("tril", "the lower triangle of the last two axes; zeros above", TRIANGLE_ARGS, triangle),
    of_x("triu", "the upper triangle of the last two axes; zeros below", TRIANGLE_ARGS, triangle),
    of_x("cumsum", "the sum of all entries up to each along `dim`", AXIS, along),
    of_x("cumprod", "the product of all entries up to each along `dim`", AXIS, along),
    of_x("logcumsumexp", "the logarithm of the sum of exponentials up to each entry", AXIS, along),
    of_x("detach", "the same values, through which no gradient flows", &[], same),
    of_x("contiguous", "the same values, laid out in order", &[], same),
    of_x("zeros_like", "zeros in the shape of `x`", &[], same),
    of_x("ones_like", "ones in the shape of `x`", &[], same),
    of_x("full_like", "`value` everywhere, in the shape of `x`", &[ArgSpec::of("value", Kind::Float)], same),
    of_x("rand_like", "numbers drawn uniformly from 0 to 1, in the shape of `x`", &[], same),
    of_x("randn_like", "numbers drawn from the normal distribution, in the shape of `x`", &[], same),
];

const AXIS: &[ArgSpec] = &[ArgSpec::axis("dim")];
const TRIANGLE_ARGS: &[ArgSpec] = &[ArgSpec::int("diagonal", 0)];

fn along(args: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::cumulative(args.op, inputs[0], args.axis("dim")?)?])
}

fn triangle(args: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::matrices(args.op, inputs[0])?])
}
