"""Writes runs of beats to memory: an AXI4 write master."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.hdl.axi import ADDRESS_WIDTH, OKAY, ask_burst, write_master
from afp_hw.hdl.bursts import BEATS_WIDTH, Bursts
from afp_hw.hdl.place import Place, as_built


class WriteDma(wiring.Component):
    """Writes one run of beats after the other, from a stream of data.

    A run is cut into incrementing bursts of at most ``burst`` beats, none of which crosses a block
    of so many. Up to ``outstanding`` of them are on their way: asked for, and no response yet. All
    have ID 0. Data of a burst follow its address: no beat is offered before the address has been
    taken, as an interconnect need not take one earlier.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid, o_ready, i_address, i_beats : In(1), Out(1), In(64), In(20)
        A command, taken at a clock edge where both are 1: address of the first beat in bytes, a
        multiple of a beat (bits within a beat are taken as 0), and the number of beats. ``o_ready``
        is 0 while a command runs. A command of 0 beats writes nothing and is done.
    i_data_valid, o_data_ready, i_data : In(1), Out(1), In(data_width)
        The beats, each taken at a clock edge where both are 1. Valid data must stay until they are
        taken, as they stand on the bus; they may be valid before there is a command.
    o_done : Out(1)
        All beats are written, and answered; 1 for one cycle.
    i_clear, o_error : In(1), Out(1)
        A response was other than OKAY, since the last edge with ``i_clear``; such a response at
        that edge stays known. The command writes all its beats nevertheless.
    m_axi_aw*, m_axi_w*, m_axi_b* : see :func:`.write_master`
        WSTRB is all ones. BID is not looked at.

    Timing
    ------
    A command taken at clock edge t has its first AWVALID after edge t. WVALID is ``i_data_valid``,
    and ``o_data_ready`` WREADY, of the same cycle, where a burst's address has been taken at an
    earlier edge and its data are not through; else both are 0. BREADY is 1 from edge t until the
    last response. If that is taken at edge e, ``o_done`` and ``o_ready`` are 1 after edge e, and
    the next command is taken at e + 1 at the earliest. 0 beats: e = t.

    With AWREADY and WREADY always 1, data always valid, and the response of a burst taken L edges
    after its last beat: burst j, of ``n[j]`` beats, has its address taken at ``A[j]``, its last
    beat at ``T[j]`` and its response at ``B[j]``,

        A[0] = t + 1,  A[j] = max(A[j-1], B[j-outstanding]) + 1
        T[j] = max(A[j], T[j-1]) + n[j]
        B[j] = T[j] + L

    (terms of bursts before the first are left out). So beats leave without a gap, and the last of
    n at ``t + 1 + n``, if ``(outstanding - 1) * burst > L`` or there are at most ``outstanding``
    bursts. Otherwise long runs have ``outstanding * burst`` beats in ``burst + L + 1`` cycles.

    Widths
    ------
    Those of :class:`.Bursts`; bursts on their way are counted to ``outstanding``.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        super().__init__(
            {
                "i_valid": In(1),
                "o_ready": Out(1),
                "i_address": In(ADDRESS_WIDTH),
                "i_beats": In(BEATS_WIDTH),
                "i_data_valid": In(1),
                "o_data_ready": Out(1),
                "i_data": In(design.data_width),
                "o_done": Out(1),
                "i_clear": In(1),
                "o_error": Out(1),
                **write_master(design),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.bursts = bursts = self.place("bursts", lambda: Bursts(self.design))
        busy = Signal()
        flying = Signal(range(self.design.outstanding + 1))  # address taken, no response
        owed = Signal.like(flying)  # address taken, data not through
        taken, asked, beat, answered = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            self.o_ready.eq(~busy),
            taken.eq(self.i_valid & self.o_ready),
            bursts.i_load.eq(taken),
            bursts.i_address.eq(self.i_address),
            bursts.i_beats.eq(self.i_beats),
        ]

        # AWVALID stays until AWREADY: only an address taken makes more bursts fly.
        ask_burst(m, self, "aw", bursts)
        m.d.comb += [
            self.m_axi_awvalid.eq(bursts.o_burst & (flying != self.design.outstanding)),
            asked.eq(self.m_axi_awvalid & self.m_axi_awready),
            bursts.i_burst.eq(asked),
        ]

        m.d.comb += [
            self.m_axi_wvalid.eq(self.i_data_valid & (owed != 0)),
            self.o_data_ready.eq(self.m_axi_wready & (owed != 0)),
            beat.eq(self.m_axi_wvalid & self.m_axi_wready),
            bursts.i_beat.eq(beat),
            self.m_axi_wdata.eq(self.i_data),
            self.m_axi_wstrb.eq((1 << self.design.beat_bytes) - 1),
            self.m_axi_wlast.eq(bursts.o_burst_end),
        ]

        m.d.comb += [
            self.m_axi_bready.eq(busy),
            answered.eq(self.m_axi_bvalid & busy),
        ]
        ended = answered & (flying == 1) & ~bursts.o_burst
        nothing = taken & (self.i_beats == 0)
        wrong = answered & (self.m_axi_bresp != OKAY)
        m.d.sync += [
            owed.eq(owed + asked - (beat & bursts.o_burst_end)),
            flying.eq(flying + asked - answered),
            busy.eq((busy & ~ended) | (taken & ~nothing)),
            self.o_done.eq(ended | nothing),
            self.o_error.eq((self.o_error & ~self.i_clear) | wrong),
        ]
        return m
