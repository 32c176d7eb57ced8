"""Initial values for a grid that is known at run time only. Source: ``docs/numerics.md`` 5."""

from amaranth.hdl import C, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign

BIAS_WIDTH = 32
EXPONENT_WIDTH = 14


class InitScaler(wiring.Component):
    """``round_half_even(bias * 2**exponent)``, saturated, in units of the array's sums.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`

    Members
    -------
    i_bias : In(signed(32))
        Integer of a layer's bias.
    i_exponent : In(signed(14))
        Its lsb, less that of the sums in the layer's own formats.
    i_left : In(6)
        By how many bits the array's sums lie further left than those.
    o_init : Out(signed(init_width))

    Timing
    ------
    ``latency`` = 1 clock edge.

    Widths
    ------
    Magnitude: what is saturated to ``init_max`` has its bits and one more; a left shift by so many
    moves every number but 0 beyond.
    """

    sequential = True
    latency = 1

    def __init__(self, design: AcceleratorDesign):
        self.bound = design.array.init_bound
        self.width = design.array.init_width
        super().__init__(
            {
                "i_bias": In(signed(BIAS_WIDTH)),
                "i_exponent": In(signed(EXPONENT_WIDTH)),
                "i_left": In(6),
                "o_init": Out(signed(self.width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        negative = self.i_bias[-1]
        magnitude = Signal(BIAS_WIDTH)
        m.d.comb += magnitude.eq(Mux(negative, -self.i_bias, self.i_bias))

        # To the right: what is cut off decides, and a half the lowest bit that stays.
        most_right = BIAS_WIDTH + 1  # from here on everything rounds to 0
        right = Signal(range(most_right + 1))
        down = -self.i_exponent
        m.d.comb += right.eq(Mux(down > most_right, most_right, Mux(down < 0, 0, down)))
        moved = Signal(2 * BIAS_WIDTH + 1)
        m.d.comb += moved.eq((magnitude << (BIAS_WIDTH + 1)) >> right)
        kept, cut = moved[BIAS_WIDTH + 1 :], moved[: BIAS_WIDTH + 1]
        up = cut[-1] & (cut[:-1].any() | kept[0])

        # To the left: beyond the bound it saturates anyway.
        most_left = self.width
        left = Signal(range(most_left + 1))
        m.d.comb += left.eq(
            Mux(
                self.i_exponent > most_left, most_left, Mux(self.i_exponent < 0, 0, self.i_exponent)
            )
        )
        scaled = Signal(BIAS_WIDTH + 1 + most_left)
        m.d.comb += scaled.eq((kept + up) << left)

        bound, result = Signal(self.width), Signal(self.width)
        m.d.comb += [
            bound.eq(C(self.bound, self.width) >> self.i_left),
            result.eq(Mux(scaled > bound, bound, scaled) << self.i_left),
        ]
        init = Signal(signed(self.width), reset_less=True)
        m.d.sync += init.eq(Mux(negative, -result, result))
        m.d.comb += self.o_init.eq(init)
        return m
