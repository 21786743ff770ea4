"""The cases that every structured operation gets for one list of arguments."""

from .writer import Arg, rand

KINDS = ["f32", "f64", "bf16", "i64", "u8", "bool", "c64"]
REAL = ["f32", "f64", "f16", "i32", "u8", "bool"]
FLOAT = ["f32", "f64", "f16", "bf16"]


def reverse(rank):
    return "p:" + ",".join(str(axis) for axis in reversed(range(rank)))


def sweep(writer, op, function, shape, *arguments, dtypes=KINDS, layouts=True, fd=True, low=-2.0, high=2.0):
    """`function(x, *arguments)` for `x` of each dtype, in several layouts, and smooth in double precision."""
    for dtype in dtypes:
        writer.case(op, function, rand(shape, dtype, low, high), *arguments)
    if layouts and len(shape) > 1 and 0 not in shape and "f32" in dtypes:
        writer.case(op, function, rand(shape, "f32", low, high, layout=reverse(len(shape))), *arguments)
        writer.case(op, function, rand(shape, "f32", low, high, layout=f"s:{len(shape) - 1},2"), *arguments)
    if fd and 0 not in shape and "f64" in dtypes:
        writer.case(op, function, rand(shape, "f64", low, high, seed=11), *arguments, fd=True)


def integers(values, dtype="i64", **kwargs):
    return Arg(values, dtype, **kwargs)
