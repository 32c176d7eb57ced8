"""From a code to sign, significand and shift. Source: ``docs/numerics.md`` section 1."""

from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.widths import has_shift
from afp_hw.formats import IntFormat, Number
from afp_hw.hdl.operand import operand_layout


class Decoder(wiring.Component):
    """Fields of one code with the hidden bit resolved.

    Parameters
    ----------
    fmt : :class:`.AFPFormat` or :class:`.IntFormat`
        Format of the code.

    Members
    -------
    i_code : In(fmt.width)
        Code: sign, exponent, mantissa from the most significant bit.
    i_valid : In(1)
        Where 0, ``o.sig`` is 0, and with it every product.
    o : Out(operand_layout(fmt))
        The operand: see :func:`.operand_layout`.

    Timing
    ------
    Combinational.

    Widths
    ------
    sig : ``n_man + 1``, or ``n_man`` for n_exp = 0; shift : n_exp, or 0 for n_exp <= 1.
    """

    sequential = False

    def __init__(self, fmt: Number):
        self.fmt = fmt
        super().__init__({"i_code": In(fmt.width), "i_valid": In(1), "o": Out(operand_layout(fmt))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.sig.eq(Mux(self.i_valid, self._significand(m), 0))
        if not isinstance(self.fmt, IntFormat) and self.fmt.signed:
            m.d.comb += self.o.sign.eq(self.i_code[-1])
        return m

    def _significand(self, m):
        fmt = self.fmt
        if isinstance(fmt, IntFormat):
            return self.i_code
        magnitude = self.i_code[: fmt.magnitude_width]
        if not has_shift(fmt):
            return magnitude
        mantissa, exponent = magnitude[: fmt.n_man], magnitude[fmt.n_man :]
        m.d.comb += self.o.shift.eq(exponent)
        normal = exponent.any()
        # Mux(normal, 1.m, m.0): the same bits, a gate each where n_man is 0 or 1.
        if fmt.n_man == 0:
            return normal
        if fmt.n_man == 1:
            return Cat(mantissa & normal, mantissa | normal)
        return Mux(normal, Cat(mantissa, 1), Cat(0, mantissa))
