"""Adaptive floating point: the format descriptor.

Source: F. Liu et al., "Improving Neural Network Efficiency via Post-training Quantization with
Adaptive Floating-Point", ICCV 2021, DOI 10.1109/ICCV48922.2021.00523; ``docs/numerics.md``
section 1 gives the definition used here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import index
from typing import Final

MAX_N_EXP: Final = 8
MAX_N_MAN: Final = 23

_NAME = re.compile(r"(u?)e(0|[1-9]\d?)m(0|[1-9]\d?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class AFPFormat:
    """AFP(n_exp, n_man): sign, exponent and mantissa of a code; the bias is data, not format.

    A code is, from the most significant bit, ``sign[1] exponent[n_exp] mantissa[n_man]``; the
    unsigned form has no sign bit and encodes a negative value to 0. With fields ``s, e, m``::

        sig   = m if e == 0 else 2**n_man + m
        shift = max(e, 1) - 1
        fix   = (-1)**s * sig * 2**shift
        value = fix * 2**lsb(bias)

    There is no infinity and no NaN.

    Parameters
    ----------
    n_exp
        Exponent bits, 0 to 8; 0 is fixed point in sign-magnitude.
    n_man
        Mantissa bits, 0 to 23; 0 is powers of two (and zero). ``n_exp + n_man`` is at least 1.
    signed
        Whether a code has a sign bit.

    Raises
    ------
    TypeError
        A parameter is of the wrong kind.
    ValueError
        A parameter is out of range.
    """

    n_exp: int
    n_man: int
    signed: bool = True

    def __post_init__(self) -> None:
        for name, limit in (("n_exp", MAX_N_EXP), ("n_man", MAX_N_MAN)):
            value = getattr(self, name)
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise TypeError(f"AFPFormat.{name} must be an integer, not {value!r}")
            object.__setattr__(self, name, index(value))
            if not 0 <= value <= limit:
                raise ValueError(f"AFPFormat.{name} must be in 0..{limit}, not {value!r}")
        if not isinstance(self.signed, bool):
            raise TypeError(f"AFPFormat.signed must be a bool, not {self.signed!r}")
        if self.n_exp + self.n_man < 1:
            raise ValueError("AFPFormat.n_exp + n_man must be at least 1, not 0")

    @classmethod
    def parse(cls, text: str) -> AFPFormat:
        """Read ``"e3m1"`` or, unsigned, ``"ue3m2"``.

        Raises
        ------
        TypeError
            `text` is no string.
        ValueError
            `text` is not of this form, or a field is out of range.
        """
        if not isinstance(text, str):
            raise TypeError(f"AFPFormat.parse must be given a string, not {text!r}")
        match = _NAME.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(
                f"AFPFormat must be written like 'e3m1', or 'ue3m2' for unsigned, not {text!r}"
            )
        return cls(int(match[2]), int(match[3]), signed=not match[1])

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}e{self.n_exp}m{self.n_man}"

    @property
    def magnitude_width(self) -> int:
        """Bits of exponent and mantissa together."""
        return self.n_exp + self.n_man

    @property
    def width(self) -> int:
        """Bits of a code, the sign bit included where there is one."""
        return self.magnitude_width + self.signed

    @property
    def max_shift(self) -> int:
        """Largest ``shift``: ``max(2**n_exp - 2, 0)``."""
        return max((1 << self.n_exp) - 2, 0)

    @property
    def max_sig(self) -> int:
        """Largest significand: ``2**(n_man+1) - 1``, or ``2**n_man - 1`` for n_exp = 0."""
        return (1 << (self.n_man + (self.n_exp > 0))) - 1

    @property
    def max_fix(self) -> int:
        """Largest magnitude of ``fix``: the value of the code of all ones without its sign."""
        return self.max_sig << self.max_shift

    def lsb(self, bias: int) -> int:
        """Exponent of two that scales ``fix`` to the value: ``1 - bias - n_man``."""
        return 1 - bias - self.n_man

    def bias(self, lsb: int) -> int:
        """The bias whose `lsb` this is; the inverse of :meth:`lsb`."""
        return 1 - lsb - self.n_man

    def holds(self, other: AFPFormat) -> bool:
        """Whether every tensor in `other` embeds exactly (``docs/numerics.md`` section 4)."""
        return (
            self.n_exp >= other.n_exp
            and self.n_man >= other.n_man
            and (self.signed or not other.signed)
        )

    def as_unsigned(self) -> AFPFormat:
        """The same fields without the sign bit."""
        return AFPFormat(self.n_exp, self.n_man, signed=False)

    def as_signed(self) -> AFPFormat:
        """The same fields with a sign bit."""
        return AFPFormat(self.n_exp, self.n_man)
