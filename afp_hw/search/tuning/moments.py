"""What calibration images say about one layer: second moments of its quantized input.

Rounding that looks at a layer's output needs no images beyond these sums: for weights `v`,
``mean((x @ v + c - y)**2)`` is a quadratic function of `v` and `c` whose coefficients are here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.network import Node
from afp_hw.search.tuning.matrices import Array, activation_rows, groups_of, output_rows


@dataclass(frozen=True, eq=False)
class Moments:
    """Means over all rows (pixels of images) of a layer; float64.

    Attributes
    ----------
    rows
        Number of rows.
    square
        [groups, K, K]: mean of ``x x'``, `x` a row of the quantized input.
    cross
        [groups, K, N / groups]: mean of ``x y'``, `y` the output that is wanted for that row.
    inputs, outputs
        [groups, K] and [groups, N / groups]: means of `x` and `y`.
    """

    rows: int
    square: Array
    cross: Array
    inputs: Array
    outputs: Array

    def centred(self) -> tuple[Array, Array]:
        """`square` and `cross` about the means: what is left to the weights if a bias is free."""
        square = self.square - self.inputs[:, :, None] * self.inputs[:, None, :]
        cross = self.cross - self.inputs[:, :, None] * self.outputs[:, None, :]
        return square, cross


class MomentSums:
    """Sums of a layer over batches of images: :meth:`add` each batch, then :meth:`moments`.

    Products of one batch are of the dtype of the images, their sums over batches float64.
    """

    def __init__(self, layer: Node) -> None:
        assert layer.weight is not None  # layers have weights
        self._layer = layer
        groups = groups_of(layer)
        if layer.op == "Linear":
            k, n = layer.weight.shape
        else:
            k, n = layer.weight[0].size, len(layer.weight) // groups
        self._rows = 0
        self._square = np.zeros((groups, k, k))
        self._cross = np.zeros((groups, k, n))
        self._inputs = np.zeros((groups, k))
        self._outputs = np.zeros((groups, n))

    def add(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Add a batch: `x` the quantized input [B, C, H, W], `y` the output that is wanted."""
        rows = activation_rows(self._layer, x)
        wanted = output_rows(self._layer, y)
        turned = rows.transpose(0, 2, 1)
        self._rows += rows.shape[1]
        self._square += np.matmul(turned, rows)
        self._cross += np.matmul(turned, wanted)
        self._inputs += rows.sum(axis=1, dtype=np.float64)
        self._outputs += wanted.sum(axis=1, dtype=np.float64)

    def moments(self) -> Moments:
        """Means over everything that was added."""
        count = max(self._rows, 1)
        return Moments(
            self._rows,
            self._square / count,
            self._cross / count,
            self._inputs / count,
            self._outputs / count,
        )
