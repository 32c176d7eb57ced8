"""How far the distribution of a rounded tensor is from the tensor's own: two measures.

Both work on a histogram of the magnitudes. :func:`kl_density` is our definition;
:func:`released_kl` is what the code that the paper's authors released computes
(``docs/numerics.md`` section 8).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.quantize.sorted_magnitudes import magnitudes

BINS: Final = 2048
"""Bins of the histograms, from 0 to the largest magnitude."""


class MagnitudeHistogram:
    """Histogram of the magnitudes of a tensor; one serves all formats.

    Parameters
    ----------
    values
        Finite floats of any shape, at least one.
    """

    def __init__(self, values: ArrayLike) -> None:
        array = np.absolute(np.asarray(values, np.float64).reshape(-1))
        top = float(array.max())
        self.edges = np.linspace(0, top if top > 0 else 1.0, BINS + 1)
        counts, _ = np.histogram(array, self.edges)
        self.mass: NDArray[np.float64] = counts / array.size


def kl_density(histogram: MagnitudeHistogram, fmt: AFPFormat, lsb: int) -> float:
    """Kullback-Leibler divergence, in nats, of a tensor's density from that of the rounded tensor.

    A code stands for all magnitudes that round to it, and says nothing about where in this cell
    they lie: the density of the rounded tensor is the mass of each cell, spread evenly over it. The
    last cell ends at the largest magnitude. Both densities are taken over the same bins, a bin's
    mass being even within it. ``sum of p * ln(p / q)``: 0 where no cell is wider than a bin.
    """
    edges, mass = histogram.edges, histogram.mass
    grid = np.ldexp(magnitudes(fmt), lsb)
    middles = (grid[1:] + grid[:-1]) / 2
    cells = np.concatenate([[0.0], middles[middles < edges[-1]], edges[-1:]])
    below = np.concatenate([[0.0], np.cumsum(mass)])
    rounded = np.diff(np.interp(edges, cells, np.interp(cells, edges, below)))
    some = mass > 0
    return max(float((mass[some] * np.log(mass[some] / rounded[some])).sum()), 0.0)


def released_kl(histogram: MagnitudeHistogram, fmt: AFPFormat, lsb: int) -> float:
    """The released code's "KL", as its published description has it.

    Two cumulative histograms over the same bins, ``P`` of the tensor and ``Q`` of the rounded
    tensor, compared by the mean over all bins of ``|P * ln(P / Q)|``. The centre of a bin lacks its
    factor one half: what is rounded for a bin that lies at `x` is ``2 x``.
    """
    edges, mass = histogram.edges, histogram.mass
    doubled = edges[1:] + edges[:-1]
    grid = np.ldexp(magnitudes(fmt), lsb)
    rounded = grid[np.searchsorted((grid[1:] + grid[:-1]) / 2, doubled)]
    places = np.clip(np.searchsorted(edges, rounded, side="right") - 1, 0, BINS - 1)
    of_tensor = np.cumsum(mass)
    of_rounded = np.cumsum(np.bincount(places, weights=mass, minlength=BINS))
    some = (of_tensor > 0) & (of_rounded > 0)
    ratio = np.log(of_tensor[some] / of_rounded[some])
    return float(np.absolute(of_tensor[some] * ratio).mean()) if some.any() else 0.0
