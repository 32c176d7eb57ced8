"""Grids of powers of two: the finest on which a magnitude fits, a clip counted on one. Exact."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden.arguments import check_format, integer_array, integer_or_array


def finest_lsb(absmax: Fraction | float, max_fix: int) -> int:
    """``ceil(log2(absmax / max_fix))``: the least lsb with ``absmax <= max_fix * 2**lsb``. Exact.

    Zero gives 0. Source: numerics section 3.

    Raises
    ------
    ValueError
        `absmax` is negative, NaN or infinite, or `max_fix` is not positive.
    """
    if not (absmax >= 0 and absmax < math.inf):
        raise ValueError(f"finest_lsb.absmax must be finite and not negative, not {absmax!r}")
    if max_fix < 1:
        raise ValueError(f"finest_lsb.max_fix must be positive, not {max_fix!r}")
    if absmax == 0:
        return 0
    exact = Fraction(absmax)
    ratio = Fraction(int(exact.numerator), int(exact.denominator) * max_fix)
    # p / q lies strictly between 2**(d - 1) and 2**(d + 1), d the difference of their bit lengths
    lsb = ratio.numerator.bit_length() - ratio.denominator.bit_length()
    return lsb if ratio <= _power(lsb) else lsb + 1


def dynamic_lsb(acc: ArrayLike, lsb_acc: int | ArrayLike, fmt: AFPFormat) -> int:
    """``lsb_y`` of a dynamic layer: the rule on the largest ``|acc| * 2**lsb_acc``. Exact.

    Parameters
    ----------
    acc
        Accumulators after clip and ReLU, any shape, in units of ``2**lsb_acc``.
    lsb_acc
        An integer, or integers that broadcast with `acc` (one per channel).
    fmt
        Format of the output.

    Returns
    -------
    The lsb of the output tensor; 0 where all accumulators are 0. Source: numerics section 6.

    Raises
    ------
    TypeError
        `acc` or `lsb_acc` is not of integers.
    """
    check_format("dynamic_lsb", fmt)
    sums = integer_array("dynamic_lsb.acc", acc)
    lsb = integer_or_array("dynamic_lsb.lsb_acc", lsb_acc)
    if not sums.size:
        return 0
    if isinstance(lsb, int):
        top = max(int(sums.max()), -int(sums.min()))
        return finest_lsb(top, fmt.max_fix) + lsb if top else 0
    shape = np.broadcast_shapes(sums.shape, lsb.shape)
    wide, exponents = np.broadcast_to(sums, shape), np.broadcast_to(lsb, shape)
    best = Fraction(0)
    for exponent in np.unique(lsb):
        group = wide[exponents == exponent]
        top = max(int(group.max()), -int(group.min()))
        best = max(best, top * _power(int(exponent)))
    return finest_lsb(best, fmt.max_fix)


def clip_to_acc(level: Fraction | float, lsb_acc: int | ArrayLike) -> int | NDArray[Any]:
    """``floor(level * 2**-lsb_acc)``: a clip in units of the accumulator; numerics section 5.

    Returns
    -------
    A Python integer or, for an array of `lsb_acc`, Python integers (dtype object) of its shape.
    """
    lsb = integer_or_array("clip_to_acc.lsb_acc", lsb_acc)
    exact = Fraction(level)
    if isinstance(lsb, int):
        return math.floor(exact * _power(-lsb))
    channels = [math.floor(exact * _power(-int(exponent))) for exponent in lsb.reshape(-1)]
    result = np.empty(len(channels), dtype=object)
    result[:] = channels
    return result.reshape(lsb.shape)


def _power(exponent: int) -> Fraction:
    """``2**exponent``, exact for either sign."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)
