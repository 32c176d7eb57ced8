"""Floating point as others build it: FP8, BF16, FP16, TF32, FP32, the rivals of AFP in hardware.

Sources: IEEE 754-2019 (binary16, binary32); OCP 8-bit Floating Point Specification (OFP8), revision
1.0; Intel's BFLOAT16 numerics definition (2018); NVIDIA A100 Tensor Core GPU Architecture (2020)
for TF32. Unlike AFP these formats have infinity and NaN, and a bias that is part of the format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Specials = Literal["ieee", "nan"]
"""What the largest exponent field is for: infinity and NaN, or numbers and one NaN of each sign."""

_RANGES: Final = {"n_exp": (2, 8), "n_man": (1, 23), "bias": (0, 255)}


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """A floating-point format: sign, exponent and mantissa of a code, and what the codes mean.

    A code is, from the most significant bit, ``sign[1] exponent[n_exp] mantissa[n_man]``. With
    fields ``s, e, m``::

        sig   = m if e == 0 else 2**n_man + m
        value = (-1)**s * sig * 2**(max(e, 1) - bias - n_man)

    unless the code is special: for ``"ieee"`` the largest exponent field is infinity where m = 0
    and NaN elsewhere, for ``"nan"`` only the code of all ones (under each sign) is NaN.

    Parameters
    ----------
    name
        As :meth:`parse` reads it.
    n_exp, n_man
        Bits of exponent and mantissa: 2 to 8 and 1 to 23.
    bias
        What the exponent field is above the exponent, 0 to 255.
    specials
        ``"ieee"`` or ``"nan"``.

    Raises
    ------
    TypeError
        A parameter is of the wrong kind.
    ValueError
        A parameter is out of range.
    """

    name: str
    n_exp: int
    n_man: int
    bias: int
    specials: Specials = "ieee"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"FloatFormat.name must be a string, not {self.name!r}")
        for parameter, (low, high) in _RANGES.items():
            value = getattr(self, parameter)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"FloatFormat.{parameter} must be an integer, not {value!r}")
            if not low <= value <= high:
                raise ValueError(f"FloatFormat.{parameter} must be in {low}..{high}, not {value!r}")
        if self.specials not in get_args(Specials):
            raise ValueError(f"FloatFormat.specials must be 'ieee' or 'nan', not {self.specials!r}")

    @classmethod
    def parse(cls, text: str) -> FloatFormat:
        """The format of this name: ``"fp8e4m3"``, ``"bf16"`` and so on.

        Raises
        ------
        TypeError
            `text` is no string.
        ValueError
            There is no such format.
        """
        if not isinstance(text, str):
            raise TypeError(f"FloatFormat.parse must be given a string, not {text!r}")
        found = {str(fmt): fmt for fmt in FLOAT_FORMATS}.get(text.strip().lower())
        if found is None:
            names = ", ".join(map(str, FLOAT_FORMATS))
            raise ValueError(f"FloatFormat must be one of {names}, not {text!r}")
        return found

    def __str__(self) -> str:
        return self.name

    @property
    def magnitude_width(self) -> int:
        """Bits of exponent and mantissa together."""
        return self.n_exp + self.n_man

    @property
    def width(self) -> int:
        """Bits of a code."""
        return 1 + self.magnitude_width

    @property
    def max_sig(self) -> int:
        """Largest significand of any finite code: ``2**(n_man + 1) - 1``."""
        return (1 << (self.n_man + 1)) - 1

    @property
    def has_infinity(self) -> bool:
        """Whether two of the codes are infinities."""
        return self.specials == "ieee"

    @property
    def largest_code(self) -> int:
        """The code of the largest finite number."""
        all_ones = (1 << self.magnitude_width) - 1
        return all_ones - (1 << self.n_man) if self.has_infinity else all_ones - 1

    @property
    def infinity_code(self) -> int:
        """The code of positive infinity.

        Raises
        ------
        ValueError
            The format has none.
        """
        if not self.has_infinity:
            raise ValueError(f"FloatFormat.infinity_code must be asked of IEEE formats, not {self}")
        return self.largest_code + 1

    @property
    def nan_code(self) -> int:
        """The canonical NaN: quiet, positive, no payload; all ones where it is the only one."""
        if not self.has_infinity:
            return self.largest_code + 1
        return self.infinity_code | 1 << (self.n_man - 1)

    @property
    def max_exponent(self) -> int:
        """Exponent of the largest finite number, which is in ``2**max_exponent`` times 1 to 2."""
        return (self.largest_code >> self.n_man) - self.bias

    @property
    def min_exponent(self) -> int:
        """Exponent of the smallest normal number, and of the grid of the subnormals."""
        return 1 - self.bias

    @property
    def lsb(self) -> int:
        """Exponent of two of the smallest subnormal; every finite number is a multiple of it."""
        return self.min_exponent - self.n_man

    @property
    def max_fix(self) -> int:
        """The largest finite number in units of ``2**lsb``."""
        sig = (1 << self.n_man) | (self.largest_code & ((1 << self.n_man) - 1))
        return sig << (self.max_exponent - self.min_exponent)


FP8_E4M3: Final = FloatFormat("fp8e4m3", 4, 3, 7, "nan")
FP8_E5M2: Final = FloatFormat("fp8e5m2", 5, 2, 15)
BF16: Final = FloatFormat("bf16", 8, 7, 127)
FP16: Final = FloatFormat("fp16", 5, 10, 15)
TF32: Final = FloatFormat("tf32", 8, 10, 127)
FP32: Final = FloatFormat("fp32", 8, 23, 127)

FLOAT_FORMATS: Final = (FP8_E4M3, FP8_E5M2, BF16, FP16, TF32, FP32)
"""All that :meth:`FloatFormat.parse` knows, from narrow to wide."""
