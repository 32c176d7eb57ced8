"""Pooling: numerics section 5, exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden.arguments import check_codes, integer_array, largest
from afp_hw.golden.conv import Pair, pair, sides, windows
from afp_hw.golden.rounding import code_dtype

AVERAGE_BITS = 16
"""Bits of the reciprocal of an average: the result of :func:`average_pool` has lsb - 16."""


def average_factor(count: int) -> int:
    """``round(2**16 / count)``, half to even: the reciprocal that an average is multiplied by.

    Raises
    ------
    ValueError
        `count` is not in 1..65536.
    """
    if not 1 <= count <= 1 << AVERAGE_BITS:
        raise ValueError(f"average_factor.count must be in 1..65536, not {count!r}")
    quotient, rest = divmod(1 << AVERAGE_BITS, count)
    return quotient + (2 * rest > count or (2 * rest == count and quotient % 2 == 1))


def sum_pool(fix: ArrayLike, kernel: Pair, stride: Pair = 1, padding: Pair = 0) -> NDArray[Any]:
    """Exact sums of windows, ``[B, C, OH, OW]``, of integers ``[B, C, H, W]``.

    Padded positions count as 0. The result is int64 where the bound on the sums is below 2**63,
    else Python integers (dtype object). Arguments as those of :func:`.windows`.

    Raises
    ------
    TypeError
        `fix` is not of integers.
    ValueError
        As :func:`.windows`.
    """
    values = integer_array("sum_pool.fix", fix)
    high, wide = pair("kernel", kernel, 1)
    kind = object if largest(values) * high * wide >= 1 << 63 else np.int64
    view = windows(values.astype(kind, copy=False), kernel, stride, padding)
    total = np.zeros(view.shape[:4], kind)
    for row in range(view.shape[4]):
        for column in range(view.shape[5]):
            total += view[..., row, column]
    return total


def average_pool(fix: ArrayLike, kernel: Pair, stride: Pair = 1, padding: Pair = 0) -> NDArray[Any]:
    """Accumulators of an average: the exact sum of each window times :func:`average_factor`.

    They are in units of ``2**(lsb - 16)`` where `fix` is in units of ``2**lsb``: requantize with
    ``offset = lsb - 16 - lsb_y``. Every window counts ``KH * KW`` elements, padded zeros
    included. Arguments, dtype and errors as those of :func:`sum_pool`.
    """
    total = sum_pool(fix, kernel, stride, padding)
    high, wide = pair("kernel", kernel, 1)
    factor = average_factor(high * wide)
    if total.dtype != object and largest(total) * factor >= 1 << 63:
        total = total.astype(object)
    return np.asarray(total * factor)


def max_pool(
    codes: ArrayLike,
    fmt: AFPFormat,
    kernel: Pair,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> NDArray[Any]:
    """Codes ``[B, C, OH, OW]`` of the largest value in each window of codes ``[B, C, H, W]``.

    Sign and magnitude are compared: within a format larger magnitudes have larger codes. All zeros
    are equal and give +0. Padding takes no part.

    Raises
    ------
    TypeError
        `codes` is not of integers.
    ValueError
        As :func:`.windows`; a code has more bits than `fmt`; or the padding is so wide that a
        window may hold nothing else.
    """
    array = check_codes("max_pool", codes, fmt)
    _check_padding(kernel, padding, dilation)
    wide = array.astype(np.int64)
    magnitude = wide & ((1 << fmt.magnitude_width) - 1)
    ranks = np.where(wide >> fmt.magnitude_width != 0, -magnitude, magnitude)
    view = windows(ranks, kernel, stride, padding, dilation, fill=-(1 << fmt.magnitude_width))
    top = view[..., 0, 0].copy()
    for row in range(view.shape[4]):
        for column in range(view.shape[5]):
            np.maximum(top, view[..., row, column], out=top)
    signs = np.where(top < 0, 1 << fmt.magnitude_width, 0)
    return np.asarray(np.absolute(top) | signs, code_dtype(fmt))


def _check_padding(kernel: Pair, padding: Pair, dilation: Pair) -> None:
    """Refuse padding that can fill a window."""
    high, wide = pair("kernel", kernel, 1)
    step_h, step_w = pair("dilation", dilation, 1)
    spans = (step_h * (high - 1) + 1, step_w * (wide - 1) + 1)
    if any(side >= spans[axis % 2] for axis, side in enumerate(sides(padding))):
        raise ValueError(f"max_pool.padding must be below the window's {spans}, not {padding!r}")
