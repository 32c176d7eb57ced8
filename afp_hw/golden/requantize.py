"""Requantization of exact accumulators to codes: numerics section 6."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden.arguments import (
    check_format,
    integer_array,
    integer_or_array,
    largest,
)
from afp_hw.golden.encode32 import Encoder32
from afp_hw.golden.rounding import (
    apply_scale,
    broadcast_scale,
    code_dtype,
    power_scale,
    row_blocks,
    signed_codes,
)

_F32_EXACT = 1 << 24

_SINGLE_EXPONENT = 100
"""Largest magnitude of an offset with which accumulators to 2**24 are scaled in float32."""

_TOP_BITS = 53
"""Bits of a magnitude that are kept before rounding, the lowest of them sticky."""


def requantize(
    acc: ArrayLike,
    offset: int | ArrayLike,
    fmt: AFPFormat,
    relu: bool = False,
    clip: int | ArrayLike | None = None,
) -> NDArray[Any]:
    """Codes of ``relu?(clip?(acc)) * 2**offset``, rounded once; exact for every offset.

    Parameters
    ----------
    acc
        Integers of any shape in units of ``2**lsb_acc``: any NumPy integer type or, beyond it,
        Python integers (dtype object).
    offset
        ``lsb_acc - lsb_y``: an integer, or integers that broadcast with `acc`.
    fmt
        Format of the result. Unsigned formats give 0 for what is negative.
    relu
        Replace negative sums by 0.
    clip
        Largest sum let through, in units of `acc`; broadcasts. Applied before `relu`.

    Returns
    -------
    uint8, uint16 or uint32, the smallest that holds ``fmt.width`` bits, in the shape of `acc`,
    `offset` and `clip` broadcast together.

    Raises
    ------
    TypeError
        `acc`, `offset` or `clip` is not of integers.

    Notes
    -----
    A magnitude enters float64 exactly, or with 42 and more leading bits and a sticky bit below them
    (rounded to odd). No format has more than 24 significant bits, so the one rounding of
    :func:`.magnitude_codes` gives the same code as the exact value would. Blocks of magnitudes up
    to 2**24, which real layers mostly are, are exact in float32 and take its faster encoder.
    """
    check_format("requantize", fmt)
    sums = integer_array("requantize.acc", acc)
    shift = integer_or_array("requantize.offset", offset)
    if clip is not None:
        sums = _clipped(sums, integer_or_array("requantize.clip", clip))
    shape = np.broadcast_shapes(sums.shape, np.shape(shift))
    rows_shape = shape or (1,)  # object arrays without axes turn into their elements
    sums = np.broadcast_to(sums, rows_shape)
    codes = np.empty(rows_shape, code_dtype(fmt))
    if sums.dtype == object:
        exponents = np.broadcast_to(np.asarray(shift, dtype=object), rows_shape)
    else:
        scale = broadcast_scale(power_scale(shift), rows_shape)
        single = _single_scale(shift, rows_shape)
    encoder = Encoder32.find(fmt, 0)
    for rows in row_blocks(rows_shape):
        block = np.maximum(sums[rows], 0) if relu else sums[rows]
        if block.dtype == object:
            units = _object_units(block, exponents[rows])
        elif encoder is not None and single is not None and largest(block) <= _F32_EXACT:
            codes[rows] = encoder.encode(block.astype(np.float32) * single[rows])
            continue
        else:
            units = _units(block)
            apply_scale(units, scale, rows)
        codes[rows] = signed_codes(units, block < 0, fmt)
    return codes.reshape(shape)


def _single_scale(shift: int | NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """``2**shift`` in `shape` as float32, or None where a product with it might not be exact.

    Integers up to 2**24 are exact in float32; within this bound on the exponent so are their
    products with a power of two.
    """
    exponent = np.asarray(shift)
    if exponent.size and max(-int(exponent.min()), int(exponent.max())) > _SINGLE_EXPONENT:
        return None
    return np.broadcast_to(np.ldexp(np.float32(1), exponent.astype(np.int64)), shape)


def _clipped(sums: NDArray[Any], limit: int | NDArray[Any]) -> NDArray[Any]:
    """Minimum of both, in Python integers where a limit lies below the type of `sums`."""
    if sums.dtype not in (object, np.uint64):
        sums = sums.astype(np.int64, copy=False)
    exact = np.asarray(limit, dtype=object)
    if sums.dtype != object and exact.size:
        ends = np.iinfo(sums.dtype)
        if exact.min() < ends.min:
            sums = sums.astype(object)
        else:
            # a limit above the type is one that nothing reaches
            return np.asarray(np.minimum(sums, np.asarray(np.minimum(exact, ends.max), sums.dtype)))
    return np.asarray(np.minimum(sums, exact))


def _units(block: NDArray[Any]) -> NDArray[np.float64]:
    """Magnitudes of NumPy integers as float64, exact below 2**53 and rounded to odd above."""
    if block.dtype == np.uint64:
        magnitude = np.array(block, np.uint64)
    else:
        wide = np.array(block, np.int64)
        # abs(-2**63) wraps to itself, which is 2**63 when read without a sign
        magnitude = np.absolute(wide, out=wide).view(np.uint64)
    units = magnitude.astype(np.float64)
    if magnitude.size and int(magnitude.max()) >= 1 << _TOP_BITS:
        top = (magnitude >> np.uint64(11)) | ((magnitude & np.uint64(2047)) != 0)
        large = magnitude >> np.uint64(_TOP_BITS) != 0
        units = np.where(large, top.astype(np.float64) * 2048.0, units)
    return units


bit_length = np.frompyfunc(int.bit_length, 1, 1)
"""Of each of an array of Python integers."""


def _object_units(block: NDArray[Any], offset: NDArray[Any]) -> NDArray[np.float64]:
    """Scaled magnitudes of Python integers, rounded to odd where they have more than 53 bits."""
    magnitude = np.absolute(block)
    drop = np.maximum(bit_length(magnitude) - _TOP_BITS, 0)
    top = magnitude >> drop
    lost = np.asarray((top << drop) != magnitude, bool)
    top = np.asarray(top | lost.astype(object))
    units = np.array(top.astype(np.float64))
    exponent = np.asarray(np.clip(offset.astype(object) + drop, -1100, 1400))
    apply_scale(units, power_scale(exponent.astype(np.int64)), ())
    return units
