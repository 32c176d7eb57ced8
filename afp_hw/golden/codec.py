"""Tensors to codes and back: numerics sections 1 and 2, exact, vectorised."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat
from afp_hw.golden.arguments import (
    check_codes,
    check_format,
    integer_or_array,
    refuse_nonfinite,
)
from afp_hw.golden.encode32 import Encoder32
from afp_hw.golden.requantize import requantize
from afp_hw.golden.rounding import (
    apply_scale,
    broadcast_scale,
    code_dtype,
    power_scale,
    row_blocks,
    signed_codes,
)

_TABLE_WIDTH = 12
"""Formats up to this width are decoded by table, wider ones by arithmetic."""

_BLOCK = 1 << 14
"""Codes looked up at a time, so that their indices stay in the cache."""

_FAR = 1 << 62
"""Biases in arrays are brought within this bound: nothing changes, and int64 does not wrap."""


def encode(values: ArrayLike, fmt: AFPFormat, bias: int | ArrayLike) -> NDArray[Any]:
    """Codes of the representable values nearest to `values`; exact, ties to the even code.

    Parameters
    ----------
    values
        float16, float32, float64 or integers (Python integers beyond int64 too), any shape.
    fmt
        Format of the codes. Unsigned formats give 0 for what is negative.
    bias
        An integer, or integers that broadcast with `values` (one per channel).

    Returns
    -------
    uint8, uint16 or uint32, the smallest that holds ``fmt.width`` bits, in the broadcast shape.
    Zero, and what rounds to it, is +0; magnitudes beyond ``max_fix * 2**lsb`` saturate.

    Raises
    ------
    TypeError
        `values` or `bias` is of another kind.
    ValueError
        `values` has NaN or infinity; the message has their number, the caller knows the name.
    """
    check_format("encode", fmt)
    exponent = _negated_lsb("encode.bias", fmt, bias)
    array = np.asarray(values)
    if array.dtype.kind != "f":
        if array.dtype.kind not in "iuO" and array.size:
            raise TypeError(f"encode.values must be floats or integers, not {array.dtype}")
        return requantize(array.astype(np.int64) if array.size == 0 else array, exponent, fmt)
    if array.dtype.itemsize > 8:
        raise TypeError(f"encode.values must be of at most 64 bits each, not {array.dtype}")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.itemsize <= 4 and isinstance(exponent, int):
        encoder = Encoder32.find(fmt, -exponent)
        if encoder is not None:
            return encoder.encode(array)
    return _encode_float(array, fmt, exponent)


def decode(codes: ArrayLike, fmt: AFPFormat, bias: int | ArrayLike) -> NDArray[np.float64]:
    """Values of `codes`, float64: exact unless subnormal there (then the nearest float64).

    Parameters
    ----------
    codes
        Integers in ``0 .. 2**fmt.width - 1``, any shape.
    fmt
        Format of the codes.
    bias
        An integer, or integers that broadcast with `codes`.

    Raises
    ------
    TypeError
        `codes` or `bias` is not of integers.
    ValueError
        A code has more bits than the format.
    OverflowError
        A value is not finite in float64.
    """
    array = check_codes("decode", codes, fmt)
    exponent = np.clip(_negated_lsb("decode.bias", fmt, bias), -4000, 4000)
    lsb = -np.asarray(exponent).astype(np.int64)
    with np.errstate(over="ignore", under="ignore"):
        # |fix| < 2**279: a significand of 24 bits and one exponent, exact in float64
        if fmt.width > _TABLE_WIDTH:
            values = np.ldexp(_float_fix(array, fmt), lsb)
        elif np.ndim(lsb) == 0:
            table = np.ldexp(_float_table(fmt), lsb)
            values = _look_up(table, array)
        else:
            values = np.ldexp(_look_up(_float_table(fmt), array), lsb)
    if not np.isfinite(values).all():
        raise OverflowError(f"decode.bias must leave every value of {fmt} finite, not {bias!r}")
    return np.asarray(values, np.float64)


def to_fix(codes: ArrayLike, fmt: AFPFormat) -> NDArray[Any]:
    """Integers that `codes` stand for, in units of ``2**lsb``; exact.

    Returns
    -------
    int64 where ``fmt.max_fix < 2**63``, else Python integers (dtype object); the shape of `codes`.

    Raises
    ------
    TypeError
        `codes` is not of integers.
    ValueError
        A code has more bits than the format.
    """
    array = check_codes("to_fix", codes, fmt)
    if fmt.width <= _TABLE_WIDTH:
        return _look_up(_fix_table(fmt), array)
    return _fix(array.reshape(-1), fmt).reshape(array.shape)


def _encode_float(
    array: NDArray[Any], fmt: AFPFormat, exponent: int | NDArray[Any]
) -> NDArray[Any]:
    """Encode floats by way of float64, block by block; any bias, scalar or array."""
    shape = np.broadcast_shapes(array.shape, np.shape(exponent))
    rows_shape = shape or (1,)  # without axes NumPy gives scalars, which cannot be written to
    scale = broadcast_scale(power_scale(exponent), rows_shape)
    wide = np.broadcast_to(array, rows_shape)
    codes = np.empty(rows_shape, code_dtype(fmt))
    for rows in row_blocks(rows_shape):
        block = wide[rows]
        units = np.array(np.absolute(block), np.float64, order="C")
        if not float(units.max(initial=0.0)) < np.inf:
            refuse_nonfinite(array)
        apply_scale(units, scale, rows)
        codes[rows] = signed_codes(units, block < 0, fmt)
    return codes.reshape(shape)


def _negated_lsb(name: str, fmt: AFPFormat, bias: int | ArrayLike) -> int | NDArray[Any]:
    """``-lsb``, the exponent that turns values into units: an int, or an int64 or object array."""
    given = integer_or_array(name, bias)
    if isinstance(given, int):
        return given + fmt.n_man - 1
    if given.dtype == np.uint64:
        given = np.minimum(given, np.uint64(_FAR))
    if given.dtype != object:
        given = np.clip(given.astype(np.int64), -_FAR, _FAR)
    return np.asarray(given + (fmt.n_man - 1))


def _fix(codes: NDArray[Any], fmt: AFPFormat) -> NDArray[Any]:
    """Signed integers of `codes` by arithmetic; int64, or objects where int64 is too narrow."""
    wide = codes.astype(np.int64)
    sig, shift, negative = _fields(wide, fmt)
    if fmt.max_fix.bit_length() > 63:
        sig, shift = sig.astype(object), shift.astype(object)
    fix = np.asarray(sig << shift)
    return np.where(negative, -fix, fix)


def _float_fix(codes: NDArray[Any], fmt: AFPFormat) -> NDArray[np.float64]:
    """The same as float64, exact: a significand of at most 24 bits and an exponent below 255."""
    sig, shift, negative = _fields(codes.astype(np.int64), fmt)
    fix = np.ldexp(sig.astype(np.float64), shift)
    return np.where(negative & (sig != 0), -fix, fix)


def _fields(
    codes: NDArray[np.int64], fmt: AFPFormat
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Significand (hidden one resolved), shift and sign."""
    exp = (codes >> fmt.n_man) & ((1 << fmt.n_exp) - 1)
    sig = codes & ((1 << fmt.n_man) - 1)
    sig = sig + ((exp != 0).astype(np.int64) << fmt.n_man)
    return sig, np.maximum(exp, 1) - 1, codes >> fmt.magnitude_width != 0


@lru_cache(maxsize=256)
def _fix_table(fmt: AFPFormat) -> NDArray[Any]:
    """Integers of every code, in the order of the codes."""
    return _frozen(_fix(np.arange(1 << fmt.width), fmt))


@lru_cache(maxsize=256)
def _float_table(fmt: AFPFormat) -> NDArray[np.float64]:
    """Integers of every code as float64, exact."""
    return _frozen(_float_fix(np.arange(1 << fmt.width), fmt))


def _look_up(table: NDArray[Any], codes: NDArray[Any]) -> NDArray[Any]:
    """``table[codes]`` in blocks of the cache's size; the codes are known to be in range."""
    flat = codes.reshape(-1)
    result = np.empty(flat.size, table.dtype)
    for start in range(0, flat.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        # a mode other than "raise" writes straight into `out`
        np.take(table, flat[part].astype(np.intp), out=result[part], mode="clip")
    return result.reshape(codes.shape)


def _frozen(table: NDArray[Any]) -> NDArray[Any]:
    table.flags.writeable = False
    return table
