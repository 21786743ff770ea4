"""Trajectories of PyTorch's optimisers and learning rates of its schedulers, for tests/tests/optim.rs.

Run `python tests/goldens/optim.py` from the repository's root; it writes tests/goldens/optim.json.
"""

import json
import math
import pathlib
import warnings

import torch
from torch import optim
from torch.optim import lr_scheduler as sched

warnings.filterwarnings("ignore")
STEPS = 12

OPTIMISERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "sgd_momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "sgd_dampening": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05),
    "sgd_nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
    "sgd_maximize": lambda p: optim.SGD(p, lr=0.05, momentum=0.5, maximize=True),
    "adam": lambda p: optim.Adam(p, lr=0.05),
    "adam_options": lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1),
    "adam_amsgrad": lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.5), amsgrad=True, maximize=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.05),
    "adamw_options": lambda p: optim.AdamW(p, lr=0.05, betas=(0.7, 0.9), eps=1e-4, weight_decay=0.5, amsgrad=True),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
    "rmsprop_momentum": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.9, weight_decay=0.1),
    "rmsprop_centered": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3, centered=True),
    "rmsprop_both": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.5, centered=True, maximize=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "adagrad_options": lambda p: optim.Adagrad(
        p, lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-3
    ),
    "adadelta": lambda p: optim.Adadelta(p, lr=1.0),
    "adadelta_options": lambda p: optim.Adadelta(p, lr=0.5, rho=0.7, eps=1e-2, weight_decay=0.1),
    "adamax": lambda p: optim.Adamax(p, lr=0.05),
    "adamax_options": lambda p: optim.Adamax(p, lr=0.05, betas=(0.7, 0.8), eps=1e-3, weight_decay=0.1),
    "nadam": lambda p: optim.NAdam(p, lr=0.05),
    "nadam_options": lambda p: optim.NAdam(
        p, lr=0.05, betas=(0.8, 0.9), weight_decay=0.1, momentum_decay=0.1, decoupled_weight_decay=True
    ),
    "radam": lambda p: optim.RAdam(p, lr=0.05),
    "radam_options": lambda p: optim.RAdam(p, lr=0.05, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
    "asgd": lambda p: optim.ASGD(p, lr=0.1, lambd=0.1, alpha=0.5, t0=4, weight_decay=0.1),
    "rprop": lambda p: optim.Rprop(p, lr=0.1, etas=(0.4, 1.3), step_sizes=(0.05, 0.3)),
    "groups": lambda p: optim.AdamW([{"params": p[:1], "weight_decay": 0.3}, {"params": p[1:], "lr": 0.2}], lr=0.05),
}

SCHEDULERS = {
    "step": lambda o: sched.StepLR(o, step_size=3, gamma=0.5),
    "multi_step": lambda o: sched.MultiStepLR(o, milestones=[2, 5, 5, 9], gamma=0.3),
    "multi_step_0": lambda o: sched.MultiStepLR(o, milestones=[0, 3, 3], gamma=0.5),
    "exponential": lambda o: sched.ExponentialLR(o, gamma=0.9),
    "cosine": lambda o: sched.CosineAnnealingLR(o, T_max=5, eta_min=0.01),
    "cosine_restarts": lambda o: sched.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.01),
    "linear": lambda o: sched.LinearLR(o, start_factor=0.25, end_factor=0.75, total_iters=4),
    "constant": lambda o: sched.ConstantLR(o, factor=0.5, total_iters=4),
    "constant_0": lambda o: sched.ConstantLR(o, factor=0.0, total_iters=40),
    "polynomial": lambda o: sched.PolynomialLR(o, total_iters=8, power=2.0),
    "lambda": lambda o: sched.LambdaLR(o, lambda epoch: 1.0 / (1 + epoch)),
    "multiplicative": lambda o: sched.MultiplicativeLR(o, lambda epoch: 0.9 if epoch % 2 else 0.8),
    "one_cycle": lambda o: sched.OneCycleLR(o, max_lr=1.0, total_steps=20),
    "one_cycle_linear": lambda o: sched.OneCycleLR(
        o, max_lr=1.0, total_steps=20, pct_start=0.4, anneal_strategy="linear", div_factor=10, three_phase=True
    ),
    "cyclic": lambda o: sched.CyclicLR(o, base_lr=0.1, max_lr=1.0, step_size_up=3, step_size_down=4),
    "cyclic_triangular2": lambda o: sched.CyclicLR(o, base_lr=0.1, max_lr=1.0, step_size_up=3, mode="triangular2"),
    "cyclic_exp": lambda o: sched.CyclicLR(
        o, base_lr=0.1, max_lr=1.0, step_size_up=3, mode="exp_range", gamma=0.9
    ),
    "sequential": lambda o: sched.SequentialLR(
        o, [sched.LinearLR(o, start_factor=0.1, total_iters=4), sched.ExponentialLR(o, gamma=0.9)], milestones=[4]
    ),
    "chained": lambda o: sched.ChainedScheduler(
        [sched.ConstantLR(o, factor=0.1, total_iters=3), sched.ExponentialLR(o, gamma=0.9)]
    ),
}


