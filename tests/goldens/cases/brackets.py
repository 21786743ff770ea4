"""What stands in Python's brackets, by chance: integers, slices, new axes, ellipses, index tensors and masks."""

import json
import random

import torch

from .writer import Arg, rand

INTEGERS = ["i64", "i64", "i64", "i32"]


def component(dice, size, shape):
    """One component for axes of these sizes, and how many it uses up. A tensor is an `Arg`."""
    kind = dice.random()
    if kind < 0.2:
        return (dice.randint(-size, size - 1) if size else 0), 1
    if kind < 0.5:
        bound = lambda: None if dice.random() < 0.4 else dice.randint(-size - 2, size + 2)
        return [bound(), bound(), dice.choice([1, 1, 2, 3])], 1
    if kind < 0.6:
        return None, 0
    if kind < 0.68:
        return "...", 0
    if kind < 0.9:
        dims = dice.choice([[], [1], [2], [3], [2, 1], [2, 3]])
        count = torch.Size(dims).numel()
        values = [dice.randint(-size, size - 1) if size else 0 for _ in range(count)]
        dtype = dice.choice(INTEGERS + (["i8", "i16"] if not dims else []))
        return Arg(torch.tensor(values).reshape(dims), dtype, grad=False), 1
    covered = shape[: dice.choice([0, 1, 1, 2])]
    mask = torch.tensor([dice.random() < 0.5 for _ in range(torch.Size(covered).numel())]).reshape(covered)
    return Arg(mask, dice.choice(["bool", "bool", "u8"]), grad=False), len(covered)


def bracket(dice, shape):
    parts, axis = [], 0
    for _ in range(dice.randrange(1, 5)):
        part, used = component(dice, shape[axis] if axis < len(shape) else 1, shape[axis:])
        if part == "..." and "..." in parts:
            continue
        parts.append(part)
        axis = axis + used if part != "..." else max(axis, len(shape) - 1)
    return parts


def python_index(text, tensors):
    read = lambda part: (
        slice(*part) if isinstance(part, list)
        else Ellipsis if part == "..."
        else tensors[int(part)] if isinstance(part, str)
        else part
    )
    return tuple(read(part) for part in json.loads(text))


def write(writer):
    def assign(x, text, tensors, value):
        x[python_index(text, tensors)] = value
        return x

    dice = random.Random(0)
    for number in range(600):
        shape = [dice.choice([1, 2, 2, 3]) for _ in range(dice.randrange(1, 5))]
        parts, tensors = bracket(dice, shape), []
        for place, part in enumerate(parts):
            if isinstance(part, Arg):
                parts[place] = str(len(tensors))
                tensors.append(part)
        text = json.dumps(parts)
        x = rand(shape, dice.choice(["f32", "f64", "i64", "c64"]), seed=number)
        if dice.random() < 0.6:
            writer.case("i", lambda x, text, tensors: x[python_index(text, tensors)], x, text, tensors, fd=writer.dtype("f64") == x.values.dtype)
            continue
        if any(tensor.values.dtype == torch.uint8 for tensor in tensors):
            continue  # PyTorch refuses these where the value is one number, and takes them elsewhere.
        try:
            target = list(x.values[python_index(text, [tensor.values for tensor in tensors])].shape)
        except (IndexError, RuntimeError):
            target = []
        # Of several values for one place, which stays is not said; so all are one.
        name = next(key for key in ["f32", "f64", "i64", "c64"] if writer.dtype(key) == x.values.dtype)
        value = dice.choice([2, Arg(3, name, [1] * dice.randrange(3)), Arg(torch.full(target, 4), name)])
        writer.case("set_", assign, x, text, tensors, value, fd=name == "f64" and value == 2)
    put = lambda x, index, values, accumulate: x.put_(index, values, accumulate=accumulate)
    for dtype in ["f32", "i64", "bool"]:
        for shape, places in [([2, 3], [0, -1, 4]), ([], [0]), ([], [0, -1])]:
            for accumulate in [False, True]:
                values = Arg([1] * len(places), dtype, grad=False)
                writer.case("put_", put, rand(shape, dtype), Arg(places, "i64"), values, accumulate, grad=False)
    for accumulate in [False, True]:
        writer.case("put_", put, rand([2, 3], "f64"), Arg([1, -1], "i64"), rand([2], "f64", seed=1), accumulate, fd=True)
