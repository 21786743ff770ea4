"""Losses: every reduction, weights, smoothing, labels that are left out, and labels that are wrong."""

import math

import torch
import torch.nn.functional as F

from .writer import Arg, rand

inf, nan = math.inf, math.nan
REDUCTIONS = ["none", "mean", "sum"]


def cross_entropy(writer):
    call = lambda x, y, w, i, s, r: F.cross_entropy(x, y, w, ignore_index=i, label_smoothing=s, reduction=r)
    shapes = [([4, 3], [0, 2, 1, 2]), ([3], 1), ([2, 3, 2], [[0, 1], [2, 2]]), ([1, 4, 2, 2], [[[3, 0], [1, 1]]])]
    for dtype in ["f32", "f64", "bf16"]:
        weight = lambda classes: rand([classes], dtype, 0.25, 2, seed=5, grad=False)
        for shape, labels in shapes:
            classes = shape[1] if len(shape) > 1 else shape[0]
            for reduction in REDUCTIONS:
                for weights, smoothing in [(None, 0.0), (weight(classes), 0.0), (None, 0.2), (weight(classes), 0.3)]:
                    if dtype == "bf16" and (smoothing or reduction == "none"):
                        continue
                    writer.case(
                        "cross_entropy", call, rand(shape, dtype, seed=1), Arg(labels, "i64"), weights, -100, smoothing, reduction,
                        fd=dtype == "f64" and len(shape) < 3,
                    )
        if dtype == "bf16":
            continue
        for reduction in REDUCTIONS:
            writer.case("cross_entropy", call, rand([4, 3], dtype), Arg([0, -100, 1, -100], "i64"), weight(3), -100, 0.1, reduction)
            writer.case("cross_entropy", call, rand([4, 3], dtype), Arg([0, 2, 2, 1], "i64"), None, 2, 0.0, reduction)
            for smoothing in [0.0, 0.2]:
                target = Arg(torch.softmax(rand([2, 3], "f64", seed=3).values, 1), dtype)
                writer.case("cross_entropy", call, rand([2, 3], dtype), target, weight(3), -100, smoothing, reduction, fd=dtype == "f64")
                target = Arg(torch.softmax(rand([2, 3, 2], "f64", seed=3).values, 1), dtype)
                writer.case("cross_entropy", call, rand([2, 3, 2], dtype), target, None, -100, smoothing, reduction)
    plain = (None, -100, 0.0, "mean")
    writer.case("cross_entropy", call, rand([2, 3]), Arg([-100, -100], "i64"), *plain)
    writer.case("cross_entropy", call, rand([0, 3]), Arg([], "i64", [0]), *plain)
    writer.case("cross_entropy", call, rand([0, 3]), Arg([], "i64", [0]), None, -100, 0.0, "sum")
    writer.case("cross_entropy", call, rand([2, 3], layout="p:1,0"), Arg([0, 2], "i64"), *plain)
    writer.case("cross_entropy", call, rand([2, 3, 2], layout="p:1,2,0"), Arg([[0, 2], [1, 1]], "i64", layout="p:1,0"), *plain)
    writer.case("cross_entropy", call, Arg([[inf, 0, 0], [-inf, 0, 1], [nan, 0, 0], [1e4, -1e4, 0]], "f32"), Arg([0, 1, 1, 0], "i64"), None, -100, 0.0, "none")
    # A mean over weights that add up to 0.
    for weights in [[0.0, 0, 0], [0.0, 1, 2], [1.0, -1, 0], [2.0, 1, -1]]:
        for labels in [[0, 0], [0, 1], [0, -100], [-100, -100]]:
            for smoothing in [0.0, 0.1]:
                writer.case("cross_entropy", call, rand([2, 3], "f64"), Arg(labels, "i64"), Arg(weights, "f64", grad=False), -100, smoothing, "mean")
    for shape, labels in [([2, 3], [0, 3]), ([2, 3], [0, -1]), ([2, 3], [0]), ([2, 3], [[0, 1]])]:
        writer.case("cross_entropy", call, rand(shape), Arg(labels, "i64"), *plain)
    writer.case("cross_entropy", call, rand([2, 3]), Arg([0, 1], "i64"), rand([2], grad=False), -100, 0.0, "mean")
    writer.case("cross_entropy", call, rand([2, 3]), Arg([0, 1], "i64"), None, -100, 1.5, "mean")
    writer.case("cross_entropy", call, rand([2, 3]), rand([2, 4]), *plain)
    writer.case("cross_entropy", call, rand([2, 3]), rand([2, 3]), None, 1, 0.0, "mean")


