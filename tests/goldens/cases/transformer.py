"""Attention by several heads and the layers of the transformer, in evaluation."""

import torch
from torch import nn

from .writer import Arg, rand


def values(module, dtype="f32"):
    """Parameters of moderate size, in the order of the module's."""
    bound = lambda shape: 0.5 if len(shape) > 1 else 1.0
    return [rand(list(p.shape), dtype, -bound(p.shape), bound(p.shape), i) for i, (_, p) in enumerate(module.named_parameters())]


def apply(module, parameters, *args, **kwargs):
    names = [name for name, _ in module.named_parameters()]
    module = module.to(parameters[0].dtype).train()
    try:
        return torch.func.functional_call(module, dict(zip(names, parameters)), args, kwargs)
    except AssertionError as error:  # which PyTorch raises for shapes
        raise ValueError(str(error)) from error


def attention(embed, heads, bias, bias_kv, zero, kdim, vdim, batch_first):
    return nn.MultiheadAttention(embed, heads, bias=bias, add_bias_kv=bias_kv, add_zero_attn=zero, kdim=kdim, vdim=vdim, batch_first=batch_first)


def multihead(q, k, v, mask, padding, weights, per_head, parameters, *sizes):
    k, v = q if k is None else k, q if v is None else v
    y, w = apply(attention(*sizes), parameters, q, k, v, key_padding_mask=padding, attn_mask=mask, need_weights=weights, average_attn_weights=not per_head)
    return [y, w] if weights else y


def encoder(src, mask, padding, parameters, *sizes):
    return apply(encoder_layer(*sizes), parameters, src, src_mask=mask, src_key_padding_mask=padding)


def encoder_layer(features, heads, inner, activation, norm_first, batch_first, bias):
    return nn.TransformerEncoderLayer(features, heads, inner, 0.0, activation, batch_first=batch_first, norm_first=norm_first, bias=bias)


def decoder(tgt, memory, mask, memory_padding, parameters, *sizes):
    return apply(decoder_layer(*sizes), parameters, tgt, memory, tgt_mask=mask, memory_key_padding_mask=memory_padding)


def decoder_layer(features, heads, inner, activation, norm_first, batch_first, bias):
    return nn.TransformerDecoderLayer(features, heads, inner, 0.0, activation, batch_first=batch_first, norm_first=norm_first, bias=bias)


def whole(src, tgt, mask, parameters, features, heads, encoders, decoders, inner):
    module = nn.Transformer(features, heads, encoders, decoders, inner, 0.0)
    return apply(module, parameters, src, tgt, tgt_mask=mask)


def write(writer):
    def case(q, k=None, v=None, mask=None, padding=None, weights=False, per_head=False, sizes=(4, 2, True, False, False, 4, 4, False), dtype="f32", **options):
        operands = [None if shape is None else rand(shape, dtype, seed=i) for i, shape in enumerate([q, k, v])]
        try:
            parameters = values(attention(*sizes), dtype)
        except AssertionError:
            return
        writer.case("multihead_attention", multihead, *operands, mask, padding, weights, per_head, parameters, *sizes, **options)

    causal = Arg(torch.ones(3, 3).triu(1), "bool")
    padding = Arg(torch.tensor([[0, 0, 0], [0, 1, 1]]), "bool")
    added = rand([3, 5], grad=False, seed=9)
    case([3, 2, 4])
    case([3, 2, 4], mask=causal, padding=padding)
    case([3, 2, 4], mask=causal, padding=padding, weights=True)
    case([2, 3, 4], weights=True, per_head=True, sizes=(4, 2, False, False, False, 4, 4, True))
    case([3, 2, 4], [5, 2, 4], [5, 2, 4], mask=added)
    case([3, 2, 4], [5, 2, 3], [5, 2, 6], sizes=(4, 2, True, False, False, 3, 6, False))
    case([2, 3, 4], [2, 3, 4], [2, 3, 4], mask=causal, padding=padding, sizes=(4, 2, True, True, True, 4, 4, True))
    case([2, 3, 4], [2, 3, 4], [2, 3, 4], mask=causal, weights=True, sizes=(4, 2, True, True, True, 4, 4, True))
    case([3, 4], weights=True)
    case([3, 4], mask=causal)
    case([2, 2, 2], dtype="f64", sizes=(2, 2, True, False, False, 2, 2, True), fd=True)
    case([3, 2, 5])
    case([3, 2, 4], [5, 2, 4], [4, 2, 4])
    case([3, 2, 4], mask=added)

    options = [("relu", False, False, True), ("gelu", True, True, True), ("gelu", False, True, False), ("relu", True, False, False)]
    for activation, norm_first, batch_first, bias in options:
        sizes = (4, 2, 6, activation, norm_first, batch_first, bias)
        x, m = ([2, 3, 4], [2, 5, 4]) if batch_first else ([3, 2, 4], [5, 2, 4])
        writer.case("transformer_encoder_layer", encoder, rand(x), causal, padding, values(encoder_layer(*sizes)), *sizes)
        hidden = Arg(torch.tensor([[0, 0, 0, 0, 1], [0, 0, 1, 1, 1]]), "bool")
        writer.case("transformer_decoder_layer", decoder, rand(x), rand(m, seed=1), causal, hidden, values(decoder_layer(*sizes)), *sizes)
    sizes = (2, 1, 2, "gelu", True, True, True)
    writer.case("transformer_encoder_layer", encoder, rand([1, 2, 2], "f64"), None, None, values(encoder_layer(*sizes), "f64"), *sizes, fd=True)
    writer.case("transformer_decoder_layer", decoder, rand([1, 2, 2], "f64"), rand([1, 3, 2], "f64", seed=1), None, None, values(decoder_layer(*sizes), "f64"), *sizes, fd=True)
    for dtype in ["f32", "f64"]:
        sizes = (4, 2, 2, 1, 3) if dtype == "f32" else (2, 1, 1, 1, 2)
        features = sizes[0]
        parameters = values(nn.Transformer(features, sizes[1], sizes[2], sizes[3], sizes[4]), dtype)
        src, tgt = rand([2, 2, features], dtype), rand([3, 2, features], dtype, seed=1)
        writer.case("transformer", whole, src, tgt, causal, parameters, *sizes)
    # Smooth in a neighbourhood of these values: no inner activation is near 0.
    parameters = values(nn.Transformer(2, 1, 1, 1, 1), "f64")
    writer.case("transformer", whole, rand([1, 1, 2], "f64"), rand([2, 1, 2], "f64", seed=1), None, parameters, 2, 1, 1, 1, 1, fd=True)
