"""Every entry of the elementwise table: special values in every dtype, layouts, in place, promotion, gradients."""

import math

import torch
import torch.nn.functional as F

from .writer import ALL, COMPLEX, FLOATS, INTS, Arg, rand

inf, nan = math.inf, math.nan

REALS = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 0.25, -0.75, 1.5, -1.5, 2.5, -2.5, 3.0, -3.0, 6.0, -6.0, 7.3, -7.3, 0.1, -0.1, 1e-3,
    -1e-3, 20.5, -20.5, 88.5, -88.5, 150.0, -150.0, 10000.5, -1e20, inf, -inf, nan,
]
COMPLEXES = [
    0, 1, 1j, -1, -1j, 0.5 + 0.3j, -0.7 + 1.2j, 2 - 3j, -1.5 - 0.4j, 0.2 - 0.9j, 10 + 1j, -10 + 2j, 1e-4 + 1e-4j,
    complex(-2, 0.0), complex(-2, -0.0), complex(2, 0.0), complex(2, -0.0), complex(0.0, 2), complex(-0.0, 2),
    complex(0.0, -2), complex(0.5, 0.0), complex(-0.5, -0.0),
]
# Where the textbook formulas fail: infinities, NaN, and what overflows on the way.
LIMITS = [complex(x, y) for x in [0.0, -0.0, 1.5, inf, -inf, nan] for y in [0.0, -0.0, -2.5, inf, -inf, nan]] + [
    400 + 1j, -400 + 2j, 1 + 400j, -2 - 400j, 1e30 + 1e30j,
]
AT_LIMITS = "sqrt rsqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh sigmoid".split()
SIGNED = [0, 1, -1, 2, -2, 3, -3, 5, 7, -7, 12, 100, -100, 127, -128]
UNSIGNED = [0, 1, 2, 3, 5, 7, 12, 100, 127, 128, 200, 255]
PAIR_REALS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 7.25, inf, -inf, nan]
PAIR_COMPLEXES = [0, 1, 1j, -1, 0.5 + 0.3j, -0.7 + 1.2j, 2 - 3j, complex(-2, -0.0)]
PAIR_SIGNED = [0, 1, -1, 2, -3, 5, 7, -8, 100, -128]
PAIR_UNSIGNED = [0, 1, 2, 3, 5, 7, 8, 100, 200, 255]


def pick(dtype, reals, complexes, signed, unsigned):
    if dtype == "bool":
        return [False, True]
    if dtype in FLOATS:
        return reals
    return complexes if dtype in COMPLEX else unsigned if dtype == "u8" else signed


# Where PyTorch's own numbers are not worth having.
WITHOUT = {
    "gelu": [inf, -inf],  # NaN in its vectorised float32 code alone.
    "softsign": [-1e20, 10000.5],  # A composite, whose gradient cancels.
    "acosh": [-1e20, -150.0, 150.0, 10000.5, complex(-0.5, -0.0)],  # The gradient overflows in float16.
    "logit": [0.0],  # The sign of the infinity depends on the dtype.
    "sinc": [1e-4 + 1e-4j],  # Its gradient cancels in single precision.
    "asinh": [10000.5, -1e20, 150.0, -150.0],  # The gradient is computed in the input's dtype and overflows in float16.
    # Poles, for which float32 gives a large number of either sign.
    "digamma": [-1.0, -3.0, -6.0, -150.0, -1e20, -0.0, 0.0], "trigamma": [inf, -inf, -1.0, -2.0, -3.0, -6.0, -7.0, -100.0, -128.0, -150.0, -1e20],
}
# Composites, which round to half precision in between.
NOT_HALF = ["softsign", "tanhshrink", "sinc"]
# Without a gradient in PyTorch.
NOT_COMPLEX = ["silu"]


def grid(dtype, name=None):
    values = pick(dtype, REALS, COMPLEXES, SIGNED, UNSIGNED)
    if dtype != "bool":
        values = [value for value in values if not any(value == other for other in WITHOUT.get(name, []))]
    return Arg(torch.tensor(values, dtype=wide(dtype)), dtype)


def wide(dtype):
    return {"bool": torch.bool}.get(dtype) or (
        torch.complex128 if dtype in COMPLEX else torch.float64 if dtype in FLOATS else torch.int64
    )


