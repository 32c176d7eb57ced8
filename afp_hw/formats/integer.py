"""Integers in two's complement: the rival that most accelerators compute with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_INT_WIDTH: Final = 16

_NAME: Final = re.compile(r"(u?)int([1-9]\d?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class IntFormat:
    """An integer of `width` bits times a scale that is data, not format.

    Every code is a number, the most negative one too; a code of a signed format is its integer
    modulo ``2**width``.

    Parameters
    ----------
    width
        Bits of a code, sign included: 2 to 16, unsigned 1 to 16.
    signed
        Two's complement, or never negative.

    Raises
    ------
    TypeError, ValueError
        A parameter is of the wrong kind or out of range.
    """

    width: int
    signed: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.width, bool) or not isinstance(self.width, int):
            raise TypeError(f"IntFormat.width must be an integer, not {self.width!r}")
        if not isinstance(self.signed, bool):
            raise TypeError(f"IntFormat.signed must be a bool, not {self.signed!r}")
        least = 1 + self.signed
        if not least <= self.width <= MAX_INT_WIDTH:
            raise ValueError(
                f"IntFormat.width must be in {least}..{MAX_INT_WIDTH}, not {self.width!r}"
            )

    @classmethod
    def parse(cls, text: str) -> IntFormat:
        """Read ``"int8"`` or, unsigned, ``"uint8"``.

        Raises
        ------
        ValueError
            `text` is not of this form, or the width is out of range.
        """
        match = _NAME.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"IntFormat must be written like 'int8' or 'uint8', not {text!r}")
        return cls(int(match[2]), signed=not match[1])

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}int{self.width}"

    @property
    def lowest(self) -> int:
        """Smallest integer."""
        return -(1 << self.width - 1) if self.signed else 0

    @property
    def highest(self) -> int:
        """Largest integer."""
        return (1 << self.width - self.signed) - 1

    @property
    def max_fix(self) -> int:
        """Largest magnitude: that of the lowest integer where there is a sign."""
        return max(-self.lowest, self.highest)

    def holds(self, other: IntFormat) -> bool:
        """Whether every integer of `other` is one of this format."""
        return self.lowest <= other.lowest and other.highest <= self.highest

    def as_signed(self) -> IntFormat:
        """The same width in two's complement."""
        return IntFormat(self.width)
