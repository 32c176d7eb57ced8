"""One place of the array: a PE and its drain register, the second of its two accumulator banks."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.pe import Pe
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
    i_drain, o_drain : In, Out(signed(design.pe_acc_width))
        Finished sums, bottom to top.
    i_drain_valid, o_drain_valid : In(1), Out(1)

    Timing
    ------
    ``latency`` = 3 + ``design.pipeline`` clock edges from the last operand to ``o_drain``.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency + 1
        act, wgt = operand_layout(design.acts), operand_layout(design.weights)
        acc = signed(design.pe_acc_width)
        super().__init__(
            {
                "i_act": In(act).array(design.lanes),
                "i_first": In(1),
                "i_last": In(1),
                "o_act": Out(act).array(design.lanes),
                "o_first": Out(1),
                "o_last": Out(1),
                "i_wgt": In(wgt).array(design.lanes),
                "o_wgt": Out(wgt).array(design.lanes),
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
        for lane in range(self.design.lanes):
            m.d.comb += [
                pe.i_act[lane].eq(self.i_act[lane]),
                pe.i_wgt[lane].eq(self.i_wgt[lane]),
                self.o_act[lane].eq(pe.o_act[lane]),
                self.o_wgt[lane].eq(pe.o_wgt[lane]),
            ]
        drain = Signal.like(self.o_drain, reset_less=True)
        m.d.sync += [
            drain.eq(Mux(pe.o_valid, pe.o_acc, self.i_drain)),
            self.o_drain_valid.eq(pe.o_valid | self.i_drain_valid),
        ]
        m.d.comb += [
            pe.i_first.eq(self.i_first),
            pe.i_last.eq(self.i_last),
            self.o_first.eq(pe.o_first),
            self.o_last.eq(pe.o_last),
            self.o_drain.eq(drain),
        ]
        return m
