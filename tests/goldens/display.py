"""Writes display.jsonl: tensors, and the text that PyTorch prints for them.

Run with PyTorch installed: python tests/goldens/display.py
A tensor is a dtype, a shape, and its elements; or, where these would be many, `ramp`: [start, step].
"""

import json
import math
import pathlib
import random

import torch

random.seed(0)
torch.manual_seed(0)
FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["uint8", "int8", "int16", "int32", "int64"]
lines = []


def number(x):
    x = float(x)
    return x if math.isfinite(x) else str(x)


def emit(tensor, ramp=None, options=None, suffix=None, text=None):
    case = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
    if ramp is not None:
        case["ramp"] = ramp
    elif tensor.is_complex():
        case["data"] = [number(x) for x in torch.view_as_real(tensor.detach().to(torch.complex128)).flatten()]
    elif tensor.is_floating_point():
        case["data"] = [number(x) for x in tensor.detach().double().flatten()]
    else:
        case["data"] = [int(x) for x in tensor.flatten()]
    if options:
        case["options"] = options
        torch.set_printoptions(**options)
    if suffix:
        case["suffix"] = suffix
    case["text"] = text or str(tensor)
    torch.set_printoptions(profile="default")
    lines.append(json.dumps(case))


def ramp(shape, start, step, dtype):
    n = math.prod(shape)
    emit((start + step * torch.arange(n, dtype=torch.float64)).to(getattr(torch, dtype)).reshape(shape), [start, step])


specials = [math.nan, math.inf, -math.inf, 0.0, -0.0]
for _ in range(220):
    dtype = random.choice(FLOATS)
    shape = random.choice([[], [1], [3], [7], [13], [2, 3], [3, 1], [1, 9], [2, 2, 2], [2, 1, 2, 3], [4, 5]])
    scale = random.choice([1e-9, 1e-5, 1e-4, 1e-3, 0.1, 1.0, 10.0, 1000.0, 1e5, 3e8, 1e12])
    if dtype == "float16":
        scale = min(max(scale, 1e-5), 1000.0)
    x = torch.randn(shape, dtype=torch.float64) * scale
    if random.random() < 0.3:
        x = x.round()
    if random.random() < 0.3 and x.numel() > 1:
        x = x * 10 ** torch.randint(-3, 4, shape).double()
    if random.random() < 0.3:
        x = torch.where(torch.rand(shape) < 0.3, random.choice(specials), x)
    emit(x.to(getattr(torch, dtype)))
for dtype in FLOATS:
    for value in specials:
        emit(torch.full([2], value, dtype=getattr(torch, dtype)))
for _ in range(50):
    dtype = random.choice(INTS)
    info = torch.iinfo(getattr(torch, dtype))
    shape = random.choice([[], [1], [6], [2, 3], [2, 2, 2], [1, 40]])
    high = random.choice([3, 100, info.max])
    emit(torch.randint(max(info.min, -high), high, shape).to(getattr(torch, dtype)))
for shape in [[], [3], [2, 2], [30]]:
    emit(torch.rand(shape) < 0.5)
for _ in range(30):
    shape = random.choice([[], [3], [2, 3], [2, 1, 2], [9]])
    x = torch.randn(shape, dtype=random.choice([torch.complex64, torch.complex128]))
    x = x * random.choice([1e-6, 1.0, 1.0, 100.0, 1e9])
    if random.random() < 0.3:
        x = torch.complex(x.real.round(), x.imag.round())
    emit(x)
emit(torch.tensor([complex(math.nan, -0.0), complex(-1.5, math.inf)]))
for dtype in FLOATS + INTS + ["bool", "complex64", "complex128"]:
    for shape in [[0], [0, 3], [2, 0, 1]]:
        emit(torch.zeros(shape, dtype=getattr(torch, dtype)))
for shape in [[1001], [1200, 1], [40, 30], [7, 200], [3, 4, 100], [11, 10, 10], [1, 1500], [7, 7, 7, 7]]:
    ramp(shape, 0.0, 1.0, "float32")
    ramp(shape, -0.5, 0.01, "float64")
    ramp(shape, 0.0, 1.0, "int64")
    ramp(shape, -3.0, 0.5, "int16")
