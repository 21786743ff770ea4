#!/usr/bin/env python3
"""The suite's rows in PyTorch, under the same names: `python benches/pytorch.py [--device cuda] [name filter]`.

Prints `name<TAB>median<TAB>unit` per row. With `--serve` it reads row names from standard input and answers each with
one such line, which is how the side-by-side runner takes turns with it; with `--memory-of NAME` it prints how many MiB
the process grows by a row's work over what it was after the import, at its peak. Two CPU threads unless `--threads` says
otherwise, f32.
"""

import argparse
import statistics
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("PyTorch is not installed for this interpreter: python -m venv .venv && .venv/bin/pip install torch, "
             "then set PYTHON=.venv/bin/python")

import torch.nn.functional as F
from torch import nn

SECONDS = 2.0


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def convnet():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


class CharGpt(nn.Module):
    def __init__(self, vocabulary=65, d=128, heads=4, layers=4, context=64):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, d), nn.Embedding(context, d)
        self.blocks = nn.Sequential(*[Block(d, heads) for _ in range(layers)])
        self.ln, self.head = nn.LayerNorm(d), nn.Linear(d, vocabulary)

    def forward(self, x):
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1], device=x.device))
        return self.head(self.ln(self.blocks(h)))


class CharLstm(nn.Module):
    def __init__(self, vocabulary=65):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, 128)
        self.lstm = nn.LSTM(128, 256, num_layers=2, batch_first=True)
        self.head = nn.Linear(256, vocabulary)

    def forward(self, x):
        return self.head(self.lstm(self.tokens(x))[0])


def train(model, optimiser, x, labels):
    opt = optimiser(model.parameters(), lr=1e-3)

    def step():
        opt.zero_grad(set_to_none=True)
        out = model(x)
        F.cross_entropy(out.reshape(-1, out.shape[-1]), labels.reshape(-1)).backward()
        opt.step()
    return step


def infer(model, x):
    model.eval()

    def step():
        with torch.inference_mode():
            return model(x)
    return step


