"""The functions behind the layers: softmax, pooling, normalisation, embeddings, activations with weights, attention."""

import math

import torch
import torch.nn.functional as F

from .writer import Arg, rand

inf, nan = math.inf, math.nan


def softmaxes(writer):
    for op, function in [("softmax", torch.softmax), ("log_softmax", torch.log_softmax), ("softmin", F.softmin)]:
        call = lambda x, dim, function=function: function(x, dim=dim)
        for dtype in ["f32", "f64", "bf16", "f16"]:
            # PyTorch's gradients in half precision carry the rounding of every step.
            exact = dtype in ["f32", "f64"]
            writer.case(op, call, rand([2, 5], dtype, grad=exact), -1)
            writer.case(op, call, rand([2, 3, 2], dtype, seed=1, grad=exact), 1)
        for shape, dim in [([2, 3, 4], 0), ([17], 0), ([], 0), ([3, 0], 1), ([0, 3], 1), ([0, 3], 0), ([3, 1], 1)]:
            writer.case(op, call, rand(shape), dim)
        writer.case(op, call, rand([2, 3], "f64"), 1, fd=True)
        writer.case(op, call, rand([2, 3], "f64"), 0, fd=True)
        writer.case(op, call, rand([2, 3, 4], layout="p:2,0,1"), 1)
        writer.case(op, call, rand([3, 4], layout="s:1,2"), 1)
        writer.case(op, call, rand([3, 4], layout="e:0"), 0)
        values = [[inf, 0, 1], [-inf, 0, 1], [nan, 0, 1], [-inf] * 3, [1e30, -1e30, 0], [100.0, 101, 102]]
        writer.case(op, call, Arg(values, "f32"), 1)
        writer.case(op, call, rand([2, 3]), 2)
        writer.case(op, call, rand([2, 3], "i64"), 1)


def max_pooling(writer):
    def call(function):
        return lambda x, k, s, p, d, c, i: function(x, k, s, p, d, c, return_indices=i)

    one, two = call(F.max_pool1d), call(F.max_pool2d)
    # Shape, kernel, stride, padding, dilation, ceil_mode.
    planes = [
        ([1, 2, 5, 6], [2, 2], None, [0, 0], [1, 1], False), ([2, 1, 5, 5], [3, 3], [2, 2], [1, 1], [1, 1], False),
        ([1, 1, 6, 7], [3, 2], [1, 2], [1, 0], [2, 1], False), ([1, 1, 5, 5], [2, 2], [2, 2], [0, 0], [1, 1], True),
        ([2, 4, 4], [2, 2], [1, 1], [1, 1], [1, 1], True), ([1, 1, 7, 7], [3, 3], [3, 3], [1, 1], [1, 1], True),
        ([0, 2, 4, 4], [2, 2], None, [0, 0], [1, 1], False), ([1, 1, 4, 5], [4, 5], None, [0, 0], [1, 1], False),
    ]
    for shape, *options in planes:
        for dtype in ["f32", "f64"]:
            x = rand(shape, dtype, seed=3)
            writer.case("max_pool2d", two, x, *options, True)
        writer.case("max_pool2d", two, rand(shape, seed=4), *options, False)
    for dtype in ["bf16", "f16", "i64", "u8"]:
        writer.case("max_pool2d", two, rand([1, 2, 4, 4], dtype), [2, 2], None, [0, 0], [1, 1], False, True)
    distinct = torch.randperm(60, generator=torch.Generator().manual_seed(0)).double() / 8
    writer.case("max_pool2d", two, Arg(distinct, "f64", [1, 2, 5, 6]), [2, 3], [1, 2], [1, 1], [2, 1], False, False, fd=True)
    for kernel, stride, padding in [([4, 2], None, [0, 0]), ([4, 2], [4, 2], [1, 0]), ([5, 2], [4, 2], [0, 0]), ([4, 2], [2, 2], [0, 0])]:
        writer.case("max_pool2d", two, rand([1, 2, 1, 7]), kernel, stride, padding, [1, 1], True, True)
        average = lambda x, k, s, p, c, i, d: F.avg_pool2d(x, k, s, p, c, i, d)
        writer.case("avg_pool2d", average, rand([1, 2, 1, 7]), kernel, stride, padding, True, True, None)
    writer.case("max_pool2d", two, rand([1, 2, 4, 6], layout="p:0,3,1,2"), [2, 2], None, [0, 0], [1, 1], False, True)
    writer.case("max_pool2d", two, rand([1, 2, 4, 4], layout="s:3,2"), [2, 2], None, [0, 0], [1, 1], False, True)
    special = [1.0, nan, 2, inf, -inf, -inf, -inf, -inf, 3, nan, nan, 0, 1, 1, 1, 1]
    writer.case("max_pool2d", two, Arg(special, "f32", [1, 1, 4, 4]), [2, 2], None, [0, 0], [1, 1], False, True)
    for shape, *options in [
        ([1, 1, 2, 2], [3, 3], None, [0, 0], [1, 1], False), ([1, 1, 4, 4], [2, 2], None, [2, 2], [1, 1], False),
        ([1, 1, 4, 4], [2, 2], [0, 1], [0, 0], [1, 1], False), ([4, 4], [2, 2], None, [0, 0], [1, 1], False),
        ([1, 1, 4, 4], [2, 2], None, [0, 0], [0, 1], False),
    ]:
        writer.case("max_pool2d", two, rand(shape), *options, False)
    lines = [
        ([1, 2, 7], [2], None, [0], [1], False), ([2, 7], [3], [2], [1], [2], False), ([1, 1, 5], [2], [2], [0], [1], True),
        ([1, 1, 2], [3], None, [0], [1], False), ([2, 1, 0], [2], None, [0], [1], False),
    ]
    for shape, *options in lines:
        for indices in [False, True]:
            writer.case("max_pool1d", one, rand(shape, seed=3), *options, indices)
    writer.case("max_pool1d", one, rand([1, 2, 6], "f64", seed=1), [2], None, [0], [1], False, False, fd=True)


