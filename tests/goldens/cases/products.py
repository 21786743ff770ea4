"""Matrix products and convolutions."""

import torch
import torch.nn.functional as F

from .writer import rand

FLOATING = ["f32", "f64", "f16", "bf16", "c64", "c128"]


def matmul(writer):
    shapes = [
        ([3], [3]), ([2, 3], [3]), ([3], [3, 2]), ([2, 3], [3, 4]), ([2, 2, 3], [3, 4]), ([3], [2, 3, 4]), ([2, 2, 3], [3]),
        ([2, 2, 3], [2, 3, 2]), ([2, 1, 2, 3], [3, 3, 2]), ([1, 2, 3], [4, 3, 2]), ([2, 0], [0, 3]), ([0, 3], [3, 2]),
        ([0, 2, 3], [3, 2]), ([2, 3], [3, 0]), ([1, 1], [1, 1]), ([9, 17], [17, 11]),
    ]
    for left, right in shapes:
        writer.case("matmul", torch.matmul, rand(left), rand(right, seed=1))
        if max(left + right) < 9:
            small = 0 not in left + right
            writer.case("matmul", torch.matmul, rand(left, "f64"), rand(right, "f64", seed=1), fd=small)
    for dtype in FLOATING + ["i64", "i32", "u8"]:
        writer.case("matmul", torch.matmul, rand([2, 3], dtype), rand([3, 2], dtype, seed=1))
    writer.case("matmul", torch.matmul, rand([2], "c128"), rand([2, 2], "c128", seed=1), fd=True)
    for left, right in [("p:1,0", None), (None, "p:1,0"), ("p:1,0", "p:1,0"), ("s:1,2", "s:0,2"), ("e:0", "e:1")]:
        writer.case("matmul", torch.matmul, rand([3, 4], layout=left), rand([4, 5], layout=right, seed=1))
    writer.case("matmul", torch.matmul, rand([2, 3, 4], layout="p:2,0,1"), rand([2, 4, 3], layout="p:0,2,1", seed=1))
    for left, right in [([2, 3], [4, 5]), ([3], [4]), ([], [3]), ([2], []), ([2, 2, 3], [3, 3, 2]), ([2, 3], [2, 3])]:
        writer.case("matmul", torch.matmul, rand(left), rand(right))
    writer.case("matmul", torch.matmul, rand([2, 3]), rand([3, 2], "f64"))


def relatives(writer):
    calls = [
        ("mm", torch.mm, [2, 3], [3, 4]), ("bmm", torch.bmm, [2, 3, 4], [2, 4, 2]), ("mv", torch.mv, [2, 3], [3]),
        ("dot", torch.dot, [4], [4]), ("outer", torch.outer, [2], [3]),
    ]
    for op, function, left, right in calls:
        for dtype in ["f32", "bf16", "c64", "i64"]:
            writer.case(op, function, rand(left, dtype), rand(right, dtype, seed=1))
        writer.case(op, function, rand(left, "f64"), rand(right, "f64", seed=1), fd=True)
        writer.case(op, function, rand([2] * (len(left) + 1)), rand(right))
        writer.case(op, function, rand(left), rand([size + 1 for size in right]) if op != "outer" else rand([2, 2]))
        writer.case(op, function, rand(left, "f32"), rand(right, "f64"))
    add = lambda function: lambda x, a, b, beta, alpha: function(x, a, b, beta=beta, alpha=alpha)
    for op, function, shapes in [
        ("addmm", add(torch.addmm), ([2, 4], [2, 3], [3, 4])), ("addmm", add(torch.addmm), ([4], [2, 3], [3, 4])),
        ("baddbmm", add(torch.baddbmm), ([2, 2, 2], [2, 2, 3], [2, 3, 2])), ("baddbmm", add(torch.baddbmm), ([2, 1], [2, 2, 3], [2, 3, 2])),
    ]:
        for dtype in ["f32", "f64", "f16"]:
            values = [rand(shape, dtype, seed=seed) for seed, shape in enumerate(shapes)]
            writer.case(op, function, *values, 0.5, 2.0, fd=dtype == "f64")
        values = [rand(shape, seed=seed) for seed, shape in enumerate(shapes)]
        writer.case(op, function, *values, 0.0, 1.0)
        writer.case(op, function, rand([3, 3, 3]), *values[1:], 1.0, 1.0)
        method = add(getattr(torch.Tensor, op + "_"))
        for layout in [None, "p:" + ",".join(map(str, reversed(range(len(shapes[0])))))]:
            for dtype in ["f32", "f64"]:
                values = [rand(shapes[0], dtype, layout=layout), *(rand(shape, dtype, seed=1) for shape in shapes[1:])]
                writer.case(op + "_", method, *values, 0.5, 2.0, fd=dtype == "f64")
        writer.case(op + "_", method, rand(shapes[0], "f64"), *values[1:], 0.0, 1.0)
        writer.case(op + "_", method, rand(shapes[0], "f32"), *values[1:], 1.0, 1.0)


