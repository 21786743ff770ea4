"""Writes einsum.txt: what torch.einsum computes for generated specifications, with gradients, and what it refuses.

    python tests/goldens/einsum.py

One case a line, fields separated by `|`: specification; shapes, separated by `;` and each followed by `t` where the operand is a
transposed view; shape of the result; its elements; the gradient of each operand for result.backward(weights). Operands and weights
follow `fill`, in f64; all values are small integers, so that results are exact. A refused case has `error` for a result.
"""

import pathlib
import random

import torch

WRITTEN = [
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 2)]),
    ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
    ("bhqk,bkhd->bqhd", [(2, 2, 3, 5), (2, 5, 2, 4)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
    ("ab,bc,cd,de,ef,fg,gh,hi->ai", [(2, 3), (3, 2), (2, 4), (4, 1), (1, 3), (3, 2), (2, 2), (2, 3)]),
    ("a,b,c->cab", [(2,), (3,), (2,)]),
    ("ii->", [(4, 4)]),
    ("ii->i", [(4, 4)]),
    ("iij->ji", [(3, 3, 2)]),
    ("iii", [(3, 3, 3)]),
    ("ij,ij->", [(3, 4), (3, 4)]),
    ("ij->ji", [(3, 4)]),
    ("ij->", [(3, 4)]),
    ("ba", [(2, 3)]),
    ("bA", [(2, 3)]),
    ("i,i->i", [(4,), (4,)]),
    ("bn,anm,bm->ba", [(2, 3), (4, 3, 2), (2, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]),
    ("...ij->...ji", [(2, 3, 4)]),
    ("i...,i...->...", [(3, 2), (3, 4, 2)]),
    ("...,...->...", [(2, 3), (3,)]),
    ("b...d,dk->b...k", [(2, 3, 2, 4), (4, 2)]),
    ("ij,jk->ik", [(2, 1), (3, 4)]),
    ("ij,j->ij", [(2, 1), (3,)]),
    (",ij->ij", [(), (2, 3)]),
    (",", [(), ()]),
    ("", [()]),
    ("ij,jk->ik", [(0, 3), (3, 2)]),
    ("ij,jk->ik", [(2, 0), (0, 2)]),
    ("ij,ik,il->jkl", [(3, 2), (3, 2), (3, 2)]),
    ("abk,kn->ban", [(2, 3, 4), (4, 2)]),
    ("ij,bjk->bik", [(2, 3), (2, 3, 4)]),
    ("kji,lkj->il", [(2, 3, 4), (3, 2, 3)]),
    (" i j , j k -> i k ", [(2, 3), (3, 4)]),
    ("i ... j,jk->i k...", [(2, 5, 3), (3, 4)]),
    ("ij,jk->...ik", [(2, 3), (3, 4)]),
    ("ij,jk -> ", [(2, 3), (3, 4)]),
]

REFUSED = [
    ("ij,jk->ik", [(2, 5), (3, 4)]),
    ("ii->i", [(1, 3)]),
    ("ij->k", [(2, 3)]),
    ("ij->ii", [(2, 3)]),
    ("ij,jk->ik", [(2, 3)]),
    ("ij->i", [(2, 3), (3, 4)]),
    ("ij", [(2,)]),
    ("ij", [(2, 3, 4)]),
    ("i...j", [(2,)]),
    ("...i,...i", [(2, 3), (4, 5, 3)]),
    ("i.j", [(2, 3)]),
    ("...i...", [(2,)]),
    ("i1->i", [(2, 3)]),
    ("ij-j", [(2, 3)]),
    ("ij->i->j", [(2, 3)]),
    ("ij - > ji", [(2, 3)]),
    (". ..ij->ij", [(2, 3)]),
    ("...ij->......ij", [(2, 3)]),
    ("ij,->ij", [(2, 3)]),
    ("\tij->ij", [(2, 3)]),
    ("", [(2, 3)]),
    ("->", [(2, 3)]),
]

LETTERS = "abcZY"


def fill(count, salt):
    return [(3 * i * i + 7 * i + 5 * salt) % 11 - 5 for i in range(count)]


def generated(rng, most=4, smallest=1):
    """A random specification with repeated indices, ellipses, axes of one and scalars, and shapes that mostly fit it."""
    sizes = {letter: rng.randint(smallest, 3 if most == 4 else 2) for letter in LETTERS}
    hidden = [rng.randint(1, 2), rng.randint(1, 3)]
    terms, shapes = [], []
    for _ in range(rng.randint(1, 4) if most == 4 else rng.randint(5, most)):
        letters = [rng.choice(LETTERS) for _ in range(rng.randint(0, 3))]
        shape = [1 if rng.random() < 0.1 and letters.count(l) == 1 else sizes[l] for l in letters]
        term = "".join(letters)
        if rng.random() < 0.35:
            covered, at = hidden[2 - rng.randint(0, 2):], rng.randint(0, len(letters))
            term, shape = term[:at] + "..." + term[at:], shape[:at] + covered + shape[at:]
        terms.append(term)
        shapes.append(tuple(shape))
    spec = ",".join(terms)
    if rng.random() < 0.75:
        used = sorted({c for c in spec if c.isalpha()})
        kept = [c for c in used if rng.random() < 0.5]
        rng.shuffle(kept)
        spec += "->" + "".join(kept)
        if "..." in spec and rng.random() < 0.8:
            at = rng.randint(spec.index("->") + 2, len(spec))
            spec = spec[:at] + "..." + spec[at:]
    return spec, shapes


def operand(shape, salt, transposed):
    count = torch.Size(shape).numel()
    data = torch.tensor(fill(count, salt), dtype=torch.float64)
    if not transposed:
        return data.reshape(shape)
    return data.reshape(shape[::-1]).permute(tuple(reversed(range(len(shape)))))


def numbers(tensor):
    values = tensor.detach().reshape(-1).tolist()
    assert all(value == int(value) for value in values)
    return " ".join(str(int(value)) for value in values)


def line(spec, shapes, transposed):
    shown = ";".join(",".join(map(str, shape)) + ("t" if t else "") for shape, t in zip(shapes, transposed))
    leaves = [operand(shape, salt, t).clone().requires_grad_() for salt, (shape, t) in enumerate(zip(shapes, transposed))]
    try:
        result = torch.einsum(spec, *leaves)
    except RuntimeError:
        return f"{spec}|{shown}|error"
    weights = torch.tensor(fill(result.numel(), 9), dtype=torch.float64).reshape(result.shape)
    result.backward(weights)
    grads = [numbers(leaf.grad if leaf.grad is not None else torch.zeros_like(leaf)) for leaf in leaves]
    return "|".join([spec, shown, ",".join(map(str, result.shape)), numbers(result), *grads])


DTYPES = ["uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "complex64", "complex128"]

DTYPE_CASES = [
    ("ij,jk->ik", [(2, 3), (3, 2)]),
    ("bqhd,bkhd->bhqk", [(1, 2, 2, 3), (1, 3, 2, 3)]),
    ("ij,j->ij", [(2, 3), (3,)]),
    ("i,i->", [(4,), (4,)]),
    ("ii->i", [(3, 3)]),
    ("ij->ji", [(2, 3)]),
    ("ij->i", [(2, 3)]),
    ("ii->", [(3, 3)]),
    ("a,b,c->cab", [(2,), (2,), (2,)]),
    ("ij,jk,kl->il", [(2, 2), (2, 2), (2, 2)]),
    (",i->i", [(), (3,)]),
]


def dtype_line(spec, shapes, dtype):
    """Specification, shapes, dtype, dtype of the result, its elements; complex ones as pairs."""
    kind = getattr(torch, dtype)
    operands = []
    for salt, shape in enumerate(shapes):
        values = torch.tensor(fill(torch.Size(shape).numel(), salt), dtype=torch.float64).remainder(4)
        values = torch.complex(values, values.flip(0) - 1) if kind.is_complex else values
        operands.append(values.to(kind).reshape(shape))
    result = torch.einsum(spec, *operands)
    shown = ";".join(",".join(map(str, shape)) for shape in shapes)
    flat = (torch.view_as_real(result.resolve_conj()) if kind.is_complex else result).reshape(-1).to(torch.float64)
    name = str(result.dtype).removeprefix("torch.")
    return "|".join([spec, shown, dtype, name, numbers(flat)])


def main():
    rng = random.Random(2)
    lines = [line(spec, shapes, [False] * len(shapes)) for spec, shapes in WRITTEN + REFUSED]
    while len(lines) < 420:
        spec, shapes = generated(rng)
        lines.append(line(spec, shapes, [len(shape) > 1 and rng.random() < 0.3 for shape in shapes]))
    # Five to eight operands, and axes without elements.
    while len(lines) < 500:
        spec, shapes = generated(rng, most=8) if len(lines) < 470 else generated(rng, smallest=0)
        lines.append(line(spec, shapes, [False] * len(shapes)))
    target = pathlib.Path(__file__).with_name("einsum.txt")
    target.write_text(f"# torch {torch.__version__.split('+')[0]}, by einsum.py\n" + "\n".join(lines) + "\n")
    dtypes = [dtype_line(spec, shapes, dtype) for spec, shapes in DTYPE_CASES for dtype in DTYPES]
    target = pathlib.Path(__file__).with_name("einsum_dtypes.txt")
    target.write_text(f"# torch {torch.__version__.split('+')[0]}, by einsum.py\n" + "\n".join(dtypes) + "\n")


if __name__ == "__main__":
    main()
