"""The convolutions of a TensorFlow.js graph model whose weights are in half precision."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from .filling import Convolution


def read_tensorflow_js(model: bytes, values: bytes) -> list[Convolution]:
    """In the order of the graph's nodes.

    Args:
        model: the JSON file; values: the binary file that it names.
    Source of the format: TensorFlow.js, tfjs-core/src/io/types.ts (weightsManifest) and TensorFlow's NodeDef.
    """
    described = json.loads(model)
    tensors, start = {}, 0
    for group in described["weightsManifest"]:
        for weight in group["weights"]:
            kind = np.float16 if weight.get("quantization", {}).get("dtype") == "float16" else np.dtype(weight["dtype"])
            count = math.prod(weight["shape"])
            tensors[weight["name"]] = np.frombuffer(values, kind, count, start).reshape(weight["shape"])
            start += count * np.dtype(kind).itemsize
    convolutions = []
    for node in described["modelTopology"]["node"]:
        if "Conv2d" in node["op"] or "Conv2D" in node["op"]:
            convolutions.append(_convolution(node, tensors))
    return convolutions


def _convolution(node: dict[str, Any], tensors: dict[str, np.ndarray]) -> Convolution:
    weight = tensors[node["input"][1]].astype(np.float32)  # (height, width, inputs, outputs)
    bias = tensors[node["input"][2]].astype(np.float32) if "Fused" in node["op"] else None
    stride = int(node["attr"]["strides"]["list"]["i"][1])
    if "Depthwise" in node["op"]:  # (height, width, channels, 1)
        return Convolution(weight.transpose(2, 3, 0, 1), bias, stride, weight.shape[2])
    return Convolution(weight.transpose(3, 2, 0, 1), bias, stride, 1)
