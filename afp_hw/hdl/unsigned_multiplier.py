"""The product of two wide unsigned numbers: what a fixed-point factor multiplies a sum with.

Sources: L. Dadda, "Some Schemes for Parallel Multipliers", Alta Frequenza 34, 1965; O. L.
MacSorley, "High-Speed Arithmetic in Binary Computers", Proc. IRE 49, 1961 (Booth's recoding, two
bits at a time).
"""

from typing import Literal, get_args

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.hdl.full_adder import Columns
from afp_hw.hdl.place import Place, as_built

Tree = Literal["operator", "compressed", "booth"]


class UnsignedMultiplier(wiring.Component):
    """Two numbers whose sum is ``i_a * i_b``, or the product and 0.

    Parameters
    ----------
    a_width, b_width : int
        Bits of the factors.
    tree : str
        ``"operator"`` leaves the product to synthesis; ``"compressed"`` adds a row for each bit of
        `i_b` in full adders, ``"booth"`` one for every two bits.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_a, i_b : In(a_width), In(b_width)
    o_row : Out(a_width + b_width).array(2)
        Their sum modulo ``2**(a_width + b_width)`` is the product.

    Timing
    ------
    Combinational.

    Widths
    ------
    o_row : ``a_width + b_width``, which every product fits.
    """

    sequential = False

    def __init__(self, a_width: int, b_width: int, tree: Tree, place: Place = as_built):
        if tree not in get_args(Tree):
            raise ValueError(
                f"UnsignedMultiplier.tree must be one of {', '.join(get_args(Tree))}, not {tree!r}"
            )
        self.tree = tree
        self.place = place
        super().__init__(
            {
                "i_a": In(a_width),
                "i_b": In(b_width),
                "o_row": Out(a_width + b_width).array(2),
            }
        )

    def elaborate(self, platform):
        m = Module()
        if self.tree == "operator":
            m.d.comb += self.o_row[0].eq(self.i_a * self.i_b)
            return m
        columns = Columns(m, self.place, len(self.o_row[0]))
        if self.tree == "compressed":
            for low, bit in enumerate(self.i_b):
                for high, other in enumerate(self.i_a):
                    columns.add_bit(bit & other, low + high)
        else:
            self._recoded(m, columns)
        for target, row in zip(self.o_row, columns.rows(), strict=True):
            m.d.comb += target.eq(row)
        return m

    def _recoded(self, m, columns):
        """Rows of -2, -1, 0, 1 or 2 times `i_a`; a negative one is its complement and a carry."""
        a = Cat(self.i_a, C(0, 1))
        bits = Cat(C(0, 1), self.i_b, C(0, 2))
        for index in range(len(self.i_b) // 2 + 1):
            weight = 2 * index
            below, low, high = (bits[weight + offset] for offset in range(3))
            one, two, negative = (Signal(name=f"{name}_{index}") for name in ("one", "two", "neg"))
            m.d.comb += [
                one.eq(below ^ low),
                two.eq((below == low) & (low != high)),
                negative.eq(high & ~(below & low)),
            ]
            row = (a & one.replicate(len(a))) | ((a << 1)[: len(a)] & two.replicate(len(a)))
            last = weight + 1 >= len(self.i_b)  # its high bit is 0: never negative
            if last:
                for place, bit in enumerate(row):
                    columns.add_bit(bit, weight + place)
                continue
            for place, bit in enumerate(row ^ negative.replicate(len(a))):
                columns.add_bit(bit, weight + place)
            columns.add_bit(negative, weight)
            # The sign of the row, one place above it: what is subtracted there.
            columns.subtract_bit(negative, weight + len(a))
        columns.add_constant()
