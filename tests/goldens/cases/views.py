"""Views, copies and conversions."""

import torch

from .sweep import sweep
from .writer import ALL, Arg, rand

# Name in Rust, PyTorch function, shape, arguments: each list one case.
VIEWS = [
    ("reshape", torch.reshape, [2, 3, 4], [[[6, 4]], [[-1]], [[2, -1, 2]], [[4, 3, 2, 1]]]),
    ("view", lambda x, s: x.view(s), [2, 6], [[[3, 4]], [[-1, 2]]]),
    ("flatten", torch.flatten, [2, 3, 4], [[0, -1], [1, 2], [-2, -1], [1, 1]]),
    ("unflatten", torch.unflatten, [2, 6], [[1, [2, 3]], [-1, [-1, 2]], [0, [2, 1]]]),
    ("squeeze", lambda x, *a: torch.squeeze(x, *([tuple(a[0])] if a[0] is not None else [])), [1, 3, 1], [[None], [[0]], [[1]], [[-1]], [[0, 2]]]),
    ("unsqueeze", torch.unsqueeze, [2, 3], [[0], [1], [-1], [-3]]),
    ("permute", torch.permute, [2, 3, 4], [[[2, 0, 1]], [[-1, 1, 0]], [[0, 1, 2]]]),
    ("transpose", torch.transpose, [2, 3, 4], [[0, 1], [-1, 0], [1, 1]]),
    ("t", torch.t, [2, 3], [[]]),
    ("movedim", torch.movedim, [2, 3, 4], [[[0], [2]], [[0, 1], [-1, 0]]]),
    ("expand", lambda x, s: x.expand(s), [3, 1], [[[2, 3, 4]], [[-1, 4]], [[3, 0]]]),
    ("broadcast_to", torch.broadcast_to, [3, 1], [[[2, 3, 4]], [[3, 1]]]),
    ("narrow", torch.narrow, [4, 5], [[0, 1, 2], [1, 2, 3], [-1, 0, 0], [1, 5, 0]]),
    ("slice", lambda x, d, a, b, s: torch.ops.aten.slice(x, d, a, b, s), [4, 7], [[1, 1, 6, 2], [0, 0, 4, 3], [1, -5, -1, 1], [1, -99, 99, 4], [1, 5, 2, 1]]),
    ("select", torch.select, [3, 4], [[0, 1], [1, -1], [-2, -3]]),
    ("diagonal", torch.diagonal, [3, 4, 2], [[0, 0, 1], [1, 0, 1], [-1, 0, 1], [0, 2, 0], [7, 0, 1]]),
    ("unfold", lambda x, d, s, t: x.unfold(d, s, t), [3, 7], [[1, 3, 2], [1, 2, 3], [1, 3, 1], [0, 3, 1], [-1, 7, 1]]),
    ("as_strided", torch.as_strided, [12], [[[3, 3], [3, 1], 1], [[2, 2, 2], [1, 2, 3], 0], [[4, 3], [1, 1], 2]]),
]
IDENTITIES = [("reshape", torch.reshape, [[0, 3], [-1, 3]]), ("flatten", torch.flatten, [[0, 3], 0, -1])]
ERRORS = [
    ("reshape", torch.reshape, [2, 3], [[4, 2]]), ("reshape", torch.reshape, [2, 3], [[-1, -1]]),
    ("reshape", torch.reshape, [0, 3], [[-1, 0]]), ("reshape", torch.reshape, [2, 3], [[-1, 4]]),
    ("flatten", torch.flatten, [2, 3], [1, 0]), ("flatten", torch.flatten, [2, 3], [0, 2]),
    ("unflatten", torch.unflatten, [2, 6], [1, [4, 2]]), ("unflatten", torch.unflatten, [2, 6], [2, [2, 3]]),
    ("squeeze", torch.squeeze, [1, 3], [2]), ("unsqueeze", torch.unsqueeze, [2], [2]), ("unsqueeze", torch.unsqueeze, [2], [-3]),
    ("permute", torch.permute, [2, 3], [[0, 0]]), ("permute", torch.permute, [2, 3], [[0]]), ("permute", torch.permute, [2, 3], [[0, 2]]),
    ("transpose", torch.transpose, [2, 3], [0, 2]), ("t", torch.t, [2, 3, 4], []),
    ("movedim", torch.movedim, [2, 3], [[0], [2]]), ("movedim", torch.movedim, [2, 3], [[0, 1], [0]]), ("movedim", torch.movedim, [2, 3], [[0, 0], [0, 1]]),
    ("expand", lambda x, s: x.expand(s), [3, 2], [[3, 4]]), ("expand", lambda x, s: x.expand(s), [3, 1], [[4]]),
    ("expand", lambda x, s: x.expand(s), [3], [[-1, 3]]),
    ("narrow", torch.narrow, [4], [0, 3, 2]), ("narrow", torch.narrow, [4], [1, 0, 1]), ("narrow", torch.narrow, [4], [0, 5, 0]),
    ("slice", lambda x, d, a, b, s: torch.ops.aten.slice(x, d, a, b, s), [4], [0, 0, 4, 0]),
    ("slice", lambda x, d, a, b, s: torch.ops.aten.slice(x, d, a, b, s), [4], [1, 0, 4, 1]),
    ("select", torch.select, [3], [0, 3]), ("select", torch.select, [3], [0, -4]), ("select", torch.select, [3], [1, 0]), ("select", torch.select, [], [0, 0]),
    ("diagonal", torch.diagonal, [3, 4], [0, 0, 0]), ("diagonal", torch.diagonal, [3, 4], [0, 0, 2]),
    ("unfold", lambda x, d, s, t: x.unfold(d, s, t), [3], [0, 4, 1]), ("unfold", lambda x, d, s, t: x.unfold(d, s, t), [3], [0, 2, 0]),
    ("as_strided", torch.as_strided, [4], [[3, 3], [2, 1], 0]), ("as_strided", torch.as_strided, [4], [[3, 3], [2], 0]),
]


