"""A tensor as codes of any format, its grid chosen so that the largest magnitude fits."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat, FloatFormat, Number
from afp_hw.golden import encode, finest_lsb, quantize_integer, symmetric_scale
from afp_hw.golden.arguments import refuse_nonfinite
from afp_hw.golden.floating import encode_float
from afp_hw.quantize.bias import bias_for

_SCALED: Final = 8
"""Floating-point formats of at most so many bits are used with a scale."""


def float_exponent(absmax: float, fmt: FloatFormat) -> int:
    """Power of two that a tensor is multiplied by before it is rounded to `fmt`.

    Wider formats are used as they are: 0. FP8 has a power of two for each tensor, the largest
    one at which the largest magnitude does not pass the largest number of the format.

    Parameters
    ----------
    absmax
        Largest magnitude of the tensor, finite.
    fmt
        Format of the codes.
    """
    if fmt.width > _SCALED or not absmax:
        return 0
    return fmt.lsb - finest_lsb(absmax, fmt.max_fix)


def quantize_codes(values: ArrayLike, fmt: Number | FloatFormat) -> NDArray[Any]:
    """Codes of a whole tensor in one format.

    AFP gets the bias of the paper's rule, integers the symmetric scale at which the largest
    magnitude is the highest integer, FP8 the power of two of :func:`float_exponent`; wider floats
    are rounded as they are. An unsigned format makes 0 of what is negative.

    Parameters
    ----------
    values
        Finite floats, any shape.
    fmt
        Format of the codes.

    Raises
    ------
    ValueError
        A value is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    absmax = float(np.abs(array).max(initial=0.0))
    if not math.isfinite(absmax):
        refuse_nonfinite(array, "quantize_codes.values")
    if isinstance(fmt, FloatFormat):
        return encode_float(np.ldexp(array, float_exponent(absmax, fmt)), fmt)
    if isinstance(fmt, AFPFormat):
        return encode(array, fmt, bias_for(absmax, fmt))
    return quantize_integer(array, fmt, symmetric_scale(absmax, fmt))
