"""What the codes of an operand mean, from three sources that share no code.

The golden model (vector form), its scalar definition, and gfloat, another project's library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw import __version__, tools
from afp_hw.formats import AFPFormat, Number
from afp_hw.golden import fix_of_codes, to_fix_scalar

_GFLOAT_BIAS: Final = 3
"""Any would do: ``fix`` does not depend on it."""


@dataclass(frozen=True)
class Oracle:
    """A source of ``fix``.

    Parameters
    ----------
    key, name, version
        For the certificate: a word, the source as the subject of a sentence, its version.
    table
        ``fix`` of every code of a format in order, Python integers.
    refusal
        Why it cannot say anything about a format; empty where it can.
    missing
        Why it is not here; empty where it is.
    """

    key: str
    name: str
    version: str
    table: Callable[[Number], list[int]]
    refusal: Callable[[Number], str]
    missing: str = ""


def _golden(fmt: Number) -> list[int]:
    return [int(fix) for fix in fix_of_codes(np.arange(1 << fmt.width), fmt)]


def _scalar(fmt: Number) -> list[int]:
    assert isinstance(fmt, AFPFormat)
    return [to_fix_scalar(code, fmt) for code in range(1 << fmt.width)]


def _gfloat(fmt: Number) -> list[int]:
    """Values of gfloat in units of ``2**lsb``, exact; of an unsigned format the positive half."""
    import gfloat

    assert isinstance(fmt, AFPFormat)
    info = gfloat.FormatInfo(
        str(fmt.as_signed()),
        fmt.magnitude_width + 1,
        fmt.n_man + 1,
        bias=_GFLOAT_BIAS,
        is_signed=True,
        domain=gfloat.Domain.Finite,
        has_nz=True,
        num_high_nans=0,
        has_subnormals=True,
        is_twos_complement=False,
    )
    unit = Fraction(2) ** fmt.lsb(_GFLOAT_BIAS)
    table = []
    for code in range(1 << fmt.width):
        fix = Fraction(gfloat.decode_float(info, code).fval) / unit
        if fix.denominator != 1:
            raise ValueError(f"gfloat's code {code} of {fmt} must be a multiple of its lsb")
        table.append(int(fix))
    return table


def _no_integers(fmt: Number) -> str:
    return "" if isinstance(fmt, AFPFormat) else "it defines AFP, not integers"


def _floats_only(fmt: Number) -> str:
    if not isinstance(fmt, AFPFormat) or not fmt.n_exp:
        return "gfloat has floats only, none without an exponent"
    return ""


def oracles() -> list[Oracle]:
    """All of them, the golden model first."""
    found = tools.find("gfloat")
    return [
        Oracle("golden", "the golden model", __version__, _golden, lambda fmt: ""),
        Oracle("scalar", "the scalar definition", __version__, _scalar, _no_integers),
        Oracle(
            "gfloat",
            "gfloat",
            found.version if found else "",
            _gfloat,
            _floats_only,
            "" if found else "gfloat must be installed (pip install 'afp-hw[formal]')",
        ),
    ]


def lane_products(
    tables: tuple[list[int], list[int]], act: NDArray[Any], wgt: NDArray[Any]
) -> NDArray[Any]:
    """Exact sum over the lanes of each step, [steps]; Python integers (dtype object).

    `tables` are ``fix`` of activations and weights, `act` and `wgt` codes [steps, lanes].
    """
    fix_act, fix_wgt = (np.array(table, dtype=object) for table in tables)
    sums: NDArray[Any] = (fix_act[act] * fix_wgt[wgt]).sum(axis=1)
    return sums
