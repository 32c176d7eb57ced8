"""The exact product of two integers in two's complement: what INT8 and the like multiply with.

Source of the tree: C. R. Baugh, B. A. Wooley, "A Two's Complement Parallel Array Multiplication
Algorithm", IEEE Trans. Computers C-22, 1973, generalised to any signedness.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.full_adder import Columns
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.place import Place, as_built


def product_rows(design: Design) -> int:
    """Numbers that a product is handed on as.

    Two, with a constant beside them, where it goes from one tree of full adders straight into that
    of the lane sum: nothing is added up in between.
    """
    trees = design.integers and design.multiplier == "compressed" and design.lanes > 1
    return 1 if not trees or {"significand", "product"} & set(design.registers) else 2


def row_constant(design: Design) -> int:
    """What the two rows of a product are more than the product."""
    return -sum(1 << weight for weight, negative in _weights(design) if negative)


def _weights(design: Design):
    """Weight of each partial product, act's bits outside, and whether it counts as negative."""
    for low in range(design.acts.width):
        for high in range(design.weights.width):
            signs = (
                design.acts.signed and low == design.acts.width - 1,
                design.weights.signed and high == design.weights.width - 1,
            )
            yield low + high, signs[0] != signs[1]


class IntMultiplier(wiring.Component):
    """Product of two integers.

    Members
    -------
    i_act, i_wgt : In(operand layout)
    i_live : In(1)
        Where 0, the product is 0.
    o_row : Out(term_width).array(product_rows(design))
        The product in two's complement; or two numbers, not negative, whose sum and
        ``row_constant(design)`` are the product.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_row : ``(max_fix_act * max_fix_wgt).bit_length() + 1``; two rows add up to at most the product
    of two codes of ones, which has no more bits.
    """

    sequential = False

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        super().__init__(
            {
                "i_act": In(operand_layout(design.acts)),
                "i_wgt": In(operand_layout(design.weights)),
                "i_live": In(1),
                "o_row": Out(design.term_width).array(product_rows(design)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        design = self.design
        act = self.i_act.sig & self.i_live.replicate(len(self.i_act.sig))
        wgt = self.i_wgt.sig
        if design.multiplier == "operator":
            factors = [
                value.as_signed() if fmt.signed else value
                for value, fmt in ((act, design.acts), (wgt, design.weights))
            ]
            m.d.comb += self.o_row[0].eq(factors[0] * factors[1])
            return m
        masked = Signal(len(act))
        m.d.comb += masked.eq(act)
        columns = Columns(m, self.place, design.term_width)
        bits = [a & w for a in masked for w in wgt]
        for bit, (weight, negative) in zip(bits, _weights(design), strict=True):
            add = columns.subtract_bit if negative else columns.add_bit
            add(bit, weight)
        if len(self.o_row) == 2:
            rows = columns.rows()
            m.d.comb += [target.eq(row) for target, row in zip(self.o_row, rows, strict=True)]
            return m
        columns.add_constant()
        m.d.comb += self.o_row[0].eq(columns.total())
        return m
