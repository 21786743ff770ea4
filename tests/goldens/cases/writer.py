"""The golden format: cases of PyTorch calls, written one JSON object a line.

A *blob* line `{"blob": "hex"}` gives the next blob its number, counted from 0. A *case* line has

- `op`: the name in the Rust registry (`tests/src/ops/`); a trailing `_` means in place on the first argument;
- `in`: the arguments;
- `out`: the expected results, a list of tensors;
- `gout`: a gradient for each result, `null` where the result requires none; absent if nothing is differentiated;
- `gin`: the expected gradient of each tensor argument marked `g`, in order, `null` where PyTorch has none;
- `gerror`: instead of those two, PyTorch's message where differentiating raises;
- `fd`: present where the case is smooth enough for finite differences;
- `error`: instead of the results, PyTorch's message where it raises.

A tensor is `{"t": dtype, "s": shape, "d": data}` with the elements' little-endian bytes in row-major order as hex, or
the number of a blob. An argument also has `g: 1` if it requires gradients, and `l` for its layout: `p:1,0` is stored
in the order that this permutation turns into the shape, `s:0,2` takes every second entry of axis 0 from the second
one on, `e:0` is expanded along axis 0. A result has `st`, its strides, where they are not those of row-major order.
Numbers are JSON integers, `{"f": "1.5"}` for floats, `{"c": ["0.5", "nan"]}` for complex ones.
"""

import json
import zlib

import torch

NAMES = {
    torch.uint8: "u8", torch.int8: "i8", torch.int16: "i16", torch.int32: "i32", torch.int64: "i64",
    torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32", torch.float64: "f64",
    torch.bool: "bool", torch.complex64: "c64", torch.complex128: "c128",
}
DTYPES = {name: dtype for dtype, name in NAMES.items()}
FLOATS = ["f32", "f64", "f16", "bf16"]
COMPLEX = ["c64", "c128"]
INTS = ["i64", "i32", "i16", "i8", "u8"]
ALL = FLOATS + COMPLEX + INTS + ["bool"]


class Arg:
    """A tensor argument: values in row-major order, and how they lie in memory."""

    def __init__(self, values, dtype="f32", shape=None, layout=None, grad=None):
        values = torch.as_tensor(values) if not torch.is_tensor(values) else values
        self.values = values.to(DTYPES[dtype])
        if shape is not None:
            self.values = self.values.reshape(shape)
        self.layout = layout
        differentiable = self.values.is_floating_point() or self.values.is_complex()
        self.grad = differentiable if grad is None else grad

    def lay_out(self, values):
        """The values in this argument's layout, by views of a fresh tensor."""
        if self.layout is None:
            return values.clone(memory_format=torch.contiguous_format)
        kind, numbers = self.layout.split(":")
        numbers = [int(n) for n in numbers.split(",")]
        if kind == "p":
            inverse = [numbers.index(axis) for axis in range(len(numbers))]
            stored = values.permute(inverse).clone(memory_format=torch.contiguous_format)
            return stored.permute(numbers)
        if kind == "s":
            axis, step = numbers
            shape = list(values.shape)
            shape[axis] = shape[axis] * step + 1
            base = torch.zeros(shape, dtype=values.dtype)
            index = [slice(None)] * len(shape)
            index[axis] = slice(1, None, step)
            base[tuple(index)] = values
            return base[tuple(index)]
        assert kind == "e"
        return values.narrow(numbers[0], 0, 1).clone().expand(values.shape)

    def leaf(self):
        leaf = self.lay_out(self.values).detach()
        return leaf.requires_grad_(True) if self.grad else leaf

    def logical(self):
        return self.leaf() if self.layout and self.layout.startswith("e") else self.values


def rand(shape, dtype="f32", low=-2.0, high=2.0, seed=0, **kwargs):
    """A reproducible argument of values that every float dtype represents exactly where the range is small."""
    generator = torch.Generator().manual_seed(seed)
    kind = DTYPES[dtype]
    if dtype == "bool":
        values = torch.rand(shape, generator=generator) < 0.5
    elif not (kind.is_floating_point or kind.is_complex):
        low = max(0, low) if dtype == "u8" else low
        values = torch.randint(int(low), int(high) + 1, shape, generator=generator)
    else:
        draw = lambda: (torch.rand(shape, generator=generator) * (high - low) + low).mul(64).round().div(64)
        values = torch.complex(draw(), draw()) if kind.is_complex else draw()
    return Arg(values, dtype, **kwargs)


def output_gradient(output, index):
    """The same for equal shapes and dtypes, so that the file holds it once."""
    real = torch.float64
    generator = torch.Generator().manual_seed(1 + index)
    draw = lambda: (torch.rand(output.shape, generator=generator, dtype=real) * 4 - 2).mul(32).round().div(32)
    values = torch.complex(draw(), draw()) if output.is_complex() else draw()
    return values.to(output.dtype)


