#!/usr/bin/env python3
"""Exports a backbone of random weights with two outputs, for timing: export_backbone.py PEERS NAME OUT.onnx

PEERS is the folder of irnet.py, NAME one that it knows: ir18, ir50. Needs torch, onnx and onnxscript.
"""

import sys

import torch

sys.path.insert(0, sys.argv[1])
from irnet import backbone, embed  # noqa: E402


class Embed(torch.nn.Module):
    """The backbone with the normalisation that an export has inside."""

    def __init__(self):
        super().__init__()
        self.net = backbone(sys.argv[2]).eval()

    def forward(self, x):
        return embed(self.net, x)


torch.manual_seed(0)
torch.onnx.export(
    Embed().eval(),
    (torch.randn(2, 3, 112, 112),),
    sys.argv[3],
    input_names=["input"],
    output_names=["embedding", "norm"],
    dynamic_axes={name: {0: "n"} for name in ("input", "embedding", "norm")},
    dynamo=False,
)