def linear(writer):
    for shape in [[3], [2, 3], [2, 2, 3], [0, 3]]:
        for bias in [None, rand([4], seed=2)]:
            writer.case("linear", F.linear, rand(shape), rand([4, 3], seed=1), bias)
    writer.case("linear", F.linear, rand([2, 3], "f64"), rand([4, 3], "f64", seed=1), rand([4], "f64", seed=2), fd=True)
    writer.case("linear", F.linear, rand([2, 3], "bf16"), rand([4, 3], "bf16", seed=1), rand([4], "bf16", seed=2))
    writer.case("linear", F.linear, rand([2, 3], layout="p:1,0"), rand([4, 3], layout="p:1,0", seed=1), None)
    writer.case("linear", F.linear, rand([2, 4]), rand([4, 3]), None)
    writer.case("linear", F.linear, rand([2, 3]), rand([4, 3]), rand([3]))


def conv(writer):
    conv2d = lambda x, w, b, s, p, d, g: F.conv2d(x, w, b, s, p, d, g)
    conv1d = lambda x, w, b, s, p, d, g: F.conv1d(x, w, b, s, p, d, g)
    one, zero = [1, 1], [0, 0]
    # Input, weight, stride, padding, dilation, groups.
    calls = [
        ([2, 1, 4, 4], [2, 1, 3, 3], one, zero, one, 1), ([1, 2, 5, 4], [3, 2, 3, 2], [2, 1], [1, 0], one, 1),
        ([1, 4, 5, 5], [4, 2, 3, 3], one, [1, 1], one, 2), ([1, 3, 4, 4], [6, 1, 3, 3], one, [1, 1], one, 3),
        ([1, 2, 6, 7], [2, 2, 3, 2], one, [2, 1], [2, 3], 1), ([2, 3, 4], [2, 2, 1, 1], one, zero, one, 1),
        ([1, 1, 5, 5], [1, 1, 3, 3], [3, 3], zero, one, 1), ([1, 2, 4, 4], [2, 2, 3, 3], one, "same", one, 1),
        ([1, 2, 4, 5], [2, 2, 2, 4], one, "same", one, 1), ([1, 2, 6, 6], [2, 2, 2, 3], one, "same", [2, 1], 1),
        ([1, 1, 4, 4], [1, 1, 2, 2], [2, 2], "valid", one, 1), ([1, 1, 3, 3], [2, 1, 5, 5], one, [1, 1], one, 1),
    ]
    for index, (x, w, *options) in enumerate(calls):
        bias = rand([w[0]], seed=2) if index % 2 == 0 else None
        writer.case("conv2d", conv2d, rand(x), rand(w, seed=1), bias, *options)
        bias = rand([w[0]], "f64", seed=2) if index % 2 == 0 else None
        writer.case("conv2d", conv2d, rand(x, "f64"), rand(w, "f64", seed=1), bias, *options, fd=index in (0, 1, 2))
    for dtype in ["f16", "bf16"]:
        writer.case("conv2d", conv2d, rand([1, 2, 4, 4], dtype), rand([2, 2, 3, 3], dtype, seed=1), rand([2], dtype, seed=2), one, zero, one, 1)
    for dtype in ["i64", "i32", "u8", "c64"]:
        for x, w, *options in [calls[1], calls[2], calls[4], calls[5], calls[8]]:
            writer.case("conv2d", conv2d, rand(x, dtype), rand(w, dtype, seed=1), rand([w[0]], dtype, seed=2), *options)
    writer.case("conv2d", conv2d, rand([0, 1, 4, 4], "i64"), rand([2, 1, 3, 3], "i64"), None, one, zero, one, 1)
    writer.case("conv2d", conv2d, rand([1, 2, 4, 5], layout="p:0,3,1,2"), rand([2, 2, 3, 3], layout="p:3,2,1,0", seed=1), None, one, zero, one, 1)
    writer.case("conv2d", conv2d, rand([0, 1, 4, 4]), rand([2, 1, 3, 3]), None, one, zero, one, 1)
    errors = [
        ([1, 2, 4, 4], [2, 1, 3, 3], one, zero, one, 1), ([1, 1, 2, 2], [1, 1, 3, 3], one, zero, one, 1),
        ([1, 3, 4, 4], [4, 1, 3, 3], one, zero, one, 2), ([1, 1, 4, 4], [1, 1, 3, 3], [0, 1], zero, one, 1),
        ([1, 1, 4, 4], [1, 1, 3, 3], one, zero, [0, 1], 1), ([4, 4], [1, 1, 3, 3], one, zero, one, 1),
        ([1, 1, 4, 4], [1, 1, 3, 3], [2, 2], "same", one, 1), ([1, 2, 4, 4], [0, 2, 3, 3], one, zero, one, 1),
        ([1, 2, 4, 4], [2, 2, 0, 3], one, zero, one, 1), ([1, 2, 4, 4], [2, 0, 3, 3], one, zero, one, 1),
    ]
    for x, w, *options in errors:
        writer.case("conv2d", conv2d, rand(x), rand(w, seed=1), None, *options)
    writer.case("conv2d", conv2d, rand([1, 1, 4, 4]), rand([2, 1, 3, 3]), rand([3]), one, zero, one, 1)
    calls = [([2, 2, 6], [3, 2, 3], [1], [0], [1], 1), ([1, 4, 7], [4, 2, 3], [2], [1], [2], 2), ([3, 5], [2, 3, 2], [1], "same", [1], 1)]
    for x, w, *options in calls:
        for dtype in ["f32", "f64", "i16"]:
            bias = rand([w[0]], dtype, seed=2)
            writer.case("conv1d", conv1d, rand(x, dtype), rand(w, dtype, seed=1), bias, *options, fd=dtype == "f64")
    writer.case("conv1d", conv1d, rand([1, 2, 2]), rand([1, 2, 3]), None, [1], [0], [1], 1)
    writer.case("conv1d", conv1d, rand([1, 2, 4]), rand([0, 2, 3]), None, [1], [0], [1], 1)


