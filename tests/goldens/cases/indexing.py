"""Reading and writing at indices."""

import torch

from . import brackets
from .writer import Arg, rand

INDEX = Arg([[0, 2, 1], [2, 2, 0]], "i64")
KINDS = ["f32", "bf16", "i64", "u8", "bool", "c64"]


def both(writer, op, function, x, *arguments, method=None):
    """Out of place and, where `method` is given, in place; in double precision by differences too."""
    shape, source = x
    make = lambda dtype, **kwargs: [rand(shape, dtype, **kwargs)] + [a(dtype) if callable(a) else a for a in arguments]
    for dtype in KINDS:
        writer.case(op, function, *make(dtype))
        if method:
            writer.case(op + "_", method, *make(dtype))
    rank = len(shape)
    layouts = [None] if rank < 2 else [None, "p:" + ",".join(map(str, reversed(range(rank)))), f"s:{rank - 1},2"]
    for layout in layouts:
        writer.case(op, function, *make("f64", layout=layout), fd=layout is None)
        if method:
            writer.case(op + "_", method, *make("f64", layout=layout), fd=layout is None)


def gather(writer):
    both(writer, "gather", torch.gather, ([2, 3], None), 1, INDEX)
    both(writer, "gather", torch.gather, ([3, 3], None), -2, INDEX)
    both(writer, "take", torch.take, ([3, 2], None), Arg([[0, 5], [-1, 5]], "i64"))
    both(writer, "index_select", torch.index_select, ([3, 2], None), 0, Arg([2, 0, 2], "i64"))
    both(writer, "index_select", torch.index_select, ([2, 3], None), -1, Arg([1], "i64"))
    writer.case("take_along_dim", torch.take_along_dim, rand([2, 3], "f64"), INDEX, 1, fd=True)
    writer.case("take_along_dim", torch.take_along_dim, rand([1, 3], "f64"), INDEX, 1, fd=True)
    writer.case("take_along_dim", torch.take_along_dim, rand([2, 3], "f64"), Arg([0, 5, 5], "i64"), None, fd=True)
    writer.case("gather", torch.gather, rand([2, 3]), 1, Arg([], "i64", shape=[0, 3]))
    writer.case("gather", torch.gather, rand([]), 0, Arg(0, "i64", shape=[]))
    writer.case("gather", torch.gather, rand([0, 3]), 0, Arg([], "i64", shape=[0, 2]))
    writer.case("index_select", torch.index_select, rand([3]), 0, Arg([1, 0], "i32"))
    writer.case("index_select", torch.index_select, rand([]), 0, Arg([0], "i64"))
    writer.case("index_select", torch.index_select, rand([3]), 0, Arg([], "i64"))
    for axis, index in [(1, [[0, 3]]), (1, [[-1, 0]]), (2, [[0]]), (0, [0]), (1, [[0], [0], [0]])]:
        writer.case("gather", torch.gather, rand([2, 3]), axis, Arg(index, "i64"))
    writer.case("gather", torch.gather, rand([2, 3]), 1, Arg([[0.0]], "f32", grad=False))
    for axis, index in [(0, [3]), (0, [-1]), (2, [0]), (0, [[0]])]:
        writer.case("index_select", torch.index_select, rand([3, 2]), axis, Arg(index, "i64"))
    writer.case("take", torch.take, rand([3]), Arg([3], "i64"))
    writer.case("take", torch.take, rand([3]), Arg([-4], "i64"))


