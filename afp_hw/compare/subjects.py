"""What a comparison is asked for: formats by name, as processing elements to be searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.design import Design
from afp_hw.formats import AFPFormat, FloatFormat, Number, parse_format

DEFAULT_FORMATS: Final = (
    "e2m1", "e2m2", "e2m3", "e3m0", "e3m1", "e3m2", "e4m3",
    "int4", "int5", "int6", "int8", "fp8e4m3", "bf16", "fp32",
)  # fmt: skip
"""AFP of 4 to 8 bits, and what it is compared with."""

QUICK_FORMATS: Final = ("e2m1", "e3m1", "int4", "int8")
"""A comparison of a minute or two."""

_ALIASES: Final = {"fp8": "fp8e4m3"}


@dataclass(frozen=True, slots=True)
class Subject:
    """One row to be: formats of both operands, and lanes.

    Parameters
    ----------
    weights, acts
        Formats.
    lanes
        Products in a cycle; 1 for floating point.
    """

    weights: Number | FloatFormat
    acts: Number | FloatFormat
    lanes: int = 1

    @property
    def name(self) -> str:
        """``e3m1``; ``e3m1/ue3m2`` where the operands differ; ``e3m1 x4`` with lanes."""
        pair = str(self.weights)
        if self.acts != self.weights:
            pair += f"/{self.acts}"
        return pair if self.lanes == 1 else f"{pair} x{self.lanes}"

    @property
    def split(self) -> tuple[int, int] | None:
        """``(n_exp, n_man)`` where both operands are that AFP format; else None."""
        fmt = self.weights
        if not isinstance(fmt, AFPFormat) or fmt != self.acts:
            return None
        return fmt.n_exp, fmt.n_man

    def design(self, k: int) -> Design | tuple[FloatFormat, FloatFormat]:
        """Where a search starts: a design of AFP or integers with defaults, or the two floats.

        Raises
        ------
        TypeError, ValueError
            :class:`.Design` refuses it.
        """
        if isinstance(self.weights, FloatFormat) and isinstance(self.acts, FloatFormat):
            return self.weights, self.acts
        return Design(self.weights, self.acts, k=k, lanes=self.lanes)  # type: ignore[arg-type]


def parse_subject(text: str, lanes: int = 1) -> Subject:
    """Read ``e3m1``, ``int8``, ``fp32`` or ``WEIGHTS/ACTS``; ``fp8`` is ``fp8e4m3``.

    Raises
    ------
    ValueError
        No such format, or two of different kinds.
    """
    names = [_ALIASES.get(part.strip().lower(), part) for part in text.split("/")]
    if len(names) > 2:
        raise ValueError(f"a row must be FORMAT or WEIGHTS/ACTS, not {text!r}")
    formats = [parse_format(name) for name in names]
    if len({type(fmt) for fmt in formats}) > 1:
        raise ValueError(f"a row must have both formats of one kind, not {text!r}")
    floats = isinstance(formats[0], FloatFormat)
    return Subject(formats[0], formats[-1], 1 if floats else lanes)
