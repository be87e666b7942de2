"""The convolutions of a TensorFlow Lite file whose weights are in half precision, some of them stored sparsely."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import tflite

from .filling import Convolution

_OPTIONS = {
    tflite.BuiltinOperator.CONV_2D: tflite.Conv2DOptions,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: tflite.DepthwiseConv2DOptions,
}
_VECTORS = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}


def read_tensorflow_lite(content: bytes) -> list[Convolution]:
    """In the order of the graph's operators.

    Raises:
        ValueError: weights that are not stored as in MediaPipe's pose networks.
    Source of the format: TensorFlow, tensorflow/lite/schema/schema.fbs.
    """
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    operators = [graph.Operators(number) for number in range(graph.OperatorsLength())]
    codes = [_code(model.OperatorCodes(operator.OpcodeIndex())) for operator in operators]
    stored = {}  # the tensor that an operator makes of a stored one, by unpacking -> the stored one
    for operator, code in zip(operators, codes, strict=True):
        if code in (tflite.BuiltinOperator.DEQUANTIZE, tflite.BuiltinOperator.DENSIFY):
            stored[operator.Outputs(0)] = operator.Inputs(0)
    convolutions = []
    for operator, code in zip(operators, codes, strict=True):
        if code in _OPTIONS:
            table, options = operator.BuiltinOptions(), _OPTIONS[code]()
            options.Init(table.Bytes, table.Pos)
            weight, bias = (_tensor(model, graph, stored, operator.Inputs(number)) for number in (1, 2))
            if code == tflite.BuiltinOperator.DEPTHWISE_CONV_2D:  # (1, height, width, channels)
                weight, groups = weight.transpose(3, 0, 1, 2), weight.shape[3]
            else:  # (outputs, height, width, inputs)
                weight, groups = weight.transpose(0, 3, 1, 2), 1
            convolutions.append(Convolution(weight, bias, options.StrideH(), groups))
    return convolutions


def _code(code: Any) -> int:
    return int(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))


def _tensor(model: Any, graph: Any, stored: dict[int, int], number: int) -> np.ndarray:
    while number in stored:
        number = stored[number]
    tensor = graph.Tensors(number)
    kind = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16}[tensor.Type()]
    values = model.Buffers(tensor.Buffer()).DataAsNumpy().view(kind).astype(np.float32)
    shape = tuple(int(length) for length in tensor.ShapeAsNumpy())
    return values.reshape(shape) if tensor.Sparsity() is None else _dense(values, shape, tensor.Sparsity())


def _dense(values: np.ndarray, shape: tuple[int, ...], sparsity: Any) -> np.ndarray:
    """Values stored row by row with the columns where they stand; all dimensions but the last are whole."""
    last = len(shape) - 1
    kinds = [sparsity.DimMetadata(number).Format() for number in range(sparsity.DimMetadataLength())]
    whole, compressed = tflite.DimensionType.DENSE, tflite.DimensionType.SPARSE_CSR
    order = list(sparsity.TraversalOrderAsNumpy())
    if kinds != [whole] * last + [compressed] or order != list(range(len(shape))):
        raise ValueError(f"expected weights that are sparse in their last dimension, got {kinds} in order {order}")
    described = sparsity.DimMetadata(last)
    ends = _vector(described.ArraySegmentsType(), described.ArraySegments())
    columns = _vector(described.ArrayIndicesType(), described.ArrayIndices())
    dense = np.zeros((int(np.prod(shape[:last])), shape[last]), np.float32)
    for row, (start, end) in zip(dense, pairwise(ends), strict=True):
        row[columns[start:end]] = values[start:end]
    return dense.reshape(shape)


def _vector(kind: int, table: Any) -> np.ndarray:
    vector = _VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return vector.ValuesAsNumpy()  # type: ignore[no-any-return]
