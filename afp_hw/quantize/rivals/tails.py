"""Two precisions in one tensor: a few large values are kept apart from the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.quantize.rivals.codebook import ScaledGrid
from afp_hw.quantize.rivals.quantizer import Rounding, check_bits, magnitude_rows
from afp_hw.quantize.rivals.scale import SortedRows
from afp_hw.quantize.rivals.uniform import UniformGrid

_LARGE_BITS: Final = 16
"""Bits of a large value of the value-aware quantizer, sign included."""

_FINER: Final = 6
"""How many times the fine scale of two may be halved."""


def index_bits(share: float) -> float:
    """Bits an element to say which elements belong to a share: the binary entropy.

    No code of independent positions is shorter, so a method that needs one is not overcharged.
    """
    if share in (0.0, 1.0):
        return 0.0
    return -(share * math.log2(share) + (1 - share) * math.log2(1 - share))


class SplitGrid:
    """One grid up to a limit of the magnitude, another one beyond it."""

    def __init__(self, limit: float, small: Rounding, large: Rounding) -> None:
        self.limit, self.small, self.large = limit, small, large

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Round; float32 or float64, the same dtype and shape out."""
        rounded = np.asarray(self.small(values))
        beyond = np.abs(values) > self.limit
        rounded[beyond] = self.large(values[beyond])
        return rounded


@dataclass(frozen=True)
class TwoScale:
    """BiScaled-FxP: N-bit fixed point with a fine scale for the bulk and a wide one for the tail.

    Both scales are powers of two. The wide one is the finest that holds the largest magnitude; the
    fine one is up to ``2**6`` times finer: the one with the least squared error among those that
    leave at most `share` of the elements to the wide scale. An element beyond the fine range gets
    whichever is nearer, the end of the fine range or a wide level.

    Parameters
    ----------
    n_bits
        2 to 12.
    share
        Largest part of the elements with the wide scale.

    Notes
    -----
    S. Jain et al., "BiScaled-DNN: Quantizing Long-tailed Datastructures with Two Scale Factors for
    Deep Neural Networks", DAC 2019, DOI 10.1145/3316781.3317783. It stores the indices of the
    wide elements in blocks; here they are counted at their entropy for the full `share`.
    """

    n_bits: int
    share: float = 0.05
    per_channel: bool = False

    def __post_init__(self) -> None:
        check_bits("TwoScale", self.n_bits, 2, 12)
        if not 0 < self.share < 1:
            raise ValueError(f"TwoScale.share must be between 0 and 1, not {self.share!r}")
        if self.per_channel:
            raise ValueError("TwoScale.per_channel must be False, not True")

    @property
    def name(self) -> str:
        """Name of the method."""
        return "two-scale fixed point (BiScaled-FxP)"

    @property
    def bits(self) -> float:
        """N, and the entropy of the positions of the tail."""
        return self.n_bits + index_bits(self.share)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Jain et al. 2019, DOI 10.1145/3316781.3317783"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose both scales for the whole tensor: see :class:`.Quantizer`."""
        magnitudes = magnitude_rows("TwoScale", values, None, signed)
        rows = SortedRows(magnitudes)
        wide = np.arange(float(1 << (self.n_bits - signed)))
        power = int(rows.best_power(wide, clip=False)[0][0])
        absmax = float(rows.absmax[0]) or 1.0
        least, chosen = math.inf, wide
        for step in range(_FINER + 1):
            fine = wide / (1 << step)
            beyond = wide[wide > fine[-1]]
            if beyond.size:
                limit = math.ldexp(float(fine[-1] + beyond[0]) / 2, power)
                if np.count_nonzero(magnitudes > limit) > self.share * magnitudes.size:
                    break
            levels = np.concatenate([fine, beyond])
            error = float(rows.errors(np.ldexp(levels, power) / absmax)[0])
            if error < least:
                least, chosen = error, levels
        return ScaledGrid(chosen, 2.0**power, signed)


@dataclass(frozen=True)
class ValueAware:
    """V-Q: the largest few per cent of the values in 16 bits, the rest in N uniform bits.

    The limit is the quantile of the magnitudes. The scale of the small grid has the least squared
    error over the values up to it; the largest value of all is the largest level of the 16-bit
    grid. A static tensor keeps the limit of its calibration.

    Parameters
    ----------
    n_bits
        2 to 15.
    share
        Part of the elements in 16 bits; 1 % is what the paper's abstract gives for inference.

    Notes
    -----
    E. Park, S. Yoo, P. Vajda, "Value-Aware Quantization for Training and Inference of Neural
    Networks", ECCV 2018, DOI 10.1007/978-3-030-01225-0_36. Bits: ``(1 - share) * N + share * 16``
    and the entropy of the positions.
    """

    n_bits: int
    share: float = 0.01
    per_channel: bool = False

    def __post_init__(self) -> None:
        check_bits("ValueAware", self.n_bits, 2, _LARGE_BITS - 1)
        if not 0 < self.share < 1:
            raise ValueError(f"ValueAware.share must be between 0 and 1, not {self.share!r}")
        if self.per_channel:
            raise ValueError("ValueAware.per_channel must be False, not True")

    @property
    def name(self) -> str:
        """Name of the method, with its share of large values."""
        return f"value-aware (V-Q, {100 * self.share:g} % in 16 bits)"

    @property
    def bits(self) -> float:
        """Of both precisions, and the entropy of the positions."""
        return (1 - self.share) * self.n_bits + self.share * _LARGE_BITS + index_bits(self.share)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Park et al. 2018, DOI 10.1007/978-3-030-01225-0_36"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose the limit and both scales for the whole tensor: see :class:`.Quantizer`."""
        magnitudes = magnitude_rows("ValueAware", values, None, signed).reshape(-1)
        limit = float(np.quantile(magnitudes, 1 - self.share, method="lower"))
        small = SortedRows(magnitudes[None, magnitudes <= limit])
        high = (1 << (self.n_bits - signed)) - 1
        fine = float(small.best_scale(np.arange(high + 1.0), clip=True)[0])
        highest = (1 << (_LARGE_BITS - signed)) - 1
        wide = float(magnitudes.max()) / highest or 1.0
        return SplitGrid(
            limit,
            UniformGrid(fine, -high if signed else 0, high),
            UniformGrid(wide, -highest if signed else 0, highest),
        )