def scatter(writer):
    source = lambda shape, low=-2, high=2: lambda dtype: rand(shape, dtype, low, high, seed=1)
    once = Arg([[0, 2, 1], [2, 1, 0]], "i64")
    both(writer, "scatter", torch.scatter, ([2, 3], None), 1, once, source([2, 3]), method=torch.Tensor.scatter_)
    both(writer, "scatter", torch.scatter, ([4, 3], None), 0, Arg([[0, 1, 2], [3, 0, 1]], "i64"), source([3, 3]), method=torch.Tensor.scatter_)
    both(writer, "scatter_add", torch.scatter_add, ([2, 3], None), 1, INDEX, source([2, 3]), method=torch.Tensor.scatter_add_)
    both(writer, "scatter_add", torch.scatter_add, ([4, 3], None), -2, INDEX, source([2, 4]), method=torch.Tensor.scatter_add_)
    for dtype, value in [("f32", 1.5), ("f64", -2.0), ("i64", 3), ("bool", True), ("c64", 1 + 2j)]:
        writer.case("scatter_value", torch.scatter, rand([2, 3], dtype), 1, once, value, fd=dtype == "f64")
        writer.case("scatter_value_", torch.Tensor.scatter_, rand([2, 3], dtype), 1, once, value, fd=dtype == "f64")
    errors = [([2, 3], 1, [[3]], [2, 3]), ([2, 3], 1, [[-1]], [2, 3]), ([2, 3], 2, [[0]], [2, 3]), ([2, 3], 1, [[0, 0, 0, 0]], [2, 3]), ([2, 3], 1, [0], [2, 3]), ([2, 3], 1, [[0], [0], [0]], [3, 3])]
    for shape, axis, index, other in errors:
        writer.case("scatter", torch.scatter, rand(shape), axis, Arg(index, "i64"), rand(other))
        writer.case("scatter_add", torch.scatter_add, rand(shape), axis, Arg(index, "i64"), rand(other))
    writer.case("scatter_add", torch.scatter_add, rand([2, 3]), 1, INDEX, rand([2, 3], "f64"))
    call = lambda x, d, i, s, r, include: torch.scatter_reduce(x, d, i, s, r, include_self=include)
    mutate = lambda x, d, i, s, r, include: x.scatter_reduce_(d, i, s, r, include_self=include)
    for reduce in ["sum", "prod", "mean", "amax", "amin"]:
        for include in [True, False]:
            for dtype in ["f32", "f64", "bf16", "i64"]:
                values = rand([2, 3], dtype, 1, 4), 1, Arg([[0, 2, 2], [2, 2, 2]], "i64"), rand([2, 3], dtype, 1, 4, seed=1), reduce, include
                writer.case("scatter_reduce", call, *values, fd=dtype == "f64")
                writer.case("scatter_reduce_", mutate, *values, fd=dtype == "f64")
    ties = Arg([1.0, 2, 3], "f64"), 0, Arg([0, 0, 1], "i64"), Arg([1.0, 1, 5], "f64")
    for reduce in ["amax", "amin"]:
        for include in [True, False]:
            # Without itself the first number still counts as one of those that are equal.
            writer.case("scatter_reduce", call, *ties, reduce, include)
            writer.case("scatter_reduce", call, Arg([1.0, float("nan"), 3], "f64"), *ties[1:], reduce, include)
    zeros = Arg([2.0, 0, 3], "f64"), 0, Arg([0, 0, 1], "i64"), Arg([0.0, 4, 5], "f64")
    for include in [True, False]:
        writer.case("scatter_reduce", call, *zeros, "prod", include)
    nan = float("nan")
    for reduce in ["sum", "amax", "amin"]:
        writer.case("scatter_reduce", call, Arg([1.0, nan, 3], "f32", grad=False), 0, Arg([0, 0, 1], "i64"), Arg([nan, 4, 5.0], "f32", grad=False), reduce, True)


def rows(writer):
    index = Arg([2, 0, 2], "i64")
    once = Arg([2, 0], "i64")
    source = lambda shape: lambda dtype: rand(shape, dtype, seed=1)
    both(writer, "index_add", torch.index_add, ([3, 2], None), 0, index, source([3, 2]), method=torch.Tensor.index_add_)
    both(writer, "index_copy", torch.index_copy, ([3, 2], None), 0, once, source([2, 2]), method=torch.Tensor.index_copy_)
    for dtype, value in [("f32", 1.5), ("f64", 2.0), ("i64", 3), ("bool", True)]:
        writer.case("index_fill", torch.index_fill, rand([3, 2], dtype), 0, once, value, fd=dtype == "f64")
        writer.case("index_fill_", torch.Tensor.index_fill_, rand([3, 2], dtype), 0, once, value, fd=dtype == "f64")
    for axis, entries, shape in [(0, [3], [1, 2]), (0, [0], [2, 2]), (2, [0], [1, 2]), (0, [0], [1, 3])]:
        writer.case("index_add", torch.index_add, rand([3, 2]), axis, Arg(entries, "i64"), rand(shape))
        writer.case("index_copy", torch.index_copy, rand([3, 2]), axis, Arg(entries, "i64"), rand(shape))


