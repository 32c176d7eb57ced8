"""Signs, zeros, infinities and NaN: of a step, a product, and a sum with a product added.

IEEE 754-2019 sections 6 and 7.2, with one NaN. They are known before the numbers are.
"""

from amaranth.hdl import C, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import FloatDesign
from afp_hw.hdl.float_operand import flags_layout, operand_layouts


class StepFilter(wiring.Component):
    """Which steps do anything, seen before their operands are registered.

    Members
    -------
    i_valid, i_first, i_last : In(1)
    i_act, i_wgt : In(width)
        Codes.
    o_go : Out(1)
        The step begins or ends a sum, or its product is not zero: neither operand is, or one is
        infinite or NaN.
    o_plus_zero : Out(1)
        There is a step left out, and its product is +0. Never where sums are bounded, as it would
        change none of them.

    Timing
    ------
    Combinational.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__(
            {
                "i_valid": In(1),
                "i_first": In(1),
                "i_last": In(1),
                "i_act": In(design.acts.width),
                "i_wgt": In(design.weights.width),
                "o_go": Out(1),
                "o_plus_zero": Out(int(not design.bounded)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        codes = ((self.i_act, self.design.acts), (self.i_wgt, self.design.weights))
        special = C(0, 1)
        for code, fmt in codes:
            # Of a format with infinity, all codes with the largest exponent.
            fields = code[fmt.n_man : -1] if fmt.has_infinity else code[:-1]
            special = special | fields.all()
        nonzero = self.i_act[:-1].any() & self.i_wgt[:-1].any()
        matters = self.i_first | self.i_last | nonzero | special
        m.d.comb += [
            self.o_go.eq(self.i_valid & matters),
            self.o_plus_zero.eq(self.i_valid & ~matters & ~(self.i_act[-1] ^ self.i_wgt[-1])),
        ]
        return m


class ProductFlags(wiring.Component):
    """What is known of a product before it is computed.

    Members
    -------
    i_valid : In(1)
        There is a product; else the flags are those of -0, which changes no sum.
    i_act, i_wgt : In(operand layout)
    o : Out(flags_layout(design))

    Timing
    ------
    Combinational.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        act, wgt = operand_layouts(design)
        super().__init__(
            {"i_valid": In(1), "i_act": In(act), "i_wgt": In(wgt), "o": Out(flags_layout(design))}
        )

    def elaborate(self, platform):
        m = Module()
        act, wgt = self.i_act, self.i_wgt
        infinity_times_zero = (act.inf & ~wgt.nonzero) | (wgt.inf & ~act.nonzero)
        m.d.comb += [
            self.o.nonzero.eq(self.i_valid & act.nonzero & wgt.nonzero),
            self.o.nan.eq(self.i_valid & (act.nan | wgt.nan | infinity_times_zero)),
            self.o.inf.eq(self.i_valid & (act.inf | wgt.inf)),
            self.o.sign.eq((act.sign ^ wgt.sign) | ~self.i_valid),
        ]
        return m


class SumFlags(wiring.Component):
    """What of a sum is not its number, with a product added.

    Members
    -------
    i_first : In(1)
        There is no sum yet: it is +0.
    i_product : In(flags_layout(design))
    i_sign, i_nan, i_inf : In(1), In(1), In(1 or 0)
        Of the sum so far.
    o_nan, o_inf : Out(1), Out(1 or 0)
    o_sign : Out(1)
        Sign of the sum so far, 0 where there is none.
    o_inf_sign : Out(1)
        Sign of an infinite result.

    Timing
    ------
    Combinational.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        infinity = int(design.has_infinity)
        super().__init__(
            {
                "i_first": In(1),
                "i_product": In(flags_layout(design)),
                "i_sign": In(1),
                "i_nan": In(1),
                "i_inf": In(infinity),
                "o_nan": Out(1),
                "o_inf": Out(infinity),
                "o_sign": Out(1),
                "o_inf_sign": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        product = self.i_product
        infinite = self.i_inf & ~self.i_first
        opposed = infinite & product.inf & (self.o_sign ^ product.sign)
        m.d.comb += [
            self.o_sign.eq(self.i_sign & ~self.i_first),
            self.o_nan.eq((self.i_nan & ~self.i_first) | product.nan | opposed),
            self.o_inf.eq(infinite | product.inf),
            self.o_inf_sign.eq(Mux(infinite, self.o_sign, product.sign)),
        ]
        return m
