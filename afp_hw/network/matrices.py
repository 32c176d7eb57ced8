"""The real matrices of a layer: what formats of every kind are compared on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.golden import im2col
from afp_hw.network.float_evaluation import evaluate_float
from afp_hw.network.graph import Graph


def layer_matrices(
    graph: Graph, layer: str, images: NDArray[Any]
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Activations [M, K] and weights [K, N] of a layer, one pair for each group; unrounded.

    Parameters
    ----------
    graph
        The network, with one input.
    layer
        Name of a convolution or linear layer.
    images
        [B, *input shape], float32 or float64; M is over all of them.

    Raises
    ------
    ValueError
        There is no such layer; images as :func:`.evaluate_float`.
    """
    node = graph.layer(layer)
    assert node.weight is not None  # what makes it one
    kept: dict[str, NDArray[Any]] = {}

    def keep(name: str, value: NDArray[Any]) -> None:
        if name == node.inputs[0]:
            kept[name] = value

    evaluate_float(graph, images, visit=keep)
    value = kept[node.inputs[0]]
    if node.op == "Linear":
        return [(value, node.weight)]
    names = ("kernel", "strides", "pads", "dilations", "groups")
    rows = im2col(value, *(node.attributes[name] for name in names))
    groups = node.attributes["groups"]
    columns = node.weight.reshape(groups, -1, rows.shape[-1])
    stacked = rows if groups > 1 else rows[None]
    return [(act, np.ascontiguousarray(wgt.T)) for act, wgt in zip(stacked, columns, strict=True)]