def pairs(dtype, name, nonzero=False):
    values = pick(dtype, PAIR_REALS, PAIR_COMPLEXES, PAIR_SIGNED, PAIR_UNSIGNED)
    values = [value for value in values if not any(value is bad or value == bad for bad in WITHOUT.get(name, []))]
    if name == "pow" and dtype in COMPLEX:
        values = [value for value in values if value != 0]  # NaN even for 0 to the power of 1.
    right = [v for v in values if v or not nonzero]
    a = torch.tensor([x for x in values for _ in right], dtype=wide(dtype))
    b = torch.tensor([y for _ in values for y in right], dtype=wide(dtype))
    return Arg(a, dtype), Arg(b, dtype)


# Name in Rust: (PyTorch function, parameters, range in which it is smooth).
UNARY = {
    "neg": (torch.neg, [], (-2, 2)), "square": (torch.square, [], (-2, 2)),
    "reciprocal": (torch.reciprocal, [], (0.5, 2)), "conj": (lambda x: torch.conj_physical(x) if x.is_complex() else x.clone(), [], (-2, 2)),
    "exp": (torch.exp, [], (-2, 2)), "expm1": (torch.expm1, [], (-2, 2)), "exp2": (torch.exp2, [], (-2, 2)),
    "log": (torch.log, [], (0.5, 2)), "log1p": (torch.log1p, [], (-0.5, 2)), "log2": (torch.log2, [], (0.5, 2)),
    "log10": (torch.log10, [], (0.5, 2)), "sqrt": (torch.sqrt, [], (0.5, 2)), "rsqrt": (torch.rsqrt, [], (0.5, 2)),
    "sin": (torch.sin, [], (-2, 2)), "cos": (torch.cos, [], (-2, 2)), "tan": (torch.tan, [], (-1, 1)),
    "sinh": (torch.sinh, [], (-2, 2)), "cosh": (torch.cosh, [], (-2, 2)), "tanh": (torch.tanh, [], (-2, 2)),
    "asin": (torch.asin, [], (-0.8, 0.8)), "acos": (torch.acos, [], (-0.8, 0.8)), "atan": (torch.atan, [], (-2, 2)),
    "asinh": (torch.asinh, [], (-2, 2)), "acosh": (torch.acosh, [], (1.25, 3)), "atanh": (torch.atanh, [], (-0.8, 0.8)),
    "sigmoid": (torch.sigmoid, [], (-2, 2)),
    "abs": (torch.abs, [], (0.5, 2)), "sign": (torch.sign, [], (0.5, 2)), "floor": (torch.floor, [], (0.125, 0.875)),
    "ceil": (torch.ceil, [], (0.125, 0.875)), "trunc": (torch.trunc, [], (0.125, 0.875)),
    "round": (torch.round, [], (0.625, 0.875)), "frac": (torch.frac, [], (0.125, 0.875)), "sgn": (torch.sgn, [], (0.5, 2)),
    "erf": (torch.erf, [], (-2, 2)), "erfc": (torch.erfc, [], (-2, 2)), "erfinv": (torch.erfinv, [], (-0.8, 0.8)),
    "lgamma": (torch.lgamma, [], (0.5, 3)), "digamma": (torch.digamma, [], (0.5, 3)),
    "trigamma": (lambda x: torch.polygamma(1, x), [], (0.5, 3)), "logit": (torch.logit, [], (0.1, 0.9)),
    "sinc": (torch.sinc, [], (0.2, 2)),
    "relu": (torch.relu, [], (0.5, 2)), "relu6": (F.relu6, [], (0.5, 2)),
    "leaky_relu": (F.leaky_relu, [0.1], (-2, -0.5)), "elu": (F.elu, [1.5], (-2, -0.25)), "selu": (F.selu, [], (-2, -0.25)),
    "celu": (F.celu, [2.0], (-2, -0.25)), "gelu": (F.gelu, [], (-2, 2)),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), [], (-2, 2)), "silu": (F.silu, [], (-2, 2)),
    "mish": (F.mish, [], (-2, 2)), "softplus": (F.softplus, [1.5, 6.0], (-2, 2)),
    "log_sigmoid": (F.logsigmoid, [], (-2, 2)), "softsign": (F.softsign, [], (0.25, 2)),
    "tanhshrink": (F.tanhshrink, [], (-2, 2)), "hardtanh": (F.hardtanh, [-1.0, 2.5], (-0.875, 0.875)),
    "hardsigmoid": (F.hardsigmoid, [], (-2, 2)), "hardswish": (F.hardswish, [], (-2, 2)),
    "hardshrink": (F.hardshrink, [0.5], (0.75, 2)), "softshrink": (F.softshrink, [0.5], (0.75, 2)),
    "threshold": (F.threshold, [0.5, -20.0], (0.75, 2)),
}
PREDICATES = ["logical_not", "isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit"]
BINARY = {
    name: getattr(torch, name)
    for name in "add sub mul div floor_divide fmod remainder pow maximum minimum fmax fmin atan2 hypot copysign nextafter "
    "logaddexp xlogy bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd".split()
}
COMPARISONS = {
    name: getattr(torch, name) for name in "eq ne lt le gt ge logical_and logical_or logical_xor".split()
}
DIVISIONS = ["floor_divide", "fmod", "remainder"]
SHIFTS = ["bitwise_left_shift", "bitwise_right_shift"]


