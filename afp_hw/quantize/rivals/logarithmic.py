"""Powers of two, and sums of a few of them: multipliers that are shifters."""

from __future__ import annotations

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

    INQ's rule is ``n1 = floor(log2(4/3 * absmax))`` and ``n2 = n1 + 1 - 2**(N-1) / 2``: one of the
    N bits tells zero from the rest, one is the sign. Unsigned, the sign's bit doubles the number of
    powers.

    Parameters
    ----------
    n_bits
        2 to 8.
    clip
        The `n1` with the least squared error, among the rule's and finer ones; else the rule's.

    Notes
    -----
    A. Zhou et al., "Incremental Network Quantization: Towards Lossless CNNs with Low-Precision
    Weights", ICLR 2017, arXiv:1702.03044, equations 1 to 4. It quantizes weights only; activations
    get the same set here.
    """

    n_bits: int
    per_channel: bool = False
    clip: bool = True

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
        rows = SortedRows(magnitude_rows("PowersOfTwo", values, channel_axis, signed))
        count = 1 << (self.n_bits - 1 - signed)
        levels = np.append(0.0, np.exp2(np.arange(1.0 - count, 1.0)))
        if self.clip:
            # The power that holds absmax, and finer ones: INQ's is the first or the second of them.
            power = rows.best_power(levels, clip=True)[0]
        else:
            # floor(log2(4/3 a)) without a logarithm: f * 2**e, f in [1/2, 1), is 2**e from 3/4 on.
            fraction, exponent = np.frexp(np.where(rows.absmax > 0, rows.absmax, 1.0))
            power = exponent - (fraction < 0.75)
        scale = shaped_scale(np.exp2(power.astype(np.float64)), channel_axis, np.ndim(values))
        return ScaledGrid(levels, scale, signed)


def additive_levels(magnitude_bits: int) -> NDArray[np.float64]:
    """All sums of one number from each term's set, ascending from 0, in units of one.

    With base bits 2 and ``n = bits // 2`` terms, term ``i`` is 0 or ``2**-(i + n * j)`` for
    ``j = 0 .. 2``. Where the bits are odd, one more term has one bit: 0 or ``2**-2n``, and the last
    powers of the others move down by one to make room for it.
    """
    terms, odd = divmod(magnitude_bits, 2)
    sets = [
        [0.0, *(2.0 ** -(term + terms * j + (odd if j == 2 else 0)) for j in range(3))]
        for term in range(terms)
    ]
    if odd:
        sets.append([0.0, 2.0 ** -(2 * terms)])
    return np.array(sorted({sum(parts) for parts in product(*sets)}))


@dataclass(frozen=True)
class AdditivePowersOfTwo:
    """APoT: each level is a sum of powers of two, one from each of a few disjoint sets.

    The base has two bits, as in the paper, so an even number of magnitude bits has half as many
    terms: two at 5-bit signed weights. The scale, which the paper learns, has the least squared
    error.

    Parameters
    ----------
    n_bits
        2 to 8.

    Notes
    -----
    Y. Li, X. Dong, W. Wang, "Additive Powers-of-Two Quantization: An Efficient Non-uniform
    Discretization for Neural Networks", ICLR 2020, arXiv:1909.13144, section 2.2. The sets for
    odd numbers of bits are those of the code that its authors released (yhhhli/APoT_Quantization,
    3 and 5 bits; 7 and 1 by the same rule).
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
