"""The scalar definitions of floating point: one number at a time, Python integers and fractions.

As plain as can be, from IEEE 754-2019 and OFP8, without regard to speed. The vector forms in
:mod:`afp_hw.golden.floating` and :mod:`afp_hw.golden.floating_fma` are tested against them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from afp_hw.formats.floating import FP32, FloatFormat


def decode_float_scalar(code: int, fmt: FloatFormat) -> Fraction | float:
    """Value of `code`: a fraction, exact; or, as a float, an infinity, NaN or ``-0.0``.

    Raises
    ------
    ValueError
        `code` is not in ``0 .. 2**fmt.width - 1``.
    """
    if not 0 <= code < 1 << fmt.width:
        last = (1 << fmt.width) - 1
        raise ValueError(f"decode_float_scalar.code must be in 0..{last}, not {code!r}")
    sign = -1 if code >> fmt.magnitude_width else 1
    magnitude = code & ((1 << fmt.magnitude_width) - 1)
    if magnitude > fmt.largest_code:
        infinite = fmt.has_infinity and magnitude == fmt.infinity_code
        return sign * math.inf if infinite else math.nan
    if magnitude == 0 and sign < 0:
        return -0.0
    return sign * _magnitude(magnitude, fmt)


def round_float_scalar(value: Fraction, fmt: FloatFormat, *, negative_zero: bool = False) -> int:
    """Code nearest to `value`, ties to even; too large: infinity, or NaN where there is none.

    What rounds to zero keeps its sign; a zero has the sign that `negative_zero` says.
    """
    negative = negative_zero if value == 0 else value < 0
    target = abs(value)
    # One code beyond the largest: where the format ends, rounding goes on as if it did not.
    low, high = 0, fmt.largest_code + 1
    if target >= _magnitude(high, fmt):
        code = high
    else:
        while high - low > 1:
            middle = (low + high) // 2
            if _magnitude(middle, fmt) <= target:
                low = middle
            else:
                high = middle
        below, above = target - _magnitude(low, fmt), _magnitude(high, fmt) - target
        code = low if below < above or (below == above and low % 2 == 0) else high
    # That one code is infinity, or the NaN of a format without.
    return code | negative << fmt.magnitude_width


def fma_scalar(acc: int, act: int, wgt: int, act_fmt: FloatFormat, wgt_fmt: FloatFormat) -> int:
    """Bits of ``acc + act * wgt`` in float32, rounded once; IEEE 754-2019 ``fusedMultiplyAdd``.

    `acc` is bits of float32, the others are codes. The only NaN is 0x7fc00000.
    """
    terms = decode_float_scalar(act, act_fmt), decode_float_scalar(wgt, wgt_fmt)
    addend = decode_float_scalar(acc, FP32)
    if any(isinstance(x, float) and math.isnan(x) for x in (*terms, addend)):
        return FP32.nan_code
    negative = bool(act >> act_fmt.magnitude_width) != bool(wgt >> wgt_fmt.magnitude_width)
    infinite = any(isinstance(x, float) and math.isinf(x) for x in terms)
    if infinite and any(x == 0 for x in terms):
        return FP32.nan_code
    if isinstance(addend, float) and math.isinf(addend):
        opposed = infinite and negative != (addend < 0)
        return FP32.nan_code if opposed else acc
    if infinite:
        return FP32.infinity_code | negative << FP32.magnitude_width
    exact = Fraction(terms[0]) * Fraction(terms[1]) + Fraction(addend)
    # A zero sum is -0 only if both summands are: those of zeros, as others cancel to +0.
    both_negative = negative and bool(acc >> FP32.magnitude_width)
    return round_float_scalar(exact, FP32, negative_zero=both_negative)


def dot_scalar(
    acts: Sequence[int], wgts: Sequence[int], act_fmt: FloatFormat, wgt_fmt: FloatFormat
) -> int:
    """Bits of the sum of products of codes in float32, a fused step each, from +0."""
    total = 0
    for act, wgt in zip(acts, wgts, strict=True):
        total = fma_scalar(total, act, wgt, act_fmt, wgt_fmt)
    return total


def _magnitude(code: int, fmt: FloatFormat) -> Fraction:
    """Value of a code without sign, special or not, as if it were a number."""
    exp, man = code >> fmt.n_man, code & ((1 << fmt.n_man) - 1)
    sig = man if exp == 0 else (1 << fmt.n_man) + man
    return Fraction(sig) * Fraction(2) ** (max(exp, 1) - fmt.bias - fmt.n_man)
