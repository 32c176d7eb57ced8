"""Formats by their names: ``e3m1``, ``ue3m2``, ``int8``, ``bf16``."""

from __future__ import annotations

import re
from typing import Final

from afp_hw.formats.afp import AFPFormat
from afp_hw.formats.floating import FLOAT_FORMATS, FloatFormat
from afp_hw.formats.integer import IntFormat

Number = AFPFormat | IntFormat
"""What an array multiplies: integers, times a power of two or another scale."""

_INTEGER: Final = re.compile(r"\s*u?int\d+\s*", re.ASCII | re.IGNORECASE)
_ADAPTIVE: Final = re.compile(r"\s*u?e\d+m\d+\s*", re.ASCII | re.IGNORECASE)


def parse_number(text: str) -> Number:
    """Read the name of an AFP format or of an integer.

    Raises
    ------
    TypeError
        `text` is no string.
    ValueError
        It is neither, or out of range.
    """
    if isinstance(text, str) and _INTEGER.fullmatch(text):
        return IntFormat.parse(text)
    return AFPFormat.parse(text)


def parse_format(text: str) -> Number | FloatFormat:
    """Read the name of any format that hardware is generated for.

    Raises
    ------
    TypeError
        `text` is no string.
    ValueError
        There is no such format, or a field is out of range.
    """
    if not isinstance(text, str):
        raise TypeError(f"a format must be a string, not {text!r}")
    if _INTEGER.fullmatch(text) or _ADAPTIVE.fullmatch(text):
        return parse_number(text)
    names = [str(fmt) for fmt in FLOAT_FORMATS]
    if text.strip().lower() in names:
        return FloatFormat.parse(text.strip().lower())
    raise ValueError(
        "a format must be AFP ('e3m1', 'ue3m2'), an integer ('int8', 'uint8') or one of "
        f"{', '.join(names)}, not {text!r}"
    )