def in_place(name, function):
    """PyTorch's method, or what it would do where it has none."""
    method = getattr(torch.Tensor, {"conj": "conj_physical"}.get(name, name) + "_", None)
    if method is not None:
        return method

    def call(x, *args):
        if any(torch.is_tensor(arg) and arg.dtype != x.dtype for arg in args) or not x.is_floating_point():
            raise NotImplementedError("not implemented for this method")
        return x.copy_(function(x.clone(), *args))

    return call


def unary(writer):
    for name, (function, params, smooth) in UNARY.items():
        for dtype in ALL:
            if name in NOT_COMPLEX and dtype in COMPLEX:
                continue
            if not (name in NOT_HALF and dtype in ["f16", "bf16"]) and not (name == "softsign" and dtype in INTS):
                writer.case(name, function, grid(dtype, name), *params)
        for dtype in ["f32", "f64"]:
            low, high = smooth
            writer.case(name, function, rand([3], dtype, low, high, seed=1), *params, fd=dtype == "f64")
            if name != "log_sigmoid":  # Always contiguous there.
                writer.case(name, function, rand([2, 3, 2], dtype, low, high, layout="p:2,0,1"), *params)
            writer.case(name, function, rand([2, 3], dtype, low, high, layout="s:1,2"), *params)
        writer.case(name, function, rand([2, 3], "f32", *smooth, layout="e:0"), *params)
        writer.case(name, function, rand([], "f32", *smooth), *params)
        writer.case(name, function, rand([0, 3], "f32"), *params)
        writer.case(name, function, rand([3], "c128", 0.25, 0.75, seed=2, grad=name not in NOT_COMPLEX), *params, fd=True)
        for dtype in COMPLEX if name in AT_LIMITS else []:
            writer.case(name, function, Arg(torch.tensor(LIMITS, dtype=torch.complex128), dtype, grad=False), *params)
        mutate = in_place(name, function)
        for dtype in ["f32", "f64", "c64", "i32", "u8", "bool"] + ["bf16"] * (name not in NOT_HALF):
            writer.case(name + "_", mutate, rand([2, 2], dtype, *smooth, layout="p:1,0"), *params)
        writer.case(name + "_", mutate, rand([2, 3], "f32", *smooth, layout="s:1,2"), *params)
        writer.case(name + "_", mutate, rand([3], "f32", *smooth), *params)
        writer.case(name + "_", mutate, rand([2], "f64", *smooth), *params, fd=True)
    for name in PREDICATES:
        for dtype in ALL:
            writer.case(name, getattr(torch, name), grid(dtype))
        special = torch.tensor([complex(inf, 1), complex(0, nan), complex(1, -inf), 1], dtype=torch.complex128)
        writer.case(name, getattr(torch, name), Arg(special, "c64"))
        writer.case(name, getattr(torch, name), rand([2, 3], "f32", layout="p:1,0"))
        writer.case(name, getattr(torch, name), rand([0], "f32"))
        writer.case(name, getattr(torch, name), rand([], "i32"))
    for dtype in ALL:
        writer.case("logical_not_", torch.Tensor.logical_not_, rand([2, 3], dtype, grad=False))
    writer.case("logical_not_", torch.Tensor.logical_not_, rand([2, 3], layout="s:1,2", grad=False))


