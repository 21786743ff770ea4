"""Reductions and scans."""

import math

import torch

from .sweep import sweep
from .writer import Arg, rand

inf, nan = math.inf, math.nan
AXES = [([2, 3, 4], [1], False), ([2, 3, 4], [0, -1], True), ([2, 3, 4], [-2], True), ([3], [0], False), ([2, 1, 3], [1], False)]
SPECIAL = [[1.0, nan, 3.0], [inf, 1.0, -inf], [inf, inf, 2.0], [-inf, -inf, -inf], [0.0, -0.0, 0.0], [2.0, 2.0, 1.0]]


# Zeros, infinities and NaN beside each other.
NOT_FINITE = [
    [1.0, 0, 2, 3], [0.0, 0, 2, 3], [1.0, nan, 2, 3], [0.0, nan, 2, 3], [0.0, 0, nan, 3], [inf, 2.0, 3, 1], [0.0, inf, 2, 1],
    [0.0, 0, inf, 1], [inf, 0.0, nan, 2], [inf, -inf, 2, 1], [2.0, 3, 0, inf], [2.0, 0, 3, 0], [nan, 0, 0, 2], [2.0, inf, 0, 0],
    [3.0, 2, 1, inf], [1.0, 2, 3, nan],
]


def by_axes(writer, name, full, axes, dtypes, low=-2.0, high=2.0, fd=True, special=True, full_shapes=([2, 3], [], [7])):
    """`name` over all elements and `name_dim` over some."""
    for index, shape in enumerate(full_shapes):
        sweep(writer, name, full, shape, dtypes=dtypes if index == 0 else ["f32"], low=low, high=high, fd=fd, layouts=index == 0)
    writer.case(name, full, rand([0]))
    for index, (shape, over, keepdim) in enumerate(AXES):
        sweep(writer, name + "_dim", axes, shape, over, keepdim, dtypes=dtypes if index == 0 else ["f32", "f64"], low=low, high=high, fd=fd, layouts=index < 2)
    for shape, over in [([0, 3], [0]), ([0, 3], [1]), ([2, 0], [0]), ([], [0])]:
        writer.case(name + "_dim", axes, rand(shape), over, False)
    for over in [[2], [-3], [0, 0]]:
        writer.case(name + "_dim", axes, rand([2, 3]), over, False)
    if special:
        writer.case(name + "_dim", axes, Arg(SPECIAL, "f32", grad=False), [1], False)


NUMBERS = ["f32", "f64", "f16", "bf16", "i64", "u8", "bool", "c64"]
REALS = ["f32", "f64", "f16", "bf16", "i64", "u8", "bool"]
FLOATING = ["f32", "f64", "f16", "bf16", "c64"]


