"""A right shift that rounds and saturates: the end of every integer requantizer.

Rounding is half away from zero, so of what is shifted out only the highest bit matters. Every level
of the shifter keeps no more bits than the levels behind it can still bring into the result; what it
drops above can only be an overflow.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class RoundingShift(wiring.Component):
    """``min(round(i * 2**-i_shift), i_limit)`` of a magnitude.

    Parameters
    ----------
    width : int
        Bits of the magnitude.
    most : int
        Largest shift, at least 2.
    out_width : int
        Bits of the result.

    Members
    -------
    i : In(width)
    i_shift : In(bits of `most`)
        1 to `most`.
    i_limit : In(out_width)
        Largest result.
    o : Out(out_width)

    Timing
    ------
    Combinational: a multiplexer for each bit of ``most - 1``, an incrementer, a comparison.

    Widths
    ------
    Level of ``2**b``: ``out_width + 2**b`` bits, of which the lowest is rounded at the end.
    """

    sequential = False

    def __init__(self, width: int, most: int, out_width: int):
        self.width, self.most, self.out_width = width, most, out_width
        super().__init__(
            {
                "i": In(width),
                "i_shift": In(most.bit_length()),
                "i_limit": In(out_width),
                "o": Out(out_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        distance = Signal(max(1, ceil_log2(self.most)))  # the bit that rounds goes to place 0
        m.d.comb += distance.eq(self.i_shift - 1)
        value, overflows = self.i, []
        for bit in reversed(range(ceil_log2(self.most))):
            step, kept = 1 << bit, self.out_width + (1 << bit)
            moved = Signal(kept, name=f"moved_{step}")
            over = Signal(name=f"over_{step}")
            m.d.comb += [
                moved.eq(Mux(distance[bit], value >> step, value)),
                over.eq(Mux(distance[bit], (value >> step) >> kept, value >> kept).any()),
            ]
            value = moved
            overflows.append(over)
        rounded = Signal(self.out_width + 1)
        m.d.comb += rounded.eq(value[1 : self.out_width + 1] + value[0])
        too_large = rounded > self.i_limit
        for over in overflows:
            too_large |= over
        m.d.comb += self.o.eq(Mux(too_large, self.i_limit, rounded[: self.out_width]))
        return m
