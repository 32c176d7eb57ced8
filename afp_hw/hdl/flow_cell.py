"""One place of an array in which weights or sums stay: operands, multiply-accumulate, drain."""

from functools import partial

from amaranth.hdl import C, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.flow_mac import FlowMac
from afp_hw.hdl.pe import operand_members
from afp_hw.hdl.place import Place, as_built


class FlowCell(wiring.Component):
    """Multiplies what passes from the left by what came from above.

    A weight goes through two registers: the one that cells hand down, and behind it the operand of
    the multiplier. Outputs stationary, both move each cycle. Weights stationary, the first takes a
    weight where ``i_load`` says so, and the second follows with ``i_first``: so the next weights
    come down while those before them are in use. Sums then flow downwards through the accumulators;
    else finished ones leave upwards through drain registers, as in :class:`~.cell.Cell`.

    Parameters
    ----------
    design : :class:`.Design`
        Envelopes, lanes, longest reduction, registers, decoding, gating.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_outputs : In(1)
        1: outputs are stationary. Constant while anything is inside.
    i_act, i_act_live, i_first, i_last, o_act, o_act_live, o_first, o_last : left to right
        Operands and tags as of :class:`.Pe`. A lane that is not live is neither loaded nor counted.
        With weights stationary ``i_first`` marks the first operands that meet the new weights, and
        ``i_last`` is 0.
    i_load, o_load : In(1), Out(1), left to right
        The row takes weights from above. Always 1 with outputs stationary.
    i_wgt, i_wgt_live, o_wgt, o_wgt_live : top to bottom
        Weights.
    i_psum, o_psum : In, Out(signed(design.pe_acc_width)), top to bottom
        Weights stationary: the sum so far of the cells above, and with this one.
    i_drain, i_drain_valid, o_drain, o_drain_valid : bottom to top
        Finished sums, outputs stationary.

    Timing
    ------
    An activation meets the weight that was handed down in the cycle before it. From the clock edge
    that takes an activation, counted, to ``o_psum``: ``design.pe_latency``; to ``o_drain`` one
    more. ``i_psum`` joins at the last of them.

    Widths
    ------
    Those of the parts.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        acc = signed(design.pe_acc_width)
        members = {
            "i_outputs": In(1),
            **operand_members(design, In),
            **operand_members(design, Out),
        }
        for name in ("first", "last", "load"):
            members |= {f"i_{name}": In(1), f"o_{name}": Out(1)}
        for name in ("psum", "drain"):
            members |= {f"i_{name}": In(acc), f"o_{name}": Out(acc)}
        members |= {"i_drain_valid": In(1), "o_drain_valid": Out(1)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        design = self.design
        for name in ("first", "last", "load"):
            m.d.sync += getattr(self, f"o_{name}").eq(getattr(self, f"i_{name}"))
        name = design.module_name("flow_mac")
        m.submodules.mac = mac = self.place(name, lambda: FlowMac(design, self.place))
        act, act_live = self._operands(m, "act", self.i_act, self._live_in("act"), C(1, 1))
        wgt, wgt_live = self._operands(m, "wgt", self.i_wgt, self._live_in("wgt"), self.i_load)
        swap = self.i_outputs | self.i_first
        used, used_live = self._operands(m, "used", wgt, wgt_live, swap)
        self._hand_on(m, "act", act, act_live)
        self._hand_on(m, "wgt", wgt, wgt_live)
        self._multiplied(m, "act", design.acts, act, mac.i_act)
        self._multiplied(m, "wgt", design.weights, used, mac.i_wgt)
        m.d.comb += [
            mac.i_outputs.eq(self.i_outputs),
            mac.i_first.eq(self.o_first),
            mac.i_last.eq(self.o_last),
            mac.i_psum.eq(self.i_psum),
            self.o_psum.eq(mac.o_acc),
        ]
        if design.gate_zeros:
            live = act_live & used_live
            # Sums that flow do so in every cycle.
            go = live.any() | self.o_first | self.o_last | ~self.i_outputs
            m.d.comb += [mac.i_live.eq(live), mac.i_go.eq(go)]
        self._drain(m, mac)
        return m

    def _live_in(self, name):
        return getattr(self, f"i_{name}_live") if self.design.gate_zeros else None

    def _operands(self, m, name, sources, source_live, load):
        """Registers of one kind of operand for all lanes, and marks of those that are not zero."""
        gated = self.design.gate_zeros
        live = None
        if gated:
            # Activations are marked from reset on; weights count for nothing without them.
            live = Signal(self.design.lanes, name=f"{name}_live", reset_less=name != "act")
            with m.If(load):
                m.d.sync += live.eq(source_live)
        registers = []
        for lane in range(self.design.lanes):
            operand = Signal.like(sources[lane], name=f"{name}_{lane}", reset_less=True)
            with m.If(load & source_live[lane] if gated else load):
                m.d.sync += operand.eq(sources[lane])
            registers.append(operand)
        return registers, live

    def _hand_on(self, m, name, operands, live):
        outputs = getattr(self, f"o_{name}")
        m.d.comb += [outputs[lane].eq(operand) for lane, operand in enumerate(operands)]
        if self.design.gate_zeros:
            m.d.comb += getattr(self, f"o_{name}_live").eq(live)

    def _multiplied(self, m, name, fmt, operands, targets):
        """Operands of the multiplier: registers, behind them decoders where they hold codes."""
        for lane, operand in enumerate(operands):
            decoded = operand
            if self.design.decode == "pe":
                decoder = self.place(f"decoder_{fmt}", partial(Decoder, fmt))
                m.submodules[f"{name}_decoder_{lane}"] = decoder
                m.d.comb += [decoder.i_code.eq(operand), decoder.i_valid.eq(C(1, 1))]
                decoded = decoder.o
            m.d.comb += targets[lane].eq(decoded)

    def _drain(self, m, mac):
        """The register of finished sums, held while nothing passes."""
        drain = Signal.like(self.o_drain, reset_less=True)
        passing = mac.o_valid | self.i_drain_valid
        with m.If(passing):
            m.d.sync += drain.eq(Mux(mac.o_valid, mac.o_acc, self.i_drain))
        m.d.sync += self.o_drain_valid.eq(passing)
        m.d.comb += self.o_drain.eq(drain)