class Unsupported(Exception):
    """PyTorch has no kernel for this dtype: nothing to compare with."""


class Writer:
    """Collects the cases of one file."""

    def __init__(self):
        self.lines = []
        self.blobs = {}
        self.counts = {}
        self.complaints = set()

    @staticmethod
    def dtype(name):
        return DTYPES[name]

    def save(self, path):
        with open(path, "w") as file:
            file.write("\n".join(self.lines) + "\n")
        return sum(self.counts.values())

    def data(self, values):
        # An element alone may have any stride, and is contiguous with it.
        values = values.detach().clone(memory_format=torch.contiguous_format)
        raw = bytes(values.reshape(-1).view(torch.uint8).tolist()) if values.numel() else b""
        text = raw.hex()
        if len(text) <= 24:
            return text
        if text not in self.blobs:
            self.blobs[text] = len(self.blobs)
            self.lines.append(json.dumps({"blob": text}))
        return self.blobs[text]

    def tensor(self, values, strides=False):
        values = torch.zeros(values.shape, dtype=values.dtype) if values._is_zerotensor() else values
        values = values.detach().resolve_conj().resolve_neg()
        entry = {"t": NAMES[values.dtype], "s": list(values.shape), "d": self.data(values)}
        if strides and not values.is_contiguous():
            entry["st"] = list(values.stride())
        return entry

    def argument(self, arg):
        if isinstance(arg, Arg):
            entry = self.tensor(arg.logical())
            if arg.grad:
                entry["g"] = 1
            if arg.layout:
                entry["l"] = arg.layout
            return entry
        if isinstance(arg, float):
            return {"f": repr(arg)}
        if isinstance(arg, complex):
            return {"c": [repr(arg.real), repr(arg.imag)]}
        if isinstance(arg, (list, tuple)):
            return [self.argument(item) for item in arg]
        assert arg is None or isinstance(arg, (bool, int, str)), arg
        return arg

    def case(self, op, function, *args, fd=False, grad=True):
        """Runs `function` on the arguments and records what it does. `op` names it in Rust."""
        entry = {"op": op, "in": [self.argument(arg) for arg in args]}
        try:
            entry.update(self.run(op, function, args, grad))
        except Unsupported:
            return
        if fd and any(entry.get("gout", [])):
            entry["fd"] = 1
        self.counts[op] = self.counts.get(op, 0) + 1
        self.lines.append(json.dumps(entry, separators=(",", ":")))

    def run(self, op, function, args, grad):
        leaves, in_place = [], op.endswith("_")

        def realise(arg, first=False):
            if isinstance(arg, (list, tuple)):
                return [realise(item) for item in arg]
            if not isinstance(arg, Arg):
                return arg
            if first and in_place:
                leaf = arg.values.clone().requires_grad_(arg.grad)
                leaves.extend([leaf] if arg.grad else [])
                return arg.lay_out(leaf)
            leaf = arg.leaf()
            leaves.extend([leaf] if arg.grad else [])
            return leaf

        values = [realise(arg, index == 0) for index, arg in enumerate(args)]
        try:
            results = function(*values)
        except (RuntimeError, IndexError, ValueError, TypeError, AssertionError, NotImplementedError) as error:
            message = str(error).split("\n")[0]
            if "not implemented for" in message or "not supported on" in message:
                raise Unsupported from error
            return {"error": message}
        results = list(results) if isinstance(results, (list, tuple)) else [results]
        if any(result.dtype not in NAMES for result in results):
            raise Unsupported  # complex32
        entry = {"out": [self.tensor(result, strides=True) for result in results]}
        wanted = [result.requires_grad for result in results]
        if grad and leaves and not any(wanted):
            entry["gout"], entry["gin"] = [None] * len(results), [None] * len(leaves)
        elif grad and leaves:
            gradients = [output_gradient(result, i) if w else None for i, (result, w) in enumerate(zip(results, wanted))]
            pairs = [(result, gradient) for result, gradient in zip(results, gradients) if gradient is not None]
            try:
                found = torch.autograd.grad([p[0] for p in pairs], leaves, [p[1] for p in pairs], allow_unused=True)
            except (NotImplementedError, RuntimeError) as error:
                message = str(error).splitlines()[0]
                if message.startswith("derivative for aten::"):
                    entry["gerror"] = message
                # Other backward functions of PyTorch fail for unusual dtypes; the forward result still counts.
                elif (op, message) not in self.complaints:
                    self.complaints.add((op, message))
                    print(f"  no gradient of {op} from PyTorch: {message[:110]}")
                return entry
            entry["gout"] = [gradient if gradient is None else self.tensor(gradient) for gradient in gradients]
            entry["gin"] = [gradient if gradient is None else self.tensor(gradient) for gradient in found]
        return entry
