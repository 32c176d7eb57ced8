"""Which function converts which ONNX operator to a node of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import onnx

from afp_hw.network.graph import Node
from afp_hw.network.onnx_layers import (
    convert_add,
    convert_batch_norm,
    convert_conv,
    convert_gemm,
    convert_matmul,
)
from afp_hw.network.onnx_node import Unsupported, attributes_of
from afp_hw.network.onnx_pools import convert_global_average, convert_reduce_mean, pool
from afp_hw.network.onnx_shapes import convert_concat, convert_pad, convert_reshape, convert_slice

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer


def _same_shape(op: str) -> Callable[[Importer, onnx.NodeProto, str], None]:
    def convert(importer: Importer, node: onnx.NodeProto, label: str) -> None:
        name, shape = importer.activation(node)
        importer.emit(Node(label, op, (name,), node.output[0]), shape)

    return convert


def _clip(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    name, shape = importer.activation(node)
    attributes = attributes_of(node)
    low, high = importer.constant(node, 1), importer.constant(node, 2)
    limits = {
        "low": float(attributes.get("min", -np.inf) if low is None else low),
        "high": float(attributes.get("max", np.inf) if high is None else high),
    }
    if limits["low"] != 0 or limits["high"] <= 0:
        raise Unsupported(f"between {limits['low']} and {limits['high']}")
    importer.emit(Node(label, "Clip", (name,), node.output[0], limits), shape)


def _alias(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Identity, Dropout as it is in inference, Cast to float32 or wider."""
    name, _ = importer.activation(node)
    if node.op_type == "Dropout":
        training = importer.constant(node, 2)
        if training is not None and training.any():
            raise Unsupported("in training mode")
    if node.op_type == "Cast":
        kind = attributes_of(node)["to"]
        if kind not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
            raise Unsupported(f"to {onnx.TensorProto.DataType.Name(kind)}")
    importer.alias(node.output[0], name)


OPERATORS: dict[str, Callable[[Importer, onnx.NodeProto, str], None]] = {
    "Add": convert_add,
    "AveragePool": pool("AveragePool"),
    "BatchNormalization": convert_batch_norm,
    "Cast": _alias,
    "Clip": _clip,
    "Concat": convert_concat,
    "Conv": convert_conv,
    "Dropout": _alias,
    "Flatten": convert_reshape,
    "Gemm": convert_gemm,
    "GlobalAveragePool": convert_global_average,
    "Identity": _alias,
    "MatMul": convert_matmul,
    "MaxPool": pool("MaxPool"),
    "Pad": convert_pad,
    "ReduceMean": convert_reduce_mean,
    "Relu": _same_shape("Relu"),
    "Reshape": convert_reshape,
    "Slice": convert_slice,
    "Squeeze": convert_reshape,
}
