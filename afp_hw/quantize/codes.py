"""A tensor as codes of any format, its grid chosen so that the largest magnitude fits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat, Number
from afp_hw.golden import encode, quantize_integer, symmetric_scale
from afp_hw.quantize.bias import bias_for


def quantize_codes(values: ArrayLike, fmt: Number) -> NDArray[Any]:
    """Codes of a whole tensor in one format.

    AFP gets the bias of the paper's rule, integers the symmetric scale at which the largest
    magnitude is the highest integer. An unsigned format makes 0 of what is negative.

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
    if isinstance(fmt, AFPFormat):
        return encode(array, fmt, bias_for(absmax, fmt))
    return quantize_integer(array, fmt, symmetric_scale(absmax, fmt))