def start(dtype):
    return [
        torch.tensor([[0.5, -1.0, 2.0], [0.0, 3.0, -0.25]], dtype=dtype, requires_grad=True),
        torch.tensor([1.0, -2.0, 0.125, 4.0], dtype=dtype, requires_grad=True),
    ]


def gradient(step, index, like):
    """Any numbers would do; these change sign now and then, and are the same in every language."""
    numbers = [math.sin(1.7 * step + 0.9 * i + 2.3 * index) for i in range(like.numel())]
    return torch.tensor(numbers, dtype=like.dtype).reshape(like.shape)


def trajectory(make, dtype):
    parameters = start(dtype)
    optimiser = make(parameters)
    rows = []
    for step in range(STEPS):
        for index, p in enumerate(parameters):
            # The second parameter has no gradient in step 3, and is left alone then.
            p.grad = None if (step, index) == (3, 1) else gradient(step, index, p)
        optimiser.step()
        rows.append([x for p in parameters for x in p.detach().flatten().tolist()])
    return rows


def learning_rates(make):
    p = torch.zeros(1, requires_grad=True)
    optimiser = optim.SGD([{"params": [p]}, {"params": [torch.ones(1)], "lr": 0.25}], lr=0.5, momentum=0.9)
    scheduler = make(optimiser)
    rows = []
    for _ in range(20):
        rows.append([x for g in optimiser.param_groups for x in (g["lr"], g["momentum"])])
        p.grad = torch.zeros(1)
        optimiser.step()
        if len(rows) < 20:
            scheduler.step()
    return rows


def plateau(**options):
    p = torch.zeros(1, requires_grad=True)
    optimiser = optim.SGD([p], lr=1.0)
    scheduler = sched.ReduceLROnPlateau(optimiser, **options)
    metrics = [5.0, 4.0, 4.0, 4.1, 3.9, 3.95, 3.96, 3.94, 3.93, 3.92, 3.91, 3.0, 3.5, 3.4, 3.3, 3.2, 3.1, 3.05]
    rows = []
    for metric in metrics:
        scheduler.step(metric)
        rows.append([metric, optimiser.param_groups[0]["lr"]])
    return rows


def clipped(max_norm, norm_type):
    parameters = start(torch.float64)
    for index, p in enumerate(parameters):
        p.grad = gradient(0, index, p)
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)
    return [norm.item()] + [x for p in parameters for x in p.grad.flatten().tolist()]


golden = {
    "made by": f"PyTorch {torch.__version__}",
    "float32": {name: trajectory(make, torch.float32) for name, make in OPTIMISERS.items()},
    "float64": {name: trajectory(make, torch.float64) for name, make in OPTIMISERS.items()},
    "schedulers": {name: learning_rates(make) for name, make in SCHEDULERS.items()},
    "plateau": plateau(factor=0.5, patience=2),
    "plateau_options": plateau(
        mode="max", factor=0.1, patience=1, threshold=0.05, threshold_mode="abs", cooldown=2, min_lr=1e-3
    ),
    "clip 2": clipped(0.5, 2.0),
    "clip 1": clipped(0.5, 1.0),
    "clip inf": clipped(0.5, math.inf),
    "clip 3": clipped(100.0, 3.0),
}
path = pathlib.Path(__file__).with_suffix(".json")
lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in golden.items())
path.write_text("{\n" + lines + "\n}\n")