def sums(writer):
    plain = lambda f: (lambda x: f(x), lambda x, a, k: f(x, dim=a, keepdim=k))
    for name, dtypes in [("sum", NUMBERS), ("mean", FLOATING), ("nansum", REALS), ("nanmean", ["f32", "f64", "bf16"])]:
        by_axes(writer, name, *plain(getattr(torch, name)), dtypes)
    writer.case("mean", torch.mean, rand([3], "i64"))
    for name in ["amax", "amin"]:
        by_axes(writer, name, *plain(getattr(torch, name)), REALS)
        writer.case(name + "_dim", plain(getattr(torch, name))[1], Arg([[1.0, 3, 3], [2, 2, 2], [5, 4, 4]], "f64"), [1], False)
        writer.case(name, getattr(torch, name), Arg([3.0, 3, 1], "f64"))
        # A gradient of NaN, where `max` and `min` give it to the NaN.
        writer.case(name, getattr(torch, name), Arg([3.0, nan, 1], "f64"))
        writer.case(name + "_dim", plain(getattr(torch, name))[1], Arg([[1.0, nan, 3], [2, 3, 2]], "f64"), [1], False)
    for name in ["any", "all"]:
        f = getattr(torch, name)
        by_axes(writer, name, f, lambda x, a, k, f=f: f(x, dim=tuple(a), keepdim=k), NUMBERS, fd=False)
    f = torch.logsumexp
    for index, (shape, over, keepdim) in enumerate(AXES):
        sweep(writer, "logsumexp", f, shape, over, keepdim, dtypes=["f32", "f64", "f16", "bf16"] if index == 0 else ["f32"], layouts=index < 2)
    writer.case("logsumexp", f, Arg(SPECIAL, "f32", grad=False), [1], False)
    writer.case("logsumexp", f, Arg([[1000.0, 1000], [-1000, -1001]], "f64"), [1], False)
    prod = lambda x, a, k: torch.prod(x, a[0], k)
    sweep(writer, "prod", torch.prod, [2, 3], dtypes=NUMBERS, low=0.5, high=2)
    for values in [[0.0, 2, 3], [0.0, 0, 3], [2.0, 3, 4]]:
        writer.case("prod", torch.prod, Arg(values, "f64"))
    for values in NOT_FINITE:
        writer.case("prod", torch.prod, Arg(values, "f64"))
        writer.case("prod", torch.prod, Arg(values, "f64", [2, 2]))
        writer.case("prod_dim", prod, Arg(values, "f64"), [0], False)
        writer.case("prod_dim", prod, Arg(values, "f64", [2, 2]), [0], False)
        writer.case("cumprod", torch.cumprod, Arg(values, "f64"), 0)
        writer.case("cumprod", torch.cumprod, Arg(values + [1, 2, 0, 3, 1, 1, 2, 0], "f64", [3, 4]), 1)
        writer.case("cumsum", torch.cumsum, Arg(values, "f64"), 0)
    for value in [0.0, nan, inf]:
        writer.case("prod", torch.prod, Arg(value, "f64"))
        writer.case("prod_dim", prod, Arg([value], "f64"), [0], False)
        writer.case("cumprod", torch.cumprod, Arg([value], "f64"), 0)
        writer.case("cumprod", torch.cumprod, Arg(value, "f64"), 0)
    for shape, over, keepdim in [([2, 3, 4], [1], False), ([2, 3], [-1], True)]:
        sweep(writer, "prod_dim", prod, shape, over, keepdim, dtypes=NUMBERS, low=0.5, high=2)
    writer.case("prod_dim", prod, Arg([[0.0, 2, 3], [0, 0, 4]], "f64"), [1], False)
    writer.case("prod_dim", prod, rand([2, 0]), [1], False)
    writer.case("count_nonzero", torch.count_nonzero, rand([2, 3], "i64"))
    writer.case("count_nonzero_dim", torch.count_nonzero, rand([2, 3], "i64"), [1])


def moments(writer):
    for name in ["var", "std"]:
        f = getattr(torch, name)
        sweep(writer, name, f, [2, 3], dtypes=FLOATING)
        axes = lambda x, a, c, k, f=f: f(x, dim=a, correction=c, keepdim=k)
        for index, (shape, over, keepdim) in enumerate(AXES[:4]):
            for correction in [1.0, 0.0, 0.5]:
                dtypes = FLOATING if index == 0 and correction == 1 else ["f32"]
                if shape != [2, 1, 3]:
                    sweep(writer, name + "_dim", axes, shape, over, correction, keepdim, dtypes=dtypes, layouts=index < 2 and correction == 1)
        for shape, over in [([0, 3], [0]), ([1, 3], [0]), ([2, 3], [2]), ([2], [0, 0])]:
            writer.case(name + "_dim", axes, rand(shape), over, 1.0, False)
        writer.case(name, f, rand([1]))
        writer.case(name, f, rand([3], "i64"))
        writer.case(name + "_dim", axes, Arg([[1e6 + 1, 1e6 + 2, 1e6 + 3], [nan, 1, 2]], "f32", grad=False), [1], 1.0, False)
        pair = getattr(torch, name + "_mean")
        call = lambda x, a, c, k, pair=pair: pair(x, dim=a, correction=c, keepdim=k)
        writer.case(name + "_mean", call, rand([2, 3], "f64"), [1], 1.0, False, fd=True)
        writer.case(name + "_mean", call, rand([2, 3]), [0], 0.0, True)


