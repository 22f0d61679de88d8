#!/usr/bin/env python3
"""Holds models against onnx.checker, with shapes inferred strictly; `tests/steps/torch.rs` runs it.

    python tests/interop/check_onnx.py MODEL.onnx...
"""

import sys

import onnx

for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    unnamed = [node.op_type for node in model.graph.node if not node.name]
    names = [node.name for node in model.graph.node]
    if unnamed or len(set(names)) != len(names):
        sys.exit(f"{path}: nodes without a name of their own: {unnamed}")
    print(f"{path}: {len(names)} nodes, opset {model.opset_import[0].version}")
