"""ONNX operators with weights, and what is folded into them: batch norm, bias."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from afp_hw.network.graph import Node, Shape
from afp_hw.network.onnx_node import Unsupported, attributes_of
from afp_hw.network.onnx_quant import scaled_format
from afp_hw.network.onnx_window import window_of

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer


Floats = NDArray[np.float64]


def convert_conv(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Conv, of any stride, padding, dilation and grouping."""
    name, shape = importer.activation(node)
    weight = importer.constant(node, 1)
    assert weight is not None  # the checker wants it
    bias = importer.constant(node, 2)
    attributes = attributes_of(node)
    window, size = window_of(attributes, tuple(weight.shape[2:]), shape)
    window["groups"] = attributes.get("group", 1)
    if not weight.size or weight.shape[1] * window["groups"] != shape[0]:
        raise Unsupported(f"of weights {[*weight.shape]} on {shape[0]} channels")
    converted = Node(
        label,
        "Conv",
        (name,),
        node.output[0],
        window,
        weight.astype(np.float64),
        None if bias is None else bias.astype(np.float64),
    )
    importer.emit(converted, (weight.shape[0], *size))


def _linear(
    importer: Importer, node: onnx.NodeProto, label: str, weight: Floats, bias: Floats | None
) -> None:
    name, shape = importer.activation(node)
    if len(shape) != 1 or weight.ndim != 2:
        raise Unsupported(f"on {len(shape) + 1}-dimensional tensors")
    if not weight.size or weight.shape[0] != shape[0]:
        raise Unsupported(f"of weights {[*weight.shape]} on {shape[0]} features")
    converted = Node(label, "Linear", (name,), node.output[0], {}, weight, bias)
    importer.emit(converted, (weight.shape[1],))


def convert_gemm(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Gemm: a linear layer, its factors multiplied into weights and bias."""
    attributes = attributes_of(node)
    weight, bias = importer.constant(node, 1), importer.constant(node, 2)
    if attributes.get("transA", 0):
        raise Unsupported("with transA")
    assert weight is not None  # the checker wants it
    scaled = weight.astype(np.float64) * attributes.get("alpha", 1.0)
    if attributes.get("transB", 0):
        scaled = scaled.T
    if bias is not None:
        wide = bias.astype(np.float64) * attributes.get("beta", 1.0)
        bias = np.broadcast_to(wide, (1, scaled.shape[1]))[0].copy()
    _linear(importer, node, label, scaled, bias)


def convert_matmul(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """MatMul by a constant: a linear layer without bias."""
    weight = importer.constant(node, 1)
    assert weight is not None  # the checker wants it
    _linear(importer, node, label, weight.astype(np.float64), None)


def _per_channel(values: NDArray[Any], shape: Shape) -> Floats:
    """A constant of one number per channel of an activation (C, H, W) or (C)."""
    wide = values.astype(np.float64)
    try:
        full = np.broadcast_to(wide, (1, *shape))[0]
    except ValueError as error:
        raise Unsupported("with a constant of another shape") from error
    flat = full.reshape(shape[0], -1)
    if (flat != flat[:, :1]).any():
        raise Unsupported("with a constant that differs within a channel")
    first: Floats = flat[:, 0].copy()
    return first


def convert_add(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Add: of two activations, or of a constant per channel to one."""
    constant = [importer.resolve(name) in importer.constants for name in node.input]
    if any(constant):
        index = constant.index(False)
        values = importer.constants[importer.resolve(node.input[1 - index])]
        _, shape = importer.activation(node, index)
        _affine(importer, node, label, index, np.ones(shape[0]), _per_channel(values, shape))
        return
    (first, shape), (second, other) = importer.activation(node, 0), importer.activation(node, 1)
    if shape != other:
        raise Unsupported("of different shapes")
    importer.emit(Node(label, "Add", (first, second), node.output[0]), shape)


def convert_batch_norm(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """BatchNormalization: folded into the layer before where only it reads that."""
    if attributes_of(node).get("training_mode", 0):
        raise Unsupported("in training mode")
    constants = [importer.constant(node, index) for index in range(1, 5)]
    scale, offset, mean, variance = (c.astype(np.float64) for c in constants if c is not None)
    factor = scale / np.sqrt(variance + attributes_of(node).get("epsilon", 1e-5))
    _affine(importer, node, label, 0, factor, offset - mean * factor)


def _affine(
    importer: Importer, node: onnx.NodeProto, label: str, index: int, factor: Floats, offset: Floats
) -> None:
    """``x * factor + offset`` per channel: folded into the layer before, else a layer itself."""
    name, shape = importer.activation(node, index)
    place = importer.foldable(name)
    if place is not None:
        layer = importer.nodes[place]
        assert layer.weight is not None  # foldable
        column = (-1, 1, 1, 1) if layer.op == "Conv" else (1, -1)
        bias = offset if layer.bias is None else layer.bias * factor + offset
        importer.nodes[place] = replace(
            layer, weight=layer.weight * factor.reshape(column), bias=bias
        )
        named = importer.weight_formats.get(layer.name)
        if named is not None:
            importer.weight_formats[layer.name] = scaled_format(named, factor)
        importer.alias(node.output[0], name)
        return
    if len(shape) != 3:
        raise Unsupported("that cannot be folded into a layer before it")
    window = {"kernel": (1, 1), "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1)}
    weight = factor.reshape(-1, 1, 1, 1)
    converted = Node(
        label, "Conv", (name,), node.output[0], {**window, "groups": shape[0]}, weight, offset
    )
    importer.emit(converted, shape)
