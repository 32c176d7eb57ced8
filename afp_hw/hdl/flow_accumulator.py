"""The exact sum of a cell that adds to its own sum or to that of the cell above it.

Source: ``docs/numerics.md`` section 5.
"""

from amaranth.hdl import C, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.lane_sum import add_with_carry, has_carries


class FlowAccumulator(wiring.Component):
    """Register that adds one cycle's sum: to what it holds, or to what the cell above holds.

    Parameters
    ----------
    design : :class:`.Design`
        Its ``gate_zeros`` makes the register hold while ``i_go`` is 0.

    Members
    -------
    i_outputs : In(1)
        1: outputs are stationary, the register adds to itself. 0: it adds to ``i_psum``.
    i_go : In(1)
        There is something to add or to pass on; looked at with ``gate_zeros``.
    i_first : In(1)
        Outputs stationary: start a new sum with this cycle's.
    i_sum : In(signed(design.lane_sum_width))
        This cycle's sum.
    i_carry : In(1)
        Present where products bring carries: to be added to ``i_sum``.
    i_psum : In(signed(design.pe_acc_width))
        Sum of the cells above.
    o_acc : Out(signed(design.pe_acc_width))
        The sum so far, in units of ``2**(lsb_act + lsb_wgt)``.

    Timing
    ------
    One clock edge from ``i_sum`` and ``i_psum`` to ``o_acc``.

    Widths
    ------
    o_acc : ``sum_bound.bit_length() + 1``: no sum within the bound wraps. Partial sums that are
    beyond it wrap, and what they end in does not.
    """

    sequential = True

    def __init__(self, design: Design):
        self.design = design
        acc = signed(design.pe_acc_width)
        members = {
            "i_outputs": In(1),
            "i_go": In(1),
            "i_first": In(1),
            "i_sum": In(signed(design.lane_sum_width)),
            "i_psum": In(acc),
            "o_acc": Out(acc),
        }
        if has_carries(design):
            members["i_carry"] = In(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        acc = Signal.like(self.o_acc, reset_less=True)
        base = Signal.like(self.o_acc)
        own = Mux(self.i_first, 0, acc)
        m.d.comb += base.eq(Mux(self.i_outputs, own, self.i_psum))
        carry = self.i_carry if has_carries(self.design) else 0
        load = self.i_go if self.design.gate_zeros else C(1, 1)
        with m.If(load):
            m.d.sync += acc.eq(add_with_carry(base, self.i_sum, carry))
        m.d.comb += self.o_acc.eq(acc)
        return m