def nll(writer):
    call = lambda x, y, w, i, r: F.nll_loss(x, y, w, ignore_index=i, reduction=r)
    for dtype in ["f32", "f64"]:
        for shape, labels in [([4, 3], [0, 2, -100, 2]), ([3], 1), ([2, 3, 2], [[0, 1], [2, 2]])]:
            classes = shape[1] if len(shape) > 1 else shape[0]
            for weight in [None, rand([classes], dtype, 0.25, 2, seed=5, grad=False)]:
                for reduction in REDUCTIONS:
                    writer.case("nll_loss", call, rand(shape, dtype), Arg(labels, "i64"), weight, -100, reduction, fd=dtype == "f64")
    writer.case("nll_loss", call, rand([2, 3]), Arg([1, 1], "i64"), None, 1, "mean")
    writer.case("nll_loss", call, rand([2, 3]), Arg([0, 3], "i64"), None, -100, "mean")
    for weights in [[0.0, 0, 0], [0.0, 1, 2], [1.0, -1, 0]]:
        for labels in [[0, 0], [0, 1], [0, -100], [-100, -100]]:
            writer.case("nll_loss", call, rand([2, 3], "f64"), Arg(labels, "i64"), Arg(weights, "f64", grad=False), -100, "mean")
    writer.case("nll_loss", call, rand([2, 3]), Arg([0], "i64"), None, -100, "mean")


def distances(writer):
    pairs = [("mse_loss", F.mse_loss, []), ("l1_loss", F.l1_loss, [])]
    pairs += [("smooth_l1_loss", lambda x, y, b, r: F.smooth_l1_loss(x, y, reduction=r, beta=b), [beta]) for beta in [1.0, 0.5, 0.0]]
    pairs += [("huber_loss", lambda x, y, d, r: F.huber_loss(x, y, reduction=r, delta=d), [delta]) for delta in [1.0, 0.5]]
    for op, function, parameter in pairs:
        call = function if parameter else (lambda x, y, r, function=function: function(x, y, reduction=r))
        for reduction in REDUCTIONS:
            for dtype in ["f32", "f64", "bf16"]:
                x, y = rand([2, 3], dtype, seed=1), rand([2, 3], dtype, seed=2)
                writer.case(op, call, x, y, *parameter, reduction, fd=dtype == "f64")
            writer.case(op, call, rand([]), rand([], seed=1), *parameter, reduction)
            writer.case(op, call, rand([0, 3]), rand([0, 3]), *parameter, reduction)
            writer.case(op, call, rand([2, 3], layout="p:1,0"), rand([2, 3], seed=1, layout="s:1,2"), *parameter, reduction)
        odd = Arg([0.0, 1, -1, nan, inf, 0.5, inf, -inf, 0], "f32"), Arg([0.0, 0, 0, 1, 1, 0, inf, inf, nan], "f32")
        for reduction in ["none", "mean"]:
            writer.case(op, call, *odd, *parameter, reduction)
    writer.case("mse_loss", lambda x, y, r: F.mse_loss(x, y, reduction=r), rand([2], "c64"), rand([2], "c64", seed=1), "mean")
    writer.case("huber_loss", pairs[-1][1], rand([2]), rand([2]), 0.0, "mean")
    writer.case("smooth_l1_loss", pairs[2][1], rand([2]), rand([2]), -1.0, "mean")


def probabilities(writer):
    plain = lambda x, y, w, r: F.binary_cross_entropy(x, y, w, reduction=r)
    logits = lambda x, y, w, p, r: F.binary_cross_entropy_with_logits(x, y, w, reduction=r, pos_weight=p)
    kl = lambda x, y, r, log: F.kl_div(x, y, reduction=r, log_target=log)
    for dtype in ["f32", "f64"]:
        smooth = dtype == "f64"
        share = lambda shape, seed: rand(shape, dtype, 0.125, 0.875, seed=seed)
        for reduction in REDUCTIONS:
            for weight in [None, rand([3], dtype, 0.5, 2, seed=3, grad=False)]:
                writer.case("binary_cross_entropy", plain, share([2, 3], 1), share([2, 3], 2), weight, reduction, fd=smooth)
                for positive in [None, rand([3], dtype, 0.5, 2, seed=4, grad=False)]:
                    writer.case("binary_cross_entropy_with_logits", logits, rand([2, 3], dtype), share([2, 3], 2), weight, positive, reduction, fd=smooth)
        for reduction in REDUCTIONS + ["batchmean"]:
            for log in [False, True]:
                target = rand([2, 3], dtype, -2, 0, seed=2) if log else share([2, 3], 2)
                writer.case("kl_div", kl, rand([2, 3], dtype, -2, 0), target, reduction, log, fd=smooth)
    writer.case("kl_div", kl, rand([3], "f64", -2, 0), Arg([0.5, 0.0, 0.5], "f64"), "sum", False)
    writer.case("binary_cross_entropy", plain, Arg([0.0, 1, 0, 1], "f32"), Arg([0.0, 1, 1, 0], "f32", grad=False), None, "none")
    writer.case("binary_cross_entropy", plain, Arg([0.5, 1.5], "f32"), Arg([0.0, 1], "f32"), None, "mean")
    writer.case("binary_cross_entropy", plain, Arg([0.5, -0.5], "f32"), Arg([0.0, 1], "f32"), None, "mean")
    writer.case("binary_cross_entropy", plain, rand([2, 3], "f32", 0, 1), rand([2], "f32", 0, 1), None, "mean")
    extreme = Arg([100.0, -100, 1e4, -1e4, inf, 0], "f32")
    writer.case("binary_cross_entropy_with_logits", logits, extreme, Arg([0.0, 1, 1, 0, 1, 0.5], "f32", grad=False), None, None, "none")
    writer.case("binary_cross_entropy_with_logits", logits, rand([2, 3]), rand([2], "f32", 0, 1), None, None, "mean")
    writer.case("binary_cross_entropy", plain, rand([0], "f32"), rand([0]), None, "sum")
    writer.case("kl_div", kl, Arg([-1.0, -inf, 0], "f32"), Arg([0.0, 0.5, 1], "f32", grad=False), "none", False)


