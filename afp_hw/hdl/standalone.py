"""The processing element that takes codes: a PE to compare with others."""

from functools import partial

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.design.widths import sig_width
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.mac import Mac
from afp_hw.hdl.operand import not_zero, operand_layout
from afp_hw.hdl.place import Place, as_built


class CodePe(wiring.Component):
    """Operand registers and :class:`.Mac`, with decoders: sums of products of codes.

    Parameters
    ----------
    design : :class:`.Design`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid : In(1)
        A reduction step; it may pause anywhere.
    i_first, i_last : In(1)
        Mark the first and last step of a reduction; looked at where ``i_valid``.
    i_act, i_wgt : In(lanes * width)
        Codes, lane 0 in the least significant bits.
    o_valid : Out(1)
        ``o_acc`` is finished; it stays for this one cycle.
    o_acc : Out(signed(design.pe_acc_width))
        The sum, in units of ``2**(lsb_act + lsb_wgt)``.

    Timing
    ------
    One step a cycle; a sum whose last step is sampled at clock edge t is visible after edge
    ``t + latency - 1``, ``latency`` = 2 + ``len(design.registers)``.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency
        super().__init__(
            {
                "i_valid": In(1),
                "i_first": In(1),
                "i_last": In(1),
                "i_act": In(design.lanes * design.acts.width),
                "i_wgt": In(design.lanes * design.weights.width),
                "o_valid": Out(1),
                "o_acc": Out(signed(design.pe_acc_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        design = self.design
        name = design.module_name("mac")
        m.submodules.mac = mac = self.place(name, lambda: Mac(design, self.place))
        live, go = self._enables()
        for lane in range(design.lanes):
            # What begins a sum is loaded whatever it is: later nothing unknown is in a register.
            load = live[lane] | (self.i_valid & self.i_first) if design.lanes > 1 else go
            for name, port, operand, fmt in (
                ("act", self.i_act, mac.i_act, design.acts),
                ("wgt", self.i_wgt, mac.i_wgt, design.weights),
            ):
                code = port.word_select(lane, fmt.width)
                held = self._operand(m, f"{name}_{lane}", code, fmt, load, name == self._masked)
                m.d.comb += operand[lane].eq(held)
        self._tags(m, mac, live, go)
        m.d.comb += [self.o_valid.eq(mac.o_valid), self.o_acc.eq(mac.o_acc)]
        return m

    @property
    def _masked(self):
        """The operand that is 0 in a step that is not valid: of two, that with fewer bits."""
        design = self.design
        return "act" if sig_width(design.acts) < sig_width(design.weights) else "wgt"

    def _enables(self):
        """Which lanes have a product, and whether there is anything to do in this step."""
        design = self.design
        live = [
            not_zero(self.i_act.word_select(lane, design.acts.width), design.acts)
            & not_zero(self.i_wgt.word_select(lane, design.weights.width), design.weights)
            for lane in range(design.lanes)
        ]
        go = self.i_valid & (self.i_first | self.i_last | Cat(*live).any())
        return [self.i_valid & one for one in live], go

    def _operand(self, m, name, code, fmt, load, masked):
        """A decoded operand behind its register; the decoder stands before or behind that."""
        gated = self.design.gate_zeros
        decoder = self.place(f"decoder_{fmt}", partial(Decoder, fmt))
        m.submodules[f"{name}_decoder"] = decoder
        inside = self.design.decode == "pe"
        valid = C(1, 1) if gated or not masked else self.i_valid
        register = Signal(fmt.width if inside else operand_layout(fmt), name=name, reset_less=True)
        with m.If(load if gated else C(1, 1)):
            if inside:
                m.d.sync += register.eq(Mux(valid, code, 0))
            else:
                m.d.sync += register.eq(decoder.o)
        m.d.comb += [
            decoder.i_code.eq(register if inside else code),
            decoder.i_valid.eq(C(1, 1) if inside else valid),
        ]
        return decoder.o if inside else register

    def _tags(self, m, mac, live, go):
        gated = self.design.gate_zeros
        first, last = Signal(reset_less=gated), Signal(reset_less=gated)
        valid = C(1, 1) if gated else self.i_valid
        with m.If(go if gated else C(1, 1)):
            m.d.sync += [first.eq(valid & self.i_first), last.eq(valid & self.i_last)]
        m.d.comb += [mac.i_first.eq(first), mac.i_last.eq(last)]
        if not gated:
            return
        s1_go = Signal()
        m.d.sync += s1_go.eq(go)
        m.d.comb += mac.i_go.eq(s1_go)
        if self.design.lanes > 1:
            s1_live = Signal(self.design.lanes, reset_less=True)
            m.d.sync += s1_live.eq(Cat(*live))
            m.d.comb += mac.i_live.eq(s1_live)
