"""The product of two wide unsigned numbers: what a fixed-point factor multiplies a sum with.

Sources: L. Dadda, "Some Schemes for Parallel Multipliers", Alta Frequenza 34, 1965; O. L.
MacSorley, "High-Speed Arithmetic in Binary Computers", Proc. IRE 49, 1961 (Booth's recoding, two
bits at a time).
"""

from typing import Literal, get_args

from amaranth.hdl import C, Cat, Module
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
        With ``"booth"`` `i_b` is :func:`booth_digits` of the number.
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
                "i_b": In(3 * (b_width // 2 + 1) if tree == "booth" else b_width),
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
        rows = len(self.i_b) // 3
        for index in range(rows):
            one, two, negative = self.i_b.word_select(index, 3)
            row = (a & one.replicate(len(a))) | ((a << 1)[: len(a)] & two.replicate(len(a)))
            if index == rows - 1:  # the number is not negative
                negative = C(0, 1)
            for place, bit in enumerate(row ^ negative.replicate(len(a))):
                columns.add_bit(bit, 2 * index + place)
            if index < rows - 1:
                columns.add_bit(negative, 2 * index)
                # The sign of the row, one place above it: what is subtracted there.
                columns.subtract_bit(negative, 2 * index + len(a))
        columns.add_constant()


def booth_digits(number):
    """Digits -2 ... 2 of an unsigned number, base 4: three bits each, ``one, two, negative``."""
    bits = Cat(C(0, 1), number, C(0, 2))
    digits = []
    for index in range(len(number) // 2 + 1):
        below, low, high = (bits[2 * index + place] for place in range(3))
        digits += [below ^ low, (below == low) & (low != high), high & ~(below & low)]
    return Cat(*digits)
