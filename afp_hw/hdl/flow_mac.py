"""Multiply and accumulate where sums stay or flow. Source: ``docs/numerics.md`` section 5."""

from amaranth.hdl import C, signed
from amaranth.lib.wiring import In

from afp_hw.hdl.flow_accumulator import FlowAccumulator
from afp_hw.hdl.mac import Mac


class FlowMac(Mac):
    """:class:`.Mac` whose sum may begin with that of the cell above.

    Members
    -------
    i_act, i_wgt, i_live, i_go, i_first, i_last, o_acc, o_valid
        As of :class:`.Mac`, but that ``i_live`` is looked at with one lane too: a cycle without a
        product still has a sum to pass on, so that it cannot be left out.
    i_outputs : In(1)
        1: outputs are stationary.
    i_psum : In(signed(design.pe_acc_width))
        Weights stationary: what the products are added to, ``latency`` - 1 clock edges behind
        their operands.

    Timing
    ------
    As of :class:`.Mac`.

    Widths
    ------
    Those of the parts.
    """

    def _members(self):
        psum = signed(self.design.pe_acc_width)
        return {**super()._members(), "i_outputs": In(1), "i_psum": In(psum)}

    def _accumulator(self, m):
        accumulator = self._part("flow_accumulator", FlowAccumulator)
        m.d.comb += [
            accumulator.i_outputs.eq(self.i_outputs),
            accumulator.i_psum.eq(self.i_psum),
        ]
        return accumulator

    def _live(self, lane):
        return self.i_live[lane] if self.design.gate_zeros else C(1, 1)
