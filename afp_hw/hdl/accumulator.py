"""The exact sum: over the lanes of one cycle, and over the cycles of a reduction.

Source: ``docs/numerics.md`` section 5. A negative product enters as its bitwise complement and a
carry, so that nothing is negated: L lanes have L carries, the L - 1 adders of the tree take one
each and the accumulator's adder the last.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design


def _add_with_carry(a, b, carry):
    """``a + b + carry`` in one adder: the carry enters below the least significant bit."""
    return (Cat(C(1, 1), a).as_signed() + Cat(carry, b).as_signed()) >> 1


class LaneSum(wiring.Component):
    """Sum of the products of all lanes, but for one carry.

    Members
    -------
    i_sign : In(1).array(lanes)
    i_product : In(design.product_width).array(lanes)
        Sign and magnitude of each product.
    o_sum : Out(signed(design.lane_sum_width))
    o_carry : Out(1)
        The sum of the products is ``o_sum + o_carry``.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_sum : each lane is in ``-max_product - 1 .. max_product`` before its carry.
    """

    sequential = False

    def __init__(self, design: Design):
        self.design = design
        super().__init__(
            {
                "i_sign": In(1).array(design.lanes),
                "i_product": In(design.product_width).array(design.lanes),
                "o_sum": Out(signed(design.lane_sum_width)),
                "o_carry": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        width = self.design.product_width
        carries = [self.i_sign[lane] for lane in range(self.design.lanes)]
        terms = []
        for lane in range(self.design.lanes):
            term = Signal(signed(width + 1), name=f"term_{lane}")
            complement = self.i_product[lane] ^ self.i_sign[lane].replicate(width)
            m.d.comb += term.eq(Cat(complement, self.i_sign[lane]))
            terms.append(term)
        while len(terms) > 1:
            pairs = zip(terms[::2], terms[1::2], strict=False)
            summed = [_add_with_carry(a, b, carries.pop()) for a, b in pairs]
            terms = summed + terms[len(terms) & ~1 :]
        m.d.comb += [self.o_sum.eq(terms[0]), self.o_carry.eq(carries.pop())]
        return m


class Accumulator(wiring.Component):
    """Register that starts with, or adds, one cycle's sum.

    Parameters
    ----------
    design : :class:`.Design`
        Its ``gate_zeros`` makes the register hold while ``i_zero`` is 1.

    Members
    -------
    i_first : In(1)
        Start a new sum with this cycle's.
    i_zero : In(1)
        This cycle's sum is zero.
    i_sum, i_carry : In(signed(design.lane_sum_width)), In(1)
        This cycle's sum, less its carry.
    o_acc : Out(signed(design.pe_acc_width))
        The sum so far, in units of ``2**(lsb_act + lsb_wgt)``.

    Timing
    ------
    One clock edge from ``i_sum`` to ``o_acc``.

    Widths
    ------
    o_acc : ``(k * max_product).bit_length() + 1``: no sum of k products wraps.
    """

    sequential = True

    def __init__(self, design: Design):
        self.design = design
        super().__init__(
            {
                "i_first": In(1),
                "i_zero": In(1),
                "i_sum": In(signed(design.lane_sum_width)),
                "i_carry": In(1),
                "o_acc": Out(signed(design.pe_acc_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        acc = Signal(signed(self.design.pe_acc_width), reset_less=True)
        base = Mux(self.i_first, C(0, acc.shape()), acc)
        hold = self.i_zero & ~self.i_first if self.design.gate_zeros else C(0, 1)
        with m.If(~hold):
            m.d.sync += acc.eq(_add_with_carry(base, self.i_sum, self.i_carry))
        m.d.comb += self.o_acc.eq(acc)
        return m