def write(writer):
    for op, function, shape, calls in VIEWS:
        for index, arguments in enumerate(calls):
            strided = op not in ["view", "as_strided"]
            dtypes = ["f32", "f64", "bf16", "i64", "bool", "c64"] if index == 0 else ["f32"]
            sweep(writer, op, function, shape, *arguments, dtypes=dtypes, layouts=strided, fd=False)
            writer.case(op, function, rand(shape, "f64", seed=11), *arguments, fd=op != "expand" or 0 not in arguments[0])
    for op, function, (shape, *arguments) in IDENTITIES:
        writer.case(op, function, rand(shape), *arguments)
    writer.case("reshape", torch.reshape, rand([]), [1, 1])
    writer.case("flatten", torch.flatten, rand([]), 0, -1)
    writer.case("unsqueeze", torch.unsqueeze, rand([]), -1)
    writer.case("squeeze", lambda x, a: torch.squeeze(x, 0), rand([]), [0])
    writer.case("expand", lambda x, s: x.expand(s), rand([]), [2, 2])
    writer.case("permute", torch.permute, rand([]), [])
    writer.case("view", lambda x, s: x.view(s), rand([2, 3], layout="p:1,0"), [6])
    writer.case("view", lambda x, s: x.view(s), rand([2, 4], layout="p:1,0"), [2, 2, 2])
    writer.case("view", lambda x, s: x.view(s), rand([4, 3], layout="s:0,2"), [2, 2, 3])
    for op, function, shape, arguments in ERRORS:
        if op == "squeeze":
            arguments = [arguments]
            function = lambda x, a: torch.squeeze(x, a[0])
        writer.case(op, function, rand(shape), *arguments)
    copies(writer)


def copies(writer):
    for dtype in ALL:
        writer.case("copy", lambda x: x.clone(memory_format=torch.contiguous_format), rand([2, 3], dtype, layout="p:1,0"))
    writer.case("copy", torch.clone, rand([2], "f64"), fd=True)
    reals = Arg([0.0, -0.0, 1.5, -1.5, 2.5, 127.9, -128.9, 100.0], "f32")
    for to in ALL:
        for dtype in ["f32", "f64", "f16", "i64", "i8", "u8", "bool", "c64"]:
            source = reals.values if dtype != "u8" else reals.values.abs()
            if dtype in ["f32", "f64", "f16"] and to == "u8":
                source = source.abs()  # Negative floats are undefined there.
            if dtype == "c64":
                source = torch.complex(source, torch.tensor([1.0, 0, 0, 0, 0, 2, 3, 4]))
                source = source.abs().to(torch.complex64) if to == "u8" else source
            writer.case("to_dtype", lambda x, to: x.to(writer.dtype(to)), Arg(source, dtype), to)
    # Rounding to half precision, halves to even, and overflow.
    odd = Arg([1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, 65519.0, 65520.0, 1e-8, 3e-8, 1e39, -1e39, float("nan")], "f64")
    for to in ["f16", "bf16", "f32"]:
        writer.case("to_dtype", lambda x, to: x.to(writer.dtype(to)), odd, to)
        writer.case("to_dtype", lambda x, to: x.to(writer.dtype(to)), Arg(odd.values, "f32"), to)
    writer.case("to_dtype", lambda x, to: x.to(writer.dtype(to)), Arg([1, 2049, 2051, 65519, 70000], "i64"), "f16")
    writer.case("to_dtype", lambda x, to: x.to(writer.dtype(to)), Arg([2**24 + 1, 2**53 + 1, -(2**62) - 1], "i64"), "f32")
    writer.case("to_dtype", lambda x, to: x.to(writer.dtype(to)), rand([2], "f64"), "c128", fd=True)
    writer.case("to_dtype", lambda x, to: x.to(writer.dtype(to)), rand([2], "c128"), "f64", fd=True)
    copy = lambda x, y: x.copy_(y)
    for left, right in [("f32", "f64"), ("i64", "f32"), ("f32", "i64"), ("bool", "f32"), ("c64", "f32"), ("f32", "c64"), ("f16", "f32")]:
        writer.case("copy_", copy, rand([2, 3], left), rand([3], right, seed=1))
    writer.case("copy_", copy, rand([2, 3], layout="s:1,2"), rand([2, 1], seed=1))
    writer.case("copy_", copy, rand([2, 3], layout="p:1,0"), rand([2, 3], layout="s:0,2", seed=1))
    writer.case("copy_", copy, rand([2, 3]), rand([2, 2], seed=1))
    writer.case("copy_", copy, rand([3]), rand([2, 3], seed=1))
    writer.case("copy_", copy, rand([2, 2], "f64"), rand([2], "f64", seed=1), fd=True)
    for dtype, number in [("f32", 1.5), ("i32", 2), ("bool", True), ("c64", 1 + 2j), ("f16", 1e-4), ("i64", 2.7)]:
        writer.case("fill_", lambda x, v: x.fill_(v), rand([2, 3], dtype, layout="p:1,0"), number)
    writer.case("fill_", lambda x, v: x.fill_(v), rand([2], "f64"), 1.5, fd=True)
    writer.case("zero_", lambda x: x.zero_(), rand([2], "f64"), fd=True)
    writer.case("zero_", lambda x: x.zero_(), rand([2, 3], layout="s:1,2"))
