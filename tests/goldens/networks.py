"""The networks of the examples in PyTorch, for tests/tests/networks.rs: outputs, losses, and every parameter's gradient.

Run `python tests/goldens/networks.py` from the repository's root; it needs torch and torchvision, and writes
tests/goldens/networks.jsonl (a line for each network) and tests/goldens/resnet_names.txt.

Parameters and inputs come from a formula that the test knows as well, so that the file holds results only. PyTorch computes
in double precision, from parameters that single precision represents. Of a large gradient the file has its greatest element,
its norm, two projections on vectors of the same formula, and a sample.
"""

import json

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from formula import HERE, image, numbers, parameter, summary, symbols


class Block(nn.Module):
    def __init__(self, d, heads, causal):
        super().__init__()
        self.ln1 = nn.LayerNorm(d)
        self.query, self.key, self.value, self.proj = (nn.Linear(d, d) for _ in range(4))
        self.ln2 = nn.LayerNorm(d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.heads, self.causal = heads, causal

    def forward(self, x):
        h = self.ln1(x)
        q, k, v = (part(h).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.proj(a.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, vocabulary, context, d, heads, layers, tied):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, d), nn.Embedding(context, d)
        self.blocks = nn.ModuleList(Block(d, heads, True) for _ in range(layers))
        self.ln = nn.LayerNorm(d)
        self.tied = tied
        if not tied:
            self.head = nn.Linear(d, vocabulary)

    def forward(self, text):
        x = self.tokens(text) + self.positions(torch.arange(text.shape[1]))
        for block in self.blocks:
            x = block(x)
        x = self.ln(x)
        return F.linear(x, self.tokens.weight) if self.tied else self.head(x)


class ViT(nn.Module):
    def __init__(self, channels, size, patch, d, heads, layers, classes):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, d))
        self.positions = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, d))
        self.patches = nn.Conv2d(channels, d, patch, stride=patch)
        self.blocks = nn.ModuleList(Block(d, heads, False) for _ in range(layers))
        self.ln = nn.LayerNorm(d)
        self.head = nn.Linear(d, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln(x[:, 0]))


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)))


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


class UNet(nn.Module):
    def __init__(self, channels, a, b, c, out):
        super().__init__()
        self.down1, self.down2, self.bottom = DoubleConv(channels, a), DoubleConv(a, b), DoubleConv(b, c)
        self.up2, self.up1 = Up(c, b), Up(b, a)
        self.out = nn.Conv2d(a, out, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        return self.out(self.up1(self.up2(c, b), a))


class Tagger(nn.Module):
    def __init__(self, vocabulary, d, hidden, tags):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, d)
        self.lstm = nn.LSTM(d, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.tags = nn.Linear(2 * hidden, tags)

    def forward(self, text):
        return self.tags(self.lstm(self.embed(text))[0])


def classes(output, target):
    """The cross-entropy over the last axis."""
    return F.cross_entropy(output.flatten(0, -2), target.flatten())


# Name, network, input, target, loss.
NETWORKS = [
    ("resnet18", lambda: torchvision.models.resnet18(), lambda: image((3, 3, 64, 64), 1), lambda: symbols((3,), 1000, 2), classes),
    ("vit", lambda: ViT(3, 12, 4, 16, 2, 2, 7), lambda: image((3, 3, 12, 12), 1), lambda: symbols((3,), 7, 2), classes),
    ("unet", lambda: UNet(1, 4, 8, 16, 2), lambda: image((2, 1, 12, 16), 1), lambda: image((2, 2, 12, 16), 2), F.mse_loss),
    ("gpt", lambda: Gpt(11, 12, 16, 2, 2, False), lambda: symbols((2, 9), 11, 1), lambda: symbols((2, 9), 11, 2), classes),
    ("tied_gpt", lambda: Gpt(11, 12, 16, 2, 2, True), lambda: symbols((2, 9), 11, 1), lambda: symbols((2, 9), 11, 2), classes),
    ("tagger", lambda: Tagger(13, 6, 5, 4), lambda: symbols((3, 8), 13, 1), lambda: symbols((3, 8), 4, 2), classes),
]


def line(name, network, source, target, loss):
    model = network().double()
    with torch.no_grad():
        for salt, (key, tensor) in enumerate(model.named_parameters()):
            tensor.copy_(parameter(key, tensor.shape, 100 + salt))
    source, target = source(), target()
    output = model(source)
    value = loss(output, target)
    value.backward()
    state = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
    grads = {key: summary(tensor.grad) for key, tensor in model.named_parameters()}
    model.eval()
    return {
        "name": name,
        "state": state,
        "outputs": [numbers(output.flatten()[:200])],
        "loss": numbers(value)[0],
        # After the step above has moved the running statistics.
        "evaluated": [numbers(model(source).flatten()[:200])],
        "grads": grads,
    }


def main():
    torch.set_num_threads(1)
    lines = [json.dumps(line(*network), separators=(",", ":")) for network in NETWORKS]
    (HERE / "networks.jsonl").write_text("\n".join(lines) + "\n")
    with open(HERE / "resnet_names.txt", "w") as file:
        for name in ("resnet18", "resnet152"):
            for key, tensor in getattr(torchvision.models, name)().state_dict().items():
                print(name, key, *tensor.shape, file=file)


if __name__ == "__main__":
    main()
