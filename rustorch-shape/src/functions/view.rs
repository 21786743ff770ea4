//! Functions that rearrange or cut a tensor.

use super::{FunctionSpec, Outputs, of_x as view};
use crate::args::{ArgSpec, Args, Fallback, Kind, Value};
use crate::error::{Dims, Result, ShapeError, normalize_axis};
use crate::poly::{Claim, Poly};
use crate::rules;
use crate::size::Size;

pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    view(
        "flatten",
        "the axes from `start_dim` to `end_dim` merged into one",
        &[ArgSpec::axis("start_dim").or(Fallback::Axis(0)), ArgSpec::axis("end_dim").or(Fallback::Axis(-1))],
        |args, inputs, _| {
            Ok(vec![rules::flatten(inputs[0], args.axis("start_dim")?, args.axis("end_dim")?)?])
        },
    ),
    view(
        "reshape",
        "the elements in another shape; one size may be `_`",
        &[ArgSpec::of("shape", Kind::Target)],
        |args, inputs, claims| Ok(vec![rules::reshape(inputs[0], args.target("shape")?, claims)?]),
    ),
    view(
        "unflatten",
        "axis `dim` split into `sizes`, of which one may be `_`",
        &[ArgSpec::axis("dim"), ArgSpec::of("sizes", Kind::Target)],
        |args, inputs, claims| {
            Ok(vec![rules::unflatten(inputs[0], args.axis("dim")?, args.target("sizes")?, claims)?])
        },
    ),
    view(
        "expand",
        "axes of size 1 stretched to `sizes`; `_` keeps a size",
        &[ArgSpec::of("sizes", Kind::Target)],
        |args, inputs, claims| Ok(vec![rules::expand(inputs[0], args.target("sizes")?, claims)?]),
    ),
    view("permute", "the axes in the order `dims`", &[ArgSpec::of("dims", Kind::Axes)], |args, inputs, _| {
        Ok(vec![rules::permute(inputs[0], args.axes("dims")?)?])
    }),
    view(
        "transpose",
        "two axes exchanged",
        &[ArgSpec::axis("dim0"), ArgSpec::axis("dim1")],
        |args, inputs, _| Ok(vec![rules::transpose(inputs[0], args.axis("dim0")?, args.axis("dim1")?)?]),
    ),
    view("unsqueeze", "a new axis of size 1", &[ArgSpec::axis("dim")], |args, inputs, _| {
        Ok(vec![rules::unsqueeze(inputs[0], args.axis("dim")?)?])
    }),
    view("squeeze", "without the axis `dim`, which must be 1", &[ArgSpec::axis("dim")], squeeze),
    view(
        "narrow",
        "`length` positions of `dim`, from `start` on",
        &[ArgSpec::axis("dim"), ArgSpec::size("start"), ArgSpec::size("length")],
        |args, inputs, claims| {
            let (start, length) = (args.size("start")?, args.size("length")?);
            Ok(vec![rules::narrow(inputs[0], args.axis("dim")?, start, length, claims)?])
        },
    ),
    view(
        "select",
        "one position of `dim`, without that axis",
        &[ArgSpec::axis("dim"), ArgSpec::size("index")],
        |args, inputs, claims| {
            Ok(vec![rules::select(inputs[0], args.axis("dim")?, args.size("index")?, claims)?])
        },
    ),
    FunctionSpec {
        outputs: Outputs::Pieces,
        ..view(
            "split",
            "pieces of `split_size` along `dim`, or of each of these sizes",
            &[ArgSpec::of("split_size", Kind::Pieces), ArgSpec::axis("dim").or(Fallback::Axis(0))],
            split,
        )
    },
    view(
        "slice",
        "every `step`-th position of `dim` from `start` up to, without, `end`",
        &[
            ArgSpec::axis("dim"),
            ArgSpec::size("start"),
            ArgSpec::size("end"),
            ArgSpec::size("step").or(Fallback::Size(1)),
        ],
        |args, inputs, claims| {
            let (start, end, step) = (args.size("start")?, args.size("end")?, args.size("step")?);
            Ok(vec![rules::slice(inputs[0], args.axis("dim")?, start, end, step, claims)?])
        },
    ),
    view(
        "movedim",
        "the axes `source` moved to `destination`; the others keep their order",
        &[ArgSpec::of("source", Kind::Axes), ArgSpec::of("destination", Kind::Axes)],
        |args, inputs, _| {
            Ok(vec![rules::movedim(inputs[0], args.axes("source")?, args.axes("destination")?)?])
        },
    ),
    FunctionSpec {
        outputs: Outputs::Pieces,
        ..view(
            "unbind",
            "every position of `dim`, each without that axis",
            &[ArgSpec::axis("dim").or(Fallback::Axis(0))],
            |args, inputs, _| rules::unbind(inputs[0], args.axis("dim")?),
        )
    },
    FunctionSpec {
        outputs: Outputs::Pieces,
        ..view(
            "chunk",
            "`chunks` equal pieces along `dim`; the last is smaller where a known size cannot be divided",
            &[ArgSpec::size("chunks"), ArgSpec::axis("dim").or(Fallback::Axis(0))],
            chunk,
        )
    },
];

/// Where PyTorch silently keeps an axis that is not 1, a declared network has a mistake.
fn squeeze(args: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let (input, dim) = (inputs[0], args.axis("dim")?);
    let axis = normalize_axis(args.op, dim, input.len())?;
    match input.get(axis) {
        Some(size) if !size.is(1) => {
            let message = format!(
                "axis {axis} of {} is {size}, and only an axis of size 1 can be dropped",
                Dims(input)
            );
            Err(ShapeError::argument(args.op, "dim", message).at_axis(axis))
        }
        _ => Ok(vec![rules::squeeze(input, Some(&[dim]))?]),
    }
}

fn split(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let dim = args.axis("dim")?;
    match args.get("split_size") {
        Some(Value::Sizes(sizes)) => rules::split_sizes(inputs[0], sizes, dim, claims),
        _ => rules::split(inputs[0], args.size("split_size")?, dim, claims),
    }
}

fn chunk(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let chunks = args.size("chunks")?;
    match chunks.as_constant() {
        // A tuple of more than a few names is not a thing that anyone writes.
        Some(number) if number <= 64 => rules::chunk(inputs[0], number, args.axis("dim")?, claims),
        _ => {
            let message = format!(
                "the number of pieces is {chunks}, but must be a literal, at most 64: one name takes each piece"
            );
            Err(ShapeError::argument(args.op, "chunks", message))
        }
    }
}
