"""Codes from the words of :class:`.Narrower`, once the grid of their tensor is known.

Source: ``docs/numerics.md`` section 6.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.code_rounder import CodeRounder
from afp_hw.hdl.narrower import place_width, word_width
from afp_hw.hdl.place import Place, as_built


def base_of(design: Design, offset: int, n_man: int) -> int:
    """Setting `i_base` of a :class:`Rebiaser` for ``offset = lsb_acc - lsb_y``.

    Parameters
    ----------
    design
        Of the rebiaser.
    offset
        Any integer; beyond what makes all codes 0, or the largest, more changes nothing.
    n_man
        Mantissa bits of the layer's format.
    """
    # In units of the layer's lsb the leading one lies at place + offset; e = 1 begins at n_man.
    base = offset - n_man
    half = 1 << base_width(design) - 1
    return min(max(base, -half), half - 1)


def base_width(design: Design, highest: int | None = None) -> int:
    """Bits of `i_base`: such that every place can be moved beyond both ends of the codes.

    `highest` is the largest place, by default ``acc_width``.
    """
    envelope = design.out_envelope
    lowest = (design.acc_width if highest is None else highest) + envelope.n_man + 3
    return max(lowest, 1 << envelope.n_exp).bit_length() + 1


class Rebiaser(wiring.Component):
    """Words to codes, once the grid is known.

    Parameters
    ----------
    design : :class:`.Design`
        As of the :class:`Narrower`.
    place
        See :mod:`afp_hw.hdl.place`.
    place_bits : int
        Bits of a word's place, where more than :func:`.place_width` says.

    Members
    -------
    i_valid, i_word : In(1), In(word_width)
    i_base : In(signed(base_width))
        :func:`base_of` the offset: a word's place and it are the exponent field.
    i_narrow, i_limit, i_negative_limit : In
        As :class:`.WindowRequantizer` takes them.
    o_valid, o_code : Out(1), Out(envelope.width)
        Code, embedded in the envelope: what one rounding of the sum gives.

    Timing
    ------
    One word a cycle; ``latency`` = 1 clock edge. All settings are sampled with each word.

    Widths
    ------
    Exponent: one bit more than `i_base`, so that the sum with the place does not wrap.
    """

    sequential = True
    latency = 1

    def __init__(self, design: Design, place: Place = as_built, *, place_bits: int | None = None):
        self.design = design
        self.place = place
        self.envelope = envelope = design.out_envelope
        self.place_bits = place_width(design) if place_bits is None else place_bits
        highest = None if place_bits is None else (1 << place_bits) - 1
        more = self.place_bits - place_width(design)
        members = {
            "i_valid": In(1),
            "i_word": In(word_width(design, signed_word=envelope.signed) + more),
            "i_base": In(signed(base_width(design, highest))),
            "i_narrow": In(envelope.n_man.bit_length()),
            "i_limit": In(envelope.magnitude_width),
            "o_valid": Out(1),
            "o_code": Out(envelope.width),
        }
        if envelope.signed:
            members["i_negative_limit"] = In(envelope.magnitude_width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        envelope = self.envelope
        m.submodules.rounder = rounder = self.place(
            f"code_rounder_{envelope}", lambda: CodeRounder(envelope)
        )
        fraction = envelope.n_man + 2
        place = self.i_word[fraction : fraction + self.place_bits]
        exponent = Signal(signed(len(self.i_base) + 1))
        m.d.comb += exponent.eq(place + self.i_base)
        significand = Cat(self.i_word[:fraction], place.any())  # n_man + 3 bits

        # Below e = 1 numbers are subnormal: the significand moves to the right, binade 0 stays.
        subnormal = Signal()
        distance = Signal(range(fraction + 2))
        missing = (1 - exponent).as_signed()
        m.d.comb += [
            subnormal.eq((exponent < 1) | ~place.any()),  # a zero too
            distance.eq(Mux(subnormal, Mux(missing > fraction + 1, fraction + 1, missing), 0)),
        ]
        shifted = Signal(2 * fraction + 2)
        m.d.comb += shifted.eq(Cat(C(0, fraction + 1), significand) >> distance)
        top = shifted[fraction + 2 :]  # n_man + 2 bits: one of them below the code
        binade = Mux(subnormal, 0, exponent - 1)
        beyond = Signal()
        m.d.comb += [
            beyond.eq(~subnormal & (exponent >= (1 << envelope.n_exp))),
            rounder.i_wide.eq(top + (binade[: envelope.n_exp + 1] << (envelope.n_man + 1))),
            rounder.i_sticky.eq(shifted[: fraction + 2].any()),
            rounder.i_over.eq(beyond & significand[-1]),
            rounder.i_narrow.eq(self.i_narrow),
        ]
        limit, sign = self.i_limit, []
        if envelope.signed:
            limit = Mux(self.i_word[-1], self.i_negative_limit, self.i_limit)
            sign = [self.i_word[-1] & rounder.o_code.any()]
        code = Signal(envelope.width, reset_less=True)
        m.d.comb += [rounder.i_limit.eq(limit), self.o_code.eq(code)]
        m.d.sync += [code.eq(Cat(rounder.o_code, *sign)), self.o_valid.eq(self.i_valid)]
        return m
