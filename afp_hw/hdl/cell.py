"""One place of the array: a PE and its drain register, the second of its two accumulator banks."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.pe import Pe, operand_members
from afp_hw.hdl.place import Place, as_built


class Cell(wiring.Component):
    """:class:`.Pe` and a drain register, so that a sum leaves while the next one begins.

    Drain registers chain upwards: a cell takes its own finished sum, else what the cell below
    holds. The skew of the operands does the timing: finished sums enter the chain behind one
    another (:mod:`afp_hw.schedule` has the rule for the distance of tiles).

    Members
    -------
    i_act, i_first, i_last, o_act, o_first, o_last : operands and tags, left to right
    i_wgt, o_wgt : operands, top to bottom
    i_act_live, i_wgt_live, o_act_live, o_wgt_live : with ``gate_zeros``, as in :class:`.Pe`
    i_drain, o_drain : In, Out(signed(design.pe_acc_width))
        Finished sums, bottom to top.
    i_drain_valid, o_drain_valid : In(1), Out(1)

    Timing
    ------
    ``latency`` = 3 + ``len(design.registers)`` clock edges from the last operand to ``o_drain``.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency + 1
        acc = signed(design.pe_acc_width)
        super().__init__(
            {
                **operand_members(design, In),
                "i_first": In(1),
                "i_last": In(1),
                **operand_members(design, Out),
                "o_first": Out(1),
                "o_last": Out(1),
                "i_drain": In(acc),
                "i_drain_valid": In(1),
                "o_drain": Out(acc),
                "o_drain_valid": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        name = self.design.module_name("pe_core")
        m.submodules.pe = pe = self.place(name, lambda: Pe(self.design, self.place))
        hand_on(m, self.design, self, pe)
        drain = Signal.like(self.o_drain, reset_less=True)
        # Held while nothing passes: most of the time, and as many bits as the accumulator has.
        passing = pe.o_valid | self.i_drain_valid
        with m.If(passing):
            m.d.sync += drain.eq(Mux(pe.o_valid, pe.o_acc, self.i_drain))
        m.d.sync += self.o_drain_valid.eq(passing)
        m.d.comb += [
            pe.i_first.eq(self.i_first),
            pe.i_last.eq(self.i_last),
            self.o_first.eq(pe.o_first),
            self.o_last.eq(pe.o_last),
            self.o_drain.eq(drain),
        ]
        return m


def hand_on(m, design, outer, inner):
    """Connect the operands of a component to those of the one inside it."""
    for name in ("act", "wgt"):
        if design.gate_zeros:
            m.d.comb += [
                getattr(inner, f"i_{name}_live").eq(getattr(outer, f"i_{name}_live")),
                getattr(outer, f"o_{name}_live").eq(getattr(inner, f"o_{name}_live")),
            ]
        for lane in range(design.lanes):
            m.d.comb += [
                getattr(inner, f"i_{name}")[lane].eq(getattr(outer, f"i_{name}")[lane]),
                getattr(outer, f"o_{name}")[lane].eq(getattr(inner, f"o_{name}")[lane]),
            ]