def binary(writer):
    for name, function in {**BINARY, **COMPARISONS}.items():
        real_only = name in ["atan2", "hypot", "copysign", "nextafter", "logaddexp", "xlogy"]
        low, high = (0.5, 2.0)
        for dtype in ALL:
            a, b = pairs(dtype, name, nonzero=name in DIVISIONS and dtype in INTS + ["bool"])
            if name in SHIFTS:
                b = Arg(b.values.abs() % 9 if dtype != "bool" else b.values, dtype)
            if name == "gcd" and dtype == "i8":
                continue  # Wrong for -128.
            if name == "pow" and dtype in INTS:
                b = Arg(b.values.abs() % 9, dtype)
            writer.case(name, function, a, b)
        mixed(writer, name, function)
        layouts(writer, name, function)
        errors(writer, name, function)
        writer.case(name, function, rand([2, 2], "f64", low, high, seed=3), rand([2], "f64", 2.25, 3, seed=4), fd=True)
        if not real_only:
            writer.case(name, function, rand([2], "c128", low, high, seed=3), rand([2], "c128", 2.25, 3, seed=4), fd=True)
    for name, function in {**BINARY, **COMPARISONS}.items():
        binary_in_place(writer, name, in_place(name, function))
    for dtype in INTS:
        for name in DIVISIONS:
            writer.case(name, BINARY[name], Arg([1, 2], dtype), Arg([1, 0], dtype))
            writer.case(name, BINARY[name], Arg([1, 2], dtype), 0)
    writer.case("pow", torch.pow, Arg([2, 3], "i64"), -1)
    # PyTorch loses digits in single precision here.
    turned = Arg([1.1 + 0.3j, -1 + 0.5j, 0.7 - 0.9j, -0.9 + 0j], "c64")
    for exponent in [2, 5, 80, 300, -40, 2.5, 1 + 2j]:
        writer.case("pow", lambda x, e: torch.pow(x.to(torch.complex128), e).to(torch.complex64), turned, exponent)
    for exponent in [True, False, 2, 0, -1, 1.5]:
        writer.case("pow", torch.pow, Arg([True, False, True], "bool"), exponent)
        writer.case("pow_", torch.Tensor.pow_, Arg([True, False, True], "bool"), exponent)
    writer.case("pow", torch.pow, Arg([2, 1, -1, -1, 0], "i64"), Arg([-1, -2, -3, -4, 2], "i64"))
    for exponent in [0, 1, 2, 3, 0.5, -0.5, -1, -2, 2.5]:
        # Half powers are roots there, which differ at -0 and -∞.
        values = [v for v in PAIR_REALS if abs(exponent) != 0.5 or (v != 0 and v != -inf)]
        writer.case("pow", torch.pow, Arg(values, "f32"), exponent)
        writer.case("pow", torch.pow, Arg(PAIR_COMPLEXES[1:6], "c128"), exponent)
    for name in ["maximum", "minimum", "fmax", "fmin"]:
        writer.case(name, BINARY[name], Arg([1.0, 2, 2, nan, nan], "f64"), Arg([1.0, 1, 3, 1, nan], "f64"))
    specials = [complex(inf, 1), complex(1, nan), complex(-inf, inf), complex(2, 3)]
    for name in ["add", "sub", "mul"]:
        writer.case(name, BINARY[name], Arg(specials, "c128"), Arg([complex(1, 2)] * 4, "c128"))


def mixed(writer, name, function):
    """Operands of different kinds and ranks, and numbers."""
    low, high = 1, 3
    cross = [
        ("f32", "i64"), ("i32", "f16"), ("f16", "bf16"), ("u8", "i8"), ("i16", "u8"), ("bool", "i32"), ("f32", "f64"),
        ("bool", "f16"), ("f64", "c64"), ("i64", "c64"), ("bf16", "c64"),
    ]
    for left, right in cross:
        writer.case(name, function, rand([3], left, low, high), rand([3], right, low, high, seed=1))
    for left, right in [("f32", "f64"), ("f16", "f32"), ("i32", "f32"), ("i8", "i64"), ("bool", "i64"), ("f32", "c128")]:
        writer.case(name, function, rand([3], left, low, high), rand([], right, low, high, seed=1))
        writer.case(name, function, rand([], right, low, high, seed=1), rand([2, 2], left, low, high))
    for dtype in ["f32", "f16", "f64", "i32", "u8", "bool", "c64"]:
        for number in [2, 1.5, True]:
            if number is True and name not in ["add", "mul", "eq", "bitwise_and"]:
                continue
            writer.case(name, scalar_call(name, function), rand([3], dtype, low, high), number)
    writer.case(name, scalar_call(name, function), rand([2], "f32", low, high), 1.5 + 0.5j)
    writer.case(name, scalar_call(name, function), rand([2], "i8", low, high), 300)
    writer.case(name, scalar_call(name, function), rand([2], "f16", low, high), 1e-4)


