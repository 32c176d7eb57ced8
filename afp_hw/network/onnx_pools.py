"""Pools: windows and whole images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import onnx

from afp_hw.network.graph import Node
from afp_hw.network.onnx_node import Unsupported, attributes_of
from afp_hw.network.onnx_window import window_of

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer


def pool(op: str) -> Callable[[Importer, onnx.NodeProto, str], None]:
    """MaxPool or AveragePool."""

    def convert(importer: Importer, node: onnx.NodeProto, label: str) -> None:
        name, shape = importer.activation(node)
        attributes = attributes_of(node)
        if len(node.output) > 1:
            raise Unsupported("with indices")
        window, size = window_of(attributes, tuple(attributes["kernel_shape"]), shape)
        if op == "AveragePool":
            _check_average(attributes, window)
        importer.emit(Node(label, op, (name,), node.output[0], window), (shape[0], *size))

    return convert


def _check_average(attributes: dict[str, Any], window: dict[str, Any]) -> None:
    """Refuse windows of different counts: each mean is a sum times one constant."""
    if window["dilations"] != (1, 1):
        raise Unsupported("with dilations")
    given = window["pads"]
    if attributes.get("ceil_mode", 0):
        given = tuple(attributes.get("pads", (0, 0, 0, 0)))
        if given != window["pads"]:
            raise Unsupported("with ceil_mode where a window passes the edge")
    if any(given) and not attributes.get("count_include_pad", 0):
        raise Unsupported("with padding that is not counted")


def convert_global_average(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """GlobalAveragePool."""
    name, shape = importer.activation(node)
    if len(shape) != 3:
        raise Unsupported(f"on {len(shape) + 1}-dimensional tensors")
    converted = Node(label, "GlobalAveragePool", (name,), node.output[0])
    importer.emit(converted, (shape[0], 1, 1))


def convert_reduce_mean(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """ReduceMean over height and width: the same, with or without these axes."""
    name, shape = importer.activation(node)
    attributes = attributes_of(node)
    given = importer.constant(node, 1)
    axes = attributes.get("axes", ()) if given is None else given.tolist()
    if len(shape) != 3 or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise Unsupported("over axes other than height and width")
    if attributes.get("keepdims", 1):
        convert_global_average(importer, node, label)
        return
    pooled = f"{node.output[0]}.pooled"
    importer.emit(Node(label, "GlobalAveragePool", (name,), pooled), (shape[0], 1, 1))
    importer.emit(Node(f"{label}.flatten", "Flatten", (pooled,), node.output[0]), (shape[0],))
