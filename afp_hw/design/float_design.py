"""The description of a floating-point processing element: parameters, checked, and derived widths.

It multiplies exactly and accumulates in binary32 with one rounding a step. What makes it small is
worked out here: how much of binary32's range the sums of these products can reach at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.formats.floating import FLOAT_FORMATS, FP8_E4M3, FP8_E5M2, FP32, FloatFormat

SUM_SIG: Final = FP32.n_man + 1
"""Bits of a sum's significand, the hidden one included."""

_FP8: Final = frozenset({FP8_E4M3, FP8_E5M2})
_MAX_STAGES: Final = 7

# Below the significand of the larger addend: guard, round and sticky bit of the smaller one.
_GUARD: Final = 3
# With the product in place: the last bit of a difference, which may be one place below that of the
# product, its round bit, and the sticky bit.
_ANCHORED_GUARD: Final = 3
# Between product and a far larger sum: the difference may begin one bit lower than the sum, and
# the product stays below its round bit.
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class FloatDesign:
    """Parameters of a floating-point processing element, validated, with what follows from them.

    Parameters
    ----------
    weights, acts
        Formats of the operands: the same, or both FP8.
    stages
        Ranks of registers behind the operand registers, 1 to 7, added in this order: sum, product,
        total (behind the adder), rows of the multiplier, aligned addends, rounded sum, and total
        after its longer moves. Bounded sums (see `bounded`) have no such, and at most 6 ranks.
    gate_zeros
        Hold the registers of operands and products while products are zero, and a single sum; sums
        that take turns go round.
    bank_sums
        With `gate_zeros`: give sums that take turns a register each, so that they are held too.

    Raises
    ------
    TypeError, ValueError
        A parameter is of the wrong kind or out of range.
    """

    weights: FloatFormat
    acts: FloatFormat
    stages: int
    gate_zeros: bool = False
    bank_sums: bool = False

    def __post_init__(self) -> None:
        for name in ("weights", "acts"):
            if not isinstance(getattr(self, name), FloatFormat):
                raise TypeError(
                    f"FloatDesign.{name} must be a FloatFormat, not {getattr(self, name)!r}"
                )
            if getattr(self, name) not in FLOAT_FORMATS:  # widths are derived for these
                raise ValueError(
                    f"FloatDesign.{name} must be one of {', '.join(map(str, FLOAT_FORMATS))}, "
                    f"not {getattr(self, name)!r}"
                )
        if self.weights != self.acts and not {self.weights, self.acts} <= _FP8:
            raise ValueError(
                "FloatDesign.weights and acts must be one format or both FP8, "
                f"not {self.weights} and {self.acts}"
            )
        if isinstance(self.stages, bool) or not isinstance(self.stages, int):
            raise TypeError(f"FloatDesign.stages must be an integer, not {self.stages!r}")
        most = _MAX_STAGES - self.bounded
        if not 1 <= self.stages <= most:
            raise ValueError(
                f"FloatDesign.stages must be in 1..{most} for {self.acts}, not {self.stages!r}"
            )
        if not isinstance(self.gate_zeros, bool):
            raise TypeError(f"FloatDesign.gate_zeros must be a bool, not {self.gate_zeros!r}")
        if not isinstance(self.bank_sums, bool):
            raise TypeError(f"FloatDesign.bank_sums must be a bool, not {self.bank_sums!r}")
        if self.bank_sums and not (self.gate_zeros and self.interleave > 1):
            raise ValueError(
                "FloatDesign.bank_sums must be False without gate_zeros or sums that take turns, "
                "not True"
            )

    # Timing

    @property
    def interleave(self) -> int:
        """Independent sums that take turns: cycles of the accumulation loop."""
        return 1 + sum(self.stages >= rank for rank in (3, 5, 6, 7))

    @property
    def last_rank(self) -> int:
        """The rank that holds the sums: 1, or 6 where there is one."""
        return 6 if self.stages >= 6 else 1

    @property
    def holds_sums(self) -> bool:
        """Whether registers of the loop are held too while products are zero."""
        return self.gate_zeros and (self.interleave == 1 or self.bank_sums)

    @property
    def pe_latency(self) -> int:
        """Clock edges from an operand at the PE's input to its place in the sum."""
        return 1 + self.stages

    # Products

    @property
    def lanes(self) -> int:
        """Products summed in one cycle: 1."""
        return 1

    @property
    def product_width(self) -> int:
        """Bits of the product of two significands."""
        return (self.weights.max_sig * self.acts.max_sig).bit_length()

    @property
    def product_lsb(self) -> int:
        """Exponent of two that divides every product."""
        return self.weights.lsb + self.acts.lsb

    @property
    def product_bound(self) -> int:
        """Smallest exponent of two above every product's magnitude."""
        return (self.weights.max_fix * self.acts.max_fix).bit_length() + self.product_lsb

    @property
    def anchored(self) -> bool:
        """Whether the product stays in place and the sum is shifted (FP32), rather than the lesser.

        A product of at most 24 bits is normalised and compared with the sum; the lesser of the two
        is shifted right. A wider one stays where it is, not normalised.
        """
        return self.product_width > SUM_SIG

    # Sums

    @property
    def acc_width(self) -> int:
        """Bits of a sum: 32."""
        return FP32.width

    @property
    def max_sum_exponent(self) -> int:
        """Largest exponent of a sum: ``product_bound + 24``.

        From ``2**(product_bound + 24)`` on, products are below half a unit in the last place: no
        sum that starts at zero passes that number.
        """
        return self.product_bound + SUM_SIG

    @property
    def bounded(self) -> bool:
        """Whether all sums but zero are normal binary32 numbers, whatever the operands.

        Sums start at zero and are multiples of ``2**product_lsb``: rounding keeps them so. Of FP8
        and FP16 they can neither be subnormal nor overflow, and no sum is -0.
        """
        return self.product_lsb >= FP32.min_exponent and self.max_sum_exponent <= FP32.max_exponent

    @property
    def exp_offset(self) -> int:
        """What the exponent of a sum is kept less: binary32's exponent field less this.

        The multiple of the largest power of two with which `exp_width` bits hold all sums: what
        has to be added at the output is then short.
        """
        if not self.bounded:
            return 0
        low, high = self._bounded_exponents
        offsets = range(max(high - (1 << self.exp_width) + 1, 1), low + 1)
        return max(offsets, key=lambda offset: offset & -offset)

    @property
    def exp_width(self) -> int:
        """Bits of a sum's exponent: as many as its range needs; 9 where it can overflow."""
        low, high = self._bounded_exponents
        return (high - low).bit_length() if self.bounded else FP32.n_exp + 1

    @property
    def _bounded_exponents(self) -> tuple[int, int]:
        return self.product_lsb + FP32.bias, self.max_sum_exponent + FP32.bias

    @property
    def has_infinity(self) -> bool:
        """Whether a sum can be infinite: by an operand that is, or by overflow."""
        return not self.bounded or self.weights.has_infinity or self.acts.has_infinity

    # The window in which product and sum are added; bit 0 is the sticky bit.

    @property
    def guard(self) -> int:
        """Bits of the window below the larger addend (below the product, where `anchored`)."""
        return _ANCHORED_GUARD if self.anchored else _GUARD

    @property
    def window_width(self) -> int:
        """Bits of the window, sign apart.

        Both addends are below 2, or the sum, not yet normalised after rounding, is 2: the total is
        below 4, two bits before the binary point. Where `anchored`, a sum far above the product
        is placed ahead of it, with a gap.
        """
        if self.anchored:
            return self.guard + self.product_width + _GAP + SUM_SIG + 1
        return self.guard + SUM_SIG + 1

    @property
    def move_levels(self) -> int:
        """Levels of the normaliser: each moves the total by a power of two or not."""
        return (self.window_width - 1).bit_length()

    @property
    def short_levels(self) -> int:
        """Those that are the second part of the normaliser, 3 or 4; the rest come before."""
        return (self.move_levels + 1) // 2

    @property
    def moved_width(self) -> int:
        """Bits between the two parts: sum, round bit, and as many as short moves can bring up."""
        return min(self.window_width, SUM_SIG + 1 + (1 << self.short_levels) - 1)

    @property
    def anchor_lead(self) -> int:
        """Places by which 1.0 of a sum at the left end of the window is left of the product's."""
        return self.window_width - 2 - (self.guard + self.product_width - 2)

    @property
    def product_exp_offset(self) -> int:
        """Added to both operands' exponents: the exponent of the product as sums have it."""
        lead = self.anchor_lead if self.anchored else 0
        return FP32.bias - self.exp_offset - self.acts.bias - self.weights.bias + lead

    @property
    def product_exp_width(self) -> int:
        """Bits of the product's exponent; two's complement unless `bounded`.

        Two's complement of 10 bits holds ``-2 * n_man - bias`` and ``2 * 255 - bias + anchor_lead``
        and one more, and those less any finite sum's exponent, 1 to 254.
        """
        return self.exp_width if self.bounded else 10

    # Names

    def module_name(self, kind: str) -> str:
        """Name of the Verilog module of a PE or a part: ``fpe_bf16_bf16_s3_gated_banked``."""
        gated = ["gated"] * self.gate_zeros + ["banked"] * self.bank_sums
        return "_".join([kind, str(self.weights), str(self.acts), f"s{self.stages}", *gated])

    @property
    def pe_name(self) -> str:
        """Name of the PE's Verilog module: ``fpe_bf16_bf16_s3``."""
        return self.module_name("fpe")
