"""From a code to sign, significand and shift. Source: ``docs/numerics.md`` section 1."""

from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.formats import AFPFormat
from afp_hw.hdl.operand import operand_layout


class Decoder(wiring.Component):
    """Fields of one AFP code with the hidden bit resolved.

    Parameters
    ----------
    fmt : :class:`.AFPFormat`
        Format of the code.

    Members
    -------
    i_code : In(fmt.width)
        Code: sign, exponent, mantissa from the most significant bit.
    i_valid : In(1)
        Where 0, ``o.sig`` is 0, and with it every product.
    o : Out(operand_layout(fmt))
        ``fix = (-1)**sign * sig * 2**shift``.

    Timing
    ------
    Combinational.

    Widths
    ------
    sig : ``n_man + 1``, or ``n_man`` for n_exp = 0; shift : that of ``2**n_exp - 2``.
    """

    sequential = False

    def __init__(self, fmt: AFPFormat):
        self.fmt = fmt
        super().__init__({"i_code": In(fmt.width), "i_valid": In(1), "o": Out(operand_layout(fmt))})

    def elaborate(self, platform):
        m = Module()
        fmt = self.fmt
        mantissa = self.i_code[: fmt.n_man]
        exponent = self.i_code[fmt.n_man : fmt.magnitude_width]
        normal = exponent.any()
        sig = Cat(mantissa, normal) if fmt.n_exp else mantissa
        m.d.comb += [
            self.o.sig.eq(Mux(self.i_valid, sig, 0)),
            # max(e, 1) - 1; its largest value, 2**n_exp - 2, fits the field.
            self.o.shift.eq(exponent - normal),
        ]
        if fmt.signed:
            m.d.comb += self.o.sign.eq(self.i_code[-1])
        return m
