"""Widths and names that follow from the parameters of a design, ``docs/numerics.md`` 1 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from afp_hw.formats import AFPFormat, IntFormat, Number

if TYPE_CHECKING:
    from afp_hw.design.design import Design

_NEGATED_EARLY: Final = 4
"""Widest product of significands that is cheaper to negate than the shifted product behind it."""


def has_shift(fmt: Number) -> bool:
    """Whether a decoded operand has a shift: n_exp >= 2. For n_exp = 1 a code is an integer."""
    return isinstance(fmt, AFPFormat) and fmt.n_exp >= 2


def sig_width(fmt: Number) -> int:
    """Bits of a decoded operand's significand, or of an integer."""
    return fmt.max_sig.bit_length() if isinstance(fmt, AFPFormat) else fmt.width


def shift_field(fmt: Number) -> int:
    """Bits of a decoded operand's shift: the exponent field as it is; 0 where there is none."""
    return fmt.n_exp if isinstance(fmt, AFPFormat) and has_shift(fmt) else 0


def _adaptive(name: str, fmt: object) -> AFPFormat:
    if not isinstance(fmt, AFPFormat):
        raise ValueError(f"Design.{name} must be an AFP format for this, not {str(fmt)!r}")
    return fmt


class Widths:
    """What follows from a :class:`.Design`; it inherits from this class."""

    __slots__ = ()

    @property
    def _design(self) -> Design:
        return cast("Design", self)

    # Products

    @property
    def integers(self) -> bool:
        """Whether the operands are integers in two's complement and not AFP."""
        return isinstance(self._design.weights, IntFormat)

    @property
    def afp_weights(self) -> AFPFormat:
        """`weights` where only AFP will do.

        Raises
        ------
        ValueError
            They are integers.
        """
        return _adaptive("weights", self._design.weights)

    @property
    def afp_acts(self) -> AFPFormat:
        """`acts` where only AFP will do; errors as :attr:`afp_weights`."""
        return _adaptive("acts", self._design.acts)

    @property
    def max_product(self) -> int:
        """Largest magnitude of one product: ``max_fix_a * max_fix_w``."""
        return self._design.weights.max_fix * self._design.acts.max_fix

    @property
    def product_width(self) -> int:
        """Bits of the magnitude of one product."""
        return self.max_product.bit_length()

    @property
    def term_width(self) -> int:
        """Bits of one product in two's complement."""
        return self.product_width + 1

    @property
    def sig_product_width(self) -> int:
        """Bits of the magnitude of the product of two significands; AFP only."""
        return (self.afp_weights.max_sig * self.afp_acts.max_sig).bit_length()

    @property
    def shift_width(self) -> int:
        """Bits of the sum of two shifts; 0 where neither operand has one."""
        weights, acts = self._design.weights, self._design.acts
        return sum((1 << shift_field(fmt)) - 1 for fmt in (weights, acts)).bit_length()

    @property
    def shift_excess(self) -> int:
        """By how much the shifted product is too far left: 1 for each operand that has a shift.

        A decoded operand with a shift is twice its ``fix``, see :func:`.operand_layout`.
        """
        return sum(has_shift(fmt) for fmt in (self._design.weights, self._design.acts))

    @property
    def negates_early(self) -> bool:
        """Whether the sign is applied to the product of significands, ahead of the shift.

        It is where that product is short. Elsewhere a negative product enters the sum as its
        bitwise complement and a carry.
        """
        return not self.integers and self.sig_product_width <= _NEGATED_EARLY

    @property
    def group(self) -> int:
        """Activation codes that an array takes at once: rows * lanes."""
        return self._design.rows * self._design.lanes

    # Sums

    @property
    def lane_sum_width(self) -> int:
        """Bits, two's complement, of one cycle's sum over the lanes.

        Where a product enters as its complement and a carry, the sum without its last carry is in
        ``-lanes * (max_product + 1) .. lanes * max_product``.
        """
        highest = self._design.lanes * self.max_product
        late = not self.integers and not self.negates_early
        lowest = -highest - self._design.lanes if late else -highest
        return max(highest.bit_length(), (-lowest - 1).bit_length()) + 1

    @property
    def sum_bound(self) -> int:
        """Largest magnitude of a PE's sum: `sum_max`, or by default ``k * max_product``."""
        proven = self._design.sum_max
        return self._design.k * self.max_product if proven is None else proven

    @property
    def pe_acc_width(self) -> int:
        """Bits of a PE's accumulator: ``sum_bound.bit_length() + 1``."""
        return self.sum_bound.bit_length() + 1

    @property
    def segment_widths(self) -> tuple[int, ...]:
        """Widths of the accumulator's parts from the least significant on: `segments`, the rest."""
        segments = self._design.segments
        return (*segments, self.pe_acc_width - sum(segments))

    @property
    def init_bound(self) -> int:
        """`init_max` as an integer, its default resolved."""
        init_max = self._design.init_max
        assert init_max is not None  # resolved at construction
        return init_max

    @property
    def init_width(self) -> int:
        """Bits, two's complement, of an initial value; 0 where there is none."""
        return self.init_bound.bit_length() + 1 if self.init_bound else 0

    @property
    def acc_width(self) -> int:
        """Bits of a sum of the array: ``(sum_bound + init_max).bit_length() + 1``."""
        return (self.sum_bound + self.init_bound).bit_length() + 1

    # Timing

    @property
    def steps(self) -> int:
        """Cycles that the longest reduction takes in one PE: ``ceil(k / lanes)``."""
        return -(-self._design.k // self._design.lanes)

    @property
    def pe_latency(self) -> int:
        """Clock edges from an operand at the PE's input to its place in the accumulator."""
        return 2 + len(self._design.registers)

    @property
    def edge_latency(self) -> int:
        """Clock edges from row 0's drain register to the array's output: 1 where init is added."""
        return 1 if self.init_bound else 0

    # Names

    @property
    def out_envelope(self) -> AFPFormat:
        """`outs` with its default resolved.

        Raises
        ------
        ValueError
            The operands are integers: their outputs have another requantizer.
        """
        return _adaptive("outs", self._design.outs)

    def module_name(self, kind: str) -> str:
        """Name of the Verilog module of a PE or a part of it.

        ``pe_e3m1_ue3m2_k1024``: the kind, the envelopes, the longest reduction, and after them what
        differs from the default: ``_l4`` lanes, ``_rgpts`` registers (siGnificand, Product, Tree,
        Sum), ``_edge`` decoders, ``_ungated``, ``_s6x7`` segments, ``_compressed`` multipliers,
        ``_a24`` accumulator bits.
        """
        design = self._design
        options = [f"l{design.lanes}"] if design.lanes != 1 else []
        if design.registers:
            letters = {"significand": "g", "product": "p", "tree": "t", "sum": "s"}
            options.append("r" + "".join(letters[name] for name in design.registers))
        options += ["edge"] if design.decode == "edge" else []
        options += [] if design.gate_zeros else ["ungated"]
        options += ["s" + "x".join(map(str, design.segments))] if design.segments else []
        options += ["compressed"] if design.multiplier == "compressed" else []
        options += [f"a{self.pe_acc_width}"] if design.sum_max is not None else []
        return "_".join([kind, str(design.weights), str(design.acts), f"k{design.k}", *options])

    @property
    def pe_name(self) -> str:
        """Name of the PE's Verilog module: ``pe_e3m1_ue3m2_k1024``."""
        return self.module_name("pe")

    @property
    def init_queue_name(self) -> str:
        """Name of the Verilog module that adds initial values at the edge of a column."""
        return f"init_queue_{self.init_width}_{self.pe_acc_width}"

    @property
    def array_name(self) -> str:
        """Name of the array's Verilog module: ``array_16x16_e3m1_ue3m2_k1024`` and so on."""
        name = self.module_name(f"array_{self._design.rows}x{self._design.cols}")
        if self.init_bound == self.max_product:
            return name
        return f"{name}_i{self.init_bound}"

    @property
    def requantizer_name(self) -> str:
        """Name of the requantizer's Verilog module: ``requantizer_31_ue3m2``."""
        return f"requantizer_{self.acc_width}_{self.out_envelope}"