def rows(device):
    """Name -> (setup returning a closure, unit, work in flop for GFLOP/s rows)."""
    table = {}

    def row(name, setup, unit="µs", flop=None):
        table[name] = (setup, unit, flop)

    def rand(*shape):
        return torch.randn(*shape, device=device)

    def ints(high, *shape):
        return torch.randint(0, high, shape, device=device)

    adam, adamw = torch.optim.Adam, torch.optim.AdamW
    for b in (1, 8, 64, 256, 1024):
        row(f"mlp train adam b{b}", lambda b=b: train(mlp().to(device), adam, rand(b, 784), ints(10, b)))
    for b in (1, 8, 64, 256, 1024):
        row(f"convnet train adam b{b}",
            lambda b=b: train(convnet().to(device), adam, rand(b, 1, 28, 28), ints(10, b)))
    row("chargpt train adamw b12 t64",
        lambda: train(CharGpt().to(device), adamw, ints(65, 12, 64), ints(65, 12, 64)))
    row("charlstm train adam b32 t64",
        lambda: train(CharLstm().to(device), adam, ints(65, 32, 64), ints(65, 32, 64)))
    for b in (1, 8, 64, 256, 1024):
        row(f"mlp infer b{b}", lambda b=b: infer(mlp().to(device), rand(b, 784)))
        row(f"convnet infer b{b}", lambda b=b: infer(convnet().to(device), rand(b, 1, 28, 28)))
    row("chargpt infer b1 t64", lambda: infer(CharGpt().to(device), ints(65, 1, 64)))
    row("charlstm infer b1 t64", lambda: infer(CharLstm().to(device), ints(65, 1, 64)))

    row("eager mlp train adam b64", lambda: train(mlp().to(device), adam, rand(64, 784), ints(10, 64)))
    row("eager convnet train adam b64", lambda: train(convnet().to(device), adam, rand(64, 1, 28, 28), ints(10, 64)))

    def eager(parameters, optimiser, loss, **options):
        opt = optimiser(parameters, **options)

        def step():
            value = loss()
            opt.zero_grad(set_to_none=True)
            value.backward()
            opt.step()
        return step

    def encoder():
        layer = nn.TransformerEncoderLayer(256, 8, 1024, dropout=0.0, batch_first=True, device=device)
        x = rand(8, 128, 256)
        return eager(layer.parameters(), adamw, lambda: layer(x).sum(), lr=1e-3)
    row("eager encoder layer train adamw b8 t128", encoder)

    def lstm():
        layer = nn.LSTM(128, 256, num_layers=2, batch_first=True, device=device)
        x = rand(32, 64, 128)
        return eager(layer.parameters(), adamw, lambda: layer(x)[0].sum(), lr=1e-3)
    row("eager lstm train adamw b32 t64", lstm)

    def residuals():
        blocks = nn.ModuleList(nn.ModuleList([nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)])
                               for _ in range(4)).to(device)
        x = rand(16, 64, 32, 32)

        def loss():
            planes = x
            for conv, norm in blocks:
                planes = F.relu(norm(conv(planes)) + planes)
            return planes.mean()
        return eager(blocks.parameters(), torch.optim.SGD, loss, lr=0.1, momentum=0.9)
    row("eager batchnorm residuals train sgd b16", residuals)

    def chain():
        a = rand(64, 64).requires_grad_()

        def step():
            h = a
            for _ in range(25):
                h = torch.tanh(h * 1.01 + 0.1) - a
            a.grad = None
            h.sum().backward()
        return step
    row("eager chain of 100 64x64 forward backward", chain)

    def attention(backward):
        def setup():
            operands = [rand(2, 1024, 8, 64).requires_grad_(backward) for _ in range(3)]

            def step():
                q, k, v = (x.transpose(1, 2) for x in operands)
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
                if backward:
                    for x in operands:
                        x.grad = None
                    y.sum().backward()
            return step
        return setup
    row("attention causal b2 h8 s1024 d64", attention(False))
    row("attention causal b2 h8 s1024 d64 forward backward", attention(True))

    def resnet18():
        import torchvision
        return infer(torchvision.models.resnet18().to(device), rand(1, 3, 224, 224))
    row("resnet18 infer b1 224", resnet18)

    def depthwise(c, size, kernel, stride):
        def setup():
            x, w = rand(32, c, size, size).requires_grad_(), rand(c, 1, kernel, kernel).requires_grad_()
            dy = rand(32, c, -(-size // stride), -(-size // stride))

            def step():
                F.conv2d(x, w, padding=kernel // 2, stride=stride, groups=c).backward(dy)
                x.grad = w.grad = None
            return step
        steps = "" if stride == 1 else f" stride {stride}"
        row(f"conv2d depthwise {kernel}x{kernel}{steps} b32 c{c} {size} forward backward", setup)
    depthwise(144, 56, 3, 1)
    depthwise(384, 14, 3, 1)
    depthwise(960, 7, 3, 1)
    depthwise(96, 112, 3, 2)
    depthwise(576, 14, 3, 2)
    depthwise(120, 28, 5, 1)
    depthwise(240, 28, 5, 2)

    def depthwise_infer(c, size, kernel, stride):
        def setup():
            x, w = rand(32, c, size, size), rand(c, 1, kernel, kernel)
            return lambda: F.conv2d(x, w, padding=kernel // 2, stride=stride, groups=c)
        steps = "" if stride == 1 else f" stride {stride}"
        row(f"conv2d depthwise {kernel}x{kernel}{steps} b32 c{c} {size}", setup)
    depthwise_infer(960, 7, 3, 1)
    depthwise_infer(960, 7, 5, 1)
    depthwise_infer(240, 28, 5, 2)

    def interpolate(mode, backward):
        def setup():
            x, dy = rand(16, 64, 32, 32).requires_grad_(backward), rand(16, 64, 64, 64)

            def step():
                y = F.interpolate(x, scale_factor=2, mode=mode)
                if backward:
                    y.backward(dy)
                    x.grad = None
            return step
        row(f"interpolate {mode} 16x64x32x32 x2{' forward backward' * backward}", setup)
    for backward in (False, True):
        interpolate("nearest", backward)
        interpolate("bilinear", backward)

    def group_norm(b, c, size, groups, backward):
        def setup():
            x, dy = rand(b, c, size, size).requires_grad_(backward), rand(b, c, size, size)
            w, bias = (rand(c).requires_grad_(backward) for _ in range(2))

            def step():
                y = F.group_norm(x, groups, w, bias)
                if backward:
                    y.backward(dy)
                    x.grad = w.grad = bias.grad = None
            return step
        row(f"groupnorm {groups} of {b}x{c}x{size}x{size}{' forward backward' * backward}", setup)
    for backward in (False, True):
        group_norm(64, 32, 28, 8, backward)
        group_norm(16, 256, 32, 32, backward)

    sizes = [(1, 784, 512), (32, 784, 512), (64, 512, 512), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024),
             (2048, 2048, 2048), (64, 3072, 768), (768, 64, 768)]
    halves = [(64, 512, 512), (512, 512, 512), (1024, 1024, 1024)]
    for kind, dtype, shapes in (("", torch.float32, sizes), ("bf16 ", torch.bfloat16, halves)):
        for m, k, n in shapes:
            def matmul(m=m, k=k, n=n, dtype=dtype):
                a, b = rand(m, k).to(dtype), rand(k, n).to(dtype)
                return lambda: a @ b
            row(f"matmul {kind}{m}x{k}x{n}", matmul, "GFLOP/s", 2 * m * k * n)

    def einsum(spec, *shapes):
        def setup():
            operands = [rand(*shape) for shape in shapes]
            return lambda: torch.einsum(spec, *operands)
        row(f"einsum {spec}", setup)
    einsum("bij,bjk->bik", (32, 64, 48), (32, 48, 80))
    einsum("bqhd,bkhd->bhqk", (8, 128, 4, 32), (8, 128, 4, 32))
    einsum("ij,jk,kl->il", (64, 64), (64, 512), (512, 64))
    einsum("ij,jk->ik", (4, 4), (4, 4))
    einsum("ii->", (256, 256))
    einsum("ij,ij->", (256, 256), (256, 256))

    def unary(name, f, *shape):
        def setup():
            x = rand(*shape)
            return lambda: f(x)
        row(name, setup)
    million4 = 4 << 20
    unary("gelu 4M", F.gelu, million4)
    unary("exp 4M", torch.exp, million4)
    unary("add 4M", lambda x: x + x, million4)
    unary("sum 4M", torch.sum, million4)
    unary("fused gelu 1M", F.gelu, million4 // 4)
    unary("gelu 1M", F.gelu, million4 // 4)
    unary("sigmoid 4M", torch.sigmoid, million4)
    unary("tanh 4M", torch.tanh, million4)

    def fused(name, backward):
        def setup():
            x, y = (rand(million4 // 4).requires_grad_(backward) for _ in range(2))
            def step():
                z = (x * y).tanh() + 0.5 * x
                if backward:
                    z.sum().backward()
                    x.grad = y.grad = None
            return step
        row(name, setup)
    fused("fused tanh(xy)+x/2 1M", False)
    fused("fused tanh(xy)+x/2 1M forward backward", True)
    unary("softmax 1024x1024", lambda x: torch.softmax(x, 1), 1024, 1024)
    unary("layernorm 1024x1024", lambda x: F.layer_norm(x, (1024,)), 1024, 1024)
    unary("transpose copy 1024x1024", lambda x: x.t().contiguous(), 1024, 1024)
    unary("sort 1024x1024", lambda x: torch.sort(x, 1), 1024, 1024)
    unary("topk 10 1024x1024", lambda x: torch.topk(x, 10, 1), 1024, 1024)
    unary("cumsum 1024x1024", lambda x: torch.cumsum(x, 1), 1024, 1024)
    unary("add 4x4 eager", lambda x: x + x, 4, 4)
    return table


def measure(setup, device, seconds):
    """The median time of one call in seconds, in batches long enough for the clock."""
    step = setup()
    sync = torch.cuda.synchronize if device == "cuda" else lambda: None

    def batch(count):
        start = time.perf_counter()
        for _ in range(count):
            step()
        sync()
        return (time.perf_counter() - start) / count
    batch(3)
    count = max(1, int(1e-3 / max(batch(1), 1e-9)))
    warm = time.perf_counter() + seconds / 4
    while time.perf_counter() < warm:
        batch(count)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        times.append(batch(count))
    return statistics.median(times)


def line(name, table, device, seconds):
    setup, unit, flop = table[name]
    median = measure(setup, device, seconds)
    value = flop / median / 1e9 if flop else median * 1e6
    return f"{name}\t{value:.4g}\t{unit}"


def status(key):
    """A line of /proc/self/status, in KiB."""
    with open("/proc/self/status") as lines:
        return next(float(line.split()[1]) for line in lines if line.startswith(key + ":"))


def growth(setup):
    """The growth of this process in MiB by ten steps of a row's work."""
    before = status("VmRSS")
    step = setup()
    for _ in range(10):
        step()
    return (status("VmHWM") - before) / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-of")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("filter", nargs="?", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    table = rows(arguments.device)
    if arguments.memory_of:
        print(f"{growth(table[arguments.memory_of][0]):.1f}")
        return
    if arguments.serve:
        print("ready", flush=True)
        for request in sys.stdin:
            name = request.rstrip("\n")
            answer = line(name, table, arguments.device, arguments.seconds) if name in table else f"{name}\t\tunknown"
            print(answer, flush=True)
        return
    for name in table:
        if arguments.filter in name:
            print(line(name, table, arguments.device, arguments.seconds), flush=True)


if __name__ == "__main__":
    main()
