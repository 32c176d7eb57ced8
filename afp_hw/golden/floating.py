"""Floating-point codes to numbers and back: exact, vectorised.

For the formats of :mod:`afp_hw.formats.floating`, the rivals of AFP. Every value of every format is
a float64, with room to spare: a product of two FP32 numbers is one too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats.floating import FloatFormat
from afp_hw.golden.arguments import integer_array

_F64_MAN = 52


def check_float_codes(owner: str, codes: ArrayLike, fmt: FloatFormat) -> NDArray[np.int64]:
    """`codes` as int64, each in ``0 .. 2**fmt.width - 1``.

    Raises
    ------
    TypeError
        `codes` is not of integers, or `fmt` no FloatFormat.
    ValueError
        A code has more bits than the format.
    """
    if not isinstance(fmt, FloatFormat):
        raise TypeError(f"{owner} must be given a FloatFormat, not {fmt!r}")
    array = integer_array(f"{owner}.codes", codes)
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >> fmt.width:
            worst = low if low < 0 else high
            raise ValueError(
                f"{owner}.codes must be in 0..{(1 << fmt.width) - 1} for {fmt}, not {worst}"
            )
    return array.astype(np.int64)


def decode_float(codes: ArrayLike, fmt: FloatFormat) -> NDArray[np.float64]:
    """Values of `codes`, exact: the sign of zero, infinities and NaN included.

    Parameters
    ----------
    codes
        Integers in ``0 .. 2**fmt.width - 1``, any shape.
    fmt
        Format of the codes.

    Returns
    -------
    float64, same shape. NaN is NumPy's, whatever the code's sign and payload.

    Raises
    ------
    TypeError, ValueError
        See :func:`check_float_codes`.
    """
    array = check_float_codes("decode_float", codes, fmt)
    magnitude = array & ((1 << fmt.magnitude_width) - 1)
    exp = magnitude >> fmt.n_man
    man = magnitude & ((1 << fmt.n_man) - 1)
    sig = man + np.where(exp == 0, 0, 1 << fmt.n_man)
    values = np.ldexp(sig.astype(np.float64), np.maximum(exp, 1) - fmt.bias - fmt.n_man)
    if fmt.has_infinity:
        values = np.where(magnitude == fmt.infinity_code, np.inf, values)
        values = np.where(magnitude > fmt.infinity_code, np.nan, values)
    else:
        values = np.where(magnitude > fmt.largest_code, np.nan, values)
    return np.copysign(values, np.where(array >> fmt.magnitude_width, -1.0, 1.0))


def encode_float(
    values: ArrayLike, fmt: FloatFormat, *, saturate: bool = True
) -> NDArray[np.uint32]:
    """Codes nearest to `values`, ties to even, subnormals included; exact.

    Parameters
    ----------
    values
        float16, float32 or float64, any shape.
    fmt
        Format of the codes.
    saturate
        Give the largest finite number for finite values beyond it, as quantizers of operands do;
        otherwise what rounds beyond it overflows, as IEEE 754 has it: to infinity, or to NaN in a
        format without infinity.

    Returns
    -------
    uint32, same shape. The sign of zero stays. An infinity stays one, or is NaN in a format that
    has none; NaN gives ``fmt.nan_code``.

    Raises
    ------
    TypeError
        `values` is not of floats of at most 64 bits, or `fmt` no FloatFormat.

    Notes
    -----
    The bits of a float64 less those of the smallest normal number are the code, counted from that
    number, followed by ``52 - n_man`` bits that are rounded away; a carry raises the exponent.
    Below, codes count multiples of ``2**lsb``, and ``rint`` rounds half to even.
    """
    if not isinstance(fmt, FloatFormat):
        raise TypeError(f"encode_float must be given a FloatFormat, not {fmt!r}")
    array = np.asarray(values)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise TypeError(f"encode_float.values must be float16 to float64, not {array.dtype}")
    wide = array.astype(np.float64)
    magnitude = np.asarray(np.abs(np.where(np.isfinite(wide), wide, 0.0)))
    smallest = np.float64(np.ldexp(1.0, fmt.min_exponent))
    cut = _F64_MAN - fmt.n_man
    code = np.asarray(np.maximum(magnitude, smallest)).view(np.int64) - smallest.view(np.int64)
    code = (code + (1 << (cut - 1)) - 1 + ((code >> cut) & 1)) >> cut
    # minimum(): from the smallest normal number on this is 2**n_man, its code
    code += np.rint(np.ldexp(np.minimum(magnitude, smallest), -fmt.lsb)).astype(np.int64)
    infinite = fmt.infinity_code if fmt.has_infinity else fmt.nan_code
    code = np.where(code > fmt.largest_code, fmt.largest_code if saturate else infinite, code)
    code = np.where(np.isinf(wide), infinite, code)
    code = code | np.where(np.signbit(wide), 1 << fmt.magnitude_width, 0)
    return np.where(np.isnan(wide), fmt.nan_code, code).astype(np.uint32)


def float32_values(bits: ArrayLike) -> NDArray[np.float32]:
    """The float32 numbers with these `bits`, integers in ``0 .. 2**32 - 1``, any shape.

    Raises
    ------
    TypeError, ValueError
        They are no such integers.
    """
    array = integer_array("float32_values.bits", bits)
    if array.size and (int(array.min()) < 0 or int(array.max()) >> 32):
        worst = int(array.min()) if int(array.min()) < 0 else int(array.max())
        raise ValueError(f"float32_values.bits must be in 0..2**32 - 1, not {worst}")
    return np.ascontiguousarray(array.astype(np.uint32)).view(np.float32).reshape(array.shape)


def float32_bits(values: NDArray[Any]) -> NDArray[np.uint32]:
    """Bits of float32 `values`, uint32, same shape; every NaN as the canonical 0x7fc00000."""
    canonical = np.where(np.isnan(values), np.float32(np.nan), values).astype(np.float32)
    bits: NDArray[np.uint32] = np.ascontiguousarray(canonical).view(np.uint32)
    bits = bits.reshape(np.shape(values))
    return np.where(np.isnan(values), np.uint32(0x7FC00000), bits)
