"""The exact product of two decoded operands: exponent adder, multiplier, shifter.

Source: ``docs/numerics.md`` section 5: ``product = (-1)**(s_a ^ s_w) * (sig_a * sig_w) << (shift_a
+ shift_w)``.
"""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.operand import operand_layout


class ExponentAdder(wiring.Component):
    """Sum of the two shifts.

    Members
    -------
    i_act, i_wgt : In(shift field of the operand's layout)
    o_shift : Out(design.shift_width)

    Timing
    ------
    Combinational.

    Widths
    ------
    o_shift : bits of ``(2**n_exp_act - 2) + (2**n_exp_wgt - 2)``, the largest sum of two codes.
    """

    sequential = False

    def __init__(self, design: Design):
        super().__init__(
            {
                "i_act": In(operand_layout(design.acts)["shift"].width),
                "i_wgt": In(operand_layout(design.weights)["shift"].width),
                "o_shift": Out(design.shift_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o_shift.eq(self.i_act + self.i_wgt)
        return m


class MantissaMultiplier(wiring.Component):
    """Product of the two significands, and its sign.

    Members
    -------
    i_act, i_wgt : In(operand layout)
        Shifts are not looked at.
    o_sign : Out(1)
    o_sig : Out(design.sig_product_width)

    Timing
    ------
    Combinational.

    Widths
    ------
    o_sig : bits of ``max_sig_act * max_sig_wgt``; 1 where both are powers of two (an AND gate).
    """

    sequential = False

    def __init__(self, design: Design):
        super().__init__(
            {
                "i_act": In(operand_layout(design.acts)),
                "i_wgt": In(operand_layout(design.weights)),
                "o_sign": Out(1),
                "o_sig": Out(design.sig_product_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.o_sign.eq(self.i_act.sign ^ self.i_wgt.sign),
            self.o_sig.eq(self.i_act.sig * self.i_wgt.sig),
        ]
        return m


class Shifter(wiring.Component):
    """Significand product moved to its place in the fixed-point product.

    Members
    -------
    i_sig : In(design.sig_product_width)
    i_shift : In(design.shift_width)
    o_product : Out(design.product_width)
        Magnitude of ``fix_act * fix_wgt``.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_product : bits of ``max_fix_act * max_fix_wgt`` = ``sig_product_width + max_shift``.
    """

    sequential = False

    def __init__(self, design: Design):
        super().__init__(
            {
                "i_sig": In(design.sig_product_width),
                "i_shift": In(design.shift_width),
                "o_product": Out(design.product_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o_product.eq(self.i_sig << self.i_shift)
        return m
