"""Joining, splitting and rearranging."""

import torch
import torch.nn.functional as F

from .sweep import sweep
from .writer import Arg, rand


def several(writer, op, function, shapes, *arguments, fd=True, dtypes=("f32", "f64", "bf16", "i64", "bool", "c64")):
    for dtype in dtypes:
        parts = [rand(shape, dtype, seed=seed) for seed, shape in enumerate(shapes)]
        writer.case(op, function, parts, *arguments, fd=fd and dtype == "f64")


def join(writer):
    several(writer, "cat", torch.cat, [[2, 3], [2, 1], [2, 2]], 1)
    several(writer, "cat", torch.cat, [[2, 3], [1, 3]], -2, dtypes=["f32"])
    several(writer, "cat", torch.cat, [[2, 2], [0], [2, 1]], 1, dtypes=["f32"])
    several(writer, "cat", torch.cat, [[0, 3], [2, 3]], 0, dtypes=["f32"])
    several(writer, "stack", torch.stack, [[2, 3], [2, 3]], 1)
    several(writer, "stack", torch.stack, [[2], [2], [2]], -1, dtypes=["f32"])
    several(writer, "stack", torch.stack, [[], []], 0, dtypes=["f32"])
    for left, right in [("f32", "f64"), ("i64", "f16"), ("u8", "i8"), ("f32", "c64"), ("bool", "i32")]:
        writer.case("cat", torch.cat, [rand([2], left), rand([1], right, seed=1)], 0)
        writer.case("stack", torch.stack, [rand([2], left), rand([2], right, seed=1)], 0)
    writer.case("cat", torch.cat, [rand([2, 3], layout="p:1,0"), rand([2, 3], layout="s:1,2", seed=1)], 0)
    for shapes, axis in [([[2, 3], [2, 2]], 0), ([[2, 3], [2]], 0), ([[2], [2]], 1), ([[], []], 0)]:
        several(writer, "cat", torch.cat, shapes, axis, dtypes=["f32"])
    several(writer, "stack", torch.stack, [[2], [3]], 0, dtypes=["f32"])
    several(writer, "stack", torch.stack, [[2], [2]], 2, dtypes=["f32"])
    writer.case("cat", torch.cat, [], 0)
    for op, function in [("hstack", torch.hstack), ("vstack", torch.vstack), ("dstack", torch.dstack), ("column_stack", torch.column_stack)]:
        several(writer, op, function, [[2, 3], [2, 3]], dtypes=["f32", "f64"])
        several(writer, op, function, [[3], [3]], dtypes=["f32"])
        several(writer, op, function, [[], []], dtypes=["f32"])
        several(writer, op, function, [[2, 3], [1, 4]], dtypes=["f32"])


def split(writer):
    for sizes, axis in [(2, 0), (3, 1), (7, 0), ([1, 4], 0), ([0, 5], 0)]:
        writer.case("split", torch.split, rand([5, 6], "f64"), sizes, axis, fd=True)
    writer.case("split", torch.split, rand([5, 6], layout="p:1,0"), 2, 0)
    for sizes, axis in [([1, 3], 0), (2, 2)]:
        writer.case("split", torch.split, rand([5, 6]), sizes, axis)
    for chunks, axis in [(2, 0), (3, 1), (4, 1), (9, 0)]:
        writer.case("chunk", torch.chunk, rand([5, 6], "f64"), chunks, axis, fd=True)
        writer.case("tensor_split", torch.tensor_split, rand([5, 6], "f64"), chunks, axis, fd=True)
    for op, function in [("chunk", torch.chunk), ("tensor_split", torch.tensor_split)]:
        writer.case(op, function, rand([5]), 0, 0)
        writer.case(op, function, rand([5]), 2, 1)
    for axis in [0, -1, 2]:
        writer.case("unbind", torch.unbind, rand([2, 3], "f64"), axis, fd=True)