def scalar_call(name, function):
    """Some of PyTorch's functions take no Python numbers; a 0-d tensor promotes in the same way."""
    takes = "maximum minimum fmax fmin atan2 hypot nextafter logaddexp gcd logical_and logical_or logical_xor".split()
    if name not in takes:
        return function

    def call(x, number):
        dtype = {bool: torch.bool, int: torch.int64, float: torch.float32, complex: torch.complex64}[type(number)]
        result = torch.result_type(x, number)
        point = torch.tensor(number, dtype=result if dtype in (torch.float32, torch.complex64) else dtype)
        return function(x, point)

    return call


def layouts(writer, name, function):
    low, high = 1, 3
    kind = "i64" if name.startswith("bitwise") or name == "gcd" else "f32"
    a = lambda shape, **kwargs: rand(shape, kind, low, high, seed=5, **kwargs)
    b = lambda shape, **kwargs: rand(shape, kind, low, high, seed=6, **kwargs)
    writer.case(name, function, a([2, 3], layout="p:1,0"), b([2, 3], layout="p:1,0"))
    writer.case(name, function, a([2, 3], layout="p:1,0"), b([2, 3]))
    writer.case(name, function, a([2, 3]), b([2, 3], layout="s:1,2"))
    writer.case(name, function, a([2, 3, 2], layout="p:2,0,1"), b([3, 1]))
    writer.case(name, function, a([3, 1]), b([1, 2]))
    writer.case(name, function, a([2, 3], layout="e:0"), b([2, 1], layout="e:0"))
    writer.case(name, function, a([]), b([]))
    writer.case(name, function, a([0, 3]), b([3]))
    writer.case(name, function, a([2, 0]), b([1]))


def errors(writer, name, function):
    writer.case(name, function, rand([2, 3], "f32", 1, 2), rand([4], "f32", 1, 2))
    writer.case(name, function, rand([0], "f32", 1, 2), rand([2], "f32", 1, 2))


def binary_in_place(writer, name, function):
    low, high = 1, 3
    # Logic in place is unseen by PyTorch's gradients, which pass as if nothing had been overwritten.
    drawn = lambda *args, **kwargs: rand(*args, grad=False if name.startswith("logical_") else None, **kwargs)
    name = name + "_"
    for dtype in ["f32", "f64", "f16", "c64", "i32", "u8", "bool"]:
        writer.case(name, function, drawn([2, 2], dtype, low, high), drawn([2], dtype, low, high, seed=1))
    writer.case(name, function, drawn([2, 3], "f32", low, high, layout="s:1,2"), drawn([3], "f32", low, high, seed=1))
    writer.case(name, function, drawn([2, 3], "f32", low, high, layout="p:1,0"), drawn([2, 3], "f32", low, high, seed=1))
    for left, right in [("f32", "f64"), ("f32", "i64"), ("i32", "f32"), ("u8", "i64"), ("bool", "i32"), ("f32", "c64"), ("bool", "f32")]:
        writer.case(name, function, drawn([3], left, low, high), drawn([3], right, low, high, seed=1))
    # Bitwise operations in place on an integer tensor with a number.
    for dtype, number in [("f32", 2), ("f64", 1.5), ("i32", 2), ("i32", 1.5), ("f16", 1.5), ("bool", 1), ("c64", 2)]:
        if function.__name__ == "call" or name[:-1] in "atan2 hypot nextafter logaddexp gcd fmax fmin maximum minimum logical_and logical_or logical_xor".split():
            continue
        writer.case(name, function, drawn([3], dtype, low, high), number)
    writer.case(name, function, drawn([3], "f32", low, high), drawn([2, 3], "f32", low, high))
    writer.case(name, function, drawn([0, 3], "f32", low, high), drawn([3], "f32", low, high))
    writer.case(name, function, drawn([], "f64", low, high), drawn([], "f64", low, high, seed=2), fd=not name.startswith("logical_"))


