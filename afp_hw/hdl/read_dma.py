"""Reads runs of beats from memory: an AXI4 read master."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.hdl.axi import ADDRESS_WIDTH, OKAY, ask_burst, read_master
from afp_hw.hdl.bursts import BEATS_WIDTH, Bursts
from afp_hw.hdl.place import Place, as_built


class ReadDma(wiring.Component):
    """Reads one run of beats after the other; their data come out in order, as they arrive.

    A run is cut into incrementing bursts of at most ``burst`` beats, none of which crosses a block
    of so many. Up to ``outstanding`` of them are on their way: asked for, and the last beat not yet
    here. All have ID 0.

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
        is 0 while a command runs. A command of 0 beats asks for nothing and is done.
    o_valid, o_data : Out(1), Out(data_width)
        A beat; it must be taken, every time.
    o_done : Out(1)
        The command is done; 1 for one cycle.
    i_clear, o_error : In(1), Out(1)
        A beat came with a response other than OKAY, since the last edge with ``i_clear``; such a
        beat at that edge stays known. The command takes all its beats nevertheless.
    m_axi_ar*, m_axi_r* : see :func:`.read_master`
        RID and RLAST are not looked at: beats are counted.

    Timing
    ------
    A command taken at clock edge t has its first ARVALID after edge t. ``o_valid`` is RVALID, and
    ``o_data`` RDATA, of the same cycle; RREADY is 1 from edge t until the last beat. If the last
    beat is taken at edge e, ``o_done`` and ``o_ready`` are 1 after edge e, and the next command is
    taken at e + 1 at the earliest. 0 beats: e = t.

    With ARREADY always 1 and a memory whose first beat of a burst is taken L edges after its
    address, or with the burst's predecessor just through, and the others one an edge: burst j, of
    ``n[j]`` beats, has its address taken at ``A[j]`` and its last beat at ``T[j]``,

        A[0] = t + 1,  A[j] = max(A[j-1], T[j-outstanding]) + 1
        T[j] = max(A[j] + L - 1, T[j-1]) + n[j]

    (terms of bursts before the first are left out). So data come without a gap, and the last of n
    beats at ``t + L + n``, if ``(outstanding - 1) * burst >= L`` or there are at most
    ``outstanding`` bursts. Otherwise long runs have ``outstanding * burst`` beats in
    ``burst + L`` cycles.

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
                "o_valid": Out(1),
                "o_data": Out(design.data_width),
                "o_done": Out(1),
                "i_clear": In(1),
                "o_error": Out(1),
                **read_master(design),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.bursts = bursts = self.place("bursts", lambda: Bursts(self.design))
        busy = Signal()
        flying = Signal(range(self.design.outstanding + 1))
        taken, asked, beat = Signal(), Signal(), Signal()
        m.d.comb += [
            self.o_ready.eq(~busy),
            taken.eq(self.i_valid & self.o_ready),
            bursts.i_load.eq(taken),
            bursts.i_address.eq(self.i_address),
            bursts.i_beats.eq(self.i_beats),
        ]

        # ARVALID stays until ARREADY: only an address taken makes more bursts fly.
        ask_burst(m, self, "ar", bursts)
        m.d.comb += [
            self.m_axi_arvalid.eq(bursts.o_burst & (flying != self.design.outstanding)),
            asked.eq(self.m_axi_arvalid & self.m_axi_arready),
            bursts.i_burst.eq(asked),
        ]

        m.d.comb += [
            self.m_axi_rready.eq(busy),
            beat.eq(self.m_axi_rvalid & busy),
            bursts.i_beat.eq(beat),
            self.o_valid.eq(beat),
            self.o_data.eq(self.m_axi_rdata),
        ]
        landed = beat & bursts.o_burst_end
        ended = beat & bursts.o_end
        nothing = taken & (self.i_beats == 0)
        wrong = beat & (self.m_axi_rresp != OKAY)
        m.d.sync += [
            flying.eq(flying + asked - landed),
            busy.eq((busy & ~ended) | (taken & ~nothing)),
            self.o_done.eq(ended | nothing),
            self.o_error.eq((self.o_error & ~self.i_clear) | wrong),
        ]
        return m
