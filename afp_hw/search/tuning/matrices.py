"""A layer as a matrix product: its weights, its activations and its outputs as rows.

``y[g, m, n] = sum over k of x[g, m, k] * w[g, k, n] + b[g, n]``: `g` is the group of a convolution
(one of them for most), `m` an output pixel of an image, `n` an output channel within its group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.golden import im2col
from afp_hw.network import Node

Array = NDArray[np.float64]


def groups_of(layer: Node) -> int:
    """Groups of a convolution; 1 for a linear layer."""
    return int(layer.attributes["groups"]) if layer.op == "Conv" else 1


def weight_matrix(layer: Node) -> Array:
    """Weights of a layer, float64 [groups, K, N / groups]."""
    assert layer.weight is not None  # layers have weights
    if layer.op == "Linear":
        return layer.weight[None]
    groups = groups_of(layer)
    return layer.weight.reshape(groups, len(layer.weight) // groups, -1).transpose(0, 2, 1)


def weight_tensor(layer: Node, matrix: Array) -> Array:
    """The inverse of :func:`weight_matrix`: the matrix in the shape of the layer's weights."""
    assert layer.weight is not None  # layers have weights
    if layer.op == "Linear":
        return np.ascontiguousarray(matrix[0])
    return np.ascontiguousarray(matrix.transpose(0, 2, 1).reshape(layer.weight.shape))


def by_group(layer: Node, channels: NDArray[Any]) -> NDArray[Any]:
    """One number per output channel, [N], as [groups, N / groups]."""
    return channels.reshape(groups_of(layer), -1)


def activation_rows(layer: Node, x: NDArray[Any]) -> NDArray[Any]:
    """Input of a layer as rows, [groups, M, K], of the dtype of `x` [B, C, H, W] or [B, K]."""
    if layer.op == "Linear":
        return x[None]
    attributes = layer.attributes
    rows = im2col(
        x,
        attributes["kernel"],
        attributes["strides"],
        attributes["pads"],
        attributes["dilations"],
        attributes["groups"],
    )
    return rows if attributes["groups"] > 1 else rows[None]


def output_rows(layer: Node, y: NDArray[Any]) -> NDArray[Any]:
    """Output of a layer as rows, [groups, M, N / groups], from [B, N, H, W] or [B, N]."""
    rows = y if y.ndim == 2 else np.moveaxis(y, 1, -1).reshape(-1, y.shape[1])
    return rows.reshape(len(rows), groups_of(layer), -1).transpose(1, 0, 2)
