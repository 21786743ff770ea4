"""Sorting, selecting and finding what is distinct, where there is NaN, where elements are equal, and where there are none."""

import math

import torch

from .writer import Arg

inf, nan = math.inf, math.nan
ODD = [2.0, nan, -1, 2, inf, 0, -0.0, -inf, nan, 2, -1, 3]
PLAIN = [2, 1, 0, 2, 3, 0, 0, 1, 2, 2, 1, 3]
CALLS = {
    "sort": lambda x, dim, descending: torch.sort(x, stable=True, dim=dim, descending=descending),
    "argsort": lambda x, dim, descending: torch.argsort(x, stable=True, dim=dim, descending=descending),
    "topk": lambda x, k, dim, largest: torch.topk(x, k, dim, largest)[0],
    "kthvalue": lambda x, k, dim, keep: torch.kthvalue(x, k, dim, keep)[0],
    "median": torch.median,
    "median_dim": lambda x, dim, keep: torch.median(x, dim, keep)[0],
    "mode": lambda x, dim, keep: torch.mode(x, dim, keep)[0],
    "unique": lambda x: torch.unique(x, return_inverse=True, return_counts=True),
    "unique_consecutive": lambda x: torch.unique_consecutive(x, return_inverse=True, return_counts=True),
    "cummax": torch.cummax,
    "cummin": torch.cummin,
}


def calls(writer, x, dim, size):
    # PyTorch loses count of what is frequent where there is NaN, and makes up a number where none is asked of a scalar.
    countable = not x.values.isnan().any()
    fewest = 0 if x.values.dim() else 1
    for flag in [False, True]:
        writer.case("sort", CALLS["sort"], x, dim, flag)
        writer.case("argsort", CALLS["argsort"], x, dim, flag)
        for k in sorted({fewest, 1, max(size // 2, fewest), max(size, fewest), size + 1}):
            # Which of equal elements gets the gradient is not said.
            if x.values.dtype != torch.bool:  # refused there
                writer.case("topk", CALLS["topk"], x, k, dim, flag, grad=False)
            writer.case("kthvalue", CALLS["kthvalue"], x, k, dim, flag, grad=False)
        writer.case("median_dim", CALLS["median_dim"], x, dim, flag, grad=False)
        if countable:
            writer.case("mode", CALLS["mode"], x, dim, flag, grad=False)
    for op in ["cummax", "cummin"]:
        writer.case(op, CALLS[op], x, dim)
    # The median of no integers is refused here; there it is the least integer.
    whole = [] if not x.values.numel() and not x.values.is_floating_point() else ["median"]
    for op in whole + ["unique", "unique_consecutive"]:
        writer.case(op, CALLS[op], x, grad=op == "median" or x.values.numel() > 0)


def write(writer):
    # All apart, so that differences may be taken.
    apart = Arg([0.5, -1.25, 3, 2, -0.75, 1.5], "f64", [2, 3])
    writer.case("sort", CALLS["sort"], apart, 1, True, fd=True)
    for op in ["cummax", "cummin"]:
        writer.case(op, CALLS[op], apart, 1, fd=True)
    writer.case("median", CALLS["median"], apart, fd=True)
    for dtype in ["f32", "f64", "bf16", "i64", "u8", "bool"]:
        values = ODD if dtype in ["f32", "f64", "bf16"] else PLAIN
        calls(writer, Arg(values, dtype, [12]), 0, 12)
        calls(writer, Arg(values, dtype, [3, 4], layout="p:1,0"), 0, 3)
        calls(writer, Arg(values, dtype, [2, 3, 2], layout="s:1,2"), -2, 3)
        calls(writer, Arg(values[0], dtype, []), 0, 1)
    for dtype in ["f32", "i64"]:
        for shape, dim in [([0], 0), ([3, 0], 0), ([3, 0], 1), ([0, 3], 0)]:
            calls(writer, Arg([], dtype, shape), dim, shape[dim])
        calls(writer, Arg(PLAIN, dtype, [3, 4]), 2, 4)
        calls(writer, Arg(3, dtype, []), 1, 1)