def average_pooling(writer):
    two = lambda x, k, s, p, c, i, d: F.avg_pool2d(x, k, s, p, c, i, d)
    one = lambda x, k, s, p, c, i, d: F.avg_pool1d(x, k, s, p, c, i)
    planes = [
        ([1, 2, 5, 6], [2, 2], None, [0, 0], False, True, None), ([2, 1, 5, 5], [3, 3], [2, 2], [1, 1], False, True, None),
        ([1, 1, 6, 7], [3, 2], [1, 2], [1, 0], False, False, None), ([1, 1, 5, 5], [2, 2], [2, 2], [0, 0], True, True, None),
        ([2, 5, 5], [2, 2], [2, 2], [1, 1], True, True, None), ([2, 5, 5], [2, 2], [2, 2], [1, 1], True, False, None),
        ([1, 1, 4, 4], [2, 2], None, [0, 0], False, True, 3), ([1, 1, 7, 7], [3, 3], [3, 3], [1, 1], True, True, None),
        ([0, 2, 4, 4], [2, 2], None, [0, 0], False, True, None),
    ]
    for shape, *options in planes:
        writer.case("avg_pool2d", two, rand(shape, seed=3), *options)
        writer.case("avg_pool2d", two, rand(shape, "f64", seed=3), *options, fd=0 not in shape)
    for dtype in ["bf16", "f16", "i64"]:
        writer.case("avg_pool2d", two, rand([1, 2, 4, 4], dtype), [2, 2], None, [0, 0], False, True, None)
    for shape, *options in [planes[1], planes[2], planes[4], planes[6]]:
        writer.case("avg_pool2d", two, rand(shape, "i64", -9, 9), *options)
    writer.case("avg_pool1d", one, rand([1, 2, 7], "i64", -9, 9), [3], [2], [1], True, False, None)
    writer.case("avg_pool2d", two, rand([1, 2, 4, 6], layout="p:0,3,1,2"), [2, 2], None, [0, 0], False, True, None)
    writer.case("avg_pool2d", two, Arg([1.0, nan, 2, inf], "f32", [1, 1, 2, 2]), [1, 2], None, [0, 0], False, True, None)
    for shape, *options in [
        ([1, 1, 2, 2], [3, 3], None, [0, 0], False, True, None), ([1, 1, 4, 4], [2, 2], None, [2, 2], False, True, None),
        ([4, 4], [2, 2], None, [0, 0], False, True, None), ([1, 1, 4, 4], [2, 2], None, [0, 0], False, True, 0),
    ]:
        writer.case("avg_pool2d", two, rand(shape), *options)
    for shape, *options in [
        ([1, 2, 7], [2], None, [0], False, True, None), ([2, 7], [3], [2], [1], False, False, None),
        ([1, 1, 5], [2], [2], [0], True, True, None), ([1, 1, 2], [3], None, [0], False, True, None),
    ]:
        for dtype in ["f32", "f64"]:
            writer.case("avg_pool1d", one, rand(shape, dtype, seed=3), *options, fd=dtype == "f64")


