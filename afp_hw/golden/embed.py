"""Codes of a narrow format as codes of a wider one: numerics section 4, exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden.arguments import check_codes, check_format
from afp_hw.golden.rounding import code_dtype


def embed(codes: ArrayLike, fmt: AFPFormat, envelope: AFPFormat) -> NDArray[Any]:
    """Codes of `envelope` for the values that `codes` stand for in `fmt`.

    ``exponent' = exponent``, ``mantissa' = mantissa << d`` with ``d`` the difference in `n_man`;
    the lsb falls by ``d`` (the bias stays), and ``to_fix`` of the result is ``d`` bits further
    left.

    Parameters
    ----------
    codes
        Integers in ``0 .. 2**fmt.width - 1``, any shape.
    fmt, envelope
        The format of the codes, and one that holds it.

    Returns
    -------
    uint8, uint16 or uint32, the smallest that holds ``envelope.width`` bits, in the same shape.

    Raises
    ------
    TypeError
        `codes` is not of integers.
    ValueError
        `envelope` does not hold `fmt`, or a code has more bits than `fmt`.
    """
    array = check_codes("embed", codes, fmt)
    check_format("embed", envelope)
    if not envelope.holds(fmt):
        raise ValueError(f"embed.envelope must hold {fmt}, not {envelope}")
    wide = array.astype(np.int64)
    magnitude = wide & ((1 << fmt.magnitude_width) - 1)
    sign = wide >> fmt.magnitude_width
    # exponent and mantissa shift together: both move up by the bits that the mantissa gains
    shifted = magnitude << (envelope.n_man - fmt.n_man) | sign << envelope.magnitude_width
    return np.asarray(shifted, code_dtype(envelope))