SPECIAL = [[inf, 0, 0], [-inf, 0, 1], [nan, 0, 0], [1e4, -1e4, 0], [-inf, -inf, -inf], [inf, inf, 0], [0, -inf, inf]]


def not_finite(writer):
    """What is not a number, and what is infinite, in values, targets and weights."""
    entropy = lambda x, y, w, i, s, r: F.cross_entropy(x, y, w, ignore_index=i, label_smoothing=s, reduction=r)
    likelihood = lambda x, y, w, i, r: F.nll_loss(x, y, w, ignore_index=i, reduction=r)
    weights = [None, Arg([0.0, 1, 2], "f32", grad=False)]
    for reduction in REDUCTIONS:
        for weight in weights:
            for labels in [[0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1], [2, -100, 2, -100, 2, -100, 2]]:
                for smoothing in [0.0, 0.2]:
                    writer.case("cross_entropy", entropy, Arg(SPECIAL, "f32"), Arg(labels, "i64"), weight, -100, smoothing, reduction)
                writer.case("nll_loss", likelihood, Arg(SPECIAL, "f32"), Arg(labels, "i64"), weight, -100, reduction)
            for target in [[0.5, 0.5, 0], [0.0, 0, 1], [nan, 0, 1], [inf, 0, 0]]:
                writer.case("cross_entropy", entropy, Arg(SPECIAL, "f32"), Arg([target] * 7, "f32"), weight, -100, 0.1, reduction)
    for weight in [[inf, 1, 1], [1.0, 1, nan], [-inf, inf, 1], [0.0, 0, 1]]:
        for dtype in ["f32", "f64"]:
            for smoothing in [0.0, 0.2, 1.0]:
                for reduction in REDUCTIONS:
                    writer.case("cross_entropy", entropy, rand([4, 3], dtype), Arg([0, 1, -100, 2], "i64"), Arg(weight, dtype, grad=False), -100, smoothing, reduction)
    plain = lambda x, y, w, r: F.binary_cross_entropy(x, y, w, reduction=r)
    logits = lambda x, y, w, p, r: F.binary_cross_entropy_with_logits(x, y, w, reduction=r, pos_weight=p)
    kl = lambda x, y, r, log: F.kl_div(x, y, reduction=r, log_target=log)
    values = [0.0, 1, 0.5, -1, inf, -inf, nan]
    for target in [0.0, 1.0, 0.5, -1.0, inf, -inf, nan]:
        targets = Arg([target] * 7, "f32")
        for reduction in ["none", "mean"]:
            writer.case("binary_cross_entropy", plain, Arg([0.0, 1, 0.5, 1e-40, 1, 0, 0.25], "f32"), targets, None, reduction)
            writer.case("binary_cross_entropy_with_logits", logits, Arg(values, "f32"), targets, None, None, reduction)
            for log in [False, True]:
                writer.case("kl_div", kl, Arg(values, "f32"), targets, reduction, log)
    odd = Arg([0.0, 1, inf, nan, 2, -1, 1], "f32", grad=False)
    writer.case("binary_cross_entropy", plain, Arg([0.0, 1, 0.5, 0.25, 1, 0, 0.25], "f32"), Arg([1.0, 0, 0, 1, 0.5, 1, 0], "f32"), odd, "none")
    writer.case("binary_cross_entropy_with_logits", logits, Arg(values, "f32"), Arg([1.0, 0, 0, 1, 0.5, 1, 0], "f32"), odd, None, "none")
    writer.case("binary_cross_entropy_with_logits", logits, Arg(values, "f32"), Arg([1.0, 0, 0, 1, 0.5, 1, 0], "f32"), None, odd, "none")


def one_hot(writer):
    call = lambda x, n: F.one_hot(x, -1 if n is None else n)
    for labels, classes in [([0, 2, 1], None), ([0, 2, 1], 5), ([[1], [0]], 2), (1, 3), ([3], 3), ([-1], 3), ([], 4)]:
        writer.case("one_hot", call, Arg(labels, "i64"), classes)


def write(writer):
    cross_entropy(writer)
    nll(writer)
    distances(writer)
    probabilities(writer)
    not_finite(writer)
    one_hot(writer)
