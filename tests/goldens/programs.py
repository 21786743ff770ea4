"""Writes programs.jsonl: programs at random over the tape, and what PyTorch makes of every step.

Run with PyTorch installed: python tests/goldens/programs.py [seed count file]
A program is a list of steps on numbered tensors. A step tells what it makes and changes (shape, values, whether it
requires gradients and is a leaf), after `backward` all gradients and what hooks saw, or that it fails. Where
docs/differences.md names a difference, programs do not go: what shares memory is not operand and target, hooks are on
leaves, views are made and leaves changed only where operations are recorded.
"""

import json
import pathlib
import random
import sys
import warnings

import torch

warnings.simplefilter("ignore")

UNARY = "neg exp sin tanh sigmoid square abs relu copy detach sum prod cumsum softmax sum_dim max_dim".split()
BINARY = "add mul sub".split()
VIEWS = "select slice transpose unsqueeze flatten expand diagonal".split()
IN_PLACE = "add_ mul_ sub_ copy_ fill_ zero_ sin_ tanh_ sigmoid_ relu_ exp_ neg_".split()


def number(value):
    return str(value) if value != value or abs(value) == float("inf") else float(f"{value:.12g}")


def look(tensor):
    # Gradients that are zero may have no memory.
    values = (torch.zeros(tensor.shape) + tensor.detach()).flatten().tolist()
    return [list(tensor.shape), [number(v) for v in values], tensor.requires_grad, tensor.is_leaf]


