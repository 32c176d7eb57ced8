"""From a sum of integers to the next layer's integer: a wide product, a rounding shift, a clamp.

Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 2.2. This is the rival of
:class:`.WindowRequantizer`; the options are there so that it is tuned as well.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from amaranth.hdl import C, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.formats import IntFormat
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.rounding_shift import RoundingShift
from afp_hw.hdl.stages import pass_valid, staged
from afp_hw.hdl.unsigned_multiplier import Tree, UnsignedMultiplier, booth_digits

Register = Literal["magnitude", "rows", "product"]
REGISTERS: tuple[Register, ...] = get_args(Register)
"""Places for registers ahead of the code's own, in the order of the data."""


@dataclass(frozen=True, slots=True)
class IntRequantization:
    """What an integer requantizer is.

    Parameters
    ----------
    out
        Format of the codes.
    acc_width
        Bits of a sum, 2 to 64.
    factor_width
        Bits of the factor, 1 to 32; 0: the scale is a power of two and there is no product.
    tree
        Who builds the product: see :class:`.UnsignedMultiplier`.
    registers
        Some of :data:`REGISTERS`; the code has one besides. Without a factor ``"rows"`` and
        ``"product"`` are nowhere.

    Raises
    ------
    TypeError, ValueError
        A parameter is of the wrong kind or out of range.
    """

    out: IntFormat
    acc_width: int = 32
    factor_width: int = 31
    tree: Tree = "booth"
    registers: tuple[Register, ...] = ("magnitude", "product")

    def __post_init__(self) -> None:
        if not isinstance(self.out, IntFormat):
            raise TypeError(f"IntRequantization.out must be an IntFormat, not {self.out!r}")
        for name, low, high in (("acc_width", 2, 64), ("factor_width", 0, 32)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"IntRequantization.{name} must be an integer, not {value!r}")
            if not low <= value <= high:
                raise ValueError(
                    f"IntRequantization.{name} must be in {low}..{high}, not {value!r}"
                )
        if self.tree not in get_args(Tree):
            raise ValueError(
                f"IntRequantization.tree must be one of {', '.join(get_args(Tree))}, "
                f"not {self.tree!r}"
            )
        places = REGISTERS if self.factor_width else REGISTERS[:1]
        ordered = tuple(name for name in places if name in self.registers)
        if len(ordered) != len(self.registers):
            raise ValueError(
                f"IntRequantization.registers must be some of {', '.join(places)}, each once, "
                f"not {list(self.registers)!r}"
            )
        object.__setattr__(self, "registers", ordered)

    @property
    def product_width(self) -> int:
        """Bits of the magnitude that is shifted: of a sum, and of a factor."""
        return self.acc_width + self.factor_width

    @property
    def most_shift(self) -> int:
        """Largest shift: with a factor any larger one gives 0 for all sums, as this one does."""
        return self.product_width

    @property
    def shift_width(self) -> int:
        """Bits of a shift."""
        return self.most_shift.bit_length()

    @property
    def latency(self) -> int:
        """Clock edges from a sum to its code."""
        return 1 + len(self.registers)

    @property
    def name(self) -> str:
        """Name of the Verilog module: ``int_requantizer_32x31_int8_booth_mp``."""
        letters = "".join(register[0] for register in self.registers) or "0"
        factor = f"x{self.factor_width}" if self.factor_width else ""
        tree = f"_{self.tree}" if self.factor_width else ""
        return f"int_requantizer_{self.acc_width}{factor}_{self.out}{tree}_{letters}"


class IntRequantizer(wiring.Component):
    """``saturate(round(relu?(acc) * factor * 2**-shift))``; ties go away from zero.

    Parameters
    ----------
    parameters : :class:`.IntRequantization`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid, i_acc : In(1), In(signed(acc_width))
        Every sum is allowed, the most negative one too.
    i_factor : In(factor_width)
        Absent where there is none: the factor is 1.
    i_shift : In(shift_width)
        1 to ``most_shift``.
    i_relu : In(1)
        Negative sums give 0. Without effect where codes are unsigned: they always do.
    o_valid, o_code : Out(1), Out(out.width)

    Timing
    ------
    One sum a cycle; ``latency`` = 1 + ``len(registers)`` clock edges; no back-pressure. Factor,
    shift and ReLU are sampled with each sum.

    Widths
    ------
    magnitude : ``acc_width``, because of ``-2**(acc_width - 1)``; product : ``acc_width +
    factor_width``, in which nothing wraps.
    """

    sequential = True

    def __init__(self, parameters: IntRequantization, place: Place = as_built):
        self.parameters = parameters
        self.place = place
        self.latency = parameters.latency
        members = {
            "i_valid": In(1),
            "i_acc": In(signed(parameters.acc_width)),
            "i_shift": In(parameters.shift_width),
            "i_relu": In(1),
            "o_valid": Out(1),
            "o_code": Out(parameters.out.width),
        }
        if parameters.factor_width:
            members["i_factor"] = In(parameters.factor_width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        out = self.parameters.out
        negative = self.i_acc[-1]
        relu = self.i_relu if out.signed else C(1, 1)
        magnitude = Mux(negative, -self.i_acc, self.i_acc).as_unsigned()[: len(self.i_acc)]
        values = {"magnitude": Mux(negative & relu, 0, magnitude), "shift": self.i_shift}
        if out.signed:
            values["negative"] = negative
        if self.parameters.factor_width:
            booth = self.parameters.tree == "booth"
            values["factor"] = booth_digits(self.i_factor) if booth else self.i_factor
        values = self._stage(m, "magnitude", values)
        if self.parameters.factor_width:
            values = self._stage(m, "rows", self._rows(m, values))
            first, second = values.pop("row_0"), values.pop("row_1")
            values["magnitude"] = (first + second)[: len(first)]
            values = self._stage(m, "product", values)
        self._code(m, values)
        pass_valid(m, self)
        return m

    def _stage(self, m, name, values):
        """The values one clock edge later where a register is wanted here."""
        if name not in self.parameters.registers:
            return values
        return staged(m, name, values)

    def _rows(self, m, values):
        """The product of magnitude and factor as two numbers to be added."""
        parameters = self.parameters
        widths = parameters.acc_width, parameters.factor_width
        name = f"multiplier_{widths[0]}x{widths[1]}_{parameters.tree}"
        m.submodules.multiplier = multiplier = self.place(
            name, lambda: UnsignedMultiplier(*widths, parameters.tree, self.place)
        )
        m.d.comb += [
            multiplier.i_a.eq(values.pop("magnitude")),
            multiplier.i_b.eq(values.pop("factor")),
        ]
        return values | {f"row_{index}": row for index, row in enumerate(multiplier.o_row)}

    def _code(self, m, values):
        """Round, saturate, give the sign back."""
        parameters, out = self.parameters, self.parameters.out
        widths = parameters.product_width, parameters.most_shift, out.width
        m.submodules.shifter = shifter = self.place(
            "rounding_shift_" + "_".join(map(str, widths)), lambda: RoundingShift(*widths)
        )
        limit = C(out.highest, out.width)
        if out.signed:
            limit = Mux(values["negative"], -out.lowest, out.highest)
        m.d.comb += [
            shifter.i.eq(values["magnitude"]),
            shifter.i_shift.eq(values["shift"]),
            shifter.i_limit.eq(limit),
        ]
        code = Signal(out.width, reset_less=True)
        rounded = Mux(values["negative"], -shifter.o, shifter.o) if out.signed else shifter.o
        m.d.sync += code.eq(rounded)
        m.d.comb += self.o_code.eq(code)
