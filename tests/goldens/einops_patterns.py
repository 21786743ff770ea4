"""Writes einops.txt: what the package einops computes for patterns, with gradients, and what it refuses.

    pip install einops; python tests/goldens/einops_patterns.py

One case a line, fields separated by `|`: operation or reduction; pattern; shape, followed by `t` where the operand is a
transposed view; sizes as `name=size`; shape of the result; its elements; the gradient of the operand for
result.backward(weights). Operands and weights follow `fill`, in f64. A refused case has `error` for a result.
"""

import pathlib
import random

import einops
import torch

from einsum import fill, operand

WRITTEN = [
    ("rearrange", "b (h d) t -> b h t d", (2, 12, 3), {"h": 4}),
    ("rearrange", "b h t d -> b t (h d)", (2, 3, 2, 4), {}),
    ("rearrange", "b c (h p) (w q) -> b (h w) (p q c)", (2, 3, 4, 6), {"p": 2, "q": 3}),
    ("rearrange", "... a b -> ... b a", (2, 3, 4), {}),
    ("rearrange", "b ... -> b (...)", (2, 3, 4), {}),
    ("rearrange", "b ... c -> (b c) ...", (2, 3, 4), {}),
    ("rearrange", "a 1 b -> b () a 1", (2, 1, 3), {}),
    ("rearrange", "a -> 1 a", (3,), {}),
    ("rearrange", "->", (), {}),
    ("rearrange", "(a b c) -> c b a", (24,), {"a": 2, "c": 4}),
    ("rearrange", "a b -> (b a)", (0, 3), {}),
    ("mean", "b (h 2) (w 2) -> b h w", (2, 4, 6), {}),
    ("max", "b (h 2) (w 2) -> b h w", (2, 4, 6), {}),
    ("min", "b h w -> b", (2, 3, 4), {}),
    ("sum", "b ... -> b", (2, 3, 4), {}),
    ("sum", "... c -> c", (2, 3, 4), {}),
    ("prod", "a b -> b", (3, 4), {}),
    ("sum", "a b -> b a", (3, 4), {}),
    ("mean", "a b ->", (3, 4), {}),
    ("mean", "b c h w -> b c () ()", (2, 2, 3, 2), {}),
    ("max", "(a s) -> s", (12,), {"s": 3}),
    ("repeat", "h w -> h (w r)", (2, 3), {"r": 2}),
    ("repeat", "h w -> (r h) w", (2, 3), {"r": 2}),
    ("repeat", "h w -> 3 h w 2", (2, 3), {}),
    ("repeat", "... -> ... r", (2, 3), {"r": 2}),
    ("repeat", "-> r", (), {"r": 3}),
    ("repeat", "a (b c) -> c (a r) b", (2, 6), {"b": 3, "r": 2}),
]

REFUSED = [
    ("rearrange", "b (h d) -> b h d", (2, 10), {"h": 4}),
    ("rearrange", "(h d) -> h d", (10,), {"h": 4, "d": 2}),
    ("rearrange", "(h d) -> h d", (10,), {}),
    ("rearrange", "a b -> b a", (2, 3), {"b": 4}),
    ("rearrange", "a b -> b a", (2, 3), {"c": 3}),
    ("rearrange", "a b -> b a", (2, 3, 4), {}),
    ("rearrange", "a 1 -> a", (2, 3), {}),
    ("rearrange", "a b -> a", (2, 3), {}),
    ("rearrange", "a -> a b", (2,), {}),
    ("rearrange", "a a -> a", (2, 2), {}),
    ("rearrange", "a b", (2, 3), {}),
    ("rearrange", "a (b -> a b", (2, 3), {}),
    ("rearrange", "a ... -> a", (2, 3), {}),
    ("rearrange", "a 2 -> a", (3, 2), {}),
    ("sum", "a -> a b", (2,), {}),
    ("repeat", "a -> a r", (2,), {}),
    ("repeat", "a b -> a r", (2, 3), {"r": 2}),
]


def generated(rng):
    """A random pattern that splits, merges, reduces or repeats axes."""
    operation = rng.choice(["rearrange", "sum", "mean", "max", "prod", "repeat"])
    names = rng.sample("abcdef", rng.randint(1, 5))
    size = {name: rng.randint(1, 3) for name in names}
    ellipsis = [rng.randint(1, 2) for _ in range(rng.randint(0, 2))] if rng.random() < 0.3 else None

    def side(items, merge):
        groups = []
        for item in items:
            if groups and merge and item != "..." and groups[-1] != ["..."] and rng.random() < 0.4:
                groups[-1].append(item)
            else:
                groups.append([item])
        if rng.random() < 0.2:
            groups.insert(rng.randint(0, len(groups)), ["1"])
        return groups

    text = lambda groups: " ".join(g[0] if len(g) == 1 else "(" + " ".join(g) + ")" for g in groups)
    left = names + (["..."] if ellipsis is not None else [])
    rng.shuffle(left)
    left = side(left, True)
    shape, sizes = [], {}
    for group in left:
        if group == ["..."]:
            shape += ellipsis
            continue
        total = 1
        for name in group:
            total *= size.get(name, 1)
        shape.append(total)
        open_one = rng.choice(group)
        sizes.update({name: size[name] for name in group if name in size and len(group) > 1 and name != open_one})
    right = list(names) + (["..."] if ellipsis is not None else [])
    if operation == "repeat":
        right += ["r"]
        sizes["r"] = rng.randint(1, 3)
    elif operation != "rearrange":
        right = [item for item in right if rng.random() < 0.6]
    rng.shuffle(right)
    return operation, text(left) + " -> " + text(side(right, True)), tuple(shape), sizes


def numbers(tensor):
    return " ".join(repr(value).removesuffix(".0") for value in tensor.detach().reshape(-1).tolist())


def line(operation, pattern, shape, sizes, transposed):
    shown = ",".join(map(str, shape)) + ("t" if transposed else "")
    given = ",".join(f"{name}={size}" for name, size in sizes.items())
    leaf = operand(shape, 0, transposed).clone().requires_grad_()
    try:
        if operation in ("rearrange", "repeat"):
            result = getattr(einops, operation)(leaf, pattern, **sizes)
        else:
            result = einops.reduce(leaf, pattern, operation, **sizes)
    except (einops.EinopsError, ValueError):
        return f"{operation}|{pattern}|{shown}|{given}|error"
    weights = torch.tensor(fill(result.numel(), 9), dtype=torch.float64).reshape(result.shape)
    result.backward(weights)
    return "|".join([operation, pattern, shown, given, ",".join(map(str, result.shape)), numbers(result), numbers(leaf.grad)])


def main():
    rng = random.Random(3)
    lines = [line(*case, False) for case in WRITTEN + REFUSED]
    while len(lines) < 300:
        case = generated(rng)
        lines.append(line(*case, len(case[2]) > 1 and rng.random() < 0.3))
    target = pathlib.Path(__file__).with_name("einops.txt")
    target.write_text(f"# einops {einops.__version__}, by einops_patterns.py\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