def rearrange(writer):
    calls = [
        ("flip", torch.flip, [2, 3, 2], [[[0]], [[-1, 0]], [[1, 2]]]), ("fliplr", torch.fliplr, [2, 3], [[]]),
        ("flipud", torch.flipud, [2, 3], [[]]), ("rot90", torch.rot90, [2, 3], [[1, [0, 1]], [2, [0, 1]], [-1, [1, 0]], [5, [0, 1]]]),
        ("roll", lambda x, s, d: torch.roll(x, s, d), [2, 4], [[[1], [1]], [[-3, 1], [1, 0]], [[9], [-1]]]),
        ("diag_embed", torch.diag_embed, [2, 3], [[0, -2, -1], [1, 0, 2], [-2, 1, 0]]),
        ("repeat", lambda x, s: x.repeat(s), [2, 1], [[[2, 3]], [[2, 1, 2]], [[1, 1]], [[0, 2]]]),
        ("tile", torch.tile, [2, 3], [[[2]], [[2, 1, 2]]]),
        ("repeat_interleave", torch.repeat_interleave, [2, 3], [[2, 1], [3, 0], [0, 0]]),
        ("tril", torch.tril, [3, 4], [[0], [1], [-2]]), ("triu", torch.triu, [2, 3, 3], [[0], [-1], [5]]),
    ]
    for op, function, shape, lists in calls:
        for index, arguments in enumerate(lists):
            empty = op in ["repeat", "repeat_interleave"] and 0 in (arguments[0] if op == "repeat" else arguments[:1])
            dtypes = ["f32", "f64", "bf16", "i64", "bool", "c64"] if index == 0 else ["f32"]
            sweep(writer, op, function, shape, *arguments, dtypes=dtypes, layouts=index == 0, fd=not empty)
    writer.case("roll", lambda x, s, d: torch.roll(x, s), rand([2, 3]), [2], None)
    writer.case("roll", lambda x, s, d: torch.roll(x, s, d), rand([]), [0], [0])
    writer.case("unbind", torch.unbind, rand([]), 0)
    writer.case("repeat_interleave", torch.repeat_interleave, rand([2, 3], "f64"), 2, None, fd=True)
    writer.case("repeat_interleave", torch.repeat_interleave, rand([3, 2], "f64"), Arg([2, 0, 1], "i64"), 0, fd=True)
    for shape, offset in [([3], 0), ([3], 1), ([2], -2), ([3, 4], 0), ([3, 4], 2), ([4, 3], -1), ([2, 2], 5)]:
        writer.case("diag", torch.diag, rand(shape, "f64"), offset, fd=(shape, offset) != ([2, 2], 5))
    several(writer, "block_diag", lambda xs: torch.block_diag(*xs), [[2, 2], [1, 3], [2]], dtypes=["f32", "f64"])
    for op in ["tril_", "triu_"]:
        for layout in [None, "p:1,0"]:
            writer.case(op, getattr(torch.Tensor, op), rand([3, 3], "f64", layout=layout), 0, fd=True)
    errors = [
        ("flip", torch.flip, [2, 3], [[0, 0]]), ("flip", torch.flip, [2, 3], [[2]]), ("fliplr", torch.fliplr, [3], []), ("flipud", torch.flipud, [], []),
        ("rot90", torch.rot90, [2, 3], [1, [0, 0]]), ("rot90", torch.rot90, [3], [1, [0, 1]]), ("repeat", lambda x, s: x.repeat(s), [2, 3], [[2]]),
        ("diag", torch.diag, [2, 2, 2], [0]), ("diag", torch.diag, [], [0]), ("tril", torch.tril, [3], [0]), ("diag_embed", torch.diag_embed, [2], [0, 0, 0]),
        ("roll", lambda x, s, d: torch.roll(x, s, d), [2, 3], [[1, 2], [0]]),
    ]
    for op, function, shape, arguments in errors:
        writer.case(op, function, rand(shape), *arguments)


def pad(writer):
    pads = [([1, 2], "constant", 0.5), ([0, 1, 2, 0], "constant", -1.0), ([-1, 1], "constant", 0.0), ([-1, -1, 1, 0], "constant", 0.0)]
    pads += [([1, 2], mode, 0.0) for mode in ["reflect", "replicate", "circular"]]
    pads += [([1, 1, 2, 0], mode, 0.0) for mode in ["reflect", "replicate", "circular"]]
    call = lambda x, p, mode, value: F.pad(x, p, mode, value if mode == "constant" else None)
    for sizes, mode, value in pads:
        shape = [1, 3, 4] if len(sizes) == 2 else [1, 1, 3, 4]
        writer.case("pad", call, rand(shape), sizes, mode, value)
        writer.case("pad", call, rand(shape, "f64"), sizes, mode, value, fd=True)
    for dtype in ["i64", "bool", "c64", "bf16"]:
        writer.case("pad", call, rand([2, 3], dtype), [1, 1], "constant", 1.0)
    for shape, sizes, mode in [([1, 2, 3], [3, 0], "reflect"), ([1, 2, 3], [4, 0], "circular"), ([3], [1], "constant"), ([3], [1, 1, 1, 1], "constant"), ([1, 1, 3], [-2, -2], "constant")]:
        writer.case("pad", call, rand(shape), sizes, mode, 0.0)


def mesh(writer):
    for indexing in ["ij", "xy"]:
        call = lambda xs, indexing: torch.meshgrid(*xs, indexing=indexing)
        writer.case("meshgrid", call, [rand([2], "f64"), rand([3], "f64"), rand([], "f64")], indexing, fd=True)
        writer.case("meshgrid", call, [rand([2], "i64"), rand([1], "i64")], indexing)
    several(writer, "broadcast_tensors", lambda xs: torch.broadcast_tensors(*xs), [[2, 1], [3], []], dtypes=["f32", "f64"])
    several(writer, "broadcast_tensors", lambda xs: torch.broadcast_tensors(*xs), [[2], [3]], dtypes=["f32"])
    for rows, columns, offset in [(3, 4, 0), (4, 3, 1), (2, 5, -1), (0, 3, 0), (3, 3, -7)]:
        writer.case("tril_indices", torch.tril_indices, rows, columns, offset)
        writer.case("triu_indices", torch.triu_indices, rows, columns, offset)


def write(writer):
    join(writer)
    split(writer)
    rearrange(writer)
    pad(writer)
    mesh(writer)
