"""The one description of a processing element, an array and its requantizer.

Every width of the hardware is derived from it, once: :mod:`afp_hw.design.widths`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from afp_hw.design.widths import Widths
from afp_hw.formats import AFPFormat, IntFormat, Number

HARDWARE_MAX_N_EXP: Final = 5
HARDWARE_MAX_N_MAN: Final = 10

Register = Literal["significand", "product", "tree", "sum"]
Decode = Literal["edge", "pe"]
Multiplier = Literal["operator", "compressed"]

REGISTERS: Final[tuple[Register, ...]] = get_args(Register)
"""Places for registers between operands and accumulator, in the order of the data."""

_RANGES: Final = {"rows": 256, "cols": 256, "lanes": 64, "k": 1 << 20}


def _check_envelope(name: str, fmt: object) -> None:
    if not isinstance(fmt, AFPFormat | IntFormat):
        raise TypeError(f"Design.{name} must be an AFPFormat or IntFormat, not {fmt!r}")
    if isinstance(fmt, AFPFormat) and (
        fmt.n_exp > HARDWARE_MAX_N_EXP or fmt.n_man > HARDWARE_MAX_N_MAN
    ):
        raise ValueError(
            f"Design.{name} must have n_exp in 0..{HARDWARE_MAX_N_EXP} and n_man in "
            f"0..{HARDWARE_MAX_N_MAN} in hardware, not {str(fmt)!r}"
        )


def _check_integer(name: str, value: object, least: int, most: int, limit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"Design.{name} must be an integer, not {value!r}")
    if not least <= value <= most:
        raise ValueError(f"Design.{name} must be in {least}..{limit}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Design(Widths):
    """Parameters of the hardware, validated; what follows from them is in :class:`.Widths`.

    Parameters
    ----------
    weights, acts
        Envelopes: the widest weight and activation formats that the hardware holds (section 4).
        Both AFP, or both integers.
    rows, cols
        Processing elements of the array: rows are pixels (M), columns are output channels (N).
    lanes
        Products summed in one PE in one cycle.
    k
        Longest reduction, in products; the accumulator is wide enough for it.
    registers
        Where registers stand between operand registers and accumulator: behind the multipliers
        (``"significand"``), behind the shifters (``"product"``), half-way in the adder tree of the
        lanes (``"tree"``), behind it (``"sum"``). None by default: each costs more energy than the
        glitches that it stops.
    gate_zeros
        Hold the registers of operands and of everything behind them where a product is zero. On by
        default.
    init_max
        Largest magnitude of an initial value (layer bias, skip tensor) added to a sum by the
        array. Default: one product bound; 0 builds an array without it.
    outs
        Envelope of the requantizer's output. Default: `acts`.
    decode
        Where decoders stand: ``"pe"``, behind the operand registers, which then hold codes, or
        ``"edge"``, ahead of them (in an array: at its edge).
    segments
        Widths of the accumulator's parts from the least significant on, without the last. Each is
        held in a cycle that does not change it. None by default: one part.
    multiplier
        ``"operator"`` leaves multipliers and adder trees to synthesis; ``"compressed"`` builds them
        of full adders, column by column.
    sum_max
        Largest magnitude of a sum that is proven otherwise than by `k`, for the layers at hand.

    Raises
    ------
    TypeError, ValueError
        A parameter is of the wrong kind or out of range.

    Notes
    -----
    Defaults are what has the smallest product of area and energy in one lane, within 5 % and over
    all formats; ``docs/silicon.md`` has the table that says so, and what a search finds beyond.
    """

    weights: Number
    acts: Number
    rows: int = 1
    cols: int = 1
    lanes: int = 1
    k: int = 4608
    registers: tuple[Register, ...] = ()
    gate_zeros: bool = True
    init_max: int | None = None
    outs: Number | None = None
    decode: Decode = "pe"
    segments: tuple[int, ...] = ()
    multiplier: Multiplier = "operator"
    sum_max: int | None = None

    def __post_init__(self) -> None:
        _check_envelope("weights", self.weights)
        _check_envelope("acts", self.acts)
        if type(self.weights) is not type(self.acts):
            raise ValueError(
                "Design.weights and acts must both be AFP or both integers, not "
                f"{str(self.weights)!r} and {str(self.acts)!r}"
            )
        for name, limit in _RANGES.items():
            _check_integer(name, getattr(self, name), 1, limit, str(limit))
        if not isinstance(self.gate_zeros, bool):
            raise TypeError(f"Design.gate_zeros must be a bool, not {self.gate_zeros!r}")
        for name, choices in (("decode", Decode), ("multiplier", Multiplier)):
            if getattr(self, name) not in get_args(choices):
                raise ValueError(
                    f"Design.{name} must be one of {', '.join(get_args(choices))}, "
                    f"not {getattr(self, name)!r}"
                )
        self._check_registers()
        self._check_sums()
        self._check_segments()
        if self.outs is None:
            object.__setattr__(self, "outs", self.acts)
        else:
            _check_envelope("outs", self.outs)

    def _set_tuple(self, name: str) -> tuple[Any, ...]:
        value = getattr(self, name)
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            raise TypeError(f"Design.{name} must be a list, not {value!r}")
        object.__setattr__(self, name, tuple(value))
        return tuple(value)

    def _check_registers(self) -> None:
        given = self._set_tuple("registers")
        ordered = tuple(name for name in REGISTERS if name in given)
        if len(ordered) != len(given):
            raise ValueError(
                f"Design.registers must be some of {', '.join(REGISTERS)}, each once, "
                f"not {list(given)!r}"
            )
        if "tree" in given and self.lanes < 3:
            raise ValueError(
                f"Design.registers must not name 'tree' for fewer than 3 lanes, not {self.lanes}"
            )
        object.__setattr__(self, "registers", ordered)

    def _check_sums(self) -> None:
        if self.sum_max is not None:
            _check_integer("sum_max", self.sum_max, 1, (1 << 96) - 1, "2**96 - 1")
        if self.init_max is None:
            object.__setattr__(self, "init_max", self.max_product)
        else:
            _check_integer("init_max", self.init_max, 0, (1 << 96) - 1, "2**96 - 1")

    def _check_segments(self) -> None:
        for width in self._set_tuple("segments"):
            _check_integer("segments", width, 1, self.pe_acc_width, str(self.pe_acc_width))
        if sum(self.segments) >= self.pe_acc_width:
            raise ValueError(
                f"Design.segments must leave a bit of the {self.pe_acc_width} of the accumulator, "
                f"not be {list(self.segments)!r}"
            )
