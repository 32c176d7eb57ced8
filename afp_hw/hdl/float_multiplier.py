"""The product of two significands, exact: two rows in carry-save form, and their sum.

Narrow operands are multiplied bit by bit, wide ones in Booth's radix-4 digits, which halve the
number of rows: smaller from about ten bits on, in SKY130 and ASAP7.
"""

from collections.abc import Iterable

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import FloatDesign
from afp_hw.hdl.float_operand import operand_layouts, product_layout
from afp_hw.hdl.float_select_add import select_add

_FEWEST_BOOTH = 10
_BLOCK = 12

# Arrival times by which rows are added up, the earliest first: sum and carry of a full adder.
_SUM_TIME, _CARRY_TIME = 2.0, 1.6


def _array_columns(act: Value, wgt: Value) -> list[list[Value]]:
    """Partial products of single bits, by weight."""
    columns: list[list[Value]] = [[] for _ in range(len(act) + len(wgt))]
    for row, multiplier in enumerate(wgt):
        for column, bit in enumerate(act):
            columns[row + column].append(bit & multiplier)
    return columns


def _booth_columns(m: Module, act: Value, wgt: Value) -> list[list[Value]]:
    """Partial products of the digits -2 .. 2 of `wgt` in radix 4, by weight.

    A negative multiple is complemented, with 1 added at its lowest bit. Its sign counts
    ``-2**n``, which is ``(1 - sign) * 2**n - 2**n``; the constants are collected.
    """
    width = len(act) + len(wgt)
    columns: list[list[Value]] = [[] for _ in range(width)]
    constant = 0
    padded = Cat(C(0, 1), wgt, C(0, 2))
    for low in range(0, len(wgt) + 1, 2):
        below, middle, negative = padded[low], padded[low + 1], padded[low + 2]
        one = below ^ middle
        two = Mux(negative, ~(below | middle), below & middle)
        multiple = Signal(len(act) + 1, name=f"multiple_{low}")
        taken = (Cat(act, C(0, 1)) & one.replicate(len(multiple))) | (
            Cat(C(0, 1), act) & two.replicate(len(multiple))
        )
        m.d.comb += multiple.eq(taken ^ negative.replicate(len(multiple)))
        for column, bit in enumerate(multiple[: width - low]):
            columns[low + column].append(bit)
        if low + 1 < len(wgt):  # the top digit has no bit that could make it negative
            columns[low].append(negative)
            top = low + len(multiple)
            if top < width:
                columns[top].append(~negative)
                constant -= 1 << top
    for column in range(width):
        if constant >> column & 1:
            columns[column].append(C(1, 1))
    return columns


def _two_rows(m: Module, columns: Iterable[Iterable[Value]]) -> tuple[Value, Value]:
    """Full adders down to two bits a column, each adding what is there first."""
    waiting = [[(0.0, index, bit) for index, bit in enumerate(column)] for column in columns]
    count = 0
    for weight, column in enumerate(waiting):
        while len(column) > 2:
            column.sort(key=lambda entry: entry[:2])
            taken, column[:3] = column[:3], []
            added = Signal(2, name=f"added_{count}")
            m.d.comb += added.eq(taken[0][2] + taken[1][2] + taken[2][2])
            time = max(entry[0] for entry in taken)
            count += 1
            column.append((time + _SUM_TIME, 1000 + count, added[0]))
            if weight + 1 < len(waiting):
                waiting[weight + 1].append((time + _CARRY_TIME, 1000 + count, added[1]))
    rows = [
        Cat(column[row][2] if row < len(column) else C(0, 1) for column in waiting)
        for row in range(2)
    ]
    return rows[0], rows[1]


class FloatMultiplier(wiring.Component):
    """Rows whose sum is the product of the two significands.

    Members
    -------
    i_act, i_wgt : In(operand layout)
        Of finite operands that are not zero; else the rows mean nothing.
    o_rows : Out(design.product_width).array(2)
        Their sum, less what goes beyond `product_width` bits, is the product.

    Timing
    ------
    Combinational.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        act, wgt = operand_layouts(design)
        width = design.product_width
        super().__init__({"i_act": In(act), "i_wgt": In(wgt), "o_rows": Out(width).array(2)})

    def elaborate(self, platform):
        m = Module()
        act, wgt = (
            Cat(operand.man, operand.hidden if self.design.anchored else C(1, 1))
            for operand in (self.i_act, self.i_wgt)
        )
        if min(len(act), len(wgt)) >= _FEWEST_BOOTH:
            columns = _booth_columns(m, act, wgt)
        else:
            columns = _array_columns(act, wgt)
        first, second = _two_rows(m, columns)
        m.d.comb += [self.o_rows[0].eq(first), self.o_rows[1].eq(second)]
        return m


class FloatProduct(wiring.Component):
    """The product: significand, normalised unless anchored, and exponent; of operands not zero.

    Members
    -------
    i_rows : In(design.product_width).array(2)
        Of :class:`FloatMultiplier`.
    i_act_exp, i_wgt_exp : In(exp field of the operand's layout)
    o : Out(product_layout(design))

    Timing
    ------
    Combinational.

    Widths
    ------
    exp : see :attr:`.FloatDesign.product_exp_width`. Normalised significands have a product in 1 to
    4: one place is what is left to normalise.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        act, wgt = operand_layouts(design)
        super().__init__(
            {
                "i_rows": In(design.product_width).array(2),
                "i_act_exp": In(act["exp"].shape),
                "i_wgt_exp": In(wgt["exp"].shape),
                "o": Out(product_layout(design)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        design = self.design
        product = Signal(design.product_width)
        total = select_add(m, self.i_rows[0], self.i_rows[1], C(0, 1), _BLOCK)
        m.d.comb += product.eq(total)  # nothing goes beyond the product
        exponents = self.i_act_exp + self.i_wgt_exp
        if design.anchored:
            m.d.comb += [
                self.o.sig.eq(product),
                self.o.exp.eq(exponents + design.product_exp_offset),
            ]
        else:
            top = product[-1]
            m.d.comb += [
                self.o.sig.eq(Mux(top, product[:-1], product[:-2] << 1)),
                self.o.exp.eq(exponents + (top + design.product_exp_offset)),
            ]
        return m
