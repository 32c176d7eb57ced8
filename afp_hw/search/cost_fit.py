"""Costs of pairs of formats that were not measured: least squares on the widths of the hardware.

An element is a multiplier of significands, an adder of exponents, a shifter, an accumulator and
the registers between; :data:`AREA_TERMS` are the sizes of these parts. What a MAC takes depends
also on how often a part moves: :data:`ENERGY_TERMS` are the sizes, and those of some parts times
the share of operands that are not zero. Coefficients minimise the sum of squared relative errors
over the rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.quantize import bias_for

Pair = tuple[AFPFormat, AFPFormat]
Terms = Callable[[AFPFormat, AFPFormat, int], list[float]]

AREA_TERMS: Final = (
    "1",
    "bits of the accumulator",
    "activations have a sign",
    "operands whose significand has one bit",
    "a significand has one bit: there is no multiplier",
    "product of the significands' widths, if both have more than one bit",
    "sum of the significands' widths times bits of the shift",
    "product of the significands' widths times bits of the shift",
)
ENERGY_TERMS: Final = (
    "1",
    "bits of the product",
    "bits of the product times bits of the shift",
    "sum of the significands' widths times bits of the shift",
    "largest shift",
    "operands that have a shift",
    "bits of both operands' shifts",
    "1, if neither operand is 0",
    "sum of the significands' widths, if neither is 0",
    "bits of the product, if neither is 0",
    "bits of the product times bits of the shift, if neither is 0",
    "sum of the significands' widths times bits of the shift, if neither is 0",
    "product of the significands' widths times bits of the shift, if neither is 0",
    "product of the exponents' widths, if neither is 0",
)
FEWEST_ROWS: Final = 2 * len(ENERGY_TERMS)

# Largest magnitude of the 64 * 576 standard normals that rows are run on, to a tenth.
_LARGEST_NORMAL: Final = 4.2


@dataclass(frozen=True, eq=False)
class Fit:
    """One fitted figure.

    Parameters
    ----------
    terms
        Its terms for a pair and a number of products in a sum.
    k
        Products in a sum.
    coefficients
        float64 [terms].
    mean_residual, max_residual
        Mean and largest relative error, without sign, over the rows that it was fitted on.
    max_left_out
        Largest relative error of a row whose figure is fitted on all other rows.
    """

    terms: Terms
    k: int
    coefficients: NDArray[np.float64]
    mean_residual: float
    max_residual: float
    max_left_out: float

    def __call__(self, weights: AFPFormat, acts: AFPFormat) -> float:
        """The figure of one pair."""
        return float(np.dot(self.terms(weights, acts, self.k), self.coefficients))


def area_terms(weights: AFPFormat, acts: AFPFormat, k: int) -> list[float]:
    """Values of :data:`AREA_TERMS` for sums of `k` products.

    Widths are those of ``docs/numerics.md`` section 5.
    """
    significands = weights.max_sig.bit_length(), acts.max_sig.bit_length()
    product = significands[0] * significands[1]
    shift_bits = (weights.max_shift + acts.max_shift).bit_length()
    narrow = significands.count(1)
    return [
        1.0,
        (k * weights.max_fix * acts.max_fix).bit_length() + 1,
        acts.signed,
        narrow,
        narrow > 0,
        product * (narrow == 0),
        sum(significands) * shift_bits,
        product * shift_bits,
    ]


def energy_terms(weights: AFPFormat, acts: AFPFormat, k: int) -> list[float]:
    """Values of :data:`ENERGY_TERMS`; `k` does not matter: high bits of a sum hardly move."""
    significands = weights.max_sig.bit_length() + acts.max_sig.bit_length()
    multiplied = weights.max_sig.bit_length() * acts.max_sig.bit_length()
    shift = weights.max_shift + acts.max_shift
    bits = shift.bit_length()
    product = (weights.max_fix * acts.max_fix).bit_length()
    shifts = weights.max_shift, acts.max_shift
    both = _nonzero(weights) * _nonzero(acts)
    sizes = [1.0, product, product * bits, significands * bits, shift]
    sizes += [sum(value > 0 for value in shifts), sum(value.bit_length() for value in shifts)]
    moving = [1.0, significands, product, product * bits, significands * bits]
    moving += [multiplied * bits, weights.n_exp * acts.n_exp]
    return [*sizes, *(value * both for value in moving)]


@cache
def _nonzero(fmt: AFPFormat) -> float:
    """Share of normal values (unsigned: of their positive part) that do not round to 0.

    Their grid is the finest that holds the largest of them.
    """
    half = 2.0 ** (fmt.lsb(bias_for(_LARGEST_NORMAL, fmt)) - 1)
    share = math.erfc(half / math.sqrt(2.0))
    return share if fmt.signed else share / 2.0


def fit(terms: Terms, pairs: Sequence[Pair], figures: Sequence[float], *, k: int) -> Fit:
    """Fit `figures`, positive, of `pairs`, at least :data:`FEWEST_ROWS` of them."""
    wanted = np.asarray(figures, dtype=np.float64)
    scaled = np.array([terms(*pair, k) for pair in pairs], dtype=np.float64) / wanted[:, None]
    inverse = np.linalg.pinv(scaled)
    coefficients = inverse.sum(axis=1)
    residuals = np.abs(scaled @ coefficients - 1.0)
    # A row's residual if it were left out is its residual / (1 - its weight in its own estimate).
    weight = np.einsum("ij,ji->i", scaled, inverse)
    alone = weight > 1.0 - 1e-9
    left_out = np.where(alone, np.inf, residuals / np.where(alone, 1.0, 1.0 - weight))
    summary = map(float, (residuals.mean(), residuals.max(), left_out.max()))
    return Fit(terms, k, coefficients.astype(np.float64), *summary)
