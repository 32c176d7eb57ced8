"""Integers in two's complement: codes, quantization with a real scale, and dynamic requantization.

Sources: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 2.2 (the fixed-point factor); R.
Krishnamoorthi, arXiv:1806.08342 (symmetric scales). Rounding is half away from zero, as there.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afp_hw.formats import AFPFormat, IntFormat, Number
from afp_hw.golden.arguments import integer_array
from afp_hw.golden.codec import to_fix

FACTOR_BITS: Final = 31
"""A factor is below 2**31: 32 bits, of which the sign is never used."""

MOST_SHIFT: Final = 62


def _check(owner: str, fmt: IntFormat) -> None:
    if not isinstance(fmt, IntFormat):
        raise TypeError(f"{owner}.fmt must be an IntFormat, not {fmt!r}")


def integer_of_codes(codes: ArrayLike, fmt: IntFormat) -> NDArray[np.int64]:
    """The integers that codes stand for, int64; a code has `fmt.width` bits.

    Raises
    ------
    TypeError
        `codes` is not of integers, or `fmt` no IntFormat.
    ValueError
        A code has more bits than the format.
    """
    _check("integer_of_codes", fmt)
    array = integer_array("integer_of_codes.codes", codes).astype(np.int64)
    if array.size and (array.min() < 0 or array.max() >> fmt.width):
        raise ValueError(
            f"integer_of_codes.codes must be in 0..{(1 << fmt.width) - 1} for {fmt}, "
            f"not {int(array.min() if array.min() < 0 else array.max())}"
        )
    return np.where(array > fmt.highest, array - (1 << fmt.width), array)


def codes_of_integers(integers: ArrayLike, fmt: IntFormat) -> NDArray[Any]:
    """Codes, uint8 or uint16, of integers that the format holds.

    Raises
    ------
    ValueError
        One of them is out of range.
    """
    _check("codes_of_integers", fmt)
    array = integer_array("codes_of_integers.integers", integers).astype(np.int64)
    if array.size and (array.min() < fmt.lowest or array.max() > fmt.highest):
        raise ValueError(
            f"codes_of_integers.integers must be in {fmt.lowest}..{fmt.highest} for {fmt}, "
            f"not {int(array.min() if array.min() < fmt.lowest else array.max())}"
        )
    kind: Any = np.uint8 if fmt.width <= 8 else np.uint16
    return (array & ((1 << fmt.width) - 1)).astype(kind)


def fix_of_codes(codes: ArrayLike, fmt: Number) -> NDArray[Any]:
    """The integers that an array multiplies: ``fix`` of AFP codes, or integers themselves."""
    return to_fix(codes, fmt) if isinstance(fmt, AFPFormat) else integer_of_codes(codes, fmt)


def symmetric_scale(absmax: float, fmt: IntFormat) -> float:
    """Scale at which the largest magnitude is the highest integer; 1 for a tensor of zeros.

    Raises
    ------
    ValueError
        `absmax` is negative or not finite.
    """
    _check("symmetric_scale", fmt)
    if not 0 <= absmax < math.inf:
        raise ValueError(f"symmetric_scale.absmax must be finite and not negative, not {absmax!r}")
    return absmax / fmt.highest if absmax else 1.0


def quantize_integer(values: ArrayLike, fmt: IntFormat, scale: float) -> NDArray[Any]:
    """Codes of ``values / scale`` rounded half to even; magnitudes beyond ``highest`` saturate.

    The lowest integer of a signed format, whose magnitude no other one has, is not used.

    Raises
    ------
    ValueError
        A value is not finite, or the scale not positive.
    """
    _check("quantize_integer", fmt)
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("quantize_integer.values must be finite, not NaN or infinite")
    if not 0 < scale < math.inf:
        raise ValueError(f"quantize_integer.scale must be positive, not {scale!r}")
    low = -fmt.highest if fmt.signed else 0
    return codes_of_integers(np.clip(np.rint(array / scale), low, fmt.highest).astype(int), fmt)


def fixed_factor(ratio: float) -> tuple[int, int]:
    """A positive ratio as ``factor * 2**-shift`` with ``2**30 <= factor < 2**31``.

    Raises
    ------
    ValueError
        The ratio is not positive, or so large or small that the shift is not in 1..62.
    """
    if not 0 < ratio < math.inf:
        raise ValueError(f"fixed_factor.ratio must be positive, not {ratio!r}")
    fraction, exponent = math.frexp(ratio)
    factor, shift = round(fraction * (1 << FACTOR_BITS)), FACTOR_BITS - exponent
    if factor == 1 << FACTOR_BITS:
        factor, shift = factor >> 1, shift - 1
    if not 1 <= shift <= MOST_SHIFT:
        raise ValueError(
            f"fixed_factor.ratio must give a shift in 1..{MOST_SHIFT}, not {shift} ({ratio!r})"
        )
    return factor, shift


def requantize_integer(
    acc: ArrayLike, factor: int, shift: int, fmt: IntFormat, *, relu: bool = False
) -> NDArray[Any]:
    """``saturate(round(acc * factor * 2**-shift))`` as codes; exact, ties away from zero.

    What a dynamic INT8 network does with every output: a wide product, a rounding shift, a clamp.

    Parameters
    ----------
    acc
        Integers within 32 bits, any shape.
    factor, shift
        As :func:`fixed_factor` gives them.
    fmt
        Format of the codes; an unsigned one is its own ReLU.
    relu
        Negative sums give 0.

    Raises
    ------
    ValueError
        A sum, the factor or the shift is out of range.
    """
    _check("requantize_integer", fmt)
    sums = integer_array("requantize_integer.acc", acc).astype(np.int64)
    if sums.size and (sums.min() < -(1 << 31) or sums.max() >= 1 << 31):
        raise ValueError("requantize_integer.acc must be of 32 bits, not larger")
    if not 0 <= factor < 1 << FACTOR_BITS:
        raise ValueError(f"requantize_integer.factor must be in 0..2**31 - 1, not {factor!r}")
    if not 1 <= shift <= MOST_SHIFT:
        raise ValueError(f"requantize_integer.shift must be in 1..{MOST_SHIFT}, not {shift!r}")
    # |acc * factor| <= 2**31 * (2**31 - 1) and half a unit more is below 2**63.
    magnitude = np.abs(sums) * factor
    rounded = (magnitude + (1 << (shift - 1))) >> shift
    low = 0 if relu or not fmt.signed else fmt.lowest
    return codes_of_integers(np.clip(np.where(sums < 0, -rounded, rounded), low, fmt.highest), fmt)
