"""The networks that gradients are compared of, in PyTorch, with the tensors' names of their sources.

`NETWORKS` has a function for each name of `backbone.architecture`. A network is called with images and, where it has
dropout, with what that keeps.
"""

import torch
from torch import nn
from torch.nn import functional as F

DROPOUT = 0.4


class Excitation(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=False)

    def forward(self, x):
        return x * self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class Block(nn.Module):
    def __init__(self, i: int, o: int, stride: int, squeezed: bool):
        super().__init__()
        if i == o:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o), nn.PReLU(o),
            nn.Conv2d(o, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o),
        )
        if squeezed:
            self.res_layer.add_module("se_block", Excitation(o))

    def forward(self, x):
        return self.res_layer(x) + self.shortcut_layer(x)


class Residual(nn.Module):
    """AdaFace's."""

    def __init__(self, units: list[int], squeezed: bool = False):
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        blocks, i = [], 64
        for o, count in zip((64, 128, 256, 512), units):
            for unit in range(count):
                blocks.append(Block(i, o, 2 if unit == 0 else 1, squeezed))
                i = o
        self.body = nn.Sequential(*blocks)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512), nn.Dropout(DROPOUT), nn.Flatten(), nn.Linear(512 * 49, 512),
            nn.BatchNorm1d(512, affine=False),
        )

    def forward(self, x, mask):
        x = self.output_layer[0](self.body(self.input_layer(x)))
        x = x * mask / (1 - DROPOUT)
        return self.output_layer[4](self.output_layer[3](torch.flatten(x, 1)))


class Chain(nn.Module):
    """Modules one after another, by the name `layers`."""

    def __init__(self, *modules: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*modules)

    def forward(self, x):
        return self.layers(x)


class Sums(Chain):
    """Each adds to what it is given."""

    def forward(self, x):
        for module in self.layers:
            x = x + module(x)
        return x


def linear(i: int, o: int, kernel: int, stride: int = 1, pad: int = 0, groups: int = 1) -> Chain:
    return Chain(nn.Conv2d(i, o, kernel, stride, pad, groups=groups, bias=False), nn.BatchNorm2d(o))


def sloped(i: int, o: int, kernel: int, stride: int = 1, pad: int = 0, groups: int = 1) -> Chain:
    conv, norm = linear(i, o, kernel, stride, pad, groups).layers
    return Chain(conv, norm, nn.PReLU(o))


def depthwise(i: int, within: int, o: int, stride: int) -> Chain:
    return Chain(sloped(i, within, 1), sloped(within, within, 3, stride, 1, within), linear(within, o, 1))


class MobileFaceNet(Chain):
    def __init__(self):
        residual = lambda count, channels, within: Sums(*(depthwise(channels, within, channels, 1) for _ in range(count)))
        super().__init__(
            sloped(3, 128, 3, 2, 1), sloped(128, 128, 3, 1, 1, 64),
            depthwise(128, 128, 128, 2), residual(4, 128, 128),
            depthwise(128, 256, 256, 2), residual(6, 256, 256),
            depthwise(256, 512, 256, 2), residual(2, 256, 256),
        )
        self.conv_sep = sloped(256, 512, 1)
        self.features = Chain(
            linear(512, 512, 7, groups=512), nn.Flatten(), nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512)
        )

    def forward(self, x):
        return self.features(self.conv_sep(self.layers(x)))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)

    def forward(self, x):
        rows, tokens, width = x.shape
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (query @ key.mT * (width // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ value).transpose(1, 2).reshape(rows, tokens, width))


class Perceptron(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.relu6(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = Attention(width, 8), Perceptron(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, width: int, depth: int):
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, 9, 9)})
        self.pos_embed = nn.Parameter(torch.zeros(1, 144, width))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.blocks = nn.Sequential(*(Layer(width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.feature = nn.Sequential(
            nn.Linear(144 * width, width, bias=False), nn.BatchNorm1d(width, eps=2e-5),
            nn.Linear(width, 512, bias=False), nn.BatchNorm1d(512, eps=2e-5),
        )

    def forward(self, x):
        x = self.patch_embed["proj"](x).flatten(2).transpose(1, 2) + self.pos_embed
        return self.feature(self.norm(self.blocks(x)).flatten(1))


NETWORKS = {
    "ir18": lambda: Residual([2, 2, 2, 2]),
    "ir50": lambda: Residual([3, 4, 14, 3]),
    "ir_se_50": lambda: Residual([3, 4, 14, 3], squeezed=True),
    "arcface_mbf": MobileFaceNet,
    "arcface_vit_t": lambda: Transformer(256, 12),
}
