"""From an exact sum to an AFP code: the only place where a bias is used.

Source: ``docs/numerics.md`` section 6: ``y = encode(relu?(clip?(acc)) * 2**offset)``.
"""

from amaranth.hdl import C, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.rounder import N_EXP_WIDTH, N_MAN_WIDTH, Normalizer, Rounder
from afp_hw.hdl.stages import pass_valid

OFFSET_WIDTH = 14


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

        pass_valid(m, self)
        return m
