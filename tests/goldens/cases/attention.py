"""Scaled dot-product attention."""

import torch
import torch.nn.functional as F

from .writer import Arg, rand


def sdpa(q, k, v, mask, causal, scale, gqa):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=gqa)


def operands(q, k, v, dtype="f32", layout=None):
    return rand(q, dtype, layout=layout), rand(k, dtype, seed=1, layout=layout), rand(v, dtype, seed=2, layout=layout)


def write(writer):
    op = "scaled_dot_product_attention"

    def case(args, mask=None, causal=False, scale=None, gqa=False, **options):
        writer.case(op, sdpa, *args, mask, causal, scale, gqa, **options)

    for causal in [False, True]:
        for shapes in [([3, 4], [5, 4], [5, 2]), ([2, 3, 4], [2, 5, 4], [2, 5, 4]), ([2, 2, 5, 3], [2, 2, 3, 3], [2, 2, 3, 2])]:
            case(operands(*shapes), causal=causal)
        case(operands([2, 2, 3], [2, 4, 3], [2, 4, 2], "f64"), causal=causal, fd=True)
        # Heads that lie between positions and features.
        case(operands([2, 2, 4, 3], [2, 2, 4, 3], [2, 2, 4, 3], layout="p:0,2,1,3"), causal=causal)
    for dtype in ["f16", "bf16"]:
        case(operands([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4], dtype))
    case(operands([1, 1, 70, 3], [1, 1, 70, 3], [1, 1, 70, 2]), causal=True)
    case(operands([2, 3, 4], [2, 5, 4], [2, 5, 4]), scale=0.25)
    # Leading axes that broadcast.
    case(operands([2, 2, 3, 4], [1, 2, 5, 4], [2, 1, 5, 3]))
    visible = Arg(torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]]), "bool")
    added = Arg(torch.tensor([[0.5, -1.0, 0.0], [float("-inf")] * 3, [0.0, float("-inf"), 1.0], [0.0] * 3]), "f32", grad=False)
    for mask in [visible, added]:
        case(operands([1, 2, 4, 3], [1, 2, 3, 3], [1, 2, 3, 2]), mask)
    case(operands([2, 4, 3], [2, 3, 3], [2, 3, 2], "f64"), visible, fd=True)
    case(operands([2, 2, 2, 3], [2, 2, 3, 3], [2, 2, 3, 2]), rand([2, 1, 1, 3], "bool", seed=5))
    # The gradient of the mask.
    case(operands([2, 2, 3], [2, 4, 3], [2, 4, 2]), rand([2, 2, 4], seed=7))
    # Heads that share keys and values.
    for dtype in ["f32", "f64"]:
        case(operands([1, 4, 2, 3], [1, 2, 3, 3], [1, 2, 3, 2], dtype), gqa=True, causal=dtype == "f64", fd=dtype == "f64")
    case(operands([2, 4, 2, 3], [2, 1, 3, 3], [2, 1, 3, 2]), rand([2, 4, 2, 3], "bool", seed=3), gqa=True)
    # No keys, no queries, no heads.
    case(operands([2, 3, 4], [2, 0, 4], [2, 0, 4]))
    case(operands([2, 0, 4], [2, 3, 4], [2, 3, 4]))
    case(operands([0, 2, 4], [0, 3, 4], [0, 3, 4]))
    for shapes in [([2, 3, 4], [2, 5, 3], [2, 5, 4]), ([4, 2, 4], [3, 2, 4], [3, 2, 4])]:
        case(operands(*shapes))
    case(operands([1, 4, 2, 3], [1, 3, 3, 3], [1, 3, 3, 2]), gqa=True)
    case(operands([2, 4, 3], [2, 3, 3], [2, 3, 3]), visible, causal=True)
