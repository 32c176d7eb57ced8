"""The scale of a grid with the least squared error: all values, all candidates, sorted once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

CANDIDATES: Final = np.linspace(1.0, 0.2, 65)
"""Clipping limits tried, as parts of the largest magnitude; the whole of it comes first."""

_POWERS: Final = 4
"""Powers of two tried as scales: the one that holds the largest magnitude, and finer ones."""


class SortedRows:
    """Magnitudes of every channel, sorted, with the sums that squared errors need.

    Each row is divided by its largest magnitude, so that the same candidate grids serve all rows;
    a row of zeros has no error anywhere.

    Parameters
    ----------
    rows
        float64 [C, n], not negative.
    """

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self.absmax = rows.max(axis=1)
        self._unit = np.where(self.absmax > 0, self.absmax, 1.0)
        ratios = np.sort(rows / self._unit[:, None], axis=1)
        self.channels, self.size = ratios.shape
        # Rows lie in [row, row + 1/2], so that one binary search serves all of them.
        self._keys = (np.arange(self.channels)[:, None] + ratios / 2).reshape(-1)
        self._sums = np.concatenate([[0.0], np.cumsum(ratios.reshape(-1))])
        self._squares = np.einsum("cn,cn->c", ratios, ratios)

    def errors(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of squared errors per row, [C], in units of the values squared.

        Parameters
        ----------
        levels
            float64 [L], or one list per row [C, L]: ascending magnitudes in units of each row's
            largest one.
        """
        middles = np.minimum((levels[..., 1:] + levels[..., :-1]) / 2, 1.5) / 2
        rows = np.arange(self.channels)[:, None]
        cuts = np.searchsorted(self._keys, rows + middles)
        edges = np.concatenate([rows * self.size, cuts, (rows + 1) * self.size], axis=1)
        counts = np.diff(edges, axis=1)
        sums = np.diff(self._sums[edges], axis=1)
        error = self._squares + ((counts * levels - 2 * sums) * levels).sum(axis=1)
        # Differences of sums can end a rounding error below zero.
        return np.asarray(np.maximum(error, 0.0) * np.square(self.absmax))

    def best_scale(self, magnitudes: NDArray[np.float64], clip: bool) -> NDArray[np.float64]:
        """Scale of each row, [C]: its largest magnitude on the largest level, or clipped.

        Parameters
        ----------
        magnitudes
            Ascending from 0; the grid is ``scale * magnitudes``.
        clip
            Whether the limit is the one of :data:`CANDIDATES` with the least squared error; of
            equal ones the largest.
        """
        parts = np.ones(self.channels)
        if clip:
            unit = magnitudes / magnitudes[-1]
            errors = np.stack([self.errors(part * unit) for part in CANDIDATES])
            parts = CANDIDATES[errors.argmin(axis=0)]
        return np.asarray(parts * self._unit / magnitudes[-1])

    def best_power(
        self, magnitudes: NDArray[np.float64], clip: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Scale ``2**k`` of each row: `k` [C] and the sums of squared errors [C].

        The finest power on which the largest magnitude still fits (numerics section 3) or, where
        `clip`, the best of this one and the three finer ones; of equal ones the coarsest.
        """
        fraction, exponent = np.frexp(self._unit)
        limit, height = np.frexp(magnitudes[-1])
        coarsest = exponent.astype(np.int64) - int(height) + (fraction > limit)
        finer = range(_POWERS if clip else 1)
        errors = np.stack(
            [
                self.errors(np.ldexp(magnitudes, (coarsest - step)[:, None]) / self._unit[:, None])
                for step in finer
            ]
        )
        best = errors.argmin(axis=0)
        power = np.where(self.absmax > 0, coarsest - best, 0)
        return power, errors.min(axis=0)


def shaped_scale(
    scale: NDArray[np.float64], channel_axis: int | None, ndim: int
) -> float | NDArray[Any]:
    """A scale per row [C] as a number, or in a shape that broadcasts along `channel_axis`."""
    if channel_axis is None:
        return float(scale[0])
    shape = [1] * ndim
    shape[channel_axis] = -1
    return scale.reshape(shape)
