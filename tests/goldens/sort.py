"""Writes sort.json: what PyTorch finds when it sorts, selects, searches and counts.

Run with PyTorch installed: python tests/goldens/sort.py
Inputs have ties only where PyTorch says which of equal elements it takes.
"""

import json
import math
import pathlib

import torch

torch.manual_seed(0)
cases = []


def flat(tensor):
    if tensor.dtype == torch.bool:
        return [int(x) for x in tensor.flatten()]
    values = map(float, tensor.detach().double().flatten())
    return [(int(x) if x == int(x) else x) if math.isfinite(x) else str(x) for x in values]


def emit(op, inputs, arguments, outputs, grad=None):
    tensor = lambda t: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "data": flat(t)}
    case = {"op": op, "inputs": [tensor(t) for t in inputs], "args": arguments, "outputs": [tensor(t) for t in outputs]}
    if grad is not None:
        case["grad"] = flat(grad)
    cases.append(case)


def differentiable(op, x, arguments, f):
    x = x.detach().clone().requires_grad_(True)
    outputs = f(x)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    weights = torch.arange(outputs[0].numel(), dtype=torch.float64).add(1).reshape(outputs[0].shape)
    (outputs[0] * weights).nansum().backward()
    emit(op, [x], arguments, outputs, x.grad)


x = torch.randperm(24).double().reshape(2, 3, 4) / 8 - 1
nans = x.clone()
nans[0, 1, 2] = math.nan
nans[1, 2, 0] = -math.inf
for t in [x, nans, x.transpose(0, 2), x[:, 1], torch.tensor(2.5, dtype=torch.float64)]:
    for dim in range(-1, max(t.dim() - 1, 0)):
        for descending in [False, True]:
            differentiable("sort", t, [dim, descending], lambda v: torch.sort(v, dim=dim, descending=descending, stable=True))
        size = t.shape[dim] if t.dim() else 1
        for largest in [False, True]:
            k = (size + 1) // 2
            differentiable("topk", t, [k, dim, largest], lambda v: torch.topk(v, k, dim, largest))
        differentiable("kthvalue", t, [(size + 1) // 2, dim], lambda v: torch.kthvalue(v, (size + 1) // 2, dim))
        differentiable("median", t, [dim], lambda v: torch.median(v, dim))
        differentiable("cummax", t, [dim], lambda v: torch.cummax(v, dim))
        differentiable("cummin", t, [dim], lambda v: torch.cummin(v, dim))
        for interpolation in ["linear", "lower", "higher", "nearest", "midpoint"]:
            for q in [0.0, 0.25, 0.5, 1.0]:
                differentiable("quantile", t, [q, dim, interpolation], lambda v: torch.quantile(v, q, dim, interpolation=interpolation))
differentiable("median_all", torch.tensor([1.0, 2, 2, 3]), [], torch.median)
differentiable("median_all", torch.tensor([1.0, math.nan, math.nan, 3]), [], torch.median)
for q in [[0.2, 0.5, 1.0], [0.6]]:
    q = torch.tensor(q, dtype=torch.float64)
    differentiable("quantile_of_q", q, flat(x[0, 0]), lambda q: torch.quantile(x[0, 0], q))
ties = torch.randint(0, 4, (5, 6))
for dim in [0, 1]:
    emit("mode", [ties], [dim], list(torch.mode(ties, dim))[:1])
    emit("sort", [ties], [dim, False], torch.sort(ties, dim=dim, stable=True))
    emit("sort", [ties], [dim, True], torch.sort(ties, dim=dim, descending=True, stable=True))
    emit("cummax", [ties], [dim], torch.cummax(ties, dim))
    emit("unique_dim", [ties % 2], [dim], torch.unique(ties % 2, dim=dim, return_inverse=True, return_counts=True))
emit("unique", [ties], [], torch.unique(ties, return_inverse=True, return_counts=True))
emit("unique", [nans], [], torch.unique(nans, return_inverse=True, return_counts=True)[:1])
emit("unique_consecutive", [ties], [], torch.unique_consecutive(ties, return_inverse=True, return_counts=True))
sequence, values = torch.sort(torch.randint(0, 9, (4, 7)).float(), -1).values, torch.randint(-1, 11, (4, 3)).float()
for right in [False, True]:
    emit("searchsorted", [sequence, values], [right], [torch.searchsorted(sequence, values, right=right)])
    emit("searchsorted", [sequence[0].contiguous(), values], [right], [torch.searchsorted(sequence[0].contiguous(), values, right=right)])
    emit("bucketize", [values, sequence[1].contiguous()], [right], [torch.bucketize(values, sequence[1].contiguous(), right=right)])
counts = torch.randint(0, 6, (20,))
emit("bincount", [counts], [8], [torch.bincount(counts, minlength=8)])
emit("bincount_weights", [counts, torch.rand(20).double()], [0], [])
cases[-1]["outputs"] = [{"dtype": "float64", "shape": [int(counts.max()) + 1], "data": flat(torch.bincount(counts, torch.tensor(cases[-1]["inputs"][1]["data"], dtype=torch.float64)))}]
for bounds in [(0, 0), (-1, 2), (0.5, 4)]:
    emit("histc", [x], [6, *bounds], [torch.histc(x, 6, *bounds)])

path = pathlib.Path(__file__).parent / "sort.json"
path.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
