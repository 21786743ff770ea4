"""Layers and losses as modules: the forward pass in training and evaluation, the gradient of the input and of every
parameter, and the buffers as the call leaves them.

The arguments are the input, whether the module trains, its parameters and buffers in the order of the state dict, and
what it is built from; the results are the output and, where there are any, the buffers.
"""

import math

import torch
from torch import nn
from torch.func import functional_call

from .writer import DTYPES, Arg, rand


def state(module, dtype):
    """New values for parameters and buffers."""
    values = []
    for seed, (name, tensor) in enumerate(module.state_dict().items()):
        shape, is_buffer = list(tensor.shape), name in dict(module.named_buffers())
        if not tensor.is_floating_point():
            values.append(Arg(tensor + 3, "i64"))
        else:
            low = 0.5 if name.endswith("var") else -1
            values.append(rand(shape, dtype, low, 1.5, seed=20 + seed, grad=not is_buffer))
    return values


def case(writer, make, inputs, *options, modes=(True, False), fd=True):
    name = make(*options).__class__.__name__
    for dtype in ["f32", "f64"]:
        for training in modes:
            module = make(*options).to(DTYPES[dtype])
            names = list(module.state_dict())
            buffers = [index for index, key in enumerate(names) if key in dict(module.named_buffers())]

            def call(x, training, values, *_):
                module.train(training)
                tensors = {key: value.clone() if i in buffers else value for i, (key, value) in enumerate(zip(names, values))}
                output = functional_call(module, tensors, (x,))
                return [output] + [tensors[names[index]] for index in buffers]

            x = inputs(dtype)
            writer.case(name, call, x, training, state(module, dtype), *options, fd=fd and dtype == "f64" and not (training and buffers))


