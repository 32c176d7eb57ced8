"""The axes of a space: what each may hold, and what it holds where a space does not name it.

Standard library only: a misspelt space is refused before anything slow is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, get_args

from afp_hw.design import AcceleratorDesign
from afp_hw.design.design import REGISTERS, Decode, Multiplier
from afp_hw.explore.formats import AFP, Pair

EMBEDDED: Final = "embedded"
"""The network that comes with the package."""

TECHNOLOGY: Final = "sky130"
"""The cells that come with it."""

DATAFLOWS: Final = ("best", "outputs", "weights")
"""Of all layers: outputs or weights stationary; best: for each what takes fewer cycles."""

RULES: Final = ("mse", "absmax")
"""Grids of AFP: least squared error, or the largest magnitude, as the paper has them."""

_SIZES: Final = {
    field.name: field.default
    for field in fields(AcceleratorDesign)
    if field.name not in ("array", "dynamic")
}


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes
    ----------
    name
        As in a space.
    default
        Its only value where a space does not name it.
    read
        Takes a value as TOML has it and gives it as it is kept: what JSON holds exactly.
    requirement
        For errors: "must be ...".
    """

    name: str
    default: Any
    read: Callable[[Any], Any]
    requirement: str

    def value(self, given: Any) -> Any:
        """A value as it is kept.

        Raises
        ------
        ValueError
            It is none of this axis.
        """
        try:
            return self.read(given)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            detail = f" ({error})" if str(error) else ""
            raise ValueError(f"must be {self.requirement}, not {given!r}{detail}") from error


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise ValueError
    return given


def _positive(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError
    if not 0 < given < math.inf:
        raise ValueError
    return float(given)


def _bits(given: Any) -> float | None:
    return None if given == "none" else _positive(given)


def formats_and_bits(given: str) -> tuple[str, float | None]:
    """The pair, and the budget behind it if there is one: ``"e3m3@4.8"``.

    Raises
    ------
    ValueError
        It is not of this form, or a rival has a budget.
    """
    pair, mark, budget = str(given).partition("@")
    parsed = Pair.parse(pair)
    if not mark:
        return str(parsed), None
    if parsed.family != AFP:
        raise ValueError(f"{parsed} takes no budget")
    return str(parsed), _positive(float(budget))


def _formats(given: Any) -> str:
    pair, bits = formats_and_bits(given)
    return pair if bits is None else f"{pair}@{bits!r}"


def _flag(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError
    return given


def _text(given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise ValueError
    return given


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(given: Any) -> str:
        if given not in choices:
            raise ValueError
        return str(given)

    return read


def _registers(given: Any) -> list[str]:
    if not isinstance(given, list) or any(name not in REGISTERS for name in given):
        raise ValueError
    return [name for name in REGISTERS if name in given]


def _axes() -> list[Axis]:
    whole = "a whole number of at least 1"
    flag = "true or false"
    decode, multiplier = get_args(Decode), get_args(Multiplier)
    return [
        Axis("network", EMBEDDED, _text, f"{EMBEDDED!r} or the name of a table [networks.NAME]"),
        Axis("formats", "e3m1/e3m2", _formats, "FORMAT or WEIGHTS/ACTS, and @BITS behind AFP"),
        Axis("bits", None, _bits, "a number of bits, or 'none'"),
        Axis("bias_rule", "mse", _one_of(RULES), f"one of {', '.join(RULES)}"),
        Axis("tune", True, _flag, flag),
        Axis("rows", 16, _whole, whole),
        Axis("cols", 16, _whole, whole),
        Axis("lanes", 1, _whole, whole),
        Axis("dataflow", "best", _one_of(DATAFLOWS), f"one of {', '.join(DATAFLOWS)}"),
        Axis("registers", [], _registers, f"a list of some of {', '.join(REGISTERS)}"),
        Axis("gate_zeros", True, _flag, flag),
        Axis("decode", "pe", _one_of(decode), f"one of {', '.join(decode)}"),
        Axis("multiplier", "operator", _one_of(multiplier), f"one of {', '.join(multiplier)}"),
        Axis("clock_ns", 10.0, _positive, "a period in nanoseconds"),
        Axis("technology", TECHNOLOGY, _text, f"{TECHNOLOGY!r} or a Liberty file"),
        Axis("latency", 64, _whole, whole),
        *(Axis(name, default, _whole, whole) for name, default in _SIZES.items()),
    ]


AXES: Final[Mapping[str, Axis]] = {axis.name: axis for axis in _axes()}
"""All axes, by name, in the order in which a grid is walked: the last one fastest."""

CHOSEN_BY: Final = ("formats", "bits", "bias_rule", "tune")
"""Those that the formats of tensors depend on, besides the network."""

SIZES: Final = tuple(_SIZES)
"""Those that are parameters of an :class:`.AcceleratorDesign`."""

SIZE: Final = "size"
"""An axis that may take the place of `rows` and `cols`: ``"16x8"``."""


def rows_and_cols(size: Any) -> tuple[int, int]:
    """Rows and columns of an array, from ``"16x8"``.

    Raises
    ------
    ValueError
        It is not of this form.
    """
    rows, cross, cols = str(size).partition("x")
    if not (cross and rows.isdecimal() and cols.isdecimal() and int(rows) and int(cols)):
        raise ValueError
    return int(rows), int(cols)


def _size(given: Any) -> str:
    return "{}x{}".format(*rows_and_cols(given))


SIZE_AXIS: Final = Axis(SIZE, None, _size, "rows and columns, as in '16x8'")

WEIGHTS, ACTS = "weights", "acts"
"""Two axes that may take the place of `formats`: all pairs of their values."""