def adaptive_pooling(writer):
    largest = lambda x, size: F.adaptive_max_pool2d(x, size, return_indices=True)
    for shape, size in [([1, 2, 7, 5], [3, 2]), ([2, 4, 4], [1, 1]), ([1, 1, 3, 3], [5, 4]), ([1, 2, 4, 6], [None, 3]), ([0, 2, 4, 4], [2, 2])]:
        for dtype in ["f32", "f64", "bf16"]:
            writer.case("adaptive_avg_pool2d", F.adaptive_avg_pool2d, rand(shape, dtype), size, fd=dtype == "f64" and 0 not in shape)
            distinct = torch.randperm(math.prod(shape), generator=torch.Generator().manual_seed(0)).double() / 8
            writer.case("adaptive_max_pool2d", largest, Arg(distinct, dtype, shape), size, fd=dtype == "f64" and 0 not in shape)
    for shape in [[0, 4, 4], [2, 0, 4, 4], [0, 2, 4, 4]]:
        writer.case("adaptive_avg_pool2d", F.adaptive_avg_pool2d, rand(shape), [2, 1])
        writer.case("adaptive_max_pool2d", largest, rand(shape), [2, 1])
        writer.case("avg_pool2d", lambda x, *o: F.avg_pool2d(x, *o), rand(shape), [2, 2], None, [0, 0], False, True, None)
        for places in [False, True]:
            call = lambda x, *o: F.max_pool2d(x, *o[:-1], return_indices=o[-1])
            writer.case("max_pool2d", call, rand(shape), [2, 2], None, [0, 0], [1, 1], False, places)
    for op, function in [("adaptive_avg_pool2d", F.adaptive_avg_pool2d), ("adaptive_max_pool2d", largest)]:
        writer.case(op, function, rand([4, 4]), [2, 2])
        writer.case(op, function, rand([1, 1, 0, 4]), [2, 2])


def volume_pooling(writer):
    largest = lambda x, k, s, p, d, c, i: F.max_pool3d(x, k, s, p, d, c, return_indices=i)
    average = lambda x, k, s, p, c, i, d: F.avg_pool3d(x, k, s, p, c, i, d)
    # Shape, kernel, stride, padding, dilation, ceil_mode.
    volumes = [
        ([1, 2, 4, 3, 5], [2, 2, 2], None, [0, 0, 0], [1, 1, 1], False), ([2, 1, 3, 4, 4], [3, 2, 3], [2, 1, 2], [1, 1, 0], [1, 1, 1], False),
        ([1, 1, 5, 4, 4], [2, 2, 1], [1, 2, 3], [1, 0, 0], [2, 1, 1], True), ([2, 5, 3, 5], [2, 2, 2], [2, 2, 2], [1, 1, 1], [1, 1, 1], True),
        ([0, 2, 3, 3, 3], [2, 2, 2], None, [0, 0, 0], [1, 1, 1], False), ([1, 1, 3, 3, 3], [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 1, 1], True),
    ]
    for shape, *options in volumes:
        for dtype in ["f32", "f64"]:
            writer.case("max_pool3d", largest, rand(shape, dtype, seed=3), *options, True)
        writer.case("max_pool3d", largest, rand(shape, seed=4), *options, False)
    for dtype in ["bf16", "f16", "i64"]:
        writer.case("max_pool3d", largest, rand([1, 2, 2, 4, 2], dtype), [2, 2, 1], None, [0, 0, 0], [1, 1, 1], False, True)
    distinct = torch.randperm(72, generator=torch.Generator().manual_seed(0)).double() / 8
    smooth = ([2, 3, 2], [1, 2, 1], [1, 1, 0], [1, 1, 2], False, False)
    writer.case("max_pool3d", largest, Arg(distinct, "f64", [1, 2, 3, 4, 3]), *smooth, fd=True)
    writer.case("max_pool3d", largest, rand([1, 2, 4, 2, 3], layout="p:0,3,1,2,4"), [2, 2, 2], None, [0, 0, 0], [1, 1, 1], False, True)
    # Equal elements and NaN in several planes of a window.
    special = [1.0, nan, 2, 2, 2, 1, 2, 2, inf, inf, -inf, -inf, inf, nan, -inf, -inf]
    writer.case("max_pool3d", largest, Arg(special, "f32", [1, 4, 2, 2]), [2, 2, 1], None, [0, 0, 0], [1, 1, 1], False, True)
    writer.case("max_pool3d", largest, Arg(special, "f32", [1, 2, 4, 2]), [2, 2, 2], [1, 1, 1], [0, 0, 0], [1, 1, 1], False, True)
    for shape, *options in [
        ([1, 1, 2, 2, 2], [3, 3, 3], None, [0, 0, 0], [1, 1, 1], False), ([1, 1, 4, 4, 4], [2, 2, 2], None, [2, 0, 0], [1, 1, 1], False),
        ([4, 4, 4], [2, 2, 2], None, [0, 0, 0], [1, 1, 1], False), ([2, 0, 3, 3, 3], [2, 2, 2], None, [0, 0, 0], [1, 1, 1], False),
        ([1, 1, 4, 4, 4], [2, 2, 2], [1, 0, 1], [0, 0, 0], [1, 1, 1], False),
    ]:
        writer.case("max_pool3d", largest, rand(shape), *options, False)
    # Shape, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override.
    averaged = [
        ([1, 2, 4, 3, 5], [2, 2, 2], None, [0, 0, 0], False, True, None), ([2, 1, 3, 4, 4], [3, 2, 3], [2, 1, 2], [1, 1, 0], False, True, None),
        ([1, 1, 5, 4, 4], [2, 2, 2], [1, 2, 3], [1, 0, 1], True, False, None), ([2, 5, 3, 5], [2, 2, 2], [2, 2, 2], [1, 1, 1], True, True, None),
        ([1, 1, 4, 4, 2], [2, 2, 2], None, [0, 0, 0], False, True, 3), ([0, 2, 3, 3, 3], [2, 2, 2], None, [0, 0, 0], False, True, None),
    ]
    for shape, *options in averaged:
        writer.case("avg_pool3d", average, rand(shape, seed=3), *options)
        writer.case("avg_pool3d", average, rand(shape, "f64", seed=3), *options, fd=0 not in shape)
        writer.case("avg_pool3d", average, rand(shape, "i64", -9, 9), *options)
    writer.case("avg_pool3d", average, rand([1, 2, 2, 4, 2], "bf16"), [2, 2, 1], None, [0, 0, 0], False, True, None)
    for shape, *options in [
        ([1, 1, 2, 2, 2], [3, 3, 3], None, [0, 0, 0], False, True, None), ([1, 1, 4, 4, 4], [2, 2, 2], None, [0, 2, 0], False, True, None),
        ([1, 1, 4, 4, 4], [2, 2, 2], None, [0, 0, 0], False, True, 0), ([2, 0, 3, 3, 3], [2, 2, 2], None, [0, 0, 0], False, True, None),
    ]:
        writer.case("avg_pool3d", average, rand(shape), *options)


