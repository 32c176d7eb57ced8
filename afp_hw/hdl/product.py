"""The exact product of two decoded AFP operands: exponent adder, multiplier, shifter.

Source: ``docs/numerics.md`` section 5: ``product = (-1)**(s_a ^ s_w) * (sig_a * sig_w) << (shift_a
+ shift_w)``. Where the product of significands is short, it takes its sign ahead of the shifter: a
few bits are negated instead of the whole product.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.design.widths import has_shift, shift_field
from afp_hw.hdl.full_adder import Columns
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.place import Place, as_built


def significand_shape(design: Design):
    """Shape of a product of significands: with its sign where that is applied early."""
    early = design.negates_early
    return signed(design.sig_product_width + 1) if early else unsigned(design.sig_product_width)


def product_shape(design: Design):
    """Shape of a product: in two's complement, or its magnitude where the sign comes later."""
    if design.integers or design.negates_early:
        return signed(design.term_width)
    return unsigned(design.product_width)


class ExponentAdder(wiring.Component):
    """Sum of the two shifts, where both operands have one.

    Members
    -------
    i_act, i_wgt : In(shift field of the operand's layout)
    o_shift : Out(design.shift_width)

    Timing
    ------
    Combinational.

    Widths
    ------
    o_shift : bits of ``(2**n_exp_act - 1) + (2**n_exp_wgt - 1)``, the largest sum of two codes.
    """

    sequential = False

    def __init__(self, design: Design):
        super().__init__(
            {
                "i_act": In(shift_field(design.acts)),
                "i_wgt": In(shift_field(design.weights)),
                "o_shift": Out(design.shift_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o_shift.eq(self.i_act + self.i_wgt)
        return m


class MantissaMultiplier(wiring.Component):
    """Product of the two significands, and its sign.

    For n_man = 0 it is an AND gate, for n_man = 1 on both sides a few gates: significands are 0, 2
    or 3. Otherwise ``design.multiplier`` says who builds it.

    Members
    -------
    i_act, i_wgt : In(operand layout)
        Shifts are not looked at.
    i_live : In(1)
        Where 0, the product is 0.
    o_sign : Out(1)
        Absent where the sign is applied early.
    o_sig : Out(significand_shape(design))

    Timing
    ------
    Combinational.

    Widths
    ------
    o_sig : bits of ``max_sig_act * max_sig_wgt``, and one for the sign where it is applied early.
    """

    sequential = False

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        members = {
            "i_act": In(operand_layout(design.acts)),
            "i_wgt": In(operand_layout(design.weights)),
            "i_live": In(1),
            "o_sig": Out(significand_shape(design)),
        }
        if not design.negates_early:
            members["o_sign"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        design = self.design
        magnitude = Signal(design.sig_product_width)
        m.d.comb += magnitude.eq(self._magnitude(m))
        sign = Value.cast(self.i_act.sign) ^ Value.cast(self.i_wgt.sign)
        if design.negates_early:
            m.d.comb += self.o_sig.eq(Mux(sign, -magnitude, magnitude))
        else:
            # A lane that is not live has no sign either: its operands may never have been loaded.
            m.d.comb += [self.o_sign.eq(sign & self.i_live), self.o_sig.eq(magnitude)]
        return m

    def _magnitude(self, m):
        design = self.design
        act, wgt = self.i_act.sig, self.i_wgt.sig
        if all(fmt.n_man == 1 and has_shift(fmt) for fmt in (design.afp_acts, design.afp_weights)):
            some = act[1] & wgt[1] & self.i_live
            both = act[0] & wgt[0] & self.i_live
            return Cat(both, some & (act[0] ^ wgt[0]), some & ~both, both)  # 0, 4, 6 or 9
        short, long = (act, wgt) if len(act) <= len(wgt) else (wgt, act)
        short = short & self.i_live.replicate(len(short))
        if len(short) == 1:
            return long & short.replicate(len(long))
        if design.multiplier == "operator":
            return short * long
        columns = Columns(m, self.place, design.sig_product_width)
        for low, first in enumerate(short):
            for high, second in enumerate(long):
                columns.add_bit(first & second, low + high)
        return columns.total()


class Shifter(wiring.Component):
    """Significand product moved to its place in the fixed-point product.

    Members
    -------
    i_sig : In(significand_shape(design))
    i_shift : In(design.shift_width)
        Absent where no operand has a shift.
    o_product : Out(product_shape(design))
        ``fix_act * fix_wgt``, or its magnitude where the sign comes later.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_product : bits of ``max_fix_act * max_fix_wgt``. Shifted operands are twice their ``fix``, so
    that as many bits at the right end are 0 and left out as there are such operands.
    """

    sequential = False

    def __init__(self, design: Design):
        self.design = design
        members = {
            "i_sig": In(significand_shape(design)),
            "o_product": Out(product_shape(design)),
        }
        if design.shift_width:
            members["i_shift"] = In(design.shift_width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        shifted = self.i_sig << self.i_shift if self.design.shift_width else self.i_sig
        m.d.comb += self.o_product.eq(shifted >> self.design.shift_excess)
        return m
