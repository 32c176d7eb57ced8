"""Bins of equal probability: as many values in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from afp_hw.quantize.rivals.codebook import Codebook
from afp_hw.quantize.rivals.quantizer import Rounding, check_bits, magnitude_rows


@dataclass(frozen=True)
class Quantile:
    """k-quantile: ``2**N`` bins with the same number of values, each rounds to its bin's median.

    An unsigned tensor has one level for what is not positive (after a ReLU often half of it, which
    would fill many bins with one number) and shares the others among its positive values.

    Parameters
    ----------
    n_bits
        2 to 8. The table of ``2**N`` medians per tensor is not counted.

    Notes
    -----
    C. Baskin et al., "UNIQ: Uniform Noise Injection for Non-Uniform Quantization of Neural
    Networks", ACM Transactions on Computer Systems 37, 2021, arXiv:1804.10969: its quantizer,
    without its training; quantiles of the values themselves, not of a fitted distribution.
    """

    n_bits: int
    per_channel: bool = False

    def __post_init__(self) -> None:
        check_bits("Quantile", self.n_bits, 2, 8)
        if self.per_channel:
            raise ValueError("Quantile.per_channel must be False, not True")

    @property
    def name(self) -> str:
        """Name of the method."""
        return "k-quantile (UNIQ's)"

    @property
    def bits(self) -> float:
        """N: an index into the table."""
        return float(self.n_bits)

    @property
    def citation(self) -> str:
        """Where the method comes from."""
        return "Baskin et al. 2021, arXiv:1804.10969 (its quantizer; no retraining)"

    def fit(self, values: ArrayLike, channel_axis: int | None, signed: bool) -> Rounding:
        """Choose the bins; one table, whatever `channel_axis`: see :class:`.Quantizer`."""
        magnitudes = magnitude_rows("Quantile", values, None, signed).reshape(-1)
        bins = 1 << self.n_bits
        kept = np.asarray(values, np.float64).reshape(-1) if signed else magnitudes
        if not signed:
            kept, bins = kept[kept > 0], bins - 1
            if not kept.size:
                return Codebook(np.zeros(1))
        ranks = np.arange(2 * bins + 1) / (2 * bins)
        quantiles = np.quantile(kept, ranks)
        levels, edges = quantiles[1::2], quantiles[2:-1:2]
        if not signed:
            first = np.nextafter(0.0, 1.0, dtype=np.float32)  # whatever is positive
            levels, edges = np.append(0.0, levels), np.append(float(first), edges)
        return Codebook(levels, edges)
