"""The largest magnitude so far: what a dynamic grid is chosen by.

Source: ``docs/numerics.md`` section 6; for integers R. Krishnamoorthi, arXiv:1806.08342.
"""

from amaranth.hdl import Module, Mux, Shape, ShapeCastable, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class RunningMaximum(wiring.Component):
    """Largest magnitude of a stream of numbers.

    Of sums for INT8 and for AFP that holds its accumulators; of words without their sign for AFP
    that stores them (:class:`.Narrower`), which are far shorter and in the same order.

    Parameters
    ----------
    shape : Shape
        Of the numbers; an unsigned one is its own magnitude.

    Members
    -------
    i_valid, i_number : In(1), In(shape)
    i_clear : In(1)
        Begin anew, with this number where `i_valid`: the first step after reset must.
    i_relu : In(1)
        Negative numbers count as 0. Absent where there are none.
    o_largest : Out(shape.width)
        Of all numbers since, and with, `i_clear`; 0 of none.

    Timing
    ------
    One number a cycle; ``latency`` = 1 clock edge.

    Widths
    ------
    o_largest : ``shape.width``, because of ``-2**(width - 1)``.
    """

    sequential = True
    latency = 1

    def __init__(self, shape: ShapeCastable):
        self.shape = Shape.cast(shape)
        members = {
            "i_valid": In(1),
            "i_number": In(self.shape),
            "i_clear": In(1),
            "o_largest": Out(unsigned(self.shape.width)),
        }
        if self.shape.signed:
            members["i_relu"] = In(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        magnitude = Signal(self.shape.width)
        number = self.i_number
        if self.shape.signed:
            negative = number[-1]
            # A number that does not count is 0 before it is negated: then nothing toggles.
            number = Mux(negative & self.i_relu, 0, number).as_signed()
            number = Mux(negative, -number, number)
        m.d.comb += magnitude.eq(number)
        # One enable for both, so that a clock gate can hold the register: it mostly stays.
        largest = Signal(self.shape.width, reset_less=True)
        counted = Mux(self.i_valid, magnitude, 0)
        with m.If(self.i_clear | (counted > largest)):
            m.d.sync += largest.eq(counted)
        m.d.comb += self.o_largest.eq(largest)
        return m