def ternary(writer):
    condition = Arg([True, False, True, True], "bool")
    values = [nan, 1.0, -inf, 2.0]
    for dtype in ALL:
        writer.case("where", torch.where, condition, rand([4], dtype), rand([4], dtype, seed=1))
    writer.case("where", torch.where, condition, Arg(values, "f32"), Arg([1.0, nan, 2.0, inf], "f32"))
    writer.case("where", torch.where, rand([2, 1], "bool", seed=4), rand([3], "f64"), rand([], "f64", seed=1), fd=True)
    writer.case("where", torch.where, rand([2, 3], "bool", layout="p:1,0"), rand([2, 3], layout="s:1,2"), rand([3], seed=1))
    for left, right in [("f32", "f64"), ("i64", "f16"), ("u8", "i8"), ("bool", "i64"), ("f16", "c64")]:
        writer.case("where", torch.where, condition, rand([4], left), rand([4], right, seed=1))
        writer.case("where", torch.where, condition, rand([4], left), rand([], right, seed=1))
    for number in [2, 1.5]:
        for dtype in ["f16", "f64", "i32", "bool"]:
            writer.case("where", torch.where, condition, rand([4], dtype), number)
    writer.case("where", torch.where, rand([3], "i64"), rand([3]), rand([3]))
    writer.case("where", torch.where, condition, rand([3]), rand([4]))
    for dtype in ["f32", "f64", "f16", "bf16", "c64", "c128", "i64"]:
        writer.case("lerp", torch.lerp, rand([4], dtype), rand([4], dtype, seed=1), rand([4], dtype, seed=2))
        writer.case("lerp", torch.lerp, rand([4], dtype), rand([4], dtype, seed=1), 0.25)
    writer.case("lerp", torch.lerp, rand([2, 1], "f64"), rand([3], "f64", seed=1), rand([], "f64", seed=2), fd=True)
    writer.case("lerp", torch.lerp, Arg([1.0, inf, nan, 0.1], "f32"), Arg([3.0, inf, 1, 0.1], "f32"), 0.5)
    for weight in [0.0, 0.25, 0.5, 0.75, 1.0]:
        writer.case("lerp", torch.lerp, Arg([1.0, inf, 1e30, 0.1], "f32", grad=False), Arg([-inf, 2.0, -1e30, 0.7], "f32", grad=False), weight)
    writer.case("lerp", torch.lerp, rand([3], "c64"), rand([3], "c64", seed=1), 0.75)
    for left, right, weight in [("f32", "f64", "f32"), ("f32", "f32", "f64"), ("c64", "c64", "f32"), ("f16", "f32", "f16")]:
        writer.case("lerp", torch.lerp, rand([3], left), rand([3], right, seed=1), rand([3], weight, seed=2))
    writer.case("lerp", torch.lerp, rand([3]), rand([], "f64"), 0.5)
    writer.case("lerp", torch.lerp, rand([3]), rand([3]), rand([], "f64", seed=2))
    for name, function in [("addcmul", torch.addcmul), ("addcdiv", torch.addcdiv)]:
        call = lambda x, a, b, v, function=function: function(x, a, b, value=v)
        for dtype in ALL:
            arguments = rand([4], dtype, 1, 3), rand([4], dtype, 1, 3, seed=1), rand([4], dtype, 1, 3, seed=2)
            for value in [1.0, 0.5] if dtype in FLOATS + COMPLEX else [1.0]:
                integer = dtype in INTS + ["bool"]
                writer.case(name, (lambda x, a, b, v: call(x, a, b, int(v))) if integer else call, *arguments, value)
        writer.case(name, call, rand([2, 1], "f64", 1, 3), rand([3], "f64", 1, 3), rand([], "f64", 1, 3), -1.5, fd=True)
        writer.case(name, call, rand([2, 3], "f32", 1, 3, layout="p:1,0"), rand([3], "f64", 1, 3), rand([2, 3], "f32", 1, 3), 2.0)
        writer.case(name, call, Arg([0.0, 1, nan], "f32"), Arg([1.0, inf, 1], "f32"), Arg([0.0, -0.0, 1], "f32"), 1.0)
    clamp(writer)
    ternary_in_place(writer)


