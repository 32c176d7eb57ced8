"""The sum of the two aligned addends."""

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import FloatDesign
from afp_hw.hdl.float_operand import addends_layout, total_layout
from afp_hw.hdl.float_select_add import select_add

_BLOCK = 12
_WIDE_BLOCK = 18


class FloatAdder(wiring.Component):
    """One adder, and where sums are bounded the complement of a negative total.

    A subtrahend comes complemented; 1 makes its two's complement. Without that 1 the complement of
    the total is the opposite of the difference: so a difference that is known to be negative
    (``less``) becomes positive without a second adder. Where that is not known beforehand the total
    stays in two's complement, and is complemented when it is rounded.

    Members
    -------
    i : In(addends_layout(design))
        ``keep`` is aligned with the upper end of the window, ``other`` with the lower end; where
        the product is anchored, with the place of the product.
    o : Out(total_layout(design))

    Timing
    ------
    Combinational: two blocks of carries, or four where anchored.

    Widths
    ------
    total : addends are at most 2 and their sum below 4, or the sum is far above the product; see
    :attr:`.FloatDesign.window_width`. The carry out of a difference is 1 unless it is negative.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__({"i": In(addends_layout(design)), "o": Out(total_layout(design))})

    def elaborate(self, platform):
        m = Module()
        design = self.design
        width, guard = design.window_width, design.guard
        keep, other, subtract = self.i.keep, self.i.other, self.i.subtract
        if design.anchored:
            above = width - guard - len(other)
            other = Cat(subtract.replicate(guard), other, subtract.replicate(above))
            block = _WIDE_BLOCK
        else:
            keep = Cat(C(0, guard), keep)
            block = _BLOCK
        one = subtract & ~self.i.less if design.bounded else subtract
        low = Signal(guard + 1)
        m.d.comb += low.eq(keep[:guard] + other[:guard] + one)
        total = Signal(width + 1)
        high = select_add(m, keep[guard:], other[guard:], low[-1], block)
        m.d.comb += total.eq(Cat(low[:-1], high))
        if design.bounded:
            negative = self.i.less
            m.d.comb += self.o.total.eq(total[:-1] ^ negative.replicate(width))
        else:
            negative = Signal()
            m.d.comb += [
                negative.eq(subtract & ~total[-1]),
                self.o.total.eq(total[:-1]),
                self.o.negative.eq(negative),
            ]
        m.d.comb += [
            self.o.exp.eq(self.i.exp),
            self.o.sign.eq(self.i.sign ^ negative),
            self.o.zero_sign.eq(self.i.zero_sign),
        ]
        return m