def masks(writer):
    mask = Arg([[True, False, True], [False, False, True]], "bool")
    for value in [1.5, 2]:
        for dtype in ["f32", "f64", "f16", "c64"]:
            writer.case("masked_fill", torch.masked_fill, rand([2, 3], dtype), mask, value, fd=dtype == "f64")
            writer.case("masked_fill_", torch.Tensor.masked_fill_, rand([2, 3], dtype), mask, value, fd=dtype == "f64")
    writer.case("masked_fill", torch.masked_fill, rand([2, 3], "i64"), mask, 7)
    writer.case("masked_fill", torch.masked_fill, rand([2, 3], "i64"), mask, 1.5)
    writer.case("masked_fill_", torch.Tensor.masked_fill_, rand([2, 3], "i64"), mask, 1.5)
    writer.case("masked_fill", torch.masked_fill, rand([2, 3], "f64"), Arg([True, False, True], "bool"), rand([], "f64", seed=1), fd=True)
    writer.case("masked_fill", torch.masked_fill, rand([3], "f64"), mask, 0.5, fd=True)
    writer.case("masked_fill_", torch.Tensor.masked_fill_, rand([3]), mask, 0.5)
    writer.case("masked_fill", torch.masked_fill, rand([2, 3]), Arg([[1, 0, 1]], "i64"), 0.5)
    writer.case("masked_fill", torch.masked_fill, rand([2, 3]), Arg([True, False], "bool"), 0.5)
    for dtype in KINDS:
        writer.case("masked_select", torch.masked_select, rand([2, 3], dtype), mask)
        writer.case("masked_scatter", torch.masked_scatter, rand([2, 3], dtype), mask, rand([5], dtype, seed=1))
        writer.case("nonzero", torch.nonzero, rand([2, 3], dtype))
        writer.case("argwhere", torch.argwhere, rand([2, 3], dtype))
        writer.case("nonzero_tuple", lambda x: torch.nonzero(x, as_tuple=True), rand([2, 3], dtype))
    writer.case("masked_select", torch.masked_select, rand([2, 3], "f64"), mask, fd=True)
    writer.case("masked_select", torch.masked_select, rand([2, 1], "f64"), Arg([True, False, True], "bool"), fd=True)
    writer.case("masked_select", torch.masked_select, rand([2, 3], layout="p:1,0"), mask)
    writer.case("masked_select", torch.masked_select, rand([]), Arg(True, "bool", shape=[]))
    writer.case("masked_select", torch.masked_select, rand([2, 3]), Arg([0, 1, 1], "u8"))
    writer.case("masked_scatter", torch.masked_scatter, rand([2, 3], "f64"), mask, rand([2, 2], "f64", seed=1), fd=True)
    writer.case("masked_scatter_", torch.Tensor.masked_scatter_, rand([2, 3], "f64", layout="p:1,0"), mask, rand([4], "f64", seed=1), fd=True)
    writer.case("masked_scatter", torch.masked_scatter, rand([2, 3]), mask, rand([2]))
    for shape in [[], [0, 3], [4]]:
        writer.case("nonzero", torch.nonzero, rand(shape))


def advanced(writer):
    """`x[indices]`, with `None` for a full slice."""
    def read(x, indices):
        return x[tuple(slice(None) if i is None else i for i in indices)]

    def put(x, indices, values, accumulate):
        return torch.ops.aten.index_put(x, list(indices), values, accumulate)

    def put_(x, indices, values, accumulate):
        return torch.ops.aten.index_put_(x, list(indices), values, accumulate)

    rows, columns = Arg([0, 2, 0], "i64"), Arg([1, -1, 1], "i64")
    square = Arg([[0, 1], [2, 0]], "i64")
    mask = Arg([True, False, True], "bool")
    lists = [
        ([3, 4], [rows]), ([3, 4], [rows, columns]), ([3, 4], [None, columns]), ([3, 4], [square]), ([3, 4], [square, Arg([0, 1], "i64")]),
        ([3, 4], [mask]), ([3, 4], [mask, Arg([1, 0], "i64")]), ([3, 2, 3], [rows, None, columns]), ([2, 3, 3], [None, rows, columns]),
        ([3, 4], [Arg([[True, False, False, True]] * 3, "bool")]), ([3, 2, 3], [None, None, mask]), ([3, 4], [Arg([], "i64")]), ([3, 4], [Arg(1, "i64", shape=[])]),
        ([3, 4], [Arg([0, 1], "i32")]),
    ]
    for shape, indices in lists:
        empty = any(i is not None and i.values.numel() == 0 for i in indices)
        writer.case("index", read, rand(shape, "f64"), indices, fd=not empty)
        writer.case("index", read, rand(shape, layout="p:" + ",".join(map(str, reversed(range(len(shape)))))), indices)
        result = read(rand(shape).values, [i if i is None else i.values for i in indices]).shape
        for accumulate in [False, True]:
            repeated = not accumulate and any(i is not None and i.values.dtype != torch.bool for i in indices)
            values = rand(list(result), "f64", seed=1) if not repeated else rand([], "f64", seed=1)
            writer.case("index_put", put, rand(shape, "f64"), indices, values, accumulate, fd=not repeated and not empty)
            writer.case("index_put_", put_, rand(shape, "f64"), indices, values, accumulate, fd=not repeated and not empty)
    for indices in [[Arg([3], "i64")], [Arg([-4], "i64")], [rows, Arg([0, 1], "i64")], [Arg([True, False], "bool")], [rows, rows, rows]]:
        writer.case("index", read, rand([3, 4]), indices)
    writer.case("index_put", put, rand([3, 4]), [rows], rand([2, 4]), False)


def write(writer):
    gather(writer)
    scatter(writer)
    rows(writer)
    masks(writer)
    advanced(writer)
    brackets.write(writer)
