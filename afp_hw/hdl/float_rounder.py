"""The rounded sum, and binary32 made of it."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import SUM_SIG, FloatDesign
from afp_hw.formats.floating import FP32
from afp_hw.hdl.float_operand import sum_layout


class FloatRounder(wiring.Component):
    """Adds 1 to a sum's significand where rounding wants it.

    The result can be 2: it stays so, with its exponent, until it leaves or is normalised with the
    next product added.

    Members
    -------
    i : In(sum_layout(design))
    o_sig : Out(25)
        In units of ``2**-23``.
    o_zero : Out(1)
        The sum is zero, and its exponent means nothing.
    o_overflow : Out(1)
        The sum is beyond the largest number. Never where sums are bounded.

    Timing
    ------
    Combinational.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__(
            {
                "i": In(sum_layout(design)),
                "o_sig": Out(SUM_SIG + 1),
                "o_zero": Out(1),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o_sig.eq(self.i.sig + self.i.up)
        if self.design.bounded:
            m.d.comb += self.o_zero.eq(~self.i.sig[-1])
        else:
            exp = self.i.exp
            largest, next_to_it = exp[:-1].all(), exp[1:-1].all() & self.o_sig[-1]
            m.d.comb += [
                self.o_zero.eq(self.i.zero),
                self.o_overflow.eq(~self.i.zero & (exp[-1] | largest | next_to_it)),
            ]
        return m


class FloatPacker(wiring.Component):
    """A sum as binary32.

    Members
    -------
    i_sig : In(25)
        After rounding, up to 2; below 1 with the exponent of the smallest normal number.
    i_exp, i_sign, i_nan, i_inf : In(design.exp_width), In(1), In(1), In(1 or 0)
    o : Out(32)
        NaN is 0x7fc00000.

    Timing
    ------
    Combinational.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__(
            {
                "i_sig": In(SUM_SIG + 1),
                "i_exp": In(design.exp_width),
                "i_sign": In(1),
                "i_nan": In(1),
                "i_inf": In(int(design.has_infinity)),
                "o": Out(FP32.width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        carry = self.i_sig[-1]
        normal = self.i_sig[-2:].any()
        special = self.i_nan | self.i_inf if self.design.has_infinity else self.i_nan
        exponent = Signal(FP32.n_exp)
        m.d.comb += exponent.eq(Mux(normal, self.i_exp + (carry + self.design.exp_offset), 0))
        mantissa = self.i_sig[: FP32.n_man] & (~special).replicate(FP32.n_man)
        m.d.comb += self.o.eq(
            Cat(
                mantissa | Cat(C(0, FP32.n_man - 1), self.i_nan),
                exponent | special.replicate(FP32.n_exp),
                self.i_sign & ~self.i_nan,
            )
        )
        return m
