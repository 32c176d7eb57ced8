"""Layers as loops: the graph's shapes, groups, strides that leave pixels, linear layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw.embedded import model_path
from afp_hw.exports.shapes import LayerShape, largest_layer, shapes_of
from afp_hw.network import load_graph
from afp_hw.network.graph import Graph, Node, TensorSpec
from tests.network.models import residual_network


def convolution(
    groups: int = 1, channels: int = 4, filters: int = 6, **attributes: Any
) -> tuple[Node, Graph]:
    """A convolution of 3 x 2 on an image of 9 x 7."""
    given = {
        "kernel": (3, 2),
        "strides": (2, 2),
        "dilations": (1, 1),
        "pads": (1, 0, 1, 1),
        "groups": groups,
    } | attributes
    out = [
        (size + before + after - (kernel - 1) * dilation - 1) // stride + 1
        for size, before, after, kernel, dilation, stride in zip(
            (9, 7), given["pads"][:2], given["pads"][2:], given["kernel"], given["dilations"],
            given["strides"], strict=True,
        )
    ]  # fmt: skip
    weight = np.zeros((filters, channels // groups, 3, 2))
    node = Node("conv", "Conv", ("x",), "y", given, weight)
    shapes = {"x": (channels, 9, 7), "y": (filters, *out)}
    return node, Graph("test", (TensorSpec("x", (channels, 9, 7)),), ("y",), (node,), shapes)


def test_shapes_of_the_embedded_network_have_its_macs() -> None:
    shapes = {shape.name: shape for shape in shapes_of(load_graph(model_path()))}
    first, last = shapes["conv1"], shapes["fc"]
    assert (first.channels, first.filters, first.output) == (1, 16, (28, 28))
    assert first.macs == 28 * 28 * 9 * 16
    assert (last.channels, last.filters, last.output, last.macs) == (64, 10, (1, 1), 640)
    assert largest_layer(list(shapes.values())) == "block1.conv1"


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
def test_every_product_of_a_window_is_counted_once(groups: int, dilation: int) -> None:
    node, graph = convolution(groups, dilations=(dilation, 1))
    shape = LayerShape.of(node, graph)
    assert shape.groups * shape.filters == 6
    assert shape.groups * shape.channels == 4
    assert shape.macs == np.prod(graph.shapes["y"]) * node.reduction


def test_windows_reach_no_further_than_the_last_one() -> None:
    """9 + 2 rows of which 3, 5, ... 11 are reached; 7 + 1 columns, the last one unread."""
    shape = LayerShape.of(*convolution())
    assert shape.output == (5, 4)
    assert shape.read == (11, 8)
    assert LayerShape.of(*convolution(pads=(0, 0, 0, 0))).read == (9, 6)


def test_groups_of_a_network_are_kept(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    shape = {shape.name: shape for shape in shapes_of(graph)}["depthwise"]
    assert (shape.groups, shape.channels, shape.filters) == (4, 1, 1)


def test_a_node_or_a_graph_without_weights_is_refused() -> None:
    node = Node("relu", "Relu", ("x",), "y")
    graph = Graph("test", (TensorSpec("x", (1,)),), ("y",), (node,), {"x": (1,), "y": (1,)})
    with pytest.raises(ValueError, match="node 'relu' must be a layer, not Relu"):
        LayerShape.of(node, graph)
    with pytest.raises(ValueError, match="model must have a convolution or a linear layer"):
        shapes_of(graph)
