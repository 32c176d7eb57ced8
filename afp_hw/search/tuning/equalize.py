"""Cross-layer equalisation: channels of neighbouring layers scaled alike; the network stays equal.

Between two layers with nothing but ReLU and pooling, channel `c` may be divided by any positive
`s[c]` where it is made and multiplied where it is read. The `s` that gives the weights of both the
same largest magnitude, channel by channel, leaves no channel that a grid for the whole tensor
serves badly. Source: M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
Correction", ICCV 2019, arXiv 1906.04721, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.network import Graph, LayerParameters, Node

_HOMOGENEOUS: Final = {"Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten"}
"""Operators that a positive factor per channel passes through. Padding of a pool: by zeros, or by
what no maximum takes."""

_PASSES: Final = 20
"""A chain of layers settles in a few passes."""


@dataclass(frozen=True)
class _Pair:
    """A layer, the one that alone reads it, and how often a channel is repeated by a flatten."""

    first: str
    second: str
    repeat: int


def _pairs(graph: Graph) -> list[_Pair]:
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in set(node.inputs):
            readers.setdefault(name, []).append(node)
    found = []
    for layer in graph.layers():
        name, repeat = layer.output, 1
        while name not in graph.outputs and len(readers.get(name, [])) == 1:
            reader = readers[name][0]
            if reader.weight is not None:
                found.append(_Pair(layer.name, reader.name, repeat))
                break
            if reader.op not in _HOMOGENEOUS:
                break
            if reader.op == "Flatten":
                repeat *= int(np.prod(graph.shapes[name][1:]))
            name = reader.output
    return found


def _largest_out(layer: Node, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest weight of each output channel."""
    axes = tuple(range(1, weight.ndim)) if layer.op == "Conv" else (0,)
    return np.asarray(np.absolute(weight).max(axis=axes))


def _grouped(layer: Node, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of a convolution as [groups, O / groups, C / groups, KH, KW]: a view."""
    groups = layer.attributes["groups"]
    return weight.reshape(groups, len(weight) // groups, *weight.shape[1:])


def _largest_in(layer: Node, weight: NDArray[np.float64], repeat: int) -> NDArray[np.float64]:
    """Largest weight of each input channel."""
    if layer.op == "Conv":
        return np.asarray(np.absolute(_grouped(layer, weight)).max(axis=(1, 3, 4)).reshape(-1))
    rows = np.absolute(weight).max(axis=1)
    return np.asarray(rows.reshape(-1, repeat).max(axis=1))


def _scale_out(layer: Node, weight: NDArray[np.float64], scale: NDArray[np.float64]) -> None:
    weight *= scale.reshape(-1, *[1] * (weight.ndim - 1)) if layer.op == "Conv" else scale


def _scale_in(
    layer: Node, weight: NDArray[np.float64], scale: NDArray[np.float64], repeat: int
) -> None:
    if layer.op == "Conv":
        view = _grouped(layer, weight)
        view *= scale.reshape(len(view), 1, -1, 1, 1)
    else:
        weight *= np.repeat(scale, repeat)[:, None]


def equalize(graph: Graph) -> Graph:
    """The same network with channels scaled alike wherever that changes nothing it computes.

    Not through ReLU6, additions, concatenations or tensors with several readers. Channels whose
    weights are all zero on a side stay as they are.
    """
    layers = {layer.name: layer for layer in graph.layers()}
    weights = {
        name: np.array(layer.weight, np.float64, order="C") for name, layer in layers.items()
    }
    biases = {
        name: None if layer.bias is None else layer.bias.copy() for name, layer in layers.items()
    }
    pairs = _pairs(graph)
    for _ in range(_PASSES):
        settled = True
        for pair in pairs:
            first, second = layers[pair.first], layers[pair.second]
            made = _largest_out(first, weights[pair.first])
            read = _largest_in(second, weights[pair.second], pair.repeat)
            both = (made > 0) & (read > 0)
            scale = np.sqrt(np.where(both, made, 1.0) / np.where(both, read, 1.0))
            settled = settled and bool(np.allclose(scale, 1, rtol=1e-3))
            _scale_out(first, weights[pair.first], 1 / scale)
            bias = biases[pair.first]
            if bias is not None:
                bias /= scale
            _scale_in(second, weights[pair.second], scale, pair.repeat)
        if settled:
            break
    return graph.with_parameters(
        {name: LayerParameters(weights[name], biases[name]) for name in layers}
    )