def adaptive_pooling_of_lines_and_volumes(writer):
    for axes, sizes in [
        (1, [([1, 2, 7], [3]), ([2, 4], [1]), ([1, 1, 3], [5]), ([0, 2, 4], [2])]),
        (3, [([1, 2, 5, 3, 4], [3, 2, 2]), ([2, 4, 3, 2], [1, 1, 1]), ([1, 1, 2, 3, 2], [3, 4, 2]), ([1, 2, 4, 3, 3], [None, 2, None]), ([0, 2, 4, 4, 3], [2, 2, 2])]),
    ]:
        mean, most = [getattr(F, f"adaptive_{kind}_pool{axes}d") for kind in ["avg", "max"]]
        largest = lambda x, size: most(x, size, return_indices=True)
        for shape, size in sizes:
            for dtype in ["f32", "f64", "bf16"]:
                writer.case(f"adaptive_avg_pool{axes}d", mean, rand(shape, dtype), size, fd=dtype == "f64" and 0 not in shape)
                distinct = torch.randperm(math.prod(shape), generator=torch.Generator().manual_seed(0)).double() / 8
                writer.case(f"adaptive_max_pool{axes}d", largest, Arg(distinct, dtype, shape), size, fd=dtype == "f64" and 0 not in shape)
        spatial = [4] * axes
        for shape in [[2, 0] + spatial, [1, 1] + spatial[1:] + [0], spatial]:
            writer.case(f"adaptive_avg_pool{axes}d", mean, rand(shape), [2] * axes)
            writer.case(f"adaptive_max_pool{axes}d", largest, rand(shape), [2] * axes)


def power_pooling(writer):
    for axes, shapes in [(1, [[1, 2, 7], [2, 6]]), (2, [[1, 2, 5, 4], [2, 4, 5]]), (3, [[1, 2, 4, 3, 5], [1, 3, 4, 3]])]:
        whole = lambda sizes: sizes[0] if axes == 1 and sizes else sizes
        function = lambda x, p, k, s, c: getattr(F, f"lp_pool{axes}d")(x, p, whole(k), whole(s), c)
        for shape in shapes:
            for norm, kernel, stride, ceil in [(2.0, [2] * axes, None, False), (3.0, [2] * axes, [1] * axes, False), (1.5, [3] * axes, [2] * axes, True)]:
                for dtype in ["f32", "f64"]:
                    writer.case(f"lp_pool{axes}d", function, rand(shape, dtype, 0.5, 2), norm, kernel, stride, ceil, fd=dtype == "f64")
            # Sums of odd powers may be negative, and zero.
            writer.case(f"lp_pool{axes}d", function, rand(shape, seed=2), 3.0, [2] * axes, None, False)
            writer.case(f"lp_pool{axes}d", function, rand(shape, low=0, high=0), 2.0, [2] * axes, None, False)
        writer.case(f"lp_pool{axes}d", function, rand([1, 1] + [2] * axes), 2.0, [3] * axes, None, False)


