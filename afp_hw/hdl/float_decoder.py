"""From a floating-point code to significand, exponent and what is special about it."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.formats.floating import FloatFormat
from afp_hw.hdl.float_operand import float_operand_layout
from afp_hw.hdl.rounder import Normalizer


class FloatDecoder(wiring.Component):
    """Fields of one code, the hidden bit resolved.

    Parameters
    ----------
    fmt : :class:`.FloatFormat`
        Format of the code.
    normalized
        Move the leading one of a subnormal to the place of the hidden bit. That is cheap for the
        few bits of an operand; a product that is not normalised would widen aligner, adder and
        normaliser of the sum by as many bits as it can have leading zeros.

    Members
    -------
    i_code : In(fmt.width)
        Code: sign, exponent, mantissa from the most significant bit.
    o : Out(float_operand_layout(fmt, normalized))
        ``(-1)**sign * (hidden + man * 2**-n_man) * 2**(exp - bias)`` where ``nonzero`` and neither
        ``nan`` nor ``inf``; ``hidden`` is 1 where it is not among the fields.

    Timing
    ------
    Combinational.

    Widths
    ------
    exp : signed, ``1 - n_man`` to ``2**n_exp - 1``.
    """

    sequential = False

    def __init__(self, fmt: FloatFormat, *, normalized: bool):
        self.fmt = fmt
        self.normalized = normalized
        layout = float_operand_layout(fmt, normalized=normalized)
        super().__init__({"i_code": In(fmt.width), "o": Out(layout)})

    def elaborate(self, platform):
        m = Module()
        fmt = self.fmt
        mantissa = self.i_code[: fmt.n_man]
        exponent = self.i_code[fmt.n_man : fmt.magnitude_width]
        normal = Signal()
        m.d.comb += normal.eq(exponent.any())
        if self.normalized:
            # Below the leading one of a subnormal; its exponent is that many less than 0.
            m.submodules.normalizer = normalizer = Normalizer(fmt.n_man)
            m.d.comb += normalizer.i.eq(mantissa)
            below = Cat(C(0, 1), normalizer.o[:-1])
            m.d.comb += [
                self.o.man.eq(Mux(normal, mantissa, below)),
                self.o.exp.eq(Mux(normal, exponent, -normalizer.o_zeros)),
            ]
        else:
            m.d.comb += [
                self.o.man.eq(mantissa),
                self.o.hidden.eq(normal),
                self.o.exp.eq(exponent | ~normal),  # max(exponent, 1)
            ]
        largest = exponent.all()
        if fmt.has_infinity:
            m.d.comb += self.o.inf.eq(largest & ~mantissa.any())
            m.d.comb += self.o.nan.eq(largest & mantissa.any())
        else:
            m.d.comb += self.o.nan.eq(largest & mantissa.all())
        m.d.comb += [
            self.o.sign.eq(self.i_code[-1]),
            self.o.nonzero.eq(self.i_code[:-1].any()),
        ]
        return m
