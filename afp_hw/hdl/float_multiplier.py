"""The product of two significands, exact: two rows in carry-save form, and their sum.

Narrow operands are multiplied bit by bit, wide ones in Booth's radix-4 digits, which halve the
number of rows: smaller from about ten bits on, in SKY130 and ASAP7.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import FloatDesign
from afp_hw.hdl.float_operand import operand_layouts, product_layout
from afp_hw.hdl.float_select_add import select_add
from afp_hw.hdl.full_adder import Columns
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.unsigned_multiplier import UnsignedMultiplier, booth_digits

_FEWEST_BOOTH = 10
_BLOCK = 12


class FloatMultiplier(wiring.Component):
    """Rows whose sum is the product of the two significands.

    Members
    -------
    i_act, i_wgt : In(operand layout)
        Of finite operands that are not zero; else the rows mean nothing.
    o_row : Out(design.product_width).array(2)
        Their sum modulo ``2**product_width`` is the product.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_row : ``(n_man_act + 1) + (n_man_wgt + 1)``, which every product fits.
    """

    sequential = False

    def __init__(self, design: FloatDesign, place: Place = as_built):
        self.design = design
        self.place = place
        act, wgt = operand_layouts(design)
        width = design.product_width
        super().__init__({"i_act": In(act), "i_wgt": In(wgt), "o_row": Out(width).array(2)})

    def elaborate(self, platform):
        m = Module()
        design = self.design
        act, wgt = self.i_act.man, self.i_wgt.man
        if min(len(act), len(wgt)) + 1 >= _FEWEST_BOOTH:
            hidden = (self.i_act.hidden, self.i_wgt.hidden) if design.anchored else (C(1, 1),) * 2
            rows = self._booth(m, Cat(act, hidden[0]), Cat(wgt, hidden[1]))
        else:
            rows = self._bit_by_bit(m, act, wgt)
        m.d.comb += [target.eq(row) for target, row in zip(self.o_row, rows, strict=True)]
        return m

    def _booth(self, m, act, wgt):
        sizes = len(act), len(wgt)
        multiplier = self.place(
            self.design.module_name("booth"),
            lambda: UnsignedMultiplier(*sizes, "booth", self.place),
        )
        m.submodules.booth = multiplier
        m.d.comb += [multiplier.i_a.eq(act), multiplier.i_b.eq(booth_digits(wgt))]
        return multiplier.o_row

    def _bit_by_bit(self, m, act, wgt):
        """``(2**p + act) * (2**q + wgt)``: hidden bits times mantissas are the mantissas."""
        columns = Columns(m, self.place, self.design.product_width)
        for low, bit in enumerate(act):
            columns.add_bit(bit, low + len(wgt))
            for high, other in enumerate(wgt):
                columns.add_bit(bit & other, low + high)
        for low, bit in enumerate(wgt):
            columns.add_bit(bit, low + len(act))
        columns.constant = 1 << (len(act) + len(wgt))
        columns.add_constant()
        return columns.rows()


class FloatProduct(wiring.Component):
    """The product: significand, normalised unless anchored, and exponent; of operands not zero.

    Members
    -------
    i_row : In(design.product_width).array(2)
        Of :class:`FloatMultiplier`.
    i_act_exp, i_wgt_exp : In(exp field of the operand's layout)
    o : Out(product_layout(design))

    Timing
    ------
    Combinational.

    Widths
    ------
    exp : see :attr:`.FloatDesign.product_exp_width`. Normalised significands have a product in 1 to
    4: one place is what is left to normalise.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        act, wgt = operand_layouts(design)
        super().__init__(
            {
                "i_row": In(design.product_width).array(2),
                "i_act_exp": In(act["exp"].shape),
                "i_wgt_exp": In(wgt["exp"].shape),
                "o": Out(product_layout(design)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        design = self.design
        product = Signal(design.product_width)
        m.d.comb += product.eq(select_add(m, self.i_row[0], self.i_row[1], C(0, 1), _BLOCK))
        exponents = self.i_act_exp + self.i_wgt_exp
        if design.anchored:
            m.d.comb += [
                self.o.sig.eq(product),
                self.o.exp.eq(exponents + design.product_exp_offset),
            ]
        else:
            top = product[-1]
            m.d.comb += [
                self.o.sig.eq(Mux(top, product[:-1], product[:-2] << 1)),
                self.o.exp.eq(exponents + (top + design.product_exp_offset)),
            ]
        return m