def norms(writer):
    one = lambda shape, dtype="f32", seed=7: rand(shape, dtype, 0.5, 2, seed=seed)
    for dtype in ["f32", "f64", "f16", "bf16"]:
        smooth = dtype == "f64"
        exact = dtype in ["f32", "f64"]
        for shape, normalized in [([2, 3], [3]), ([2, 3, 4], [3, 4]), ([4], [4])]:
            for weight, bias in [(None, None), (one(normalized, dtype), None), (one(normalized, dtype), rand(normalized, dtype, seed=8))]:
                writer.case("layer_norm", F.layer_norm, rand(shape, dtype), normalized, weight, bias, 1e-5, fd=smooth)
            for eps in [None, 1e-3]:
                writer.case("rms_norm", F.rms_norm, rand(shape, dtype), normalized, one(normalized, dtype), eps, fd=smooth)
            writer.case("rms_norm", F.rms_norm, rand(shape, dtype), normalized, None, 1e-6, fd=smooth)
        for shape, groups in [([2, 4], 2), ([1, 4, 3], 4), ([2, 6, 2, 2], 3), ([2, 4, 3], 1)]:
            weight, bias = one([shape[1]], dtype), rand([shape[1]], dtype, seed=8)
            # PyTorch's gradients in half precision carry the rounding of every step.
            writer.case("group_norm", F.group_norm, rand(shape, dtype, grad=exact), groups, weight, bias, 1e-5, fd=smooth, grad=exact)
            writer.case("group_norm", F.group_norm, rand(shape, dtype, grad=exact), groups, None, None, 1e-3, fd=smooth)
        if not exact:
            continue
        instance = lambda x, w, b, e: F.instance_norm(x, weight=w, bias=b, eps=e)
        for shape in [[2, 3, 1], [2, 3, 1, 1]]:
            writer.case("instance_norm", instance, rand(shape, dtype), None, None, 1e-5)
        for shape in [[2, 3, 4], [1, 2, 3, 2]]:
            weight, bias = one([shape[1]], dtype), rand([shape[1]], dtype, seed=8)
            writer.case("instance_norm", instance, rand(shape, dtype), weight, bias, 1e-5, fd=smooth)
            writer.case("instance_norm", instance, rand(shape, dtype), None, None, 1e-2, fd=smooth)
    large = Arg([1000.0, 1001, 1002, 999, 100, 101, 100, 99], "f32", [2, 4])
    writer.case("layer_norm", F.layer_norm, large, [4], None, None, 1e-5)
    for x in [Arg([[1.0, nan, 2]], "f32"), Arg([[1.0, inf, 2]], "f32"), rand([0, 3]), rand([2, 3], layout="p:1,0"), rand([2, 3], layout="s:1,2")]:
        writer.case("layer_norm", F.layer_norm, x, [3], one([3]), None, 1e-5)
        writer.case("rms_norm", F.rms_norm, x, [3], one([3]), 1e-5)
    for x, normalized, weight in [(rand([2, 3]), [2], None), (rand([2, 3]), [3], rand([2])), (rand([2, 3], "i64"), [3], None)]:
        writer.case("layer_norm", F.layer_norm, x, normalized, weight, None, 1e-5)
        writer.case("rms_norm", F.rms_norm, x, normalized, weight, 1e-5)
    writer.case("group_norm", F.group_norm, rand([2, 5]), 2, None, None, 1e-5)
    writer.case("group_norm", F.group_norm, rand([2, 4]), 2, rand([3]), None, 1e-5)
    writer.case("group_norm", F.group_norm, rand([2, 4, 3], layout="p:2,0,1"), 2, rand([4]), rand([4]), 1e-5)
    response = lambda x, n, a, b, k: F.local_response_norm(x, n, a, b, k)
    for shape in [[2, 5, 3], [1, 4, 2, 3], [1, 1, 2], [0, 2, 3]]:
        for size in [1, 2, 3, 6]:
            writer.case("local_response_norm", response, rand(shape), size, 1e-4, 0.75, 1.0)
        writer.case("local_response_norm", response, rand(shape, "f64"), 3, 0.5, 0.6, 1.5, fd=0 not in shape)
    writer.case("local_response_norm", response, rand([2, 5, 3], "i64", -4, 4), 3, 0.5, 0.6, 1.5)
    writer.case("local_response_norm", response, rand([2, 3]), 2, 1e-4, 0.75, 1.0)


