"""Equalisation: channels scaled alike, so that one grid serves them; the network stays equal.

Every channel may be divided by a positive factor where it is made and multiplied where it is read
(:mod:`.channel_classes`). The weights that make it and those that read it take the factor up;
nothing is left for hardware to do. Sources: M. Nagel et al., "Data-Free Quantization Through
Weight Equalization and Bias Correction", ICCV 2019, arXiv 1906.04721, section 4.1, for weights; G.
Xiao et al., "SmoothQuant", ICML 2023, arXiv 2211.10438, equation 4, for activations and weights
together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.network import Graph, LayerParameters, Node
from afp_hw.network.batches import batches
from afp_hw.network.float_evaluation import evaluate_float
from afp_hw.search.tuning.channel_classes import FIXED, channel_classes

_MOST: Final = float(np.log(8))
"""Channels beyond eight times the mean, or below an eighth, count as if they were there: a silent
one needs no precision."""

STRENGTH: Final = 0.5
"""How much of the differences between activations goes into the weights."""


def channel_rms(graph: Graph, images: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Root mean square of every channel of every tensor over images [B, ...]: float64 [C]."""
    sums: dict[str, NDArray[np.float64]] = {}

    def visit(name: str, values: NDArray[Any]) -> None:
        axes = (0, *range(2, values.ndim))
        squares = np.square(values, dtype=np.float64).sum(axis=axes)
        sums[name] = sums[name] + squares if name in sums else squares

    for batch in batches(graph, images):
        evaluate_float(graph, batch.astype(np.float32, copy=False), visit)
    return {
        name: np.sqrt(total / (len(images) * int(np.prod(graph.shapes[name][1:]))))
        for name, total in sums.items()
    }


def _factors(
    graph: Graph,
    classes: Mapping[str, NDArray[np.int64]],
    rms: Mapping[str, NDArray[np.float64]],
    strength: float,
) -> NDArray[np.float64]:
    """Factor of every class: ``(rms / mean rms)**strength``; 1 of fixed and of silent ones.

    Each tensor's channels are compared with the geometric mean of that tensor, so that large and
    small tensors have the same say in a class that spans several.
    """
    count = 1 + max(int(numbers.max()) for numbers in classes.values())
    sums, weights = np.zeros(count), np.zeros(count)
    for name, numbers in classes.items():
        live = rms[name] > 0
        if not live.any():
            continue
        logs = np.log(rms[name][live])
        np.add.at(sums, numbers[live], logs - logs.mean())
        np.add.at(weights, numbers[live], 1.0)
    mean = np.divide(sums, weights, out=np.zeros(count), where=weights > 0)
    factors = np.exp(strength * np.clip(mean, -_MOST, _MOST))
    factors[FIXED] = 1.0
    return factors


def _scaled(layer: Node, made: NDArray[np.float64], read: NDArray[np.float64]) -> LayerParameters:
    """A layer whose output channels are divided by `made`, whose inputs come divided by `read`."""
    assert layer.weight is not None  # layers have weights
    bias = None if layer.bias is None else layer.bias / made
    if layer.op == "Linear":
        return LayerParameters(layer.weight * read[:, None] / made, bias)
    groups = layer.attributes["groups"]
    inputs = np.repeat(read.reshape(groups, -1), len(layer.weight) // groups, axis=0)
    weight = layer.weight * inputs[:, :, None, None] / made[:, None, None, None]
    return LayerParameters(weight, bias)


def equalize(graph: Graph, images: NDArray[Any], strength: float = STRENGTH) -> Graph:
    """The same network with channels of activations scaled towards one another.

    Parameters
    ----------
    graph
        The float network.
    images
        Calibration images, float [B, *input shape].
    strength
        0: nothing changes; 1: all channels of a tensor get the same root mean square, and the
        weights take all differences up.
    """
    classes = channel_classes(graph)
    factors = _factors(graph, classes, channel_rms(graph, images), strength)
    return graph.with_parameters(
        {
            layer.name: _scaled(
                layer, factors[classes[layer.output]], factors[classes[layer.inputs[0]]]
            )
            for layer in graph.layers()
        }
    )
