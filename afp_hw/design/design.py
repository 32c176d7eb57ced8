"""The one description of a processing element, an array and its requantizer.

Every width of the hardware is derived here, once, from ``docs/numerics.md`` sections 1 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.formats import AFPFormat

HARDWARE_MAX_N_EXP: Final = 5
HARDWARE_MAX_N_MAN: Final = 10

_RANGES: Final = {"rows": 256, "cols": 256, "lanes": 64, "k": 1 << 20, "pipeline": 3}
_LOWEST: Final = {"pipeline": 0}


def _check_envelope(name: str, fmt: AFPFormat) -> None:
    if not isinstance(fmt, AFPFormat):
        raise TypeError(f"Design.{name} must be an AFPFormat, not {fmt!r}")
    if fmt.n_exp > HARDWARE_MAX_N_EXP or fmt.n_man > HARDWARE_MAX_N_MAN:
        raise ValueError(
            f"Design.{name} must have n_exp in 0..{HARDWARE_MAX_N_EXP} and n_man in "
            f"0..{HARDWARE_MAX_N_MAN} in hardware, not {str(fmt)!r}"
        )


@dataclass(frozen=True, slots=True)
class Design:
    """Parameters of the hardware, validated, with everything that follows from them.

    Parameters
    ----------
    weights, acts
        Envelopes: the widest weight and activation formats that the hardware holds (section 4).
    rows, cols
        Processing elements of the array: rows are pixels (M), columns are output channels (N).
    lanes
        Products summed in one PE in one cycle.
    k
        Longest reduction, in products; the accumulator is wide enough for it.
    pipeline
        Registers between operand registers and accumulator, 0 to 3, added in this order:
        products, sum over the lanes, significands (between multiplier and shifter).
    gate_zeros
        Hold the product and accumulator registers when all products are zero.
    init_max
        Largest magnitude of an initial value (layer bias, skip tensor) added to a sum by the
        array. Default: one product bound; 0 builds an array without it.
    outs
        Envelope of the requantizer's output. Default: `acts`.

    Raises
    ------
    TypeError, ValueError
        A parameter is of the wrong kind or out of range.
    """

    weights: AFPFormat
    acts: AFPFormat
    rows: int = 1
    cols: int = 1
    lanes: int = 1
    k: int = 4608
    pipeline: int = 1
    gate_zeros: bool = False
    init_max: int | None = None
    outs: AFPFormat | None = None

    def __post_init__(self) -> None:
        _check_envelope("weights", self.weights)
        _check_envelope("acts", self.acts)
        for name, limit in _RANGES.items():
            value, lowest = getattr(self, name), _LOWEST.get(name, 1)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"Design.{name} must be an integer, not {value!r}")
            if not lowest <= value <= limit:
                raise ValueError(f"Design.{name} must be in {lowest}..{limit}, not {value!r}")
        if not isinstance(self.gate_zeros, bool):
            raise TypeError(f"Design.gate_zeros must be a bool, not {self.gate_zeros!r}")
        if self.init_max is None:
            object.__setattr__(self, "init_max", self.max_product)
        elif isinstance(self.init_max, bool) or not isinstance(self.init_max, int):
            raise TypeError(f"Design.init_max must be an integer, not {self.init_max!r}")
        elif not 0 <= self.init_max < 1 << 96:
            raise ValueError(f"Design.init_max must be in 0..2**96 - 1, not {self.init_max!r}")
        if self.outs is None:
            object.__setattr__(self, "outs", self.acts)
        else:
            _check_envelope("outs", self.outs)

    # Products

    @property
    def max_product(self) -> int:
        """Largest magnitude of one product: ``max_fix_a * max_fix_w``."""
        return self.weights.max_fix * self.acts.max_fix

    @property
    def product_width(self) -> int:
        """Bits of the magnitude of one product."""
        return self.max_product.bit_length()

    @property
    def sig_product_width(self) -> int:
        """Bits of the product of two significands."""
        return (self.weights.max_sig * self.acts.max_sig).bit_length()

    @property
    def max_shift(self) -> int:
        """Largest sum of two shifts."""
        return self.weights.max_shift + self.acts.max_shift

    @property
    def shift_width(self) -> int:
        """Bits of the sum of two shifts; at least 1, as a port in Verilog has no fewer."""
        return max(self.max_shift.bit_length(), 1)

    # Sums

    @property
    def lane_sum_width(self) -> int:
        """Bits, two's complement, of one cycle's sum over the lanes.

        A negative product enters as its bitwise complement, and the missing 1 as a carry: the sum
        is in ``-lanes * (max_product + 1) .. lanes * max_product``.
        """
        return (self.lanes * (self.max_product + 1) - 1).bit_length() + 1

    @property
    def pe_acc_width(self) -> int:
        """Bits of a PE's accumulator: ``(K * max_fix_a * max_fix_w).bit_length() + 1``."""
        return (self.k * self.max_product).bit_length() + 1

    @property
    def init_bound(self) -> int:
        """`init_max` as an integer, its default resolved."""
        assert self.init_max is not None  # resolved at construction
        return self.init_max

    @property
    def init_width(self) -> int:
        """Bits, two's complement, of an initial value; 0 where there is none."""
        return self.init_bound.bit_length() + 1 if self.init_bound else 0

    @property
    def acc_width(self) -> int:
        """Bits of a sum of the array: ``(K * max_product + init_max).bit_length() + 1``."""
        return (self.k * self.max_product + self.init_bound).bit_length() + 1

    # Timing

    @property
    def steps(self) -> int:
        """Cycles that the longest reduction takes in one PE: ``ceil(k / lanes)``."""
        return -(-self.k // self.lanes)

    @property
    def pe_latency(self) -> int:
        """Clock edges from an operand at the PE's input to its place in the accumulator."""
        return 2 + self.pipeline

    @property
    def edge_latency(self) -> int:
        """Clock edges from row 0's drain register to the array's output: 1 where init is added."""
        return 1 if self.init_bound else 0

    # Names

    @property
    def out_envelope(self) -> AFPFormat:
        """`outs` with its default resolved."""
        assert self.outs is not None  # resolved at construction
        return self.outs

    def module_name(self, kind: str) -> str:
        """Name of the Verilog module of a PE or a part of it.

        ``pe_e3m1_ue3m2_k1024``: the kind, the envelopes, the longest reduction, and after them what
        differs from the default: ``_l4`` lanes, ``_p2`` pipeline registers, ``_gated``.
        """
        options = [f"l{self.lanes}"] if self.lanes != 1 else []
        options += [f"p{self.pipeline}"] if self.pipeline != 1 else []
        options += ["gated"] if self.gate_zeros else []
        return "_".join([kind, str(self.weights), str(self.acts), f"k{self.k}", *options])

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
        name = self.module_name(f"array_{self.rows}x{self.cols}")
        if self.init_bound == self.max_product:
            return name
        return f"{name}_i{self.init_bound}"

    @property
    def requantizer_name(self) -> str:
        """Name of the requantizer's Verilog module: ``requantizer_31_ue3m2``."""
        return f"requantizer_{self.acc_width}_{self.out_envelope}"
