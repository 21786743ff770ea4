"""Recurrent layers and cells, and packed sequences."""

import torch
from torch import nn
from torch.nn.utils import rnn

from .writer import rand

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def weights(kind, inputs, hidden, layers, directions, bias, proj=0, dtype="f32"):
    """In the order of the layer's parameters."""
    rows, output, out = GATES[kind] * hidden, proj or hidden, []
    for layer in range(layers):
        for direction in range(directions):
            seed = 10 * layer + 100 * direction
            columns = inputs if layer == 0 else directions * output
            shapes = [[rows, columns], [rows, output]] + ([[rows], [rows]] if bias else []) + ([[output, hidden]] if proj else [])
            out += [rand(shape, dtype, -0.75, 0.75, seed + i) for i, shape in enumerate(shapes)]
    return out


def layer(kind, sizes, values, nonlinearity):
    """A module with these parameters, which stay leaves of the graph."""
    inputs, hidden, layers, bias, batch_first, bidirectional, proj = sizes
    options = dict(num_layers=layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
    if kind == "rnn":
        module = nn.RNN(inputs, hidden, nonlinearity=nonlinearity, **options)
    elif kind == "gru":
        module = nn.GRU(inputs, hidden, **options)
    else:
        module = nn.LSTM(inputs, hidden, proj_size=proj, **options)
    names = [name for name, _ in module.named_parameters()]
    return lambda *args: torch.func.functional_call(module.to(values[0].dtype), dict(zip(names, values)), args)


def flat(kind, result):
    output, state = result
    return [output, *state] if kind == "lstm" else [output, state]


def dense(kind, nonlinearity="tanh"):
    def call(x, states, values, *sizes):
        state = None if states is None else tuple(states) if kind == "lstm" else states[0]
        return flat(kind, layer(kind, sizes, values, nonlinearity)(x, state))
    return call


def packed(kind):
    def call(x, lengths, sort, states, values, *sizes):
        state = None if states is None else tuple(states) if kind == "lstm" else states[0]
        sequence = rnn.pack_padded_sequence(x, torch.tensor(lengths), batch_first=sizes[4], enforce_sorted=sort)
        output, *rest = flat(kind, layer(kind, sizes, values, "tanh")(sequence, state))
        return [rnn.pad_packed_sequence(output, batch_first=sizes[4])[0], *rest]
    return call


def cell(kind, nonlinearity="tanh"):
    def call(x, states, values, inputs, hidden, bias):
        make = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}[kind]
        module = make(inputs, hidden, bias=bias, **({"nonlinearity": nonlinearity} if kind == "rnn" else {}))
        names = [name for name, _ in module.named_parameters()]
        state = None if states is None else tuple(states) if kind == "lstm" else states[0]
        result = torch.func.functional_call(module.to(x.dtype), dict(zip(names, values)), (x, state))
        return list(result) if kind == "lstm" else result
    return call


def layers(writer, kind):
    count = 2 if kind == "lstm" else 1

    def case(inputs, hidden, x, layers=1, bias=True, batch_first=False, bidirectional=False, proj=0, state=True, dtype="f32", op=None, **options):
        directions = 2 if bidirectional else 1
        batch = [] if len(x) == 2 else [x[0 if batch_first else 1]]
        sizes = [proj or hidden, hidden]
        states = [rand([layers * directions, *batch, sizes[i]], dtype, seed=3 + i) for i in range(count)] if state else None
        values = weights(kind, inputs, hidden, layers, directions, bias, proj, dtype)
        function = dense(kind, "relu" if op == "rnn_relu" else "tanh")
        writer.case(op or kind, function, rand(x, dtype), states, values, inputs, hidden, layers, bias, batch_first, bidirectional, proj, **options)

    case(3, 4, [3, 2, 3])
    case(3, 4, [3, 2, 3], state=False)
    case(3, 4, [2, 3, 3], batch_first=True, bias=False)
    case(2, 3, [3, 2], layers=2)
    case(2, 3, [3, 2, 2], layers=2, bidirectional=True)
    case(2, 3, [2, 3, 2], bidirectional=True, batch_first=True, state=False)
    case(2, 3, [2, 17, 2])
    case(2, 2, [2, 2, 2], dtype="f64", bidirectional=True, fd=True)
    if kind == "rnn":
        case(3, 4, [3, 2, 3], op="rnn_relu")
        case(2, 2, [2, 2, 2], dtype="f64", op="rnn_relu", fd=True)
    if kind == "lstm":
        case(3, 4, [3, 2, 3], proj=2, layers=2, bidirectional=True)
        case(2, 3, [2, 2, 2], proj=2, dtype="f64", fd=True)
    case(3, 4, [3, 2, 4])
    case(3, 4, [3, 2, 3, 1])
    case(3, 4, [0, 2, 3])
    # A state for another batch.
    states = [rand([1, 3, 4], seed=i) for i in range(count)]
    writer.case(kind, dense(kind), rand([3, 2, 3]), states, weights(kind, 3, 4, 1, 1, True), 3, 4, 1, True, False, False, 0)
    for x, lengths, sort, batch_first, bidirectional, state in [
        ([4, 3, 2], [4, 2, 1], True, False, True, True), ([3, 4, 2], [2, 4, 1], False, True, True, True),
        ([2, 3, 2], [1, 3], False, True, False, False),
    ]:
        directions, batch = 2 if bidirectional else 1, len(lengths)
        states = [rand([directions, batch, 3], seed=3 + i) for i in range(count)] if state else None
        values = weights(kind, 2, 3, 1, directions, True)
        writer.case(f"packed_{kind}", packed(kind), rand(x), lengths, sort, states, values, 2, 3, 1, True, batch_first, bidirectional, 0)
    values, states = weights(kind, 2, 2, 1, 1, True, dtype="f64"), [rand([1, 2, 2], "f64", seed=3 + i) for i in range(count)]
    writer.case(f"packed_{kind}", packed(kind), rand([3, 2, 2], "f64"), [1, 3], False, states, values, 2, 2, 1, True, False, False, 0, fd=True)


def cells(writer, kind):
    count = 2 if kind == "lstm" else 1
    ops = [(f"{kind}_cell", "tanh")] + ([("rnn_relu_cell", "relu")] if kind == "rnn" else [])
    for op, nonlinearity in ops:
        for x, bias, state, dtype in [([2, 3], True, True, "f32"), ([3], True, True, "f32"), ([2, 3], False, False, "f32"), ([2, 3], True, True, "f64"), ([2, 4], True, True, "f32")]:
            states = [rand([*x[:-1], 4], dtype, seed=3 + i) for i in range(count)] if state else None
            values = weights(kind, 3, 4, 1, 1, bias, dtype=dtype)
            writer.case(op, cell(kind, nonlinearity), rand(x, dtype), states, values, 3, 4, bias, fd=dtype == "f64")


def write(writer):
    for kind in GATES:
        layers(writer, kind)
        cells(writer, kind)
