"""Normalisation and rounding of a magnitude to an AFP code.

Source: ``docs/numerics.md`` sections 2 and 6. The leading one of the magnitude is moved to a fixed
place; what the format keeps is then a small shift away, and everything lower only matters as one
sticky bit. Binades, subnormals and carries between them come out right by themselves because the
code is built as ``(q << n_man) + sig``: a hidden one or a carry raises the exponent field by one.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

N_EXP_WIDTH = 3
N_MAN_WIDTH = 4


class Normalizer(wiring.Component):
    """Moves the leading one of a number to the most significant bit.

    Members
    -------
    i : In(width)
    o : Out(width)
        ``i`` shifted left until its most significant bit is 1; 0 for 0.
    o_zeros : Out(ceil_log2(width))
        How far; meaningless for 0.

    Timing
    ------
    Combinational: ``ceil_log2(width)`` multiplexers deep.
    """

    sequential = False

    def __init__(self, width: int):
        self.width = width
        super().__init__({"i": In(width), "o": Out(width), "o_zeros": Out(ceil_log2(width))})

    def elaborate(self, platform):
        m = Module()
        value = self.i
        for bit in reversed(range(ceil_log2(self.width))):
            distance = 1 << bit
            empty = ~value[-distance:].any()
            moved = Signal(self.width, name=f"moved_{distance}")
            m.d.comb += [
                moved.eq(Mux(empty, value << distance, value)),
                self.o_zeros[bit].eq(empty),
            ]
            value = moved
        m.d.comb += self.o.eq(value)
        return m


class Rounder(wiring.Component):
    """Rounds a normalised magnitude to a code without its sign.

    Members
    -------
    i_top : In(N_man + 2)
        Most significant bits of the magnitude, the leading one first; 0 for 0.
    i_sticky : In(1)
        Whether anything below them is 1.
    i_drop : In(signed)
        Position of the leading one on the output's grid, less ``n_man``: how many bits a normal
        number drops; negative where the number is subnormal by that many bits.
    i_n_exp, i_n_man : In
        The layer's format.
    o_code : Out(N_exp + N_man)
        Exponent and mantissa: nearest, ties to the code whose lowest bit is 0, saturated.

    Timing
    ------
    Combinational.
    """

    sequential = False

    def __init__(self, envelope, drop_width: int):
        self.envelope = envelope
        super().__init__(
            {
                "i_top": In(envelope.n_man + 2),
                "i_sticky": In(1),
                "i_drop": In(signed(drop_width)),
                "i_n_exp": In(N_EXP_WIDTH),
                "i_n_man": In(N_MAN_WIDTH),
                "o_code": Out(envelope.magnitude_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        n_exp, n_man = self.envelope.n_exp, self.envelope.n_man
        kept = n_man + 2

        # Bits of `i_top` below the output's grid; beyond `kept` the result is 0 all the same.
        below = Signal(range(2 * kept))
        subnormal = Mux(self.i_drop < 0, -self.i_drop, 0)
        narrower = (n_man - self.i_n_man).as_unsigned()
        wanted = subnormal + narrower[: ceil_log2(n_man + 1)] if n_man else subnormal
        m.d.comb += below.eq(Mux(wanted > kept, kept, wanted))
        shifted = Signal(2 * kept)
        m.d.comb += shifted.eq(Cat(C(0, kept), self.i_top) >> below)
        sig = shifted[kept + 1 :]
        round_bit = shifted[kept]
        sticky = shifted[:kept].any() | self.i_sticky

        # An exponent field that is too large saturates; one bit more than the field can show it.
        binade = Signal(n_exp + 1)
        positive = self.i_drop > 0
        limit = C(1 << n_exp, n_exp + 1)
        with m.If(positive):
            m.d.comb += binade.eq(Mux(self.i_drop > limit, limit, self.i_drop[: n_exp + 1]))
        fixed_point_overflow = (self.i_n_exp == 0) & positive

        # The sum is below 2**(n_exp + 1 + n_man) + 2**(n_man + 1) + 1.
        code = Signal(n_exp + n_man + 3)
        truncated = Signal(n_exp + n_man + 3)
        m.d.comb += truncated.eq((binade << self.i_n_man) + sig)
        m.d.comb += code.eq(truncated + (round_bit & (sticky | truncated[0])))
        largest = Signal(n_exp + n_man)
        m.d.comb += largest.eq((C(1, 1) << (self.i_n_exp + self.i_n_man)) - 1)
        saturated = (code > largest) | fixed_point_overflow
        # The leading one of `i_top` is missing for a zero only, whose `i_drop` means nothing.
        m.d.comb += self.o_code.eq(
            Mux(self.i_top[-1], Mux(saturated, largest, code[: n_exp + n_man]), 0)
        )
        return m
