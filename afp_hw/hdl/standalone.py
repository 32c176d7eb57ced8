"""The processing element that takes AFP codes: a PE to compare with others."""

from functools import partial

from amaranth.hdl import C, Module, Mux, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.pe import Pe
from afp_hw.hdl.place import Place, as_built


class CodePe(wiring.Component):
    """:class:`.Pe` with its decoders: sums of products of AFP codes.

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
    ``t + latency - 1``, ``latency`` = 2 + ``design.pipeline``.
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
        name = design.module_name("pe_core")
        m.submodules.pe = pe = self.place(name, lambda: Pe(design, self.place))
        # One zero operand makes a zero product: mask the one with fewer significand bits.
        mask_act = design.acts.max_sig < design.weights.max_sig
        for lane in range(design.lanes):
            for name, port, operand, fmt, masked in (
                ("act", self.i_act, pe.i_act, design.acts, mask_act),
                ("wgt", self.i_wgt, pe.i_wgt, design.weights, not mask_act),
            ):
                decoder = self.place(f"decoder_{fmt}", partial(Decoder, fmt))
                m.submodules[f"{name}_decoder_{lane}"] = decoder
                m.d.comb += [
                    decoder.i_code.eq(port.word_select(lane, fmt.width)),
                    decoder.i_valid.eq(self.i_valid if masked else C(1, 1)),
                    operand[lane].eq(decoder.o),
                ]
        m.d.comb += [
            pe.i_first.eq(Mux(self.i_valid, self.i_first, 0)),
            pe.i_last.eq(Mux(self.i_valid, self.i_last, 0)),
            self.o_valid.eq(pe.o_valid),
            self.o_acc.eq(pe.o_acc),
        ]
        return m
