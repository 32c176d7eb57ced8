"""Layers of a graph as nested loops: what other tools call a workload."""

from __future__ import annotations

import math
from dataclasses import dataclass

from afp_hw.network.graph import Graph, Node

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LayerShape:
    """Loops of a layer, for one image. A linear layer is a convolution of one pixel, or of a few.

    Attributes
    ----------
    name
        Of the layer.
    groups
        How many groups there are; a depthwise convolution has one for each channel.
    channels, filters
        Of the input and of the output, of one group.
    output, kernel
        Height and width.
    strides, dilations
        Pixels from window to window, and within a window; vertical first.
    pads
        Zeros at top, left, bottom, right.
    stored
        Height and width of the input without its padding.
    """

    name: str
    groups: int
    channels: int
    filters: int
    output: Pair
    kernel: Pair
    strides: Pair
    dilations: Pair
    pads: tuple[int, int, int, int]
    stored: Pair

    @property
    def macs(self) -> int:
        """Products of the layer."""
        window = self.channels * math.prod(self.kernel)
        return self.groups * self.filters * math.prod(self.output) * window

    @property
    def read(self) -> Pair:
        """Height and width of the input that windows reach, padding included.

        A stride may leave rows and columns at the end of the input unread.
        """
        high, wide = (
            (count - 1) * stride + (size - 1) * dilation + 1
            for count, stride, size, dilation in zip(
                self.output, self.strides, self.kernel, self.dilations, strict=True
            )
        )
        return high, wide

    @classmethod
    def of(cls, node: Node, graph: Graph) -> LayerShape:
        """The loops of a layer of a graph.

        Raises
        ------
        ValueError
            The node has no weights.
        """
        if node.weight is None:
            raise ValueError(f"node {node.name!r} must be a layer, not {node.op}")
        shape = graph.shapes[node.output]
        if node.op == "Linear":
            channels, filters = node.weight.shape
            rows = math.prod(shape[:-1])
            one = (1, 1)
            return cls(
                node.name, 1, channels, filters, (rows, 1), one, one, one, (0, 0, 0, 0), (rows, 1)
            )
        filters, channels, high, wide = node.weight.shape
        groups = node.attributes["groups"]
        return cls(
            name=node.name,
            groups=groups,
            channels=channels,
            filters=filters // groups,
            output=(shape[1], shape[2]),
            kernel=(high, wide),
            strides=tuple(node.attributes["strides"]),
            dilations=tuple(node.attributes["dilations"]),
            pads=tuple(node.attributes["pads"]),
            stored=(graph.shapes[node.inputs[0]][1], graph.shapes[node.inputs[0]][2]),
        )


def shapes_of(graph: Graph) -> list[LayerShape]:
    """The loops of all layers, in order.

    Raises
    ------
    ValueError
        The graph has no layer.
    """
    shapes = [LayerShape.of(node, graph) for node in graph.layers()]
    if not shapes:
        raise ValueError("model must have a convolution or a linear layer, not none")
    return shapes


def largest_layer(shapes: list[LayerShape]) -> str:
    """The name of the layer with most products, the first of several."""
    return max(shapes, key=lambda shape: shape.macs).name
