"""Rounding to a sorted list of numbers, and to such a list times a scale."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BLOCK: Final = 1 << 15
"""Values rounded at a time, so that their indices stay in the cache."""

_PREFIX: Final = 16
"""Upper bits of a float32 that index the table: sign, exponent and seven bits of mantissa."""


class Codebook:
    """Nearest of a sorted list of levels, or the level of the bin that a value falls into.

    Parameters
    ----------
    levels
        Numbers in ascending order.
    edges
        Lower limit of every level but the first; ``x`` gets the last level whose limit is not above
        ``x``. Default: midpoints, where a tie goes to the level of even index counted from `zero`.
    zero
        Index whose parity is even: that of the code 0, so that ties follow numerics section 2.

    Notes
    -----
    A float32 is looked up by its upper half: the table has the first level that this half can
    mean, and one comparison decides, since no two edges share a half. Where two do (very fine
    grids), and for float64, it is a binary search. Both give the same level.
    """

    def __init__(
        self, levels: NDArray[Any], edges: NDArray[Any] | None = None, *, zero: int = 0
    ) -> None:
        self.levels = np.asarray(levels, np.float64)
        given = edges is not None
        limits = np.asarray(edges if given else (self.levels[1:] + self.levels[:-1]) / 2)
        limits = limits.astype(np.float64)
        # A tie at the limit belongs to the lower level where that one is even.
        down = np.zeros(limits.size, bool)
        if not given:
            down = (np.arange(limits.size) - zero) % 2 == 0
        self._edges64 = np.where(down, np.nextafter(limits, np.inf), limits)
        narrow = limits.astype(np.float32)
        above = (narrow < limits) | (down & (narrow == limits))
        self._edges = np.where(above, np.nextafter(narrow, np.float32(np.inf)), narrow)
        self._levels = self.levels.astype(np.float32)
        self._first = self._table()

    def _table(self) -> NDArray[np.uint16] | None:
        """First level that each upper half can mean; None where one comparison is not enough."""
        if self._edges.size == 0 or self._edges.size > 1 << 12:
            return None
        halves = np.arange(1 << _PREFIX, dtype=np.uint32) << (32 - _PREFIX)
        last = halves | np.uint32((1 << (32 - _PREFIX)) - 1)
        with np.errstate(invalid="ignore"):
            one, other = halves.view(np.float32), last.view(np.float32)
            low, high = np.minimum(one, other), np.maximum(one, other)
        first = np.searchsorted(self._edges, low, side="right")
        final = np.searchsorted(self._edges, high, side="right")
        finite = np.isfinite(low) & np.isfinite(high)
        if (final - first)[finite].max() > 1:
            return None
        return first.astype(np.uint16)

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Round; float32 or float64, the same dtype and shape out."""
        if values.dtype == np.float64:
            return self.levels[np.searchsorted(self._edges64, values, side="right")]
        flat = np.ascontiguousarray(values, np.float32).reshape(-1)
        rounded = np.empty_like(flat)
        edges = np.append(self._edges, np.float32(np.inf))
        for start in range(0, flat.size, _BLOCK):
            part = flat[start : start + _BLOCK]
            if self._first is None:
                index = np.searchsorted(self._edges, part, side="right")
            else:
                half = (part.view(np.uint32) >> np.uint32(32 - _PREFIX)).astype(np.intp)
                index = self._first.take(half, mode="clip").astype(np.intp)
                index += part >= edges.take(index, mode="clip")
            # a mode other than "raise" writes straight into `out`
            self._levels.take(index, out=rounded[start : start + _BLOCK], mode="clip")
        return rounded.reshape(values.shape)


def mirrored(magnitudes: NDArray[np.float64], signed: bool) -> tuple[NDArray[np.float64], int]:
    """Levels of a grid from its magnitudes, ascending from 0, and the index of the level 0."""
    if not signed:
        return magnitudes, 0
    return np.concatenate([-magnitudes[:0:-1], magnitudes]), magnitudes.size - 1


class ScaledGrid:
    """Nearest of ``scale * magnitudes`` and, where signed, of the same below zero.

    Parameters
    ----------
    magnitudes
        Ascending, the first is 0.
    scale
        A positive number, or one per channel in a shape that broadcasts with the values.
    signed
        Whether negative values have levels; else they round to 0.
    """

    def __init__(
        self, magnitudes: NDArray[np.float64], scale: float | NDArray[Any], signed: bool
    ) -> None:
        levels, zero = mirrored(np.asarray(magnitudes, np.float64), signed)
        self.scale = scale if isinstance(scale, np.ndarray) else None
        if self.scale is None:
            levels = levels * scale
        self._codebook = Codebook(levels, zero=zero)

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Round; float32 or float64, the same dtype and shape out."""
        if self.scale is None:
            return self._codebook(values)
        scale = self.scale.astype(values.dtype)
        return np.asarray(self._codebook(values / scale) * scale)
