"""Where words of an output bank go, in the order in which they leave the column edges."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import OutputKind
from afp_hw.hdl.descriptor_view import DESCRIPTOR


class OutPlace(wiring.Component):
    """Counts words: pixels innermost, slices of sums, column tiles.

    Members
    -------
    i_descriptor : In(DESCRIPTOR)
        Constant from ``i_start`` to the last word.
    i_start, i_next : In(1)
        Go to the first word, to the next one.
    o_address : Out(bits of out_words)
        Of this word in its bank.

    Timing
    ------
    The address follows from registers.

    Widths
    ------
    Those of the descriptor's fields.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign):
        super().__init__(
            {
                "i_descriptor": In(DESCRIPTOR),
                "i_start": In(1),
                "i_next": In(1),
                "o_address": Out((design.out_words - 1).bit_length()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        d = self.i_descriptor
        address, tile = Signal(20, reset_less=True), Signal(20, reset_less=True)
        pixel, part = Signal(16), Signal(8)
        parts = Mux(d.output == OutputKind.SUMS, d.extra_chunks, 0)
        m.d.comb += self.o_address.eq(address)
        with m.If(self.i_next):
            m.d.sync += [pixel.eq(pixel + 1), address.eq(address + d.out_x_step)]
            with m.If(pixel + 1 == d.pixels):
                m.d.sync += [pixel.eq(0), part.eq(part + 1), address.eq(tile + part + 1)]
                with m.If(part == parts):
                    m.d.sync += [
                        part.eq(0),
                        tile.eq(tile + d.out_n_step),
                        address.eq(tile + d.out_n_step),
                    ]
        with m.If(self.i_start):
            m.d.sync += [
                pixel.eq(0),
                part.eq(0),
                address.eq(d.out_start),
                tile.eq(d.out_start),
            ]
        return m
