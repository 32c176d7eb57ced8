"""The pair of formats of a point: AFP, integers or floating point, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.formats import AFPFormat, FloatFormat, IntFormat, Number, parse_format

AFP: Final = "AFP"
INT: Final = "INT"
FP: Final = "FP"
FAMILIES: Final = (AFP, INT, FP)
"""Kinds of formats that stand beside one another in a space."""

CARRIED_BITS: Final = 15
"""Widest element that the accelerator carries: the initial values of wider ones fit no record."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Formats of weights and activations, both of one kind.

    Parameters
    ----------
    weights, acts
        Of AFP the signed formats; tensors that cannot be negative do without the sign.

    Raises
    ------
    ValueError
        Formats of two kinds, unsigned ones, or two floating-point formats.
    """

    weights: Number | FloatFormat
    acts: Number | FloatFormat

    def __post_init__(self) -> None:
        if type(self.weights) is not type(self.acts):
            raise ValueError(f"formats must be of one kind, not {self.weights} and {self.acts}")
        if not isinstance(self.weights, FloatFormat):
            for fmt in (self.weights, self.acts):
                if not fmt.signed:  # type: ignore[union-attr]
                    raise ValueError(f"formats must be signed, the sign follows, not {fmt}")
        elif self.weights != self.acts:
            raise ValueError(f"formats must be one, not {self.weights} and {self.acts}")

    @classmethod
    def parse(cls, text: str) -> Pair:
        """Read ``e3m1``, ``int8``, ``fp32`` or ``WEIGHTS/ACTS``.

        Raises
        ------
        ValueError
            No such format, or a pair that is none.
        """
        names = [part.strip() for part in str(text).split("/")]
        if not isinstance(text, str) or not 1 <= len(names) <= 2:
            raise ValueError("two names at most, with a slash between them")
        return cls(parse_format(names[0]), parse_format(names[-1]))

    def __str__(self) -> str:
        same = self.weights == self.acts
        return str(self.weights) if same else f"{self.weights}/{self.acts}"

    @property
    def family(self) -> str:
        """One of :data:`FAMILIES`."""
        if isinstance(self.weights, AFPFormat):
            return AFP
        return INT if isinstance(self.weights, IntFormat) else FP

    @property
    def width(self) -> int:
        """Bits of the wider one."""
        return max(self.weights.width, self.acts.width)
