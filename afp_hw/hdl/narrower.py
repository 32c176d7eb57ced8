"""Sums as words that wait for their grid: AFP's dynamic quantization without holding accumulators.

Source: ``docs/numerics.md`` section 6 and, for rounding to odd, S. Boldo, G. Melquiond, "Emulation
of a FMA and Correctly Rounded Sums", IEEE Trans. Computers 57, 2008: what is rounded to odd with
two bits more than needed can be rounded once more as if it were exact.

A word is, from the most significant bit, ``sign[0 or 1] place fraction[n_man + 2]``: the place of
the leading one, plus 1 (0 of a zero), and what follows it, the last bit sticky. Words without their
sign are in the order of magnitudes.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.rounder import Normalizer
from afp_hw.hdl.stages import pass_valid, staged


def place_width(design: Design) -> int:
    """Bits of a word's place: 0 to ``acc_width``."""
    return design.acc_width.bit_length()


def word_width(design: Design, *, signed_word: bool) -> int:
    """Bits of a word."""
    return signed_word + place_width(design) + design.out_envelope.n_man + 2


class Narrower(wiring.Component):
    """Sums to words.

    Parameters
    ----------
    design : :class:`.Design`
        Gives the width of the sums and the output's envelope ``outs``.
    place
        See :mod:`afp_hw.hdl.place`.
    stages : int
        1: the word's register only, which costs least; 2: one for the magnitude too, for a faster
        clock.

    Members
    -------
    i_valid, i_acc : In(1), In(signed(design.acc_width))
    i_relu : In(1)
        Negative sums give 0. Absent in an unsigned envelope, which always does.
    o_valid, o_word : Out(1), Out(word_width)

    Timing
    ------
    One sum a cycle; ``latency`` = ``stages`` clock edges. ReLU is sampled with each sum.

    Widths
    ------
    magnitude : ``acc_width``, because of ``-2**(acc_width - 1)``.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built, *, stages: int = 1):
        if stages not in (1, 2):
            raise ValueError(f"Narrower.stages must be 1 or 2, not {stages!r}")
        self.design = design
        self.place = place
        self.latency = stages
        self.signed = design.out_envelope.signed
        members = {
            "i_valid": In(1),
            "i_acc": In(signed(design.acc_width)),
            "o_valid": Out(1),
            "o_word": Out(word_width(design, signed_word=self.signed)),
        }
        if self.signed:
            members["i_relu"] = In(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        width = self.design.acc_width
        fraction = self.design.out_envelope.n_man + 2
        negative = self.i_acc[-1]
        gone = negative & self.i_relu if self.signed else negative
        counted = Mux(gone, 0, self.i_acc).as_signed()
        magnitude = Mux(negative, -counted, counted).as_unsigned()[:width]

        padded = max(width, fraction + 1)
        m.submodules.normalizer = normalizer = self.place(
            f"normalizer_{padded}", lambda: Normalizer(padded)
        )
        m.d.comb += normalizer.i.eq(self._staged(m, "magnitude", magnitude))
        some = normalizer.o[-1]
        place = Mux(some, C(padded, place_width(self.design) + 1) - normalizer.o_zeros, 0)
        below = normalizer.o[-1 - fraction : -1]
        sticky = normalizer.o[: padded - fraction].any()  # the last bit kept is among them
        word = Signal(word_width(self.design, signed_word=self.signed), reset_less=True)
        parts = [sticky, below[1:], place[: place_width(self.design)]]
        if self.signed:
            parts.append(self._staged(m, "sign", negative & ~gone))
        m.d.sync += word.eq(Cat(*parts))
        m.d.comb += self.o_word.eq(word)
        pass_valid(m, self)
        return m

    def _staged(self, m, name, value):
        """The value behind a register in the middle, where there is one."""
        if self.latency == 1:
            return value
        return staged(m, "s1", {name: value})[name]
