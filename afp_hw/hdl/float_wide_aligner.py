"""A product wider than a sum stays where it is; the sum is shifted to its place."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring

from afp_hw.design.float_design import SUM_SIG, FloatDesign
from afp_hw.hdl.float_aligner import aligner_members, shift_right_sticky


class FloatWideAligner(wiring.Component):
    """The sum, aligned with a product that is not normalised.

    From the most significant bit the window holds room for the sum where it is far greater than the
    product (25 bits), a gap (2), the product (48), and three bits more. The sum starts at the left
    end and is shifted right.

    *Left end.* Where the sum is further left than that, it is taken to be there. The product, its
    leading bit at most three places below the sum's last bit, is then below the round bit even of a
    difference that begins one bit lower: all that matters is that it is not zero.

    *Right end.* The product is at least ``2**23`` of its units, unless both operands are subnormal:
    then it is below a quarter of the smallest number. A difference with a sum to the right of it
    begins at ``2**22`` or above, so its last bit is at most one place below that of the product;
    that bit, a round bit and a sticky bit follow the product.

    Members
    -------
    As :class:`.FloatAligner`. ``keep`` is the sum in the window, ``other`` the product at its own
    place, complemented where ``subtract``; ``sign`` is that of the sum.

    Timing
    ------
    Combinational: the exponents' difference and a shifter of seven levels.

    Widths
    ------
    keep : :attr:`.FloatDesign.window_width`. The shift is ``product.exp - exp``: the product's
    exponent has :attr:`.FloatDesign.anchor_lead` added.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__(aligner_members(design))

    def elaborate(self, platform):
        m = Module()
        design = self.design
        exp = Signal(design.exp_width)
        shift = Signal(signed(design.product_exp_width))
        left_end = Signal()
        m.d.comb += [
            exp.eq(Mux(self.i_first | self.i_zero, 1, self.i_exp)),
            shift.eq(self.i_product.exp - exp),
            # A zero product is to the right of every sum.
            left_end.eq(shift[-1] | ~self.i_nonzero),
        ]
        window = design.window_width - 1  # without the sticky bit
        levels = window.bit_length()
        amount = Signal(levels)
        far = ~left_end & shift[levels:-1].any()
        m.d.comb += amount.eq(
            (shift[:levels] & (~left_end).replicate(levels)) | far.replicate(levels)
        )
        present = self.i_sig & (~self.i_first).replicate(SUM_SIG + 1)
        start = Cat(C(0, window - (SUM_SIG + 1)), present)
        moved, sticky = shift_right_sticky(m, start, amount)
        subtract = Signal()
        m.d.comb += [
            subtract.eq(self.i_sign ^ self.i_product_sign),
            self.o.keep.eq(Cat(sticky, moved)),
            self.o.other.eq(
                (self.i_product.sig & self.i_nonzero.replicate(design.product_width))
                ^ subtract.replicate(design.product_width)
            ),
            self.o.subtract.eq(subtract),
            # Of the window: the sum's at the left end, else the product's, which is greater.
            self.o.exp.eq(Mux(left_end, exp, self.i_product.exp)),
            self.o.sign.eq(self.i_sign),
            self.o.zero_sign.eq(self.i_sign & self.i_product_sign),
        ]
        return m
