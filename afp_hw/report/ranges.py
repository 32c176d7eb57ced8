"""Range and precision of formats: from the smallest to the largest magnitude, and the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from afp_hw.formats import AFPFormat
from afp_hw.report.figure_file import document


@dataclass(frozen=True)
class FloatRange:
    """A format: significand bits of its normal numbers, and its magnitudes.

    Attributes
    ----------
    name, bits
        Its name and width.
    significand
        Bits of the significand, the hidden one included.
    smallest, normal, largest
        Smallest subnormal, smallest normal, largest magnitude: exponents of two, the largest not
        whole.
    """

    name: str
    bits: int
    significand: int
    smallest: float
    normal: float
    largest: float


def ieee_like(name: str, n_exp: int, n_man: int) -> FloatRange:
    """A format as IEEE 754 builds them: the highest exponent is for infinity and NaN."""
    bias = (1 << (n_exp - 1)) - 1
    largest = math.log2(2 - 2.0**-n_man) + bias
    return FloatRange(name, 1 + n_exp + n_man, n_man + 1, 1.0 - bias - n_man, 1.0 - bias, largest)


RIVALS: Final = (
    ieee_like("FP32", 8, 23),
    ieee_like("TF32", 8, 10),
    ieee_like("FP16", 5, 10),
    ieee_like("BF16", 8, 7),
    FloatRange("INT8", 8, 7, 0.0, 0.0, math.log2(127)),
)
"""IEEE 754-2019; TF32 and BF16 as their makers describe them; symmetric INT8 at a scale of 1."""


def afp_range(fmt: AFPFormat) -> FloatRange:
    """An AFP format whose largest magnitude is below 2: its bias moves the whole bar."""
    lsb = -(fmt.max_fix.bit_length() - 1)
    significand = fmt.n_man + (1 if fmt.n_exp else 0)
    normal = lsb + (fmt.n_man if fmt.n_exp else 0)
    largest = math.log2(fmt.max_fix) + lsb
    name = f"AFP({fmt.n_exp},{fmt.n_man})"
    return FloatRange(name, fmt.width, significand, float(lsb), float(normal), largest)


def ranges(formats: Sequence[AFPFormat]) -> dict[str, Any]:
    """AFP formats and the rivals."""
    rows = [*map(afp_range, formats), *RIVALS]
    return document("ranges", formats=[{**vars(row)} for row in rows], afp=len(formats))