def batch_norm(writer):
    def call(x, mean, var, weight, bias, training, momentum, eps):
        result = F.batch_norm(x, mean, var, weight, bias, training, momentum, eps)
        return [result] + ([] if mean is None else [mean, var])

    for dtype in ["f32", "f64"]:
        for shape in [[4, 2], [3, 2, 4], [2, 3, 2, 2]]:
            features = [shape[1]]
            mean = rand(features, dtype, seed=5, grad=False)
            var = rand(features, dtype, 0.5, 2, seed=6, grad=False)
            weight, bias = rand(features, dtype, 0.5, 2, seed=7), rand(features, dtype, seed=8)
            for training in [True, False]:
                smooth = dtype == "f64" and not training
                writer.case("batch_norm", call, rand(shape, dtype), mean, var, weight, bias, training, 0.1, 1e-5, fd=smooth)
                writer.case("batch_norm", call, rand(shape, dtype), mean, var, None, None, training, 0.7, 1e-3, fd=smooth)
            writer.case("batch_norm", call, rand(shape, dtype), None, None, weight, bias, True, 0.1, 1e-5, fd=dtype == "f64")
            writer.case("batch_norm", call, rand(shape, dtype), None, None, weight, None, True, 0.1, 1e-5)
    plain = lambda shape, **kwargs: (rand(shape, **kwargs), None, None, None, None, True, 0.1, 1e-5)
    writer.case("batch_norm", call, *plain([2, 3, 4], layout="p:2,0,1"))
    writer.case("batch_norm", call, *plain([2, 3, 4], layout="s:2,2"))
    writer.case("batch_norm", call, *plain([1, 3]))
    writer.case("batch_norm", call, *plain([3]))
    writer.case("batch_norm", call, rand([2, 3]), rand([2], grad=False), rand([2], grad=False), None, None, False, 0.1, 1e-5)
    writer.case("batch_norm", call, rand([2, 3]), None, None, rand([2]), None, True, 0.1, 1e-5)
    writer.case("batch_norm", call, Arg([[1.0, nan], [2, 3]], "f32"), None, None, None, None, True, 0.1, 1e-5)


def embedding(writer):
    def call(index, weight, padding, max_norm, norm_type, by_frequency):
        weight = weight * 1.0 if max_norm is not None else weight
        return F.embedding(index, weight, padding, max_norm, norm_type, by_frequency)

    indices = [[0, 2], [[1, 1, 0], [3, 2, 1]], [], 3]
    for dtype in ["f32", "f64", "bf16"]:
        for index in indices:
            writer.case("embedding", call, Arg(index, "i64"), rand([4, 3], dtype), None, None, 2.0, False, fd=dtype == "f64" and index != [])
    writer.case("embedding", call, Arg([0, 2, 2], "i32"), rand([4, 3]), None, None, 2.0, False)
    writer.case("embedding", call, Arg([0, 2, 2], "i64"), rand([4, 3], layout="p:1,0"), None, None, 2.0, False)
    writer.case("embedding", call, Arg([[0, 2, 1], [3, 1, 1]], "i64", layout="p:1,0"), rand([4, 3]), None, None, 2.0, False)
    for padding in [0, 2, -1, 4, -5]:
        writer.case("embedding", call, Arg([0, 2, 3, 2], "i64"), rand([4, 3], "f64"), padding, None, 2.0, False)
    for index in [4, -1]:
        writer.case("embedding", call, Arg([0, index], "i64"), rand([4, 3]), None, None, 2.0, False)
    for max_norm, norm_type in [(1.0, 2.0), (0.5, 1.0), (1.5, math.inf), (100.0, 2.0)]:
        writer.case("embedding", call, Arg([0, 2, 2], "i64"), rand([4, 3], grad=False), None, max_norm, norm_type, False)
    writer.case("embedding", call, Arg([], "i64", [0]), rand([1, 0], grad=False), None, 1.0, math.inf, False)
    for padding in [None, 1]:
        writer.case("embedding", call, Arg([[0, 2, 2], [1, 1, 1]], "i64"), rand([4, 3], "f64"), padding, None, 2.0, True)
    writer.case("embedding", call, Arg([0.0], "f32", grad=False), rand([4, 3]), None, None, 2.0, False)
    writer.case("embedding", call, Arg([0], "i64"), rand([4]), None, None, 2.0, False)