for n in [5, 6, 7, 8, 9, 10, 11, 12, 25, 60]:
    x = torch.linspace(0, 1, n)
    emit(x.requires_grad_(True), suffix="requires_grad")
    emit((x * 2), suffix="mul")
    emit(x.detach().double(), suffix=None)
    emit((x.detach().double().requires_grad_(True)), suffix="requires_grad")
emit(torch.zeros(0, requires_grad=True), suffix="requires_grad")
CALLS = {
    "square": lambda x: x.square(), "matmul": lambda x: x @ x, "sum": lambda x: x.sum(), "sum_dim": lambda x: x.sum(0),
    "mean": lambda x: x.mean(), "mean_dim": lambda x: x.mean(0), "select": lambda x: x[0], "narrow": lambda x: x.narrow(0, 0, 1),
    "whole": lambda x: x[...], "column": lambda x: x[:, 0], "reshape": lambda x: x.reshape(4), "copied": lambda x: x.t().reshape(4),
    "view": lambda x: x.view(4), "flatten": lambda x: x.flatten(), "unflatten": lambda x: x.unflatten(0, (2, 1)),
    "squeeze": lambda x: x[None].squeeze(), "squeeze_dim": lambda x: x[None].squeeze(0),
    "squeeze_dims": lambda x: x[None, None].squeeze((0, 1)), "unsqueeze": lambda x: x.unsqueeze(0),
    "transpose": lambda x: x.transpose(0, 1), "t": lambda x: x.t(), "permute": lambda x: x.permute(1, 0),
    "clone": lambda x: x.clone(), "to_dtype": lambda x: x.double(), "index": lambda x: x[torch.tensor([0])],
    "fill_": lambda x: (x * 1).fill_(2), "zero_": lambda x: (x * 1).zero_(), "copy_": lambda x: (x * 1).copy_(torch.ones(2, 2)),
    "set": lambda x: part(x * 1),
    "split": lambda x: x.split(1)[0], "split_sizes": lambda x: x.split([1, 1])[1], "chunk": lambda x: x.chunk(2, 1)[1],
    "tensor_split": lambda x: x.tensor_split(2)[0], "unbind": lambda x: x.unbind(1)[0], "diag": lambda x: x.diag(1),
    "diag_of_vector": lambda x: x[0].diag(), "diag_embed": lambda x: x.diag_embed(), "diagonal": lambda x: x.diagonal(),
    "masked_select": lambda x: x.masked_select(x > 1), "masked_fill": lambda x: x.masked_fill(x > 1, 0.0),
    "masked_fill_": lambda x: (x * 1).masked_fill_(x > 1, 0.0), "masked_scatter_": lambda x: (x * 1).masked_scatter_(x > 1, x),
    "tril": lambda x: x.tril(), "tril_": lambda x: (x * 1).tril_(), "triu_": lambda x: (x * 1).triu_(),
    "scatter_reduce_": lambda x: (x * 1).scatter_reduce_(0, torch.tensor([[0, 0]]), x, "sum"),
}


def part(x):
    x[0] = 3.0
    return x


for call in CALLS:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    emit(x, suffix=call, text=str(CALLS[call](x)))
x = torch.randn(4, 5)
for options in [{"precision": 2}, {"precision": 0}, {"linewidth": 20}, {"sci_mode": True}, {"sci_mode": False},
                {"threshold": 5}, {"threshold": 5, "edgeitems": 1}, {"precision": 8, "linewidth": 120}]:
    emit(x, options=options)
    emit((x * 1e6).round(), options=options)
    emit((x * 100).to(torch.int32), options=options)
    emit(torch.complex(x, x * 3), options=options)

path = pathlib.Path(__file__).parent / "display.jsonl"
path.write_text("\n".join(lines) + "\n")
print(len(lines), "cases,", path.stat().st_size, "bytes")