def ternary_in_place(writer):
    scaled = lambda method: lambda x, a, b, v: method(x, a, b, value=int(v) if v == int(v) else v)
    calls = [("lerp_", torch.Tensor.lerp_, []), ("addcmul_", scaled(torch.Tensor.addcmul_), [2.0]), ("addcdiv_", scaled(torch.Tensor.addcdiv_), [2.0])]
    for name, function, value in [*calls, ("clamp_", torch.Tensor.clamp_, [])]:
        arguments = lambda dtype, a, b=None: (rand(a, dtype, 1, 3, seed=1), rand(b or a, dtype, 2, 4, seed=2), *value)
        for dtype in ALL:
            writer.case(name, function, rand([2, 2], dtype, 1, 4), *arguments(dtype, [2, 2]))
        for layout in ["p:1,0", "s:1,2"]:
            writer.case(name, function, rand([2, 3], "f32", 1, 4, layout=layout), *arguments("f32", [3], [2, 1]))
        for left, right in [("f32", "f64"), ("f32", "i64"), ("i32", "f32"), ("f16", "f32"), ("f32", "c64")]:
            writer.case(name, function, rand([3], left, 1, 4), *arguments(right, [3]))
        writer.case(name, function, rand([3], "f32", 1, 4), *arguments("f32", [2, 3]))
        writer.case(name, function, rand([0, 3], "f32", 1, 4), *arguments("f32", [3]))
        writer.case(name, function, rand([2, 2], "f64", 1, 4), *arguments("f64", [2], [2, 1]), fd=True)
    for dtype in ["f32", "f16", "c64"]:
        writer.case("lerp_", torch.Tensor.lerp_, rand([3], dtype), rand([3], dtype, seed=1), 0.75)
    writer.case("lerp_", torch.Tensor.lerp_, rand([3]), rand([3], seed=1), rand([], "f64", seed=2))
    for dtype in ["f32", "f64", "f16", "i32", "u8", "bool"]:
        numbers = [0, 2] if dtype in ["i32", "u8", "bool"] else [-0.5, 1.0]
        writer.case("clamp_", torch.Tensor.clamp_, grid(dtype), *numbers)
        writer.case("clamp_min_", torch.Tensor.clamp_min_, grid(dtype), numbers[0])
        writer.case("clamp_max_", torch.Tensor.clamp_max_, grid(dtype), numbers[1])
    for name, function in [("clamp_min_", torch.Tensor.clamp_min_), ("clamp_max_", torch.Tensor.clamp_max_)]:
        writer.case(name, function, rand([3], "i32"), 0.5)
        writer.case(name, function, rand([2, 3], "f64"), rand([3], "f64", seed=1), fd=True)
        writer.case(name, function, rand([2, 3], "f64"), 0.33, fd=True)
        writer.case(name, function, rand([3]), rand([2, 3], seed=1))
    writer.case("clamp_", torch.Tensor.clamp_, rand([3], "i32"), -0.5, 1.5)
    writer.case("clamp_", torch.Tensor.clamp_, rand([2, 3], "f64"), -0.5, 0.75, fd=True)
    writer.case("clamp_", torch.Tensor.clamp_, Arg([0, 3, 100], "u8"), 300, 400)


def clamp(writer):
    for dtype in ALL:
        numbers = [0, 2] if dtype in INTS + ["bool"] else [-0.5, 1.0]
        writer.case("clamp", torch.clamp, grid(dtype), *numbers)
        writer.case("clamp", torch.clamp, rand([4], dtype, -2, 3), rand([4], dtype, -1, 1, seed=1), rand([4], dtype, -1, 2, seed=2))
    writer.case("clamp", torch.clamp, rand([4], "i32"), -0.5, 1.5)
    writer.case("clamp", torch.clamp, rand([4], "u8", 0, 9), 2, 5)
    for dtype, low, high in [("u8", 0, 300), ("u8", -1, 5), ("u8", 300, 400), ("u8", -5, -1), ("i8", -300, 5), ("i8", -5, 300), ("i8", 0, -300)]:
        writer.case("clamp", torch.clamp, Arg([0, 3, 100, 127], dtype), low, high)
        writer.case("clamp_min", torch.clamp_min, Arg([0, 3, 100, 127], dtype), low)
        writer.case("clamp_max", torch.clamp_max, Arg([0, 3, 100, 127], dtype), high)
    writer.case("clamp", torch.clamp, rand([4], "f32"), 1.0, -1.0)
    writer.case("clamp", torch.clamp, Arg([1.0, -1.0, 1.0, 0.5], "f64"), -1.0, 1.0)
    writer.case("clamp", torch.clamp, Arg([1.0, 2, 3, nan, 1], "f32"), Arg([nan, 2, 1, 1, 1], "f32"), Arg([2, nan, 3.0, 1, 1], "f32"))
    writer.case("clamp", torch.clamp, rand([2, 3], "f64"), rand([3], "f64", -1, 0), rand([2, 1], "f64", 0.25, 1), fd=True)


    for name, function in [("clamp_min", torch.clamp_min), ("clamp_max", torch.clamp_max)]:
        for dtype in ALL:
            writer.case(name, function, grid(dtype), 1)
        writer.case(name, function, grid("f32"), 0.5)
        writer.case(name, function, rand([3], "i32"), 0.5)
        writer.case(name, function, rand([2, 3], "f64"), rand([3], "f64", seed=1), fd=True)
        writer.case(name, function, rand([2, 3], "f64"), 0.33, fd=True)
        writer.case(name, function, Arg([1.0, 2, nan], "f32"), Arg([1.0, nan, 1], "f32"))