class Program:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tensors, self.hooks, self.seen, self.steps, self.failed = [], [], [], [], False

    def step(self, op, on, arguments=(), no_grad=False):
        step = {"op": op, "on": on, "with": list(arguments)}
        if no_grad:
            step["no_grad"] = True
        self.seen.clear()
        try:
            with torch.set_grad_enabled(not no_grad):
                made = self.run(op, [self.tensors[i] for i in on], *arguments)
        except (RuntimeError, IndexError) as error:
            step["fails"] = str(error).splitlines()[0][:100]
            self.failed = op in ("backward", "grad")
            self.steps.append(step)
            return False
        self.tensors.extend(tensor for tensor in made if tensor is not None)
        step["made"] = [None if tensor is None else look(tensor) for tensor in made]
        if op in IN_PLACE + ["freeze"]:
            step["changed"] = look(self.tensors[on[0]])
        if op == "backward":
            step["grads"] = [None if t.grad is None else look(t.grad) for t in self.tensors]
        if op in ("backward", "grad"):
            step["seen"] = [list(pair) for pair in self.seen]
        self.steps.append(step)
        return True

    def run(self, op, on, *arguments):
        x = on[0] if on else None
        if op == "leaf":
            shape, values, requires_grad = arguments
            return [torch.tensor(values, dtype=torch.float64).reshape(shape).requires_grad_(requires_grad)]
        if op == "copy":
            return [x.clone()]
        if op == "sum_dim":
            return [x.sum(*arguments)]
        if op == "max_dim":
            return [x.max(*arguments)[0]]
        if op == "slice":
            axis, start, end, step = arguments
            return [x[(slice(None),) * axis + (slice(start, end, step),)]]
        if op in BINARY:
            return [getattr(torch, op)(*on)]
        if op in UNARY + VIEWS:
            return [getattr(x, op)(*arguments)]
        if op in IN_PLACE:
            getattr(x, op)(*on[1:], *arguments)
        elif op == "freeze":
            x.requires_grad_(False)
        elif op == "retain_grad":
            x.retain_grad()
        elif op == "clear":
            x.grad = None
        elif op == "hook":
            index, doubles = len(self.hooks), arguments[0]

            def see(grad):
                self.seen.append((index, number(float(grad.detach().sum()))))
                return grad * 2 if doubles else None

            self.hooks.append(x.register_hook(see))
        elif op == "remove":
            self.hooks[arguments[0]].remove()
        elif op == "backward":
            retain, create = arguments
            x.backward(retain_graph=retain or create, create_graph=create)
        elif op == "grad":
            retain, create = arguments
            seed = torch.ones_like(x)
            return list(torch.autograd.grad(x, on[1:], seed, retain_graph=retain or create, create_graph=create, allow_unused=True))
        return []

    def write(self):
        choose, chance = self.random.choice, self.random.random
        for _ in range(self.random.randint(1, 3)):
            shape = choose([[2, 3], [2, 3], [3], [2, 2], [], [1, 3]])
            count = torch.Size(shape).numel()
            self.step("leaf", [], [shape, [round(self.random.uniform(-1.5, 1.5), 2) for _ in range(count)], chance() < 0.8])
            if chance() < 0.7:
                self.step("copy", [len(self.tensors) - 1])
        for _ in range(self.random.randint(5, 12)):
            if self.failed:
                return self.steps
            self.add(choose, chance)
        if not self.failed:
            self.differentiate(choose, chance)
        return self.steps

    def add(self, choose, chance):
        index = self.random.randrange(max(0, len(self.tensors) - 4) if chance() < 0.6 else 0, len(self.tensors))
        x, kind = self.tensors[index], chance()
        axes = x.dim()
        axis = self.random.randrange(axes) if axes else 0
        if kind < 0.28:
            op = choose(UNARY)
            leaf = (x if x._base is None else x._base).is_leaf
            if op == "detach" and leaf:
                return
            arguments = {"cumsum": [axis], "softmax": [axis], "sum_dim": [axis, chance() < 0.5], "max_dim": [axis]}
            self.step(op, [index], arguments.get(op, []), op != "detach" and chance() < 0.1)
        elif kind < 0.42:
            self.step(choose(BINARY), [index, self.random.randrange(len(self.tensors))], no_grad=chance() < 0.1)
        elif kind < 0.58:
            size = x.shape[axis] if axes else 1
            start = self.random.randint(0, size)
            arguments = {
                "select": [axis, self.random.randrange(-1, size)],
                "slice": [axis, start, self.random.randint(start, size), choose([1, 2])],
                "transpose": [axis, -1],
                "unsqueeze": [axis],
                "expand": [[2] + list(x.shape)],
                "diagonal": [choose([0, 1, -1])],
            }
            op = choose(VIEWS)
            if not (op == "slice" and axes == 0):
                self.step(op, [index], arguments.get(op, []))
        elif kind < 0.74:
            op, other = choose(IN_PLACE), self.random.randrange(len(self.tensors))
            memory = lambda t: t.untyped_storage().data_ptr()
            spread = any(size > 1 and stride == 0 for size, stride in zip(x.shape, x.stride()))
            if spread or memory(self.tensors[other]) == memory(x):
                return
            binary = op in ("add_", "mul_", "sub_", "copy_")
            self.step(op, [index, other] if binary else [index], [0.5] if op == "fill_" else [])
        elif kind < 0.84:
            op = choose(["hook", "hook", "remove", "retain_grad", "freeze", "clear"])
            if op == "hook" and x.is_leaf and x._base is None:
                self.step(op, [index], [chance() < 0.5])
            elif op == "remove" and self.hooks:
                self.step(op, [], [self.random.randrange(len(self.hooks))])
            elif op in ("retain_grad", "clear") and x._base is None or op == "freeze" and x.is_leaf and x._base is None:
                self.step(op, [index])
        elif kind < 0.95:
            self.differentiate(choose, chance)
        else:
            inputs = [self.random.randrange(len(self.tensors)) for _ in range(self.random.randint(1, 2))]
            self.step("grad", [index] + inputs, [True, chance() < 0.5])

    def differentiate(self, choose, chance):
        index = self.random.randrange(max(0, len(self.tensors) - 3), len(self.tensors))
        if self.tensors[index].numel() == 1 or self.step("sum", [index]):
            last = index if self.tensors[index].numel() == 1 else len(self.tensors) - 1
            self.step("backward", [last], [chance() < 0.7, chance() < 0.25])


if __name__ == "__main__":
    first, count, file = sys.argv[1:] if len(sys.argv) == 4 else (0, 300, pathlib.Path(__file__).with_name("programs.jsonl"))
    lines = (json.dumps(Program(int(first) + i).write(), separators=(",", ":")) for i in range(int(count)))
    pathlib.Path(file).write_text("".join(line + "\n" for line in lines))