def write(writer):
    numbers = lambda shape, seed=0, low=-2.0, high=2.0: lambda dtype: rand(shape, dtype, low, high, seed=seed)
    for bias in [True, False]:
        for shape in [[3], [2, 3], [2, 2, 3]]:
            case(writer, lambda i, o, b: nn.Linear(i, o, bias=b), numbers(shape), 3, 4, bias)
    conv = lambda kind: lambda i, o, k, s, p, d, g, b, *mode: kind(i, o, k, s, p, d, g, b, *mode)
    for options in [(2, 3, [3], [1], [0], [1], 1, True), (4, 4, [2], [2], [1], [2], 2, False), (2, 2, [3], [1], "same", [1], 1, True), (2, 4, [2], [1], "valid", [1], 2, True)]:
        case(writer, conv(nn.Conv1d), numbers([2, options[0], 6]), *options)
    for options in [(2, 3, [3, 2], [1, 1], [0, 0], [1, 1], 1, True), (4, 4, [2, 3], [2, 1], [1, 2], [1, 2], 4, False), (2, 2, [3, 3], [1, 1], "same", [1, 2], 1, True)]:
        case(writer, conv(nn.Conv2d), numbers([1, options[0], 5, 6]), *options)
    for mode in ["reflect", "replicate", "circular"]:
        for options in [(2, 3, [3], [1], [2], [1], 1, True), (2, 2, [4], [1], "same", [1], 1, False), (2, 2, [2], [2], [6], [1], 1, False)]:
            case(writer, conv(nn.Conv1d), numbers([2, 2, 6]), *options, mode)
        for options in [(2, 4, [3, 2], [2, 1], [1, 3], [1, 2], 2, True), (2, 2, [4, 3], [1, 1], "same", [1, 2], 1, True), (2, 2, [3, 3], [1, 1], "valid", [1, 1], 1, True)]:
            case(writer, conv(nn.Conv2d), numbers([1, 2, 5, 6]), *options, mode)
    for options in [(3, 1e-5, 0.1, True, True), (3, 1e-3, 0.7, False, True), (3, 1e-5, 0.1, True, False)]:
        case(writer, nn.BatchNorm1d, numbers([4, 3]), *options)
        case(writer, nn.BatchNorm1d, numbers([2, 3, 3]), *options)
        case(writer, nn.BatchNorm2d, numbers([2, 3, 2, 2]), *options)
    for momentum in [None, 0.1]:
        case(writer, nn.BatchNorm1d, numbers([4, 3]), 3, 1e-5, momentum, True, True)
        case(writer, nn.BatchNorm2d, numbers([0, 3, 2, 2]), 3, 1e-5, momentum, True, True)
        case(writer, nn.BatchNorm3d, numbers([2, 3, 2, 1, 2]), 3, 1e-5, momentum, True, True)
    for axes, kind in [(1, nn.InstanceNorm1d), (2, nn.InstanceNorm2d), (3, nn.InstanceNorm3d)]:
        shape = [2, 3, 2, 3, 2][: 2 + axes]
        for options in [(1e-5, 0.1, False, False), (1e-3, 0.1, True, False), (1e-5, 0.7, True, True), (1e-5, None, False, True)]:
            case(writer, kind, numbers(shape), 3, *options)
        # Without a batch, a single position, no examples, other channels.
        case(writer, kind, numbers(shape[1:]), 3, 1e-5, 0.1, True, True)
        case(writer, kind, numbers([2, 3] + [1] * axes), 3, 1e-5, 0.1, True, True)
        case(writer, kind, numbers([2, 4] + shape[2:]), 3, 1e-5, 0.1, True, False)
        case(writer, kind, numbers([3]), 3, 1e-5, 0.1, True, False)
    without_bias = lambda kind: lambda *options: kind(*options[:-1], bias=options[-1])
    case(writer, without_bias(nn.InstanceNorm2d), numbers([2, 3, 2, 2]), 3, 1e-5, 0.1, True, True, False)
    for kind in [nn.BatchNorm1d, nn.BatchNorm2d]:
        case(writer, without_bias(kind), numbers([2, 3, 2, 2][: 2 if kind is nn.BatchNorm1d else 4]), 3, 1e-5, 0.1, True, True, False)
    case(writer, without_bias(nn.GroupNorm), numbers([2, 4, 3]), 2, 4, 1e-5, True, False)
    for options in [([3], 1e-5, True, True), ([2, 3], 1e-3, True, False), ([3], 1e-5, False, True)]:
        case(writer, nn.LayerNorm, numbers([4, 2, 3]), *options)
    for options in [(2, 4, 1e-5, True), (4, 4, 1e-3, False)]:
        case(writer, nn.GroupNorm, numbers([2, 4, 3]), *options)
    for options in [([3], 1e-5, True), ([2, 3], 1e-2, False)]:
        case(writer, nn.RMSNorm, numbers([4, 2, 3]), *options)
    table = lambda n, d, p, f: nn.Embedding(n, d, padding_idx=p, scale_grad_by_freq=f)
    for options in [(5, 3, None, False), (5, 3, 1, False), (5, 3, -1, True)]:
        case(writer, table, lambda dtype: Arg([[1, 4, 1], [0, 4, 4]], "i64"), *options, fd=options[2] is None)
    for options in [([2, 2], [2, 2], [0, 0], [1, 1], False), ([3, 2], [1, 2], [1, 0], [1, 2], True)]:
        make = lambda k, s, p, d, c: nn.MaxPool2d(k, s, p, d, ceil_mode=c)
        case(writer, make, lambda dtype: Arg(torch.arange(60.0).sin() * 8, dtype, [1, 2, 5, 6]), *options)
    for options in [([2, 2], [2, 2], [0, 0], False, True), ([3, 2], [1, 2], [1, 0], True, False)]:
        for divisor in [None, 3]:
            case(writer, nn.AvgPool2d, numbers([1, 2, 5, 6]), *options, divisor)
    for size in [[2, 4], [3, None], [None, 2], [None, None]]:
        case(writer, nn.AdaptiveAvgPool2d, numbers([1, 2, 5, 6]), size)
    for kind, shape, options in [
        (nn.MaxPool1d, [1, 2, 9], [([2], [2], [0], [1], False), ([3], [2], [1], [2], True)]),
        (nn.MaxPool3d, [1, 2, 4, 3, 5], [([2, 2, 2], [2, 2, 2], [0, 0, 0], [1, 1, 1], False), ([2, 3, 2], [1, 2, 2], [1, 1, 0], [2, 1, 1], True)]),
    ]:
        for chosen in options:
            make = lambda k, s, p, d, c: kind(k, s, p, d, ceil_mode=c)
            values = torch.arange(float(math.prod(shape))).sin() * 8
            case(writer, make, lambda dtype: Arg(values, dtype, shape), *chosen)
    for options in [([2], [2], [0], False, True), ([3], [2], [1], True, False)]:
        case(writer, nn.AvgPool1d, numbers([1, 2, 7]), *options)
    for options in [([2, 2, 2], [2, 2, 2], [0, 0, 0], False, True), ([3, 2, 2], [1, 2, 1], [1, 0, 1], True, False)]:
        for divisor in [None, 3]:
            case(writer, nn.AvgPool3d, numbers([1, 2, 4, 3, 5]), *options, divisor)
    values = lambda shape: lambda dtype: Arg(torch.arange(float(math.prod(shape))).sin() * 8, dtype, shape)
    for size in [[3], [1]]:
        case(writer, nn.AdaptiveAvgPool1d, numbers([2, 2, 7]), size)
        case(writer, nn.AdaptiveMaxPool1d, values([2, 2, 7]), size)
    for size in [[2, 4], [3, None]]:
        case(writer, nn.AdaptiveMaxPool2d, values([1, 2, 5, 6]), size)
    for size in [[2, 1, 3], [None, 2, None]]:
        case(writer, nn.AdaptiveAvgPool3d, numbers([1, 2, 4, 3, 5]), size)
        case(writer, nn.AdaptiveMaxPool3d, values([1, 2, 4, 3, 5]), size)
    for kind, shape, axes in [(nn.LPPool1d, [2, 7], 1), (nn.LPPool2d, [1, 2, 5, 4], 2), (nn.LPPool3d, [1, 2, 4, 3, 5], 3)]:
        for options in [(2.0, [2] * axes, [2] * axes, False), (3.0, [2] * axes, [1] * axes, True)]:
            whole = lambda sizes: sizes[0] if axes == 1 else sizes
            make = lambda p, k, s, c: kind(p, whole(k), whole(s), c)
            case(writer, make, numbers(shape, low=0.5), *options)
    case(writer, nn.Flatten, numbers([2, 3, 2]), 1, -1)
    case(writer, nn.Flatten, numbers([2, 3, 2, 2]), 0, 2)
    for kind in [nn.Softmax, nn.LogSoftmax]:
        case(writer, kind, numbers([2, 3]), 1)
        case(writer, kind, numbers([2, 3, 2]), -2)
    for kind in [nn.ReLU, nn.SiLU, nn.Tanh, nn.Sigmoid]:
        case(writer, kind, numbers([2, 3], seed=1))
    for approximate in ["none", "tanh"]:
        case(writer, lambda a: nn.GELU(approximate=a), numbers([2, 3]), approximate)
    case(writer, nn.LeakyReLU, numbers([2, 3], seed=1), 0.2)
    case(writer, nn.ELU, numbers([2, 3], seed=1), 1.5)
    case(writer, nn.Dropout, numbers([2, 3]), 0.5, modes=[False])
    case(writer, nn.Dropout, numbers([2, 3]), 0.0)
    for kind, shape in [
        (nn.Dropout1d, [2, 3, 2]), (nn.Dropout2d, [2, 3, 2, 2]), (nn.Dropout3d, [3, 2, 1, 2]), (nn.AlphaDropout, [2, 3]), (nn.FeatureAlphaDropout, [2, 3, 2])
    ]:
        case(writer, kind, numbers(shape), 0.5, modes=[False])
        case(writer, kind, numbers(shape), 0.0)
        case(writer, kind, numbers(shape), 1.0)
    case(writer, nn.RReLU, numbers([2, 3]), 0.1, 0.5, modes=[False])
    case(writer, nn.RReLU, numbers([2, 3]), 0.25, 0.25)
    whole = lambda kind: lambda padding, *value: kind(padding[0] if len(padding) == 2 and padding[0] == padding[1] else tuple(padding), *value)
    for axes in [1, 2, 3]:
        for name in ["Zero", "Constant", "Reflection", "Replication", "Circular"]:
            kind, value = getattr(nn, f"{name}Pad{axes}d"), [2.5] if name == "Constant" else []
            shape = [1, 2, 4, 3, 3][: 2 + axes]
            for padding in [[1, 2, 0, 1, 2, 0], [2, 0, 0, 2, 0, 1], [0] * 6]:
                case(writer, whole(kind), numbers(shape), padding[: 2 * axes], *value, modes=[False])
            case(writer, whole(kind), numbers(shape[1:]), [1] * (2 * axes), *value, modes=[False])
            # As much as an axis has, and more; ranks that do not fit; no examples, no channels, nothing to repeat.
            for sizes in [[4], [3], [5]]:
                case(writer, whole(kind), numbers([1, 1] + [3] * axes), [sizes[0]] + [0] * (2 * axes - 1), *value, modes=[False])
            for wrong in [[3] * axes, [2] * (3 + axes), [0] + shape[1:], [2, 0] + shape[2:], shape[:-1] + [0]]:
                case(writer, whole(kind), numbers(wrong), [1] * (2 * axes), *value, modes=[False])
    chain = lambda a, b, c: nn.Sequential(nn.Linear(a, b), nn.Tanh(), nn.Linear(b, c))
    case(writer, chain, numbers([2, 3]), 3, 4, 2)
