"""Product and sum, aligned for addition: the lesser one shifted right, or the sum."""

from amaranth.hdl import C, Cat, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import SUM_SIG, FloatDesign
from afp_hw.hdl.float_operand import addends_layout, product_layout


def shift_right_sticky(m: Module, value: Value, amount: Value) -> tuple[Value, Value]:
    """`value` shifted right, and whether a 1 was shifted out."""
    sticky: Value = C(0, 1)
    for bit in reversed(range(len(amount))):
        distance = 1 << bit
        moved = Signal(len(value), name=f"moved_{distance}")
        lost = Signal(name=f"lost_{distance}")
        m.d.comb += [
            moved.eq(Mux(amount[bit], value >> distance, value)),
            lost.eq(sticky | (amount[bit] & value[:distance].any())),
        ]
        value, sticky = moved, lost
    return value, sticky


def aligner_members(design: FloatDesign) -> dict[str, wiring.Member]:
    """Members of both aligners."""
    return {
        "i_first": In(1),
        "i_nonzero": In(1),
        "i_product": In(product_layout(design)),
        "i_product_sign": In(1),
        "i_sig": In(SUM_SIG + 1),
        "i_exp": In(design.exp_width),
        "i_sign": In(1),
        "i_zero": In(1),
        "o": Out(addends_layout(design)),
    }


class FloatAligner(wiring.Component):
    """The lesser of product and sum, by exponent, shifted right to the place of the other.

    For products of at most 24 bits. They are normalised, sums are unless subnormal, and with them
    all that matters of the lesser one is in guard, round and sticky bit: where bits are lost the
    exponents differ by 2 or more, so that the leading one of a difference moves by one at most.

    Members
    -------
    i_first : In(1)
        There is no sum yet: it is +0.
    i_nonzero : In(1)
        The product is not zero. Of a zero product only the sign counts.
    i_product, i_product_sign : In(product_layout(design)), In(1)
    i_sig, i_exp, i_sign : In(25), In(design.exp_width), In(1)
        The sum so far, after rounding: up to 2, in units of ``2**-23``; the sign is 0 where there
        is none.
    i_zero : In(1)
        It is zero: its exponent means nothing.
    o : Out(addends_layout(design))
        ``keep`` is the greater one, in the upper bits of the window, ``other`` the lesser one.

    Timing
    ------
    Combinational: the exponents' difference, two multiplexers, a shifter of five levels.

    Widths
    ------
    other : 28 bits; the greater one is below or at 2, the lesser one too, and both are followed by
    guard, round and sticky bit.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__(aligner_members(design))

    def elaborate(self, platform):
        m = Module()
        design = self.design
        difference, product_keeps = self._compare(m)
        exp = self._sum_exp()

        # Each is masked by a signal of its own: on the first step there is no sum.
        product = Cat(C(0, SUM_SIG - design.product_width), self.i_product.sig, C(1, 1))
        sum_keeps, sum_moves = Signal(), Signal()
        m.d.comb += [
            sum_keeps.eq(~product_keeps & ~self.i_first),
            sum_moves.eq(product_keeps & ~self.i_first),
            self.o.keep.eq(
                (product & product_keeps.replicate(SUM_SIG))
                | (self.i_sig & sum_keeps.replicate(SUM_SIG + 1))
            ),
        ]
        # A negative difference d shifts by ~d = -d - 1, so the product starts one place lower.
        window = design.window_width - 1  # without the sticky bit
        low = design.guard - 1
        moving = Signal(window)
        m.d.comb += moving.eq(
            (Cat(C(0, low), self.i_sig) & sum_moves.replicate(window))
            | (Cat(C(0, low - 1), product) & (~product_keeps).replicate(window))
        )
        negative = difference[-1]
        levels = (window - 1).bit_length()
        near = difference[:levels] ^ negative.replicate(levels)
        far = (difference[levels:-1] ^ negative.replicate(len(difference) - 1 - levels)).any()
        amount = Signal(levels)
        m.d.comb += amount.eq(near | (far | ~self.i_nonzero).replicate(levels))
        moved, sticky = shift_right_sticky(m, moving, amount)

        subtract = Signal()
        m.d.comb += [
            subtract.eq(self.i_sign ^ self.i_product_sign),
            self.o.subtract.eq(subtract),
            self.o.other.eq(
                Cat(sticky & self.i_nonzero, moved) ^ subtract.replicate(design.window_width)
            ),
            self.o.exp.eq(Mux(product_keeps, self.i_product.exp, exp)),
            self.o.sign.eq(Mux(product_keeps, self.i_product_sign, self.i_sign)),
            self.o.zero_sign.eq(self.i_sign & self.i_product_sign),
        ]
        if design.bounded:
            self._sum_is_greater(m, product, difference, product_keeps)
        return m

    def _sum_exp(self):
        """Exponent of the sum so far; of one that is not there or zero, the lowest there is."""
        if self.design.bounded:
            return self.i_exp  # see `_compare`
        return Mux(self.i_first | self.i_zero, 1, self.i_exp)

    def _compare(self, m):
        """Difference of the exponents, and whether the product is the one that stays."""
        exp = self._sum_exp()
        shape = Shape.cast(self.i_product.exp.shape())
        difference = Signal(signed(shape.width + (not shape.signed)))
        product_keeps = Signal()
        m.d.comb += difference.eq(self.i_product.exp - exp)
        not_less = ~difference[-1]
        if self.design.bounded:
            # No exponent of a product is lower than that of zero would be.
            not_less = not_less | self.i_first | self.i_zero
        m.d.comb += product_keeps.eq(self.i_nonzero & not_less)
        return difference, product_keeps

    def _sum_is_greater(self, m, product, difference, product_keeps):
        """``less``: equal exponents, and the sum's significand is the greater one.

        No other difference of addends can be negative where the sum is normalised.
        """
        width = self.design.product_width
        upper, lower = self.i_sig[-width - 1 : -1], self.i_sig[: -width - 1]
        wanted = product[-width:]
        greater = self.i_sig[-1] | (upper > wanted) | ((upper == wanted) & lower.any())
        m.d.comb += self.o.less.eq(
            product_keeps & ~self.i_first & self.o.subtract & ~difference.any() & greater
        )
