"""The exact sum over the cycles of a reduction. Source: ``docs/numerics.md`` section 5.

The accumulator may be cut into segments, each of which is clocked only in cycles that change it. A
segment changes nothing where what is added to it is nothing: all zeros without a carry from below,
or all ones (the sign of a small negative sum) with one. So the high bits stand still while small
products of either sign come and go, and the low bits while products are large and round.
"""

from itertools import pairwise

from amaranth.hdl import C, Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.lane_sum import has_carries


class Accumulator(wiring.Component):
    """Register that starts with, or adds, one cycle's sum.

    Parameters
    ----------
    design : :class:`.Design`
        Its ``gate_zeros`` makes the register hold while ``i_go`` is 0, its ``segments`` cut it.

    Members
    -------
    i_go : In(1)
        There is something to add; looked at with ``gate_zeros``.
    i_first : In(1)
        Start a new sum with this cycle's.
    i_sum : In(signed(design.lane_sum_width))
        This cycle's sum.
    i_carry : In(1)
        Present where products bring carries: to be added to ``i_sum``.
    o_acc : Out(signed(design.pe_acc_width))
        The sum so far, in units of ``2**(lsb_act + lsb_wgt)``.

    Timing
    ------
    One clock edge from ``i_sum`` to ``o_acc``, carries between segments included.

    Widths
    ------
    o_acc : ``sum_bound.bit_length() + 1``: no sum within the bound wraps.
    """

    sequential = True

    def __init__(self, design: Design):
        self.design = design
        members = {
            "i_go": In(1),
            "i_first": In(1),
            "i_sum": In(signed(design.lane_sum_width)),
            "o_acc": Out(signed(design.pe_acc_width)),
        }
        if has_carries(design):
            members["i_carry"] = In(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        design = self.design
        addend = Signal(signed(max(design.pe_acc_width, design.lane_sum_width)))
        m.d.comb += addend.eq(self.i_sum)
        carry = self.i_carry if has_carries(design) else C(0, 1)
        edges = [0]
        for width in design.segment_widths:
            edges.append(edges[-1] + width)
        parts = []
        for index, (low, high) in enumerate(pairwise(edges)):
            part = addend[low:high] if low < design.lane_sum_width - 1 else addend[-1]
            register, carry = self._segment(m, index, high - low, part, carry)
            parts.append(register)
        m.d.comb += self.o_acc.eq(Cat(*parts))
        return m

    def _segment(self, m, index, width, part, carry):
        """One segment's register and its carry to the next; `part` is one bit if all are alike."""
        register = Signal(width, name=f"acc_{index}", reset_less=True)
        base, total = Signal(width, name=f"base_{index}"), Signal(width + 1, name=f"total_{index}")
        whole = part if len(part) == width else part.replicate(width)
        m.d.comb += [
            base.eq(Mux(self.i_first, 0, register)),
            total.eq(_add(base, whole, carry)),
        ]
        load = self.i_go if self.design.gate_zeros else C(1, 1)
        if self.design.segments:
            load &= self.i_first | ~_nothing(part, carry)
        with m.If(load):
            m.d.sync += register.eq(total[:width])
        return register, total[width]


def _add(a, b, carry):
    """``a + b + carry`` of unsigned numbers, one bit wider; the carry enters below."""
    if isinstance(carry, Const):
        return a + b
    return (Cat(C(1, 1), a) + Cat(carry, b)) >> 1


def _nothing(part, carry):
    """Whether adding `part` and `carry` to a segment leaves it as it is."""
    if len(part) == 1:
        return part == carry
    if isinstance(carry, Const):
        return ~part.any()
    return Mux(carry, part.all(), ~part.any())