def norms(writer):
    for p in [2.0, 1.0, 0.0, inf, -inf, 3.0, 0.5, -1.0]:
        call = lambda x, p: torch.linalg.vector_norm(x, p)
        dims = lambda x, p, a, k: torch.linalg.vector_norm(x, p, a, k)
        smooth = p != 0
        for dtype in ["f32", "f64", "bf16"]:
            writer.case("norm", call, rand([2, 3], dtype, 0.25, 2), p, fd=dtype == "f64" and smooth)
            writer.case("norm_dim", dims, rand([2, 3], dtype, -2, -0.25), p, [1], True, fd=dtype == "f64" and smooth)
        if p > 0:
            writer.case("norm", call, rand([0]), p) if p != inf else None
            writer.case("norm_dim", dims, Arg([[0.0, 0, 0], [3, 0, 4]], "f64"), p, [1], False)
        writer.case("norm_dim", dims, Arg([[1.0, -3, 3], [2, nan, 1]], "f32", grad=False), p, [1], False)
    for p in [1.0, 2.0]:
        writer.case("dist", torch.dist, rand([2, 3], "f64"), rand([3], "f64", 3, 4, seed=1), p, fd=True)


def extrema(writer):
    for name in ["max", "min"]:
        f = getattr(torch, name)
        sweep(writer, name, f, [2, 3], dtypes=REALS)
        writer.case(name, f, Arg([3.0, 1, 3, 1], "f64"))
        writer.case(name, f, Arg([3.0, nan, 1], "f32"))
        writer.case(name, f, rand([0]))
        for shape, axis, keepdim in [([2, 3], 1, False), ([2, 3, 2], 0, True), ([3], -1, False), ([], 0, False)]:
            sweep(writer, name + "_dim", f, shape, axis, keepdim, dtypes=REALS if shape == [2, 3] else ["f32"])
        writer.case(name + "_dim", f, Arg([[1.0, 3, 3], [nan, 2, nan], [-inf, -inf, -inf]], "f64"), 1, False)
        for shape, axis in [([0, 3], 0), ([0, 3], 1), ([2], 1)]:
            writer.case(name + "_dim", f, rand(shape), axis, False)
        arg = getattr(torch, "arg" + name)
        for dtype in REALS[:6]:
            writer.case("arg" + name, arg, rand([3, 4], dtype), None, False)
            writer.case("arg" + name, arg, rand([3, 4], dtype), 1, True)
        writer.case("arg" + name, arg, Arg([[1.0, 3, 3], [nan, 2, nan]], "f32"), -1, False)
        writer.case("arg" + name, arg, rand([3, 4], layout="p:1,0"), 0, False)
        writer.case("arg" + name, arg, rand([0]), None, False)
        writer.case("arg" + name, arg, rand([2, 0]), 1, False)
        writer.case("arg" + name, arg, rand([2, 3]), 2, False)
    writer.case("aminmax", lambda x: torch.aminmax(x), rand([2, 3]))
    writer.case("aminmax", lambda x: torch.aminmax(x), rand([2, 3], "f64"), fd=True)


def scans(writer):
    for name in ["cumsum", "cumprod", "logcumsumexp"]:
        f = getattr(torch, name)
        dtypes = {"cumsum": NUMBERS, "cumprod": NUMBERS, "logcumsumexp": ["f32", "f64", "bf16", "c64", "c128"]}[name]
        for shape, axis in [([2, 3], 1), ([3, 2, 2], 0), ([4], -1), ([], 0), ([2, 0], 1)]:
            sweep(writer, name, f, shape, axis, dtypes=dtypes if shape == [2, 3] else ["f32"])
        writer.case(name, f, Arg(SPECIAL, "f32", grad=False), 1)
        writer.case(name, f, rand([2]), 1)
    for values in [[2.0, 0, 3, 4], [0.0, 2, 0, 3]]:
        writer.case("cumprod", torch.cumprod, Arg(values, "f64"), 0)
    for name, method in [("cumsum_", torch.Tensor.cumsum_), ("cumprod_", torch.Tensor.cumprod_)]:
        for dtype in NUMBERS:
            writer.case(name, method, rand([2, 3], dtype), 1)
        writer.case(name, method, Arg([100, 100, 3], "i8"), 0)
        writer.case(name, method, rand([2, 3], layout="p:1,0"), -1)
        writer.case(name, method, rand([2, 3], layout="s:1,2"), 0)
        writer.case(name, method, rand([2, 3], "f64", 0.5, 2), 0, fd=True)
        writer.case(name, method, rand([]), 0)
        writer.case(name, method, rand([2]), 1)


def write(writer):
    sums(writer)
    moments(writer)
    norms(writer)
    extrema(writer)
    scans(writer)
