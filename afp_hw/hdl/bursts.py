"""A run of beats, cut into the bursts that AXI allows."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.hdl.axi import ADDRESS_WIDTH

BEATS_WIDTH = 20
"""Bits of the number of beats of a command."""


class Bursts(wiring.Component):
    """The bursts of one command, and where in it and in its burst the stream of beats is.

    A burst ends where a block of `burst` beats ends, or with the command. Blocks are aligned and
    at most a page, so that no burst crosses one.

    Members
    -------
    i_load, i_address, i_beats : In(1), In(64), In(20)
        A command; that before it must be through. The bits of the address within a beat are taken
        as 0.
    o_burst, o_address, o_length : Out(1), Out(64), Out(8)
        There is a burst to be asked for: address of its first beat, and its beats less 1.
    i_burst : In(1)
        It has been asked for; only with ``o_burst``.
    i_beat : In(1)
        The next beat of the command passes.
    o_burst_end, o_end : Out(1)
        The next beat is the last of its burst, of the command. Known ahead of ``i_beat``; of no
        meaning where no beat is left.

    Timing
    ------
    Outputs follow from registers. A command loaded at clock edge t shows its first burst after t;
    one asked for at edge t, the next after t.

    Widths
    ------
    Beats have 20 bits, as in a descriptor. Of the address only the bits above a block are counted
    up; it wraps at 2**64.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign):
        self.design = design
        super().__init__(
            {
                "i_load": In(1),
                "i_address": In(ADDRESS_WIDTH),
                "i_beats": In(BEATS_WIDTH),
                "o_burst": Out(1),
                "o_address": Out(ADDRESS_WIDTH),
                "o_length": Out(8),
                "i_burst": In(1),
                "i_beat": In(1),
                "o_burst_end": Out(1),
                "o_end": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        beat_bits = self.design.beat_bytes.bit_length() - 1
        burst = self.design.burst
        offset_bits = burst.bit_length() - 1
        first = self.i_address[beat_bits : beat_bits + offset_bits]

        # What is to be asked for.
        block = Signal(ADDRESS_WIDTH - beat_bits - offset_bits, reset_less=True)
        offset = Signal(offset_bits, reset_less=True)
        left = Signal(BEATS_WIDTH)
        room = Signal(range(burst + 1))
        length = Signal(range(burst + 1))
        m.d.comb += [
            room.eq(burst - offset),
            length.eq(Mux(left > room, room, left)),
            self.o_burst.eq(left != 0),
            self.o_address.eq(Cat(C(0, beat_bits), offset, block)),
            self.o_length.eq((length - 1)[:offset_bits]),  # there are 1 or more
        ]
        with m.If(self.i_load):
            m.d.sync += [
                block.eq(self.i_address[beat_bits + offset_bits :]),
                offset.eq(first),
                left.eq(self.i_beats),
            ]
        with m.Elif(self.i_burst):
            m.d.sync += [block.eq(block + 1), offset.eq(0), left.eq(left - length)]

        # What passes.
        place = Signal(offset_bits, reset_less=True)
        due = Signal(BEATS_WIDTH, reset_less=True)
        # Blocks of one beat have no place in them, and Yosys no "all" of no bits.
        block_end = place.all() if offset_bits else C(1, 1)
        m.d.comb += [
            self.o_end.eq(due == 1),
            self.o_burst_end.eq(block_end | self.o_end),
        ]
        with m.If(self.i_load):
            m.d.sync += [place.eq(first), due.eq(self.i_beats)]
        with m.Elif(self.i_beat):
            m.d.sync += [place.eq(place + 1), due.eq(due - 1)]
        return m
