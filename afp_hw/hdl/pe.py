"""The processing element of an array: registers that hand operands on, and the multiply-accumulate.

Source: ``docs/numerics.md`` section 5.
"""

from functools import partial

from amaranth.hdl import C, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.formats import Number
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.mac import Mac
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.place import Place, as_built


def travelling(design: Design, fmt: Number):
    """Shape of an operand on its way through the array: decoded at the edge, or a code."""
    return fmt.width if design.decode == "pe" else operand_layout(fmt)


def operand_members(design: Design, flow):
    """Members for the operands of a PE or cell, ``act`` and ``wgt``, that flow in or out."""
    prefix = "i" if flow is In else "o"
    members = {}
    for name, fmt in (("act", design.acts), ("wgt", design.weights)):
        members[f"{prefix}_{name}"] = flow(travelling(design, fmt)).array(design.lanes)
        if design.gate_zeros:
            members[f"{prefix}_{name}_live"] = flow(design.lanes)
    return members


class Pe(wiring.Component):
    """Output-stationary processing element.

    Adds ``act * wgt`` of all lanes to its accumulator each cycle. The sum is exact: never rounded,
    never wrapped. There is no valid bit: a cycle in which nothing is to be added brings a zero
    operand to each lane, and no tag.

    Parameters
    ----------
    design : :class:`.Design`
        Envelopes, lanes, longest reduction, registers, decoding, gating, segments.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_act, i_wgt : In(travelling(design, envelope)).array(lanes)
        Operands, decoded or as codes.
    i_act_live, i_wgt_live : In(lanes)
        With ``gate_zeros``: which operands are not zero. Those that are zero need not be there, but
        in a cycle with a tag.
    i_first, i_last : In(1)
        Mark the first and last cycle of a reduction; they may fall together.
    o_act, o_wgt, o_act_live, o_wgt_live, o_first, o_last : Out
        The same, one clock edge later: what the neighbours take.
    o_acc : Out(signed(design.pe_acc_width))
        The sum, in units of ``2**(lsb_act + lsb_wgt)``.
    o_valid : Out(1)
        ``o_acc`` is finished; it stays for this one cycle.

    Timing
    ------
    One reduction step a cycle; ``latency`` = 2 + ``len(design.registers)`` clock edges from an
    operand to its place in ``o_acc``; no back-pressure. A new sum may begin in the cycle after
    ``i_last``.

    Widths
    ------
    Those of the parts; all are derived in :class:`.Widths`.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency
        super().__init__(
            {
                **operand_members(design, In),
                "i_first": In(1),
                "i_last": In(1),
                **operand_members(design, Out),
                "o_first": Out(1),
                "o_last": Out(1),
                "o_acc": Out(signed(design.pe_acc_width)),
                "o_valid": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        design = self.design
        first, last = Signal(), Signal()
        m.d.sync += [first.eq(self.i_first), last.eq(self.i_last)]
        m.d.comb += [self.o_first.eq(first), self.o_last.eq(last)]
        name = design.module_name("mac")
        m.submodules.mac = mac = self.place(name, lambda: Mac(design, self.place))
        for name, fmt in (("act", design.acts), ("wgt", design.weights)):
            self._operands(m, name, fmt, getattr(mac, f"i_{name}"))
        m.d.comb += [
            mac.i_first.eq(first),
            mac.i_last.eq(last),
            self.o_acc.eq(mac.o_acc),
            self.o_valid.eq(mac.o_valid),
        ]
        if design.gate_zeros:
            live = self.o_act_live & self.o_wgt_live
            m.d.comb += [mac.i_live.eq(live), mac.i_go.eq(live.any() | first | last)]
        return m

    def _operands(self, m, name, fmt, targets):
        """Registers of one kind of operand for all lanes, loaded where there is something new."""
        tagged = self.i_first | self.i_last
        if self.design.gate_zeros:
            live = Signal(self.design.lanes, name=f"{name}_live")
            m.d.sync += live.eq(getattr(self, f"i_{name}_live"))
            m.d.comb += getattr(self, f"o_{name}_live").eq(live)
        for lane in range(self.design.lanes):
            source = getattr(self, f"i_{name}")[lane]
            operand = Signal.like(source, name=f"{name}_{lane}", reset_less=True)
            gated = self.design.gate_zeros
            load = getattr(self, f"i_{name}_live")[lane] | tagged if gated else C(1, 1)
            with m.If(load):
                m.d.sync += operand.eq(source)
            m.d.comb += getattr(self, f"o_{name}")[lane].eq(operand)
            if self.design.decode == "pe":
                decoder = self.place(f"decoder_{fmt}", partial(Decoder, fmt))
                m.submodules[f"{name}_decoder_{lane}"] = decoder
                m.d.comb += [decoder.i_code.eq(operand), decoder.i_valid.eq(C(1, 1))]
                operand = decoder.o
            m.d.comb += targets[lane].eq(operand)
