"""Known architectures in PyTorch, for tests/tests/architectures: outputs, losses, and every parameter's gradient.

Run `python tests/goldens/architectures.py` from the repository's root; it needs torch, and writes
tests/goldens/architectures.jsonl. The networks are those that the test declares, with the same names. Parameters, inputs and
what a file has of gradients are as in networks.jsonl; the loss is the sum of the squared distances of the outputs from noise.
"""

import json

import torch
from torch import nn
from torch.nn import functional as F

from formula import HERE, image, numbers, parameter, summary, symbols


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, t):
        super().__init__()
        wide = inputs * t
        self.expand, self.bn1 = nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide)
        self.depthwise, self.bn2 = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide)
        self.project, self.bn3 = nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = F.relu6(self.bn1(self.expand(x)))
        y = self.bn3(self.project(F.relu6(self.bn2(self.depthwise(y)))))
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16)
        self.b1, self.b2, self.b3 = InvertedResidual(16, 8, 1, 1), InvertedResidual(8, 12, 2, 6), InvertedResidual(12, 12, 1, 6)
        self.head, self.head_bn = nn.Conv2d(12, 32, 1, bias=False), nn.BatchNorm2d(32)
        self.classifier = nn.Linear(32, classes)

    def forward(self, x):
        x = self.b3(self.b2(self.b1(F.relu6(self.bn(self.stem(x))))))
        return self.classifier(F.relu6(self.head_bn(self.head(x))).mean([2, 3]))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))], 1)


class DenseBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = DenseLayer(8, 4), DenseLayer(12, 4), DenseLayer(16, 4)
        self.norm, self.conv = nn.BatchNorm2d(20), nn.Conv2d(20, 10, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.norm(self.c(self.b(self.a(x)))))), 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dwconv, self.norm = nn.Conv2d(c, c, 7, padding=3, groups=c), nn.LayerNorm(c, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)
        self.gamma = nn.Parameter(torch.zeros(c))

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, c, depth):
        super().__init__()
        self.stem = nn.Conv2d(3, c, 4, 4)
        self.blocks = nn.ModuleList(ConvNeXtBlock(c) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(c), nn.Linear(c, 10)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x.mean([-2, -1])))


