"""The numbers of a format, one row a code: ``docs/numerics.md`` section 1."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from afp_hw.formats import AFPFormat, Number
from afp_hw.golden import fix_of_codes

LARGEST_TABLE: Final = 8
"""Formats of more bits have no table: nobody reads a thousand rows."""


def value_table(fmt: Number, unit: float | None) -> list[dict[str, Any]]:
    """Each code with its fields and what it stands for, in the order of the numbers.

    Parameters
    ----------
    fmt
        The format.
    unit
        What 1 on the grid is worth: ``2**lsb``, or the scale of an integer; None where no tensor
        says so.

    Returns
    -------
    Of an AFP code its sign, exponent and significand (hidden one included); ``fix``, the number in
    units of the grid, and ``value``, the real number. Empty above :data:`LARGEST_TABLE` bits.
    """
    if fmt.width > LARGEST_TABLE:
        return []
    rows = []
    for code, fix in enumerate(fix_of_codes(np.arange(1 << fmt.width), fmt).tolist()):
        row: dict[str, Any] = {"code": code, "bits": format(code, f"0{fmt.width}b")}
        if isinstance(fmt, AFPFormat):
            row |= _fields(code, fmt)
        rows.append({**row, "fix": fix, "value": None if unit is None else fix * unit})
    # Zero with a sign comes before the one without.
    return sorted(rows, key=lambda row: (row["fix"], -row["code"]))


def _fields(code: int, fmt: AFPFormat) -> dict[str, int]:
    exponent = code >> fmt.n_man & ((1 << fmt.n_exp) - 1)
    mantissa = code & ((1 << fmt.n_man) - 1)
    return {
        "sign": code >> fmt.magnitude_width,
        "exponent": exponent,
        "significand": mantissa + (1 << fmt.n_man if exponent else 0),
    }
