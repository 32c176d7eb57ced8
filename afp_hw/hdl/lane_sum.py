"""The exact sum of the products of all lanes of one cycle.

Source: ``docs/numerics.md`` section 5. A product whose sign comes late enters as its bitwise
complement and a carry, so that nothing is negated: L lanes have L carries, the L - 1 adders of the
tree take one each and the accumulator's adder the last.
"""

from amaranth.hdl import C, Cat, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.full_adder import Columns
from afp_hw.hdl.int_product import product_rows, row_constant
from afp_hw.hdl.place import Place, as_built


def add_with_carry(a, b, carry):
    """``a + b + carry`` in one adder: the carry enters below the least significant bit."""
    if isinstance(carry, Value) or carry:
        return (Cat(C(1, 1), a).as_signed() + Cat(carry, b).as_signed()) >> 1
    return a.as_signed() + b.as_signed()


def has_carries(design: Design) -> bool:
    """Whether each lane brings a carry: the sign that its product still lacks."""
    return not design.integers and not design.negates_early


def tree_rows(design: Design) -> int:
    """Numbers that leave the first half of the tree, where a register stands behind it."""
    if design.multiplier == "compressed":
        return 2
    levels = (design.lanes - 1).bit_length()
    return -(-design.lanes >> (levels + 1) // 2)


class LaneTree(wiring.Component):
    """First half of the sum over the lanes; all of it where ``rows`` is 1.

    Members
    -------
    i_term : In(term_width).array(lanes * product_rows(design))
        Products in two's complement; complemented where negative if they bring carries.
    i_carry : In(1).array(lanes)
        Where :func:`has_carries`.
    o_row : Out(signed(design.lane_sum_width)).array(rows)
    o_carry : Out(1).array(rows)
        Where :func:`has_carries`. The sum of the products is that of all rows and carries, modulo
        ``2**lane_sum_width``.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_row : that of the whole sum, so that nothing needs to be extended later.
    """

    sequential = False

    def __init__(self, design: Design, rows: int, place: Place = as_built):
        self.design = design
        self.rows = rows
        self.place = place
        terms = design.lanes * product_rows(design)
        members = {
            "i_term": In(design.term_width).array(terms),
            "o_row": Out(signed(design.lane_sum_width)).array(rows),
        }
        if has_carries(design):
            members |= {"i_carry": In(1).array(design.lanes), "o_carry": Out(1).array(rows)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        carries = list(self.i_carry) if has_carries(self.design) else []
        compressed = self.design.multiplier == "compressed" and len(self.i_term) > 1
        if compressed:
            rows, carries = self._compress(m, carries), [C(0, 1)] * self.rows
        else:
            rows = [term.as_signed() for term in self.i_term]
            rows = reduce_rows(rows, carries, self.rows)
        m.d.comb += [target.eq(row) for target, row in zip(self.o_row, rows, strict=True)]
        if has_carries(self.design):
            m.d.comb += [
                target.eq(carry) for target, carry in zip(self.o_carry, carries, strict=True)
            ]
        return m

    def _compress(self, m, carries):
        design = self.design
        columns = Columns(m, self.place, design.lane_sum_width)
        for term in self.i_term:
            if product_rows(design) == 2:
                for weight, bit in enumerate(term):
                    columns.add_bit(bit, weight)
            else:
                columns.add_signed(term)
        for carry in carries:
            columns.add_bit(carry, 0)
        if product_rows(design) == 2:
            columns.constant += design.lanes * row_constant(design)
        columns.add_constant()
        return columns.rows() if self.rows == 2 else [columns.total()]


def reduce_rows(rows, carries, count: int):
    """Adders level by level until `count` rows are left; takes carries off the list where any."""
    while len(rows) > count:
        pairs = zip(rows[::2], rows[1::2], strict=False)
        summed = [add_with_carry(a, b, carries.pop() if carries else 0) for a, b in pairs]
        rows = summed + rows[len(rows) & ~1 :]
    return rows


class LaneSum(wiring.Component):
    """Second half of the sum over the lanes, behind a register.

    Members
    -------
    i_row : In(signed(design.lane_sum_width)).array(tree_rows(design))
    i_carry : In(1).array(tree_rows(design))
        Where :func:`has_carries`.
    o_sum : Out(signed(design.lane_sum_width))
    o_carry : Out(1)
        Where :func:`has_carries`: the sum of the products is ``o_sum + o_carry``.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_sum : ``design.lane_sum_width``; rows wrap, their sum does not.
    """

    sequential = False

    def __init__(self, design: Design):
        self.design = design
        rows = tree_rows(design)
        members = {
            "i_row": In(signed(design.lane_sum_width)).array(rows),
            "o_sum": Out(signed(design.lane_sum_width)),
        }
        if has_carries(design):
            members |= {"i_carry": In(1).array(rows), "o_carry": Out(1)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        carries = list(self.i_carry) if has_carries(self.design) else []
        (total,) = reduce_rows(list(self.i_row), carries, 1)
        m.d.comb += self.o_sum.eq(total)
        if carries:
            m.d.comb += self.o_carry.eq(carries.pop())
        return m


def signed_term(m, sign, product, name):
    """A product whose sign comes late, as complement; its carry is the sign."""
    term = Signal(len(product) + 1, name=name)
    m.d.comb += term.eq(Cat(product ^ sign.replicate(len(product)), sign))
    return term