class WindowAttention(nn.Module):
    def __init__(self, d, heads, ws):
        super().__init__()
        self.heads, self.ws = heads, ws
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.bias = nn.Parameter(torch.zeros(heads, ws * ws, ws * ws))

    def forward(self, x):
        batch, size, _, d = x.shape
        ws, n = self.ws, size // self.ws
        windows = x.reshape(batch, n, ws, n, ws, d).permute(0, 1, 3, 2, 4, 5).reshape(-1, ws * ws, d)
        q, k, v = self.qkv(windows).reshape(-1, ws * ws, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        attention = F.softmax(q * (d // self.heads) ** -0.5 @ k.transpose(-2, -1) + self.bias, -1)
        y = self.proj((attention @ v).transpose(1, 2).reshape(-1, ws * ws, d))
        return y.reshape(batch, n, n, ws, ws, d).permute(0, 1, 3, 2, 4, 5).reshape(batch, size, size, d)


class SwinBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(d), WindowAttention(d, 2, 4), nn.LayerNorm(d)
        self.fc1, self.fc2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        y = self.attn(torch.roll(self.norm1(x), (-2, -2), (1, 2)))
        x = x + torch.roll(y, (2, 2), (1, 2))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Generator(nn.Module):
    def __init__(self, z, ngf):
        super().__init__()
        self.conv1, self.bn1 = nn.ConvTranspose2d(z, 4 * ngf, 4, bias=False), nn.BatchNorm2d(4 * ngf)
        self.conv2, self.bn2 = nn.ConvTranspose2d(4 * ngf, 2 * ngf, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * ngf)
        self.conv3 = nn.ConvTranspose2d(2 * ngf, 1, 4, 2, 1, bias=False)

    def forward(self, z):
        x = F.relu(self.bn1(self.conv1(z[..., None, None])))
        return torch.tanh(self.conv3(F.relu(self.bn2(self.conv2(x)))))


class Gan(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = Generator(6, 2)
        self.discriminator = nn.Sequential(
            nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(128, 1),
        )

    def forward(self, z):
        return torch.sigmoid(self.discriminator(self.generator(z))).squeeze(-1)


class MixerBlock(nn.Module):
    def __init__(self, tokens, c):
        super().__init__()
        self.norm1, self.token1, self.token2 = nn.LayerNorm(c), nn.Linear(tokens, 2 * tokens), nn.Linear(2 * tokens, tokens)
        self.norm2, self.channel1, self.channel2 = nn.LayerNorm(c), nn.Linear(c, 4 * c), nn.Linear(4 * c, c)

    def forward(self, x):
        x = x + self.token2(F.gelu(self.token1(self.norm1(x).transpose(1, 2)))).transpose(1, 2)
        return x + self.channel2(F.gelu(self.channel1(self.norm2(x))))


class Mixer(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, 4)
        self.blocks = nn.ModuleList(MixerBlock(16, 8) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


class AttentionGate(nn.Module):
    def __init__(self, g, x, inner):
        super().__init__()
        self.wg, self.wx, self.psi = nn.Conv2d(g, inner, 1), nn.Conv2d(x, inner, 1, 2), nn.Conv2d(inner, 1, 1)

    def forward(self, g, x):
        a = torch.sigmoid(self.psi(F.relu(self.wg(g) + self.wx(x))))
        return x * F.interpolate(a, scale_factor=2, mode="bilinear", align_corners=False)


class AttentionUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.gate, self.up, self.last = AttentionGate(8, 4, 4), nn.ConvTranspose2d(8, 4, 2, 2), nn.Conv2d(8, 1, 1)

    def forward(self, x):
        s = F.relu(self.down1(x))
        b = F.relu(self.down2(F.max_pool2d(s, 2)))
        return self.last(torch.cat([self.up(b), self.gate(b, s)], 1))


class WaveBlock(nn.Module):
    def __init__(self, c, dilation):
        super().__init__()
        self.dilation = dilation
        self.filter, self.gate = (nn.Conv1d(c, c, 2, dilation=dilation) for _ in range(2))
        self.residual, self.skip = (nn.Conv1d(c, c, 1) for _ in range(2))

    def forward(self, x):
        padded = F.pad(x, (self.dilation, 0))
        z = torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))
        return self.residual(z) + x, self.skip(z)


class WaveNet(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.start = nn.Conv1d(1, c, 1)
        self.b1, self.b2, self.b4 = (WaveBlock(c, dilation) for dilation in (1, 2, 4))
        self.end1, self.end2 = nn.Conv1d(c, c, 1), nn.Conv1d(c, 256, 1)

    def forward(self, wave):
        x, first = self.b1(self.start(wave[:, None]))
        x, second = self.b2(x)
        _, third = self.b4(x)
        return self.end2(F.relu(self.end1(F.relu(first + second + third))))


class Rotary(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(d, d, bias=False) for _ in range(4))

    def forward(self, x, cos, sin):
        q, k, v = (w(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for w in (self.wq, self.wk, self.wv))
        turn = lambda a, b: torch.cat([a * cos - b * sin, a * sin + b * cos], -1)
        q, k = turn(*q.chunk(2, -1)), turn(*k.chunk(2, -1))
        return self.wo(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class SwiGlu(nn.Module):
    def __init__(self, d, hidden):
        super().__init__()
        self.w1, self.w2, self.w3 = nn.Linear(d, hidden, bias=False), nn.Linear(hidden, d, bias=False), nn.Linear(d, hidden, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class LlamaBlock(nn.Module):
    def __init__(self, d, heads, hidden):
        super().__init__()
        self.attention_norm, self.attention = nn.RMSNorm(d, eps=1e-5), Rotary(d, heads)
        self.ffn_norm, self.feed_forward = nn.RMSNorm(d, eps=1e-5), SwiGlu(d, hidden)

    def forward(self, x, cos, sin):
        h = x + self.attention(self.attention_norm(x), cos, sin)
        return h + self.feed_forward(self.ffn_norm(h))


class Seq2Seq(nn.Module):
    def __init__(self, v, e, h):
        super().__init__()
        self.src_embed, self.tgt_embed = nn.Embedding(v, e), nn.Embedding(v, e)
        self.encoder, self.decoder = nn.GRU(e, h, batch_first=True), nn.GRU(e, h, batch_first=True)
        self.out = nn.Linear(2 * h, v)

    def forward(self, src, tgt):
        memory, h = self.encoder(self.src_embed(src))
        states, _ = self.decoder(self.tgt_embed(tgt), h)
        context = F.softmax(states @ memory.transpose(1, 2), -1) @ memory
        return self.out(torch.tanh(torch.cat([states, context], -1)))


class BertLayer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.attn, self.norm1 = nn.MultiheadAttention(d, heads, dropout=0.1, batch_first=True), nn.LayerNorm(d, eps=1e-12)
        self.fc1, self.fc2, self.norm2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d), nn.LayerNorm(d, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def forward(self, x, mask):
        x = self.norm1(x + self.drop(self.attn(x, x, x, key_padding_mask=mask)[0]))
        return self.norm2(x + self.drop(self.fc2(F.gelu(self.fc1(x)))))


class Bert(nn.Module):
    def __init__(self, vocabulary, d, heads, layers):
        super().__init__()
        self.word, self.token_type = nn.Embedding(vocabulary, d, padding_idx=0), nn.Embedding(2, d)
        self.position = nn.Parameter(torch.zeros(64, d))
        self.norm, self.layers = nn.LayerNorm(d, eps=1e-12), nn.ModuleList(BertLayer(d, heads) for _ in range(layers))
        self.pooler = nn.Linear(d, d)

    def forward(self, ids, types, mask):
        x = self.norm(self.word(ids) + self.position[: ids.shape[1]] + self.token_type(types))
        for layer in self.layers:
            x = layer(F.dropout(x, 0.1, self.training) if layer is self.layers[0] else x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class T5Attention(nn.Module):
    def __init__(self, d, heads, buckets):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d, bias=False) for _ in range(4))
        self.relative = nn.Embedding(buckets, heads)

    def forward(self, x, buckets):
        q, k, v = (w(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for w in (self.q, self.k, self.v))
        weights = F.softmax(q @ k.transpose(-1, -2) + self.relative(buckets).permute(2, 0, 1)[None], -1)
        return self.o((weights @ v).transpose(1, 2).flatten(2))


class T5Block(nn.Module):
    def __init__(self, d, ff):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.RMSNorm(d, eps=1e-6), T5Attention(d, 2, 8), nn.RMSNorm(d, eps=1e-6)
        self.wi_0, self.wi_1, self.wo = nn.Linear(d, ff, bias=False), nn.Linear(d, ff, bias=False), nn.Linear(ff, d, bias=False)

    def forward(self, x, buckets):
        x = x + self.attn(self.norm1(x), buckets)
        h = self.norm2(x)
        return x + self.wo(F.gelu(self.wi_0(h)) * self.wi_1(h))


class GroupedQuery(nn.Module):
    def __init__(self, d, heads, kv):
        super().__init__()
        self.heads, self.kv, self.width = heads, kv, d // heads
        self.norm, self.norm2 = nn.RMSNorm(d, eps=1e-6), nn.RMSNorm(d, eps=1e-6)
        self.q, self.o = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
        self.k, self.v = nn.Linear(d, kv * self.width, bias=False), nn.Linear(d, kv * self.width, bias=False)
        self.gate, self.up, self.down = nn.Linear(d, 4 * d, bias=False), nn.Linear(d, 4 * d, bias=False), nn.Linear(4 * d, d, bias=False)

    def forward(self, x, cos, sin):
        h, (b, t, d) = self.norm(x), x.shape
        split = lambda y, heads: y.view(b, t, heads, self.width).transpose(1, 2)
        turned = lambda y: y * cos + torch.cat([-y[..., self.width // 2 :], y[..., : self.width // 2]], -1) * sin
        q, k, v = turned(split(self.q(h), self.heads)), turned(split(self.k(h), self.kv)), split(self.v(h), self.kv)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.o(y.transpose(1, 2).reshape(b, t, d))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class MbConv(nn.Module):
    def __init__(self, inputs, outputs, expand, k, stride, r):
        super().__init__()
        wide = inputs * expand
        self.expand, self.bn0 = nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide)
        self.dw, self.bn1 = nn.Conv2d(wide, wide, k, stride, k // 2, groups=wide, bias=False), nn.BatchNorm2d(wide)
        self.se1, self.se2 = nn.Conv2d(wide, r, 1), nn.Conv2d(r, wide, 1)
        self.project, self.bn2 = nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = F.silu(self.bn1(self.dw(F.silu(self.bn0(self.expand(x))))))
        y = y * torch.sigmoid(self.se2(F.silu(self.se1(F.adaptive_avg_pool2d(y, 1)))))
        return self.bn2(self.project(y))


class TimeBlock(nn.Module):
    def __init__(self, inputs, outputs, time):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(4, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(time, outputs)
        self.norm2, self.conv2 = nn.GroupNorm(4, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x, t):
        y = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(t))[:, :, None, None]
        return self.conv2(F.silu(self.norm2(y))) + (self.skip(x) if self.skip else x)


class AttnBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm, self.qkv, self.proj = nn.GroupNorm(4, c), nn.Conv2d(c, 3 * c, 1), nn.Conv2d(c, c, 1)

    def forward(self, x):
        q, k, v = (part.flatten(2).transpose(1, 2) for part in self.qkv(self.norm(x)).chunk(3, 1))
        return x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape))


class Ddpm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.register_buffer("freqs", torch.ones(c // 2))
        self.t1, self.t2 = nn.Linear(c, 4 * c), nn.Linear(4 * c, 4 * c)
        self.stem, self.d1 = nn.Conv2d(3, c, 3, padding=1), TimeBlock(8, 8, 32)
        self.down = nn.Conv2d(c, c, 3, 2, 1)
        self.mid1, self.attn, self.mid2 = TimeBlock(8, 16, 32), AttnBlock(16), TimeBlock(16, 16, 32)
        self.up, self.u1 = nn.ConvTranspose2d(16, c, 4, 2, 1), TimeBlock(16, 8, 32)
        self.out = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x, t):
        a = t[:, None] * self.freqs
        t = self.t2(F.silu(self.t1(torch.cat([a.sin(), a.cos()], 1))))
        skip = self.d1(self.stem(x), t)
        h = self.mid2(self.attn(self.mid1(self.down(skip), t)), t)
        return self.out(F.silu(self.u1(torch.cat([self.up(h), skip], 1), t)))


class Dlrm(nn.Module):
    def __init__(self, e):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(10, e) for _ in range(3))
        self.bottom1, self.bottom2 = nn.Linear(13, 32), nn.Linear(32, e)
        self.top1, self.top2 = nn.Linear(e + 6, 16), nn.Linear(16, 1)

    def forward(self, dense, sparse):
        x = F.relu(self.bottom2(F.relu(self.bottom1(dense))))
        all = torch.stack([x] + [table(sparse[:, i]) for i, table in enumerate(self.tables)], 1)
        i, j = torch.tril_indices(4, 4, offset=-1)
        z = torch.cat([x, (all @ all.transpose(1, 2))[:, i, j]], 1)
        return torch.sigmoid(self.top2(F.relu(self.top1(z)))).squeeze(1)


class Coupling(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d // 2, h), nn.Linear(h, d)

    def forward(self, x):
        a, b = x.chunk(2, 1)
        s, t = self.fc2(torch.tanh(self.fc1(a))).chunk(2, 1)
        s = torch.tanh(s)
        return torch.cat([a, b * s.exp() + t], 1), s.sum(1)


class RealNvp(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.c1, self.c2 = Coupling(d, h), Coupling(d, h)

    def forward(self, x):
        z, first = self.c1(x)
        z, second = self.c2(z.flip(1))
        return z, first + second


class DitBlock(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(d, elementwise_affine=False, eps=1e-6) for _ in range(2))
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.fc1, self.fc2, self.ada = nn.Linear(d, 4 * d), nn.Linear(4 * d, d), nn.Linear(d, 6 * d)

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.ada(F.silu(c))[:, None].chunk(6, -1)
        h = self.norm1(x) * (1 + scale1) + shift1
        x = x + gate1 * self.attn(h, h, h, need_weights=False)[0]
        h = self.norm2(x) * (1 + scale2) + shift2
        return x + gate2 * self.fc2(F.gelu(self.fc1(h), approximate="tanh"))


class PatchTst(nn.Module):
    def __init__(self, length, p, d, outputs):
        super().__init__()
        self.p, self.embed, self.place = p, nn.Linear(p, d), nn.Parameter(torch.zeros(length // p, d))
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(d, 2, 32, dropout=0.0, batch_first=True) for _ in range(2))
        self.head = nn.Linear(length // p * d, outputs)

    def forward(self, x):
        m, s = x.mean(1, keepdim=True), (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
        b, t, v = x.shape
        z = self.embed(((x - m) / s).transpose(1, 2).reshape(b * v, t // self.p, self.p)) + self.place
        for layer in self.layers:
            z = layer(z)
        return self.head(z.flatten(1)).reshape(b, v, -1).transpose(1, 2) * s + m


def angles(which):
    """The cosines or sines of rotary positions: 5 of them, 2 frequencies."""
    return getattr(torch, which)(torch.arange(5).double()[:, None] * torch.tensor([1.0, 0.01]).double()).float().double()


def mask():
    """Two examples of 5 and 3 tokens: what is padding."""
    return torch.arange(5)[None] >= torch.tensor([5, 3])[:, None]


# Name, network, inputs, whether it trains: dropout is random.
NETWORKS = [
    ("mobilenet_v2", lambda: MobileNetV2(10), lambda: [image((3, 3, 32, 32), 1)], True),
    ("dense_block", DenseBlock, lambda: [image((2, 8, 6, 4), 1)], True),
    ("convnext", lambda: ConvNeXt(6, 2), lambda: [image((2, 3, 16, 12), 1)], True),
    ("swin", lambda: SwinBlock(8), lambda: [image((2, 8, 8, 8), 1)], True),
    ("gan", Gan, lambda: [image((5, 6), 1)], True),
    ("mixer", lambda: Mixer(2), lambda: [image((2, 3, 16, 16), 1)], True),
    ("attention_unet", AttentionUNet, lambda: [image((2, 1, 16, 16), 1)], True),
    ("wavenet", lambda: WaveNet(4), lambda: [image((2, 11), 1)], True),
    ("llama", lambda: LlamaBlock(8, 2, 12), lambda: [image((2, 5, 8), 1), angles("cos"), angles("sin")], True),
    ("seq2seq", lambda: Seq2Seq(9, 5, 6), lambda: [symbols((2, 4), 9, 1), symbols((2, 5), 9, 2)], True),
    ("bert", lambda: Bert(11, 8, 2, 2), lambda: [symbols((2, 5), 11, 1), symbols((2, 5), 2, 2), mask()], False),
    ("t5", lambda: T5Block(8, 12), lambda: [image((2, 5, 8), 1), symbols((5, 5), 8, 2)], True),
    ("grouped_query", lambda: GroupedQuery(16, 4, 2), lambda: [image((2, 5, 16), 1), image((5, 4), 2).cos(), image((5, 4), 2).sin()], True),
    ("mbconv", lambda: MbConv(8, 12, 6, 5, 2, 2), lambda: [image((3, 8, 7, 6), 1)], True),
    ("ddpm", lambda: Ddpm(8), lambda: [image((2, 3, 8, 8), 1), image((2,), 2)], True),
    ("dlrm", lambda: Dlrm(4), lambda: [image((4, 13), 1), symbols((4, 3), 10, 2)], True),
    ("real_nvp", lambda: RealNvp(4, 5), lambda: [image((5, 4), 1)], True),
    ("dit", lambda: DitBlock(8, 2), lambda: [image((2, 5, 8), 1), image((2, 8), 2)], True),
    ("patch_tst", lambda: PatchTst(12, 3, 8, 5), lambda: [image((2, 12, 3), 1)], True),
]


def line(name, network, inputs, training):
    model = network().double().train(training)
    with torch.no_grad():
        for salt, (key, tensor) in enumerate(model.named_parameters()):
            tensor.copy_(parameter(key, tensor.shape, 100 + salt))
    inputs = inputs()
    run = lambda: (lambda y: y if isinstance(y, tuple) else (y,))(model(*inputs))
    outputs = run()
    value = sum(F.mse_loss(output, image(output.shape, 50 + number)) for number, output in enumerate(outputs))
    value.backward()
    model.eval()
    return {
        "name": name,
        "state": {key: list(tensor.shape) for key, tensor in model.state_dict().items()},
        # The order in which they were given their values.
        "parameters": [key for key, _ in model.named_parameters()],
        "outputs": [numbers(output.flatten()[:100]) for output in outputs],
        "loss": numbers(value)[0],
        "evaluated": [numbers(output.flatten()[:100]) for output in run()],
        "grads": {key: summary(torch.zeros_like(tensor) if tensor.grad is None else tensor.grad) for key, tensor in model.named_parameters()},
    }


def main():
    torch.set_num_threads(1)
    lines = [json.dumps(line(*network), separators=(",", ":")) for network in NETWORKS]
    (HERE / "architectures.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
