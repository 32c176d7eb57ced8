"""Streams of a layer's sums through requantizers of every kind, with the codes that must come out.

A requantizer stands under a column of the array: it sees the rows of a tile one after the other,
then the next tile's. A lane is a stretch of such a column's stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design

MOST_LANES: Final = 64
MOST_STEPS: Final = 256
"""At most so many outputs of a layer are run: lanes times steps."""


def column_order(m: int, n: int, design: Design) -> NDArray[np.int64]:
    """Indices into a raveled [M, N] in the order of the sums of column 0, then of column 1, ..."""
    rows, cols = np.arange(m), np.arange(n)
    # Within a column of the array: row tiles, in them column tiles, in them rows.
    row, col = np.meshgrid(rows, cols, indexing="ij")
    order = np.lexsort(
        (row.ravel(), col.ravel() // design.cols, row.ravel() // design.rows,
         col.ravel() % design.cols)
    )  # fmt: skip
    return order.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Columns:
    """Which outputs of a layer are run, and as what.

    Attributes
    ----------
    order
        Their indices into a raveled [M, N], int64 [steps, lanes].
    """

    order: NDArray[np.int64]

    @classmethod
    def of(cls, m: int, n: int, design: Design) -> Columns:
        """At most ``MOST_LANES`` stretches of ``MOST_STEPS``, spread evenly over the layer."""
        order = column_order(m, n, design)
        lanes = max(1, min(MOST_LANES, len(order) // 16))
        steps = min(MOST_STEPS, len(order) // lanes)
        starts = np.arange(lanes) * (len(order) // lanes)
        return cls(order[starts[None] + np.arange(steps)[:, None]])

    def take(self, values: NDArray[Any], m: int, n: int) -> NDArray[Any]:
        """The values [M, N], or what broadcasts to it, of these outputs, [steps, lanes]."""
        return np.broadcast_to(values, (m, n)).reshape(-1)[self.order]

    @property
    def count(self) -> int:
        """How many they are."""
        return int(self.order.size)

    def constant(self, value: int) -> NDArray[np.int64]:
        """A setting that does not change, [steps]."""
        return np.full(len(self.order), value, dtype=np.int64)
