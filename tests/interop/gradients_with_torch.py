#!/usr/bin/env python3
"""Gradients of a whole step in PyTorch, in f64 and f32, beside those in a folder; `tests/steps/torch.rs` runs it.

    python tests/interop/gradients_with_torch.py FOLDER ARCHITECTURE

FOLDER holds `tensors.json`, names and shapes, and NAME.f32 of each: all parameters and running statistics by their
names in the state_dict, `images`, `labels`, with dropout `dropout_mask`, and `gradient.NAME` of each parameter. Prints as JSON the
median over parameters of |g - g64| / |g64| of those gradients and of PyTorch's own in f32; parameters whose
gradient is zero but for rounding are left out and counted.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from networks_in_torch import NETWORKS

MARGIN, SCALE, QUALITY, EPSILON = 0.4, 64.0, 0.333, 1e-3
T_ALPHA = 0.01


def adaface(features, kernel, labels):
    """The loss of AdaFace (Kim et al. 2022) from averages that begin at zero."""
    norms = features.norm(dim=1, keepdim=True)
    cosines = (features / norms) @ (kernel / kernel.norm(dim=0, keepdim=True))
    cosines = cosines.clamp(-1 + EPSILON, 1 - EPSILON)
    safe = norms.detach().clip(0.001, 100)
    mean, std = T_ALPHA * safe.mean(), T_ALPHA * safe.std()
    q = (QUALITY * (safe - mean) / (std + EPSILON)).clip(-1, 1).squeeze(1)
    rows = torch.arange(len(labels))
    angle = (cosines[rows, labels].acos() - MARGIN * q).clip(EPSILON, math.pi - EPSILON)
    target = angle.cos() - (MARGIN + MARGIN * q)
    return F.cross_entropy(SCALE * cosines.index_put((rows, labels), target), labels)


def main() -> None:
    folder, architecture = Path(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(2)
    shapes = json.loads((folder / "tensors.json").read_text())
    tensor = {n: np.fromfile(folder / f"{n}.f32", "<f4").reshape(shape) for n, shape in shapes.items()}

    def gradients(dtype):
        net = NETWORKS[architecture]().to(dtype).train()
        state = {n.removeprefix("backbone."): torch.from_numpy(a.copy()).to(dtype)
                 for n, a in tensor.items() if n.startswith("backbone.")}
        missing = net.load_state_dict(state, strict=False)
        assert not missing.unexpected_keys, missing
        # Nothing reads the token of hidden patches where none are hidden.
        unread = ("num_batches_tracked", "mask_token")
        assert all(key.endswith(unread) for key in missing.missing_keys), missing
        kernel = torch.from_numpy(tensor["head.kernel"].copy()).to(dtype).requires_grad_()
        fed = [torch.from_numpy(tensor[n].copy()).to(dtype) for n in ("images", "dropout_mask") if n in tensor]
        labels = torch.from_numpy(tensor["labels"].copy()).long()
        adaface(net(*fed), kernel, labels).backward()
        named = {f"backbone.{name}": p.grad for name, p in net.named_parameters()} | {"head.kernel": kernel.grad}
        return {name: gradient.double().numpy() for name, gradient in named.items() if gradient is not None}

    exact, single = gradients(torch.float64), gradients(torch.float32)
    lengths = {name: np.linalg.norm(g) / np.sqrt(g.size) for name, g in exact.items()}
    longest = max(lengths.values())
    zero = [name for name, length in lengths.items() if length < 1e-9 * longest]

    def median(of):
        errors = [np.linalg.norm(of(n) - g) / np.linalg.norm(g) for n, g in exact.items() if n not in zero]
        return float(np.median(errors)), float(np.max(errors))

    ours, theirs = median(lambda n: tensor[f"gradient.{n}"].astype("f8")), median(lambda n: single[n])
    largest_zero = max((float(np.abs(tensor[f"gradient.{n}"]).max()) for n in zero), default=0.0)
    print(json.dumps({"ours": ours[0], "ours_worst": ours[1], "torch_f32": theirs[0], "torch_f32_worst": theirs[1],
                      "parameters": len(exact), "zero": len(zero), "largest_of_zero": largest_zero}))


if __name__ == "__main__":
    main()
