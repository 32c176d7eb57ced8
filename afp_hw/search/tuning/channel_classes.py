"""Channels that must be scaled alike: what additions, slices and concatenations tie together.

A channel may be divided by a positive factor wherever it is made if every reader multiplies by it.
Element-wise operations on several tensors need the same factor on all of them: a residual network's
stream is one class per channel, from the first layer that makes it to the last that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.network import Graph, Node

FIXED: Final = 0
"""The class of channels that nothing may scale."""

_SAME: Final = {"Relu", "MaxPool", "AveragePool", "GlobalAveragePool"}
"""Operators whose output channels are scaled as their inputs are."""


class _Classes:
    """Classes of numbers, joined step by step; the smallest number names a class."""

    def __init__(self) -> None:
        self._parent = [FIXED]

    def new(self, count: int) -> NDArray[np.int64]:
        start = len(self._parent)
        self._parent += range(start, start + count)
        return np.arange(start, start + count)

    def find(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        for one, two in zip(first.tolist(), second.tolist(), strict=True):
            low, high = sorted((self.find(one), self.find(two)))
            self._parent[high] = low

    def named(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([self.find(number) for number in numbers.tolist()], np.int64)


def channel_classes(graph: Graph) -> Mapping[str, NDArray[np.int64]]:
    """The class of every channel of every tensor, int64 [C], by tensor.

    Of a flat tensor every element is a channel. Channels of the network's input, of its outputs and
    of tensors in front of or behind a clip are :data:`FIXED`.
    """
    classes = _Classes()
    of: dict[str, NDArray[np.int64]] = {}
    for spec in graph.inputs:
        of[spec.name] = np.zeros(spec.shape[0], np.int64)
    for node in graph.nodes:
        of[node.output] = _output(classes, graph, node, [of[name] for name in node.inputs])
    for name in graph.outputs:
        classes.join(of[name], np.zeros_like(of[name]))
    return {name: classes.named(numbers) for name, numbers in of.items()}


def _output(
    classes: _Classes, graph: Graph, node: Node, inputs: list[NDArray[np.int64]]
) -> NDArray[np.int64]:
    first = inputs[0]
    channels = graph.shapes[node.output][0]
    if node.weight is not None:
        return classes.new(channels)
    if node.op in _SAME:
        return first
    if node.op == "Add":
        classes.join(*inputs)
        return first
    if node.op == "Flatten":
        return np.repeat(first, int(np.prod(graph.shapes[node.inputs[0]][1:])))
    if node.op == "Slice":
        return first[slice(*node.attributes["slices"][0])]
    if node.op == "Pad":
        # Zeros in front of and behind the channels are zero in any scale.
        before, after = node.attributes["before"][0], node.attributes["after"][0]
        return np.concatenate([classes.new(before), first, classes.new(after)])
    if node.op == "Concat" and node.attributes["axis"] == 0:
        return np.concatenate(inputs)
    for numbers in inputs:  # a clip, or what is not known to pass a factor through
        classes.join(numbers, np.zeros_like(numbers))
    return np.zeros(channels, np.int64)
