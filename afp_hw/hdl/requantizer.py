"""From an exact sum to an AFP code: the only place where a bias is used.

Source: ``docs/numerics.md`` section 6: ``y = encode(relu?(clip?(acc)) * 2**offset)``. The leading
one of the magnitude is moved to a fixed place; what the format keeps is then a small shift away,
and everything lower only matters as one sticky bit. Binades, subnormals and carries between them
come out right by themselves because the code is built as ``(q << n_man) + sig``: a hidden one or a
carry raises the exponent field by one.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from afp_hw.design import Design
from afp_hw.hdl.place import Place, as_built

OFFSET_WIDTH = 14
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


class Requantizer(wiring.Component):
    """Encodes finished sums in the format of the next layer, chosen at run time.

    Parameters
    ----------
    design : :class:`.Design`
        Gives the width of the sums and the output's envelope ``outs``.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid, i_acc : In(1), In(signed(design.acc_width))
        Sum in units of ``2**lsb_acc``; every value is allowed, the most negative one too.
    i_n_exp, i_n_man : In(3), In(4)
        The output's format, within the envelope; at least one of them is not 0.
    i_offset : In(signed(14))
        ``lsb_acc - lsb_y``.
    i_relu : In(1)
        Negative sums give 0. Without effect in an unsigned envelope, which always does.
    i_clip : In(design.acc_width - 1)
        Largest sum that passes, in units of ``2**lsb_acc``; all ones: no clip.
    o_valid, o_code : Out(1), Out(design.out_envelope.width)
        Code in the layer's format, in the least significant bits: the sign is bit
        ``n_exp + n_man``.

    Timing
    ------
    One sum a cycle; ``latency`` = 3 clock edges; no back-pressure. Format, offset, ReLU and clip
    are sampled with each sum.

    Widths
    ------
    magnitude : ``acc_width``, because of ``-2**(acc_width - 1)``; drop : holds ``acc_width - 1 +
    offset`` and ``offset - n_man``.
    """

    sequential = True
    latency = 3

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.envelope = design.out_envelope
        super().__init__(
            {
                "i_valid": In(1),
                "i_acc": In(signed(design.acc_width)),
                "i_n_exp": In(N_EXP_WIDTH),
                "i_n_man": In(N_MAN_WIDTH),
                "i_offset": In(signed(OFFSET_WIDTH)),
                "i_relu": In(1),
                "i_clip": In(design.acc_width - 1),
                "o_valid": Out(1),
                "o_code": Out(design.out_envelope.width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        width = self.design.acc_width
        settings = data.StructLayout({"n_exp": N_EXP_WIDTH, "n_man": N_MAN_WIDTH, "sign": 1})

        # Stage 1: clip, ReLU, magnitude.
        s1_magnitude = Signal(width, reset_less=True)
        s1_offset = Signal(signed(OFFSET_WIDTH), reset_less=True)
        s1_settings = Signal(settings, reset_less=True)
        negative = self.i_acc[-1]
        magnitude = Mux(negative, -self.i_acc, self.i_acc).as_unsigned()[:width]
        clipped = Mux(~negative & (magnitude > self.i_clip), self.i_clip, magnitude)
        relu = self.i_relu if self.envelope.signed else C(1, 1)
        m.d.sync += [
            s1_magnitude.eq(Mux(negative & relu, 0, clipped)),
            s1_offset.eq(self.i_offset),
            s1_settings.n_exp.eq(self.i_n_exp),
            s1_settings.n_man.eq(self.i_n_man),
            s1_settings.sign.eq(negative),
        ]

        # Stage 2: leading one to the top; where it lies on the output's grid.
        kept = self.envelope.n_man + 2
        padded = max(width, kept + 1)
        m.submodules.normalizer = normalizer = self.place(
            f"normalizer_{padded}", lambda: Normalizer(padded)
        )
        drop_width = max(OFFSET_WIDTH, width.bit_length() + 1, N_MAN_WIDTH + 1) + 2
        s2_top = Signal(kept, reset_less=True)
        s2_sticky = Signal(reset_less=True)
        s2_drop = Signal(signed(drop_width), reset_less=True)
        s2_settings = Signal(settings, reset_less=True)
        m.d.comb += normalizer.i.eq(s1_magnitude)
        leading_one = C(padded - 1, unsigned(padded.bit_length())) - normalizer.o_zeros
        m.d.sync += [
            s2_top.eq(normalizer.o[-kept:]),
            s2_sticky.eq(normalizer.o[:-kept].any()),
            s2_drop.eq(leading_one + s1_offset - s1_settings.n_man),
            s2_settings.eq(s1_settings),
        ]

        # Stage 3: round, saturate, pack.
        m.submodules.rounder = rounder = self.place(
            f"rounder_{self.envelope}_{drop_width}", lambda: Rounder(self.envelope, drop_width)
        )
        code = Signal(self.envelope.width, reset_less=True)
        m.d.comb += [
            rounder.i_top.eq(s2_top),
            rounder.i_sticky.eq(s2_sticky),
            rounder.i_drop.eq(s2_drop),
            rounder.i_n_exp.eq(s2_settings.n_exp),
            rounder.i_n_man.eq(s2_settings.n_man),
            self.o_code.eq(code),
        ]
        # What rounds to zero is +0.
        sign = s2_settings.sign & rounder.o_code.any() if self.envelope.signed else C(0, 1)
        place = s2_settings.n_exp + s2_settings.n_man
        m.d.sync += code.eq(rounder.o_code | (sign << place))

        valids = Signal(self.latency)
        m.d.sync += valids.eq(Cat(self.i_valid, valids[:-1]))
        m.d.comb += self.o_valid.eq(valids[-1])
        return m