def others(writer):
    for dtype in ["f32", "f64", "bf16"]:
        smooth = dtype == "f64"
        for shape, weights in [([2, 3], [3]), ([2, 3], [1]), ([2, 3, 2], [3]), ([4], [1]), ([], [1])]:
            writer.case("prelu", F.prelu, rand(shape, dtype, 0.25, 2), rand(weights, dtype, seed=1), fd=smooth)
            writer.case("prelu", F.prelu, rand(shape, dtype, -2, 2, seed=3), rand(weights, dtype, seed=1))
    writer.case("prelu", F.prelu, Arg([inf, 1.0, -2.0], "f32"), Arg([0.25], "f32"))
    writer.case("prelu", F.prelu, rand([2, 3]), rand([2]))
    writer.case("prelu", F.prelu, Arg([0.0, -0.0, nan, inf, -inf], "f32"), Arg([0.25], "f32"))
    normalize = lambda x, p, dim, eps: F.normalize(x, p, dim, eps)
    for dtype in ["f32", "f64", "c64"]:
        for p, dim in [(2.0, 1), (1.0, 0), (3.0, -1), (inf, 1), (0.5, 1)]:
            writer.case("normalize", normalize, rand([2, 3], dtype, 0.25, 2), p, dim, 1e-12, fd=dtype == "f64" and p != inf)
    writer.case("normalize", normalize, Arg([[0.0, 0], [3, 4]], "f32"), 2.0, 1, 1e-12)
    writer.case("normalize", normalize, rand([2, 3]), 2.0, 2, 1e-12)
    for dtype in ["f32", "f64"]:
        writer.case("cosine_similarity", F.cosine_similarity, rand([2, 3], dtype), rand([2, 3], dtype, seed=1), 1, 1e-8, fd=dtype == "f64")
        writer.case("cosine_similarity", F.cosine_similarity, rand([2, 1, 3], dtype), rand([4, 3], dtype, seed=1), -1, 1e-8, fd=dtype == "f64")
    writer.case("cosine_similarity", F.cosine_similarity, Arg([[0.0, 0]], "f32"), Arg([[1.0, 2]], "f32"), 1, 1e-8)
    writer.case("cosine_similarity", F.cosine_similarity, rand([2, 3]), rand([2, 4]), 1, 1e-8)
    attention = lambda q, k, v, m, c, s: F.scaled_dot_product_attention(q, k, v, m, 0.0, c, scale=s)
    for dtype in ["f32", "f64"]:
        smooth = dtype == "f64"
        q, k, v = rand([2, 3, 4], dtype), rand([2, 5, 4], dtype, seed=1), rand([2, 5, 2], dtype, seed=2)
        writer.case("attention", attention, q, k, v, None, False, None, fd=smooth)
        writer.case("attention", attention, q, k, v, None, True, 0.7, fd=smooth)
        writer.case("attention", attention, q, k, v, rand([3, 5], "bool", seed=6), False, None, fd=smooth)
        writer.case("attention", attention, q, k, v, rand([3, 5], dtype, seed=4), False, None, fd=smooth)
    for training in [False]:
        for dtype in ["f32", "f64", "bf16"]:
            writer.case("dropout", F.dropout, rand([2, 3], dtype), 0.5, training, fd=dtype == "f64")
    for p in [0.0, 1.0]:
        writer.case("dropout", F.dropout, rand([2, 3]), p, True)
    for p in [-0.1, 1.5, nan]:
        writer.case("dropout", F.dropout, rand([2, 3]), p, True)
    kinds = [("dropout1d", [2, 3, 2]), ("dropout1d", [3, 2]), ("dropout2d", [2, 3, 2, 2]), ("dropout2d", [2, 3, 2]), ("dropout3d", [2, 3, 1, 2, 2])]
    kinds += [("dropout3d", [3, 1, 2, 2]), ("alpha_dropout", [2, 3]), ("feature_alpha_dropout", [2, 3, 2])]
    for name, shape in kinds:
        function = getattr(F, name)
        for p, training in [(0.5, False), (0.0, True), (1.0, True)]:
            for dtype in ["f32", "f64", "bf16"]:
                writer.case(name, function, rand(shape, dtype), p, training, fd=dtype == "f64")
        for p in [-0.1, 1.5]:
            writer.case(name, function, rand(shape), p, True)
        writer.case(name, function, rand(shape, "i64"), 0.5, False)
    writer.case("dropout1d", F.dropout1d, rand([2, 3, 1, 1]), 0.5, False)
    rrelu = lambda x, lower, upper, training: F.rrelu(x, lower, upper, training)
    # Where both bounds are the same, nothing is random.
    for lower, upper, training in [(0.1, 0.5, False), (0.25, 0.25, True), (-0.5, -0.5, True), (0.25, 0.25, False)]:
        for dtype in ["f32", "f64", "bf16"]:
            writer.case("rrelu", rrelu, rand([2, 3], dtype), lower, upper, training, fd=dtype == "f64")
        writer.case("rrelu", rrelu, Arg([0.0, -0.0, inf, -inf, nan], "f32"), lower, upper, training)
        writer.case("rrelu", rrelu, rand([2, 3], layout="p:1,0"), lower, upper, training)
        writer.case("rrelu", rrelu, rand([0, 3]), lower, upper, training)
        writer.case("rrelu", rrelu, rand([2, 3], "i64"), lower, upper, training)
    for lower, upper in [(0.5, 0.25), (nan, 0.5), (0.25, inf)]:
        for training in [True, False]:
            writer.case("rrelu", rrelu, rand([2]), lower, upper, training)


