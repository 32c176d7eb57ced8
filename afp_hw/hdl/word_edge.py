"""Sums of a dynamic tensor: words that wait for its grid, and the largest of them.

Source: ``docs/numerics.md`` section 6.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.accelerator import MOST_ALIGN
from afp_hw.hdl.narrower import Narrower, place_width
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.stages import staged


def largest_width(design: AcceleratorDesign) -> int:
    """Bits of a word without its sign: words are in the order of their magnitudes."""
    return design.place_width + design.array.out_envelope.n_man + 2


class WordEdge(wiring.Component):
    """:class:`.Narrower`, on one unit for all channels, and the running maximum of a column.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid, i_acc : In(1), In(signed(acc_width))
    i_align : In(bits of MOST_ALIGN)
        Bits by which this channel's grid is coarser than the tensor's unit.
    i_relu : In(1)
        Negative sums are 0.
    o_word : Out(waiting_width)
    i_collect, i_largest, o_largest : In(1), In(largest_width), Out(largest_width)
        The largest magnitude since the last collection; with ``i_collect`` it is handed on: the
        column takes its neighbour's.

    Timing
    ------
    ``latency`` = 2 clock edges; the largest follows a clock edge later.

    Widths
    ------
    Place: that of the sum and the alignment.
    """

    sequential = True
    latency = 2

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        super().__init__(
            {
                "i_valid": In(1),
                "i_acc": In(signed(design.array.acc_width)),
                "i_align": In(MOST_ALIGN.bit_length()),
                "i_relu": In(1),
                "o_word": Out(design.waiting_width),
                "i_collect": In(1),
                "i_largest": In(largest_width(design)),
                "o_largest": Out(largest_width(design)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        array = self.design.array
        m.submodules.narrower = narrower = self.place(
            f"narrower_{array.requantizer_name}_s2",
            lambda: Narrower(array, self.place, stages=2),
        )
        m.d.comb += [narrower.i_valid.eq(self.i_valid), narrower.i_acc.eq(self.i_acc)]
        if array.out_envelope.signed:
            m.d.comb += narrower.i_relu.eq(self.i_relu)
        align = {"align": self.i_align}
        for stage in range(2):
            align = staged(m, f"align_{stage}", align)
        bits = array.out_envelope.n_man + 2
        fraction = narrower.o_word[:bits]
        place = narrower.o_word[bits : bits + place_width(array)]
        aligned, magnitude = Signal(self.design.place_width), Signal(largest_width(self.design))
        m.d.comb += [
            aligned.eq(Mux(place.any(), place + align["align"], 0)),
            magnitude.eq(Cat(fraction, aligned)),
            self.o_word.eq(Cat(magnitude, narrower.o_word[bits + place_width(array) :])),
        ]
        largest = Signal(largest_width(self.design))
        with m.If(self.i_collect):
            m.d.sync += largest.eq(self.i_largest)
        with m.Elif(narrower.o_valid & (magnitude > largest)):
            m.d.sync += largest.eq(magnitude)
        m.d.comb += self.o_largest.eq(largest)
        return m
