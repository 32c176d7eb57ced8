"""Dequantization and quantization in FP32: what frameworks do where AFP has nothing to do.

The rival of :class:`.WindowRequantizer` in dynamic quantization as PyTorch and others run it: a sum
of integers becomes a number in FP32, and that number, once the tensor's scale is known, an integer.
Source: IEEE 754-2019 for the arithmetic. Every rounding is to nearest even; what is subnormal or
not finite does not occur with scales of 2**-60 to 2**60 and is not provided.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import SUM_SIG as SIG
from afp_hw.formats.floating import FP32
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.rounder import Normalizer
from afp_hw.hdl.stages import pass_valid, staged
from afp_hw.hdl.unsigned_multiplier import UnsignedMultiplier, booth_digits

INTEGER = 32
"""Bits of a sum."""

_MAN, _TOP = FP32.n_man, FP32.n_man + FP32.n_exp


def _nearest_even(kept, half, below):
    """`kept` with what lies below it rounded, one bit wider."""
    return kept + (half & (below | kept[0]))


def _times(m, place, sig, factor):
    """Product of two significands, in two clock edges: rows, then their sum, 48 bits."""
    m.submodules.multiplier = multiplier = place(
        f"multiplier_{SIG}x{SIG}_booth", lambda: UnsignedMultiplier(SIG, SIG, "booth", place)
    )
    m.d.comb += [multiplier.i_a.eq(sig), multiplier.i_b.eq(booth_digits(factor))]
    rows = staged(m, "rows", {str(index): row for index, row in enumerate(multiplier.o_row)})
    product = staged(m, "product", {"sig": (rows["0"] + rows["1"])[: 2 * SIG]})
    return product["sig"]


def _significand(product):
    """24 bits of a product, rounded, and by how much its exponent is more."""
    high = product[-1]
    top = Mux(high, product[SIG:], product[SIG - 1 : -1])
    half = Mux(high, product[SIG - 1], product[SIG - 2])
    below = product[: SIG - 2].any() | (high & product[SIG - 2])
    rounded = _nearest_even(top, half, below)
    # What is rounded up to the next power of two has zeros behind its leading one already.
    sig = Cat(rounded[: SIG - 1], C(1, 1))
    return sig, high + rounded[SIG]


class Fp32Dequantizer(wiring.Component):
    """``float32(relu?(acc)) * scale`` in FP32.

    Parameters
    ----------
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid, i_acc : In(1), In(signed(32))
    i_scale : In(32)
        Bits of a positive number of FP32; held while a sum is inside.
    i_relu : In(1)
        Negative sums give 0.
    o_valid, o_number : Out(1), Out(32)
        Bits of the number.

    Timing
    ------
    One sum a cycle; ``latency`` = 5 clock edges.

    Widths
    ------
    Those of FP32.
    """

    sequential = True
    latency = 5

    def __init__(self, place: Place = as_built):
        self.place = place
        super().__init__(
            {
                "i_valid": In(1),
                "i_acc": In(signed(INTEGER)),
                "i_scale": In(32),
                "i_relu": In(1),
                "o_valid": Out(1),
                "o_number": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        negative = self.i_acc[-1]
        counted = Mux(negative & self.i_relu, 0, self.i_acc).as_signed()
        magnitude = Mux(negative, -counted, counted).as_unsigned()[:INTEGER]
        s1 = staged(m, "s1", {"magnitude": magnitude, "sign": counted[-1]})

        m.submodules.normalizer = normalizer = self.place(
            f"normalizer_{INTEGER}", lambda: Normalizer(INTEGER)
        )
        m.d.comb += normalizer.i.eq(s1["magnitude"])
        cut = INTEGER - SIG
        rounded = _nearest_even(
            normalizer.o[cut:], normalizer.o[cut - 1], normalizer.o[: cut - 1].any()
        )
        place = C(INTEGER - 1, 6) - normalizer.o_zeros + rounded[SIG]
        s2 = staged(
            m,
            "s2",
            {
                "sig": Cat(rounded[: SIG - 1], normalizer.o[-1]),
                "exponent": place[:6],
                "sign": s1["sign"],
            },
        )
        product = _times(m, self.place, s2["sig"], Cat(self.i_scale[:_MAN], C(1, 1)))
        s3 = staged(m, "s3", {key: s2[key] for key in ("exponent", "sign")})
        s4 = staged(m, "s4", s3)
        sig, more = _significand(product)
        exponent = s4["exponent"] + self.i_scale[_MAN:_TOP] + more
        some = product.any()
        number = Mux(some, Cat(sig[:_MAN], exponent[:8], s4["sign"]), 0)
        s5 = staged(m, "s5", {"number": number})
        m.d.comb += self.o_number.eq(s5["number"])
        pass_valid(m, self)
        return m


class Fp32Quantizer(wiring.Component):
    """``saturate(round(number * scale))`` of a number in FP32, ties to even.

    Parameters
    ----------
    width : int
        Bits of the integer, in two's complement.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid, i_number : In(1), In(32)
        Bits of a number of FP32.
    i_scale : In(32)
        Bits of a positive number of FP32; held while a number is inside.
    o_valid, o_code : Out(1), Out(width)

    Timing
    ------
    One number a cycle; ``latency`` = 4 clock edges.

    Widths
    ------
    exponent : 10 bits, signed, for the sum of two fields less twice the bias.
    """

    sequential = True
    latency = 4

    def __init__(self, width: int, place: Place = as_built):
        self.width = width
        self.place = place
        super().__init__(
            {
                "i_valid": In(1),
                "i_number": In(32),
                "i_scale": In(32),
                "o_valid": Out(1),
                "o_code": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        some = self.i_number[:_TOP].any()
        sig = Cat(self.i_number[:_MAN], some)
        product = _times(m, self.place, sig, Cat(self.i_scale[:_MAN], C(1, 1)))
        exponent = Signal(signed(10))
        m.d.comb += exponent.eq(self.i_number[_MAN:_TOP] + self.i_scale[_MAN:_TOP] - 2 * FP32.bias)
        s1 = staged(m, "s1", {"exponent": exponent, "sign": self.i_number[-1]})
        s2 = staged(m, "s2", s1)
        sig, more = _significand(product)
        place = Signal(signed(10))  # -254 to 257, and one more where rounding carries
        m.d.comb += place.eq(s2["exponent"].as_signed() + more)
        s3 = staged(
            m,
            "s3",
            {
                "sig": Mux(product.any(), sig, 0),
                "place": place,
                "sign": s2["sign"],
            },
        )

        # Places -1 (a half to one) to width - 1 matter: below all is 0, above all saturates.
        place = s3["place"].as_signed()
        # By at most `width` places to the left: what is above SIG is the integer, SIG - 1 rounds.
        shifted = Signal(SIG + self.width)
        distance = Signal(range(self.width + 1))
        m.d.comb += [
            distance.eq(Mux(place < 0, 0, place + 1)),
            shifted.eq(s3["sig"] << distance),
        ]
        whole = shifted[SIG : SIG + self.width]
        rounded = Signal(self.width + 1)
        m.d.comb += rounded.eq(_nearest_even(whole, shifted[SIG - 1], shifted[: SIG - 1].any()))
        limit = Mux(s3["sign"], 1 << self.width - 1, (1 << self.width - 1) - 1)
        large = (place >= self.width) | (rounded > limit)
        magnitude = Mux(large, limit, rounded[: self.width])
        small = (place < -1) | ~s3["sig"][-1]
        code = Mux(small, 0, Mux(s3["sign"], -magnitude, magnitude))[: self.width]
        s4 = staged(m, "s4", {"code": code})
        m.d.comb += self.o_code.eq(s4["code"])
        pass_valid(m, self)
        return m
