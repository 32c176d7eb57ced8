"""Powers of two, and sums of a few of them: multipliers that are shifters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.quantize.rivals.codebook import ScaledGrid
from afp_hw.quantize.rivals.quantizer import Rounding, check_bits, magnitude_rows
from afp_hw.quantize.rivals.scale import SortedRows, shaped_scale


@dataclass(frozen=True)
class PowersOfTwo:
    """INQ's set: 0 and ``+-2**k`` for ``k = n2 .. n1``, without INQ's retraining.

    ``n1 = floor(log2(4/3 * absmax))`` and ``n2 = n1 + 1 - 2**(N-1) / 2``: one of the N bits tells
    zero from the rest, one is the sign. Unsigned, the sign's bit doubles the number of powers.

    Parameters
    ----------
    n_bits
        2 to 8.

    Notes
    -----
    A. Zhou et al., "Incremental Network Quantization: Towards Lossless CNNs with Low-Precision
    Weights", ICLR 2017, arXiv:1702.03044, equations 1 to 4. It quantizes weights only; activations
    get the same set here.
    """

    n_bits: int
    per_channel: bool = False

    def __post_init__(self) -> None:
        check_bits("PowersOfTwo", self.n_bits, 2, 8)

    @property
    def name(self) -> str:
        """Name of the method."""
        return "powers of two (INQ's set)"

    @property
    def bits(self) -> float:
        """N, with the bit that tells zero."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Zhou et al. 2017, arXiv:1702.03044 (its set; no retraining)"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose the exponents: see :class:`.Quantizer`."""
        absmax = magnitude_rows("PowersOfTwo", values, channel_axis, signed).max(axis=1)
        # floor(log2(4/3 a)) without a logarithm: a = f * 2**e, f in [1/2, 1), is 2**e from 3/4 on.
        fraction, exponent = np.frexp(np.where(absmax > 0, absmax, 1.0))
        largest = exponent - (fraction < 0.75)
        count = 1 << (self.n_bits - 1 - signed)
        powers = np.exp2(np.arange(1.0 - count, 1.0))
        scale = np.ldexp(1.0, largest)
        return ScaledGrid(
            np.concatenate([[0.0], powers]),
            shaped_scale(scale, channel_axis, np.ndim(values)),
            signed,
        )


def additive_levels(magnitude_bits: int) -> NDArray[np.float64]:
    """All sums of one number from each term's set, ascending from 0, in units of one.

    With base bits 2 and ``n = ceil(bits / 2)`` terms, term ``i`` is 0 or ``2**-(i + n * j)`` for
    ``j = 0 .. 2``; where the bits are odd the last term has one bit: 0 or its first power.
    """
    terms = math.ceil(magnitude_bits / 2)
    sets = []
    for term in range(terms):
        odd = term == terms - 1 and magnitude_bits % 2
        sets.append([0.0] + [2.0 ** -(term + terms * j) for j in range(1 if odd else 3)])
    return np.array(sorted({sum(parts) for parts in product(*sets)}))


@dataclass(frozen=True)
class AdditivePowersOfTwo:
    """APoT: each level is a sum of powers of two, one from each of a few disjoint sets.

    The base has two bits, as in the paper, so N magnitude bits are ``ceil(N / 2)`` terms: two terms
    at 4-bit and 5-bit signed weights. The scale, which the paper learns, has the least squared
    error.

    Parameters
    ----------
    n_bits
        2 to 8.

    Notes
    -----
    Y. Li, X. Dong, W. Wang, "Additive Powers-of-Two Quantization: An Efficient Non-uniform
    Discretization for Neural Networks", ICLR 2020, arXiv:1909.13144, section 2.2. Of an odd number
    of bits the paper leaves the set open; here the last term has one bit.
    """

    n_bits: int
    per_channel: bool = False

    def __post_init__(self) -> None:
        check_bits("AdditivePowersOfTwo", self.n_bits, 2, 8)

    @property
    def name(self) -> str:
        """Name of the method."""
        return "additive powers of two (APoT)"

    @property
    def bits(self) -> float:
        """N."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Li et al. 2020, arXiv:1909.13144 (its set; no retraining)"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose the scale: see :class:`.Quantizer`."""
        rows = SortedRows(magnitude_rows("AdditivePowersOfTwo", values, channel_axis, signed))
        levels = additive_levels(self.n_bits - signed)
        scale = rows.best_scale(levels, clip=True)
        return ScaledGrid(levels, shaped_scale(scale, channel_axis, np.ndim(values)), signed)
