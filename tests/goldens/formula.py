"""Parameters and inputs by a formula that the tests know as well, and what the files have of gradients."""

import pathlib

import torch

HERE = pathlib.Path(__file__).parent
MASK = 0xFFFFFFFF
# A gradient of more elements is summarised.
WHOLE, SAMPLE = 24, 12


def noise(count, salt):
    """`count` numbers between -1/2 and 1/2, as single precision represents them."""
    i = torch.arange(count, dtype=torch.int64)
    x = (i * 2654435761 + salt * 97531 + 12345) & MASK
    x = ((x ^ (x >> 16)) * 2246822519) & MASK
    x = ((x ^ (x >> 13)) * 3266489917) & MASK
    x = x ^ (x >> 16)
    return (x.double() / 2**32 - 0.5).float().double()


def parameter(name, shape, salt):
    """Layers start about as wide as in practice: weights of variance 1 / fan-in."""
    numel = int(torch.Size(shape).numel())
    u = noise(numel, salt)
    if len(shape) == 1:
        u = (1 if name.endswith("weight") else 0) + 0.4 * u
    else:
        u = u * (12 * shape[0] / numel) ** 0.5
    return u.float().double().reshape(shape)


def image(shape, salt):
    return (noise(int(torch.Size(shape).numel()), salt) * 12**0.5).float().double().reshape(shape)


def symbols(shape, bound, salt):
    """Whole numbers below `bound`."""
    return ((noise(int(torch.Size(shape).numel()), salt) + 0.5) * bound).floor().long().clamp(max=bound - 1).reshape(shape)


def numbers(tensor):
    return [float(f"{value:.7g}") for value in tensor.detach().flatten().tolist()]


def summary(grad):
    flat = grad.flatten()
    if flat.numel() <= WHOLE:
        return {"all": numbers(flat)}
    step = flat.numel() // SAMPLE
    return {
        "most": numbers(flat.abs().max())[0],
        "norm": numbers(flat.norm())[0],
        "projections": numbers(torch.stack([noise(flat.numel(), salt) @ flat for salt in (7001, 7002)])),
        "sample": numbers(flat[:: step][:SAMPLE]),
    }