def conv3d(writer):
    run = lambda x, w, b, s, p, d, g: F.conv3d(x, w, b, s, p, d, g)
    one, zero = [1] * 3, [0] * 3
    calls = [
        ([1, 2, 3, 4, 3], [2, 2, 2, 3, 2], one, zero, one, 1), ([2, 2, 4, 3, 3], [4, 1, 3, 2, 2], [2, 1, 2], [1, 1, 0], one, 2),
        ([2, 5, 3, 4], [2, 2, 2, 2, 2], one, [2, 0, 1], [3, 1, 2], 1), ([1, 1, 3, 3, 4], [1, 1, 2, 3, 4], one, "same", one, 1),
    ]
    for x, w, *options in calls:
        for dtype in ["f32", "f64", "i64"]:
            bias = rand([w[0]], dtype, seed=2)
            writer.case("conv3d", run, rand(x, dtype), rand(w, dtype, seed=1), bias, *options, fd=dtype == "f64")
    writer.case("conv3d", run, rand([1, 2, 3, 3, 3]), rand([2, 1, 2, 2, 2]), None, one, zero, one, 1)


def conv_transpose(writer):
    # Input, weight, stride, padding, output padding, groups, dilation.
    calls = {
        "conv_transpose1d": [
            ([2, 3, 4], [3, 2, 3], [1], [0], [0], 1, [1]), ([1, 4, 5], [4, 2, 3], [2], [1], [1], 2, [1]),
            ([2, 6], [2, 3, 2], [3], [0], [2], 1, [3]), ([1, 2, 3], [2, 1, 2], [1], [0], [1], 1, [2]),
            ([1, 2, 3], [3, 1, 2], [1], [0], [0], 1, [1]), ([1, 2, 3], [2, 1, 2], [2], [0], [2], 1, [1]),
        ],
        "conv_transpose2d": [
            ([2, 2, 3, 4], [2, 3, 3, 2], [1, 1], [0, 0], [0, 0], 1, [1, 1]),
            ([1, 4, 4, 3], [4, 1, 3, 3], [2, 2], [1, 1], [1, 0], 2, [1, 1]),
            ([2, 3, 3], [2, 2, 2, 3], [3, 1], [1, 2], [1, 1], 1, [1, 2]),
            ([1, 3, 3, 3], [3, 2, 3, 3], [1, 1], [1, 1], [0, 0], 3, [2, 1]),
            ([1, 1, 2, 2], [1, 1, 2, 2], [1, 1], [2, 1], [0, 0], 1, [1, 1]),
        ],
        "conv_transpose3d": [
            ([1, 2, 2, 3, 2], [2, 2, 2, 3, 2], [1, 1, 1], [0, 0, 0], [0, 0, 0], 1, [1, 1, 1]),
            ([2, 2, 3, 2, 2], [2, 1, 3, 2, 3], [2, 3, 1], [1, 0, 1], [1, 2, 0], 2, [1, 1, 1]),
            ([2, 3, 2, 3], [2, 1, 2, 2, 2], [2, 1, 2], [0, 1, 0], [1, 0, 1], 1, [3, 2, 1]),
            ([1, 1, 2, 2, 2], [1, 1, 2, 3, 3], [2, 1, 1], [2, 1, 1], [0, 0, 0], 1, [1, 1, 1]),
        ],
    }
    for name, cases in calls.items():
        run = getattr(F, name)
        for x, w, *options in cases:
            for dtype in ["f32", "f64", "i64", "c128"]:
                bias = rand([w[1] * options[3]], dtype, seed=2)
                writer.case(name, run, rand(x, dtype), rand(w, dtype, seed=1), bias, *options, fd=dtype == "f64")
        x, w, *options = cases[1]
        writer.case(name, run, rand(x, "bf16"), rand(w, "bf16", seed=1), None, *options)
        writer.case(name, run, rand(x), rand(w, seed=1), rand([w[1] * options[3] + 1]), *options)


def write(writer):
    matmul(writer)
    relatives(writer)
    linear(writer)
    conv(writer)
    conv3d(writer)
    conv_transpose(writer)