def polygamma(writer):
    call = lambda x, order: torch.polygamma(order, x)
    for order in [0, 1, 2, 3, 5]:
        for dtype in ["f32", "f64", "i32"]:
            writer.case("polygamma", call, Arg([0.6, 1.0, 2.5, 7.0], dtype), order)
        writer.case("polygamma", call, rand([3], "f64", 0.75, 3), order, fd=order < 4)
        for dtype in ["f32", "f64", "i32"]:
            writer.case("polygamma_", torch.Tensor.polygamma_, rand([3], dtype, 1, 3), order, fd=dtype == "f64" and order < 4)
        writer.case("polygamma", call, Arg([-0.6, -1.25, -3.7], "f64"), order)
    writer.case("polygamma", call, Arg([0.0, -2.0], "f64"), 2)
    for order in [1, 2, 3]:
        writer.case("polygamma", call, Arg([inf, nan] if order == 1 else [inf, -inf, nan], "f64", grad=False), order)


def polar(writer):
    numbers = Arg([1.0, -2, 0, 0.5], "f64"), Arg([0.5, 2, 1, -3], "f64")
    writer.case("polar", torch.polar, *numbers)
    writer.case("polar", torch.polar, rand([2, 1], "f32", 0.5, 2), rand([3], "f32", seed=1))
    writer.case("polar", torch.polar, rand([3], "f64", 0.5, 2), rand([3], "f64", seed=1), fd=True)
    writer.case("polar", torch.polar, rand([3], "f32"), rand([3], "f64"))
    writer.case("polar", torch.polar, rand([3], "i64"), rand([3], "i64"))
    zeros = [complex(x, y) for x in [0.0, -0.0] for y in [0.0, -0.0]]
    writer.case("angle", torch.angle, Arg(torch.tensor(zeros + COMPLEXES, dtype=torch.complex128), "c128"))
    writer.case("angle", torch.angle, rand([2, 3], "c64", layout="s:1,2"))
    writer.case("angle", torch.angle, rand([3], "c128", 0.5, 2), fd=True)
    for dtype in ["f32", "i64", "bool"]:
        writer.case("angle", torch.angle, grid(dtype))


def complement(writer):
    for dtype in ["i64", "i32", "i16", "i8", "u8", "bool", "f32"]:
        for op, call in [("bitwise_not", torch.bitwise_not), ("bitwise_not_", lambda x: x.bitwise_not_())]:
            writer.case(op, call, rand([2, 3], dtype, -4, 9))
            writer.case(op, call, rand([2, 3], dtype, -4, 9, layout="p:1,0"))
    for dtype in ["i64", "u8"]:
        writer.case("bitwise_not", torch.bitwise_not, rand([], dtype))
        writer.case("bitwise_not", torch.bitwise_not, rand([0, 2], dtype))


def powers_of_bools(writer):
    for dtype in ["f32", "f64", "c64", "bf16"]:
        for exponent in [True, False]:
            writer.case("pow", torch.pow, rand([3], dtype, 0.5, 2), exponent)
    # Negative numbers have complex logarithms.
    for dtype in ["i8", "i64", "f32", "f64"]:
        writer.case("pow", torch.pow, Arg([-2, 3, -1], dtype), Arg([1 + 0.5j, 2 - 1j, 0.5 + 2j], "c128"))


def write(writer):
    polygamma(writer)
    complement(writer)
    powers_of_bools(writer)
    polar(writer)
    unary(writer)
    binary(writer)
    ternary(writer)
