"""Choice of the bias by the rule of the paper: numerics section 3, exact.

Source: F. Liu et al., ICCV 2021 (DOI 10.1109/ICCV48922.2021.00523), as ``docs/numerics.md``
restates it: the finest grid on which the largest magnitude still fits.
"""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden.grid import finest_lsb


def bias_for(absmax: float | Fraction | np.floating[Any] | np.integer[Any], fmt: AFPFormat) -> int:
    """Bias of the finest grid of `fmt` that holds `absmax`; a tensor of zeros has lsb 0.

    ``bias = 1 - n_man - ceil(log2(absmax / max_fix))``, computed with integers.

    Raises
    ------
    TypeError
        `absmax` is no number.
    ValueError
        `absmax` is negative, NaN or infinite.
    """
    if isinstance(absmax, bool) or not isinstance(absmax, Real):
        raise TypeError(f"bias_for.absmax must be a number, not {absmax!r}")
    if not 0 <= absmax < float("inf"):
        raise ValueError(f"bias_for.absmax must be finite and not negative, not {absmax!r}")
    exact = Fraction(absmax) if isinstance(absmax, Rational) else Fraction(float(absmax))
    return fmt.bias(finest_lsb(exact, fmt.max_fix))


def bias_for_channels(absmax: ArrayLike, fmt: AFPFormat) -> NDArray[np.int64]:
    """The same for an array of magnitudes, one per channel; exact, without a loop.

    Parameters
    ----------
    absmax
        Floats, finite and not negative, any shape.
    fmt
        Format of the channels.

    Returns
    -------
    int64, the shape of `absmax`.

    Raises
    ------
    ValueError
        An element is negative, NaN or infinite.

    Notes
    -----
    With ``absmax = f * 2**e`` and ``max_fix = g * 2**h``, both fractions in [1/2, 1) and exact in
    float64, ``ceil(log2)`` of the ratio is ``e - h``, plus one where ``f > g``.
    """
    array = np.asarray(absmax, np.float64)
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        raise ValueError(
            "bias_for_channels.absmax must be finite and not negative, "
            f"not {float(array[bad][0])!r} and {int(bad.sum()) - 1} more of {array.size}"
        )
    fraction, exponent = np.frexp(array)
    limit, height = np.frexp(float(fmt.max_fix))
    lsb = exponent.astype(np.int64) - int(height) + (fraction > limit)
    return np.asarray(1 - fmt.n_man - np.where(array == 0, 0, lsb), np.int64)