def resampling(writer):
    def call(x, size, scale, mode, align):
        linear = mode in ["linear", "bilinear", "trilinear"]
        return F.interpolate(x, size, scale, mode, align_corners=align if linear or align else None)

    images = [([1, 2, 5], "linear", [8]), ([2, 1, 3, 4], "bilinear", [6, 3]), ([1, 1, 2, 3, 4], "trilinear", [3, 5, 2])]
    for shape, linear, size in images:
        for dtype in ["f32", "f64"]:
            for size, scale in [(size, None), (None, 2.0), (None, 1.7), (None, 0.6), ([4] * len(size), None)]:
                for mode, align in [("nearest", False), ("nearest-exact", False), ("area", False), (linear, False), (linear, True)]:
                    writer.case("interpolate", call, rand(shape, dtype), size, scale, mode, align, fd=dtype == "f64")
        for dtype in ["f16", "bf16", "u8"]:
            writer.case("interpolate", call, rand(shape, dtype, grad=False), None, 2.0, "nearest", False)
        for dtype in ["f16", "bf16"]:
            # Of other factors PyTorch rounds the weights and every step.
            writer.case("interpolate", call, rand(shape, dtype, grad=False), None, 2.0, linear, False)
        # A factor that leaves the size as it is. PyTorch's gradient of the nearest positions is not that of its forward pass.
        writer.case("interpolate", call, rand(shape), None, 1.1, linear, False)
        for mode in ["nearest", "nearest-exact"]:
            writer.case("interpolate", call, rand(shape, grad=False), None, 1.1, mode, False)
    image = rand([1, 2, 4, 6], layout="p:0,3,1,2")
    writer.case("interpolate", call, image, [3, 7], None, "bilinear", False)
    writer.case("interpolate", call, rand([0, 2, 4, 4]), None, 2.0, "nearest", False)
    writer.case("interpolate", call, Arg([[[1.0, nan, inf, 2]]], "f32"), [7], None, "linear", False)
    for x, size, scale, mode, align in [
        (rand([3, 4]), None, 2.0, "nearest", False), (rand([1, 1, 4, 4]), [3], None, "linear", False),
        (rand([1, 1, 4, 4]), [1, 2, 3], None, "nearest", False), (rand([1, 1, 4, 4]), [0, 2], None, "nearest", False),
        (rand([1, 1, 4, 4]), None, 2.0, "nearest", True), (rand([1, 1, 4]), None, 0.1, "linear", False),
        (rand([1, 1, 0, 4]), [2, 2], None, "nearest", False),
    ]:
        writer.case("interpolate", call, x, size, scale, mode, align)
    for op, function, shapes in [
        ("pixel_shuffle", F.pixel_shuffle, [[1, 8, 2, 3], [4, 2, 2], [2, 1, 12, 1, 2], [0, 4, 2, 2], [3, 2, 2], [4, 4]]),
        ("pixel_unshuffle", F.pixel_unshuffle, [[1, 2, 4, 6], [1, 2, 2], [2, 1, 3, 2, 4], [0, 1, 2, 2], [1, 3, 2], [4, 4]]),
    ]:
        for shape in shapes:
            for dtype in ["f32", "f64", "i64"]:
                writer.case(op, function, rand(shape, dtype), 2, fd=dtype == "f64" and 0 not in shape)
        writer.case(op, function, rand([1, 9, 3, 3]), 3)
        writer.case(op, function, rand([1, 4, 2, 2]), 0)


def write(writer):
    softmaxes(writer)
    max_pooling(writer)
    average_pooling(writer)
    adaptive_pooling(writer)
    volume_pooling(writer)
    adaptive_pooling_of_lines_and_volumes(writer)
    power_pooling(writer)
    norms(writer)
    batch_norm(writer)
    embedding(writer)
    others(writer)
    resampling(writer)
