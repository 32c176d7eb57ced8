"""Sums of many bits as trees of full adders: multipliers and lane sums, column by column.

Source: L. Dadda, "Some Schemes for Parallel Multipliers", Alta Frequenza 34, 1965. Every full adder
is one module, ``full_adder``, so that synthesis may put a library's own cell in its place.
"""

from amaranth.hdl import C, Cat, Const, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.hdl.place import Place

FULL_ADDER = "full_adder"
"""Name of the module."""


class FullAdder(wiring.Component):
    """``i_a + i_b + i_c == 2 * o_carry + o_sum``.

    Members
    -------
    i_a, i_b, i_c : In(1)
    o_sum, o_carry : Out(1)

    Timing
    ------
    Combinational.

    Widths
    ------
    One bit each.
    """

    sequential = False

    def __init__(self):
        super().__init__(
            {"i_a": In(1), "i_b": In(1), "i_c": In(1), "o_sum": Out(1), "o_carry": Out(1)}
        )

    def elaborate(self, platform):
        m = Module()
        a, b, c = self.i_a, self.i_b, self.i_c
        m.d.comb += [self.o_sum.eq(a ^ b ^ c), self.o_carry.eq((a & b) | (a & c) | (b & c))]
        return m


class Columns:
    """Bits of equal weight in columns, to be added modulo ``2**width``.

    Parameters
    ----------
    m
        Module that gets the adders.
    place
        See :mod:`afp_hw.hdl.place`.
    width
        Columns.
    """

    def __init__(self, m: Module, place: Place, width: int):
        self._m = m
        self._place = place
        self._columns: list[list[Value]] = [[] for _ in range(width)]
        self._adders = 0
        self.constant = 0  # to be added to what `rows` gives, unless it does

    def add_bit(self, bit, weight: int) -> None:
        """Add ``bit * 2**weight``."""
        if weight < len(self._columns):
            self._columns[weight].append(bit)

    def subtract_bit(self, bit, weight: int) -> None:
        """Add ``-bit * 2**weight``: the complement of the bit, less one."""
        self.add_bit(~bit, weight)
        self.constant -= 1 << weight

    def add_signed(self, value) -> None:
        """Add a number in two's complement: its sign bit is subtracted, nothing is extended."""
        for weight in range(len(value) - 1):
            self.add_bit(value[weight], weight)
        self.subtract_bit(value[len(value) - 1], len(value) - 1)

    def add_constant(self) -> None:
        """Make :attr:`constant` bits of the columns."""
        for weight, column in enumerate(self._columns):
            if self.constant >> weight & 1:
                column.append(C(1, 1))
        self.constant = 0

    def rows(self):
        """Two numbers whose sum, modulo ``2**width``, is that of all bits."""
        columns = self._columns
        for limit in reversed(_heights(max(map(len, columns)))):
            self._reduce(columns, limit)
        return [
            Cat(*(column[index] if index < len(column) else C(0, 1) for column in columns))
            for index in range(2)
        ]

    def total(self):
        """The sum of all bits, modulo ``2**width``, in one adder; columns of one bit are done."""
        first, second = self.rows()
        width = len(self._columns)
        done = next((i for i, column in enumerate(self._columns) if len(column) > 1), width)
        return Cat(first[:done], (first[done:] + second[done:])[: width - done])

    def _reduce(self, columns, limit: int) -> None:
        """Bring every column down to `limit` bits; carries go to the next one within the stage."""
        for weight, column in enumerate(columns):
            while len(column) > limit:
                count = 2 if len(column) == limit + 1 else 3
                taken, column[:] = column[:count], column[count:]
                total, carry = self._add(taken)
                column.append(total)
                self.add_bit(carry, weight + 1)

    def _add(self, bits):
        constants = [bit for bit in bits if isinstance(bit, Const)]
        others = [bit for bit in bits if not isinstance(bit, Const)]
        if len(others) == 3:
            return self._full_adder(others)
        if len(others) < 2:  # so few bits that nothing is saved by looking closer
            value = sum(bits[1:], bits[0])
            return value[0], value[1]
        a, b = others
        return (~(a ^ b), a | b) if constants else (a ^ b, a & b)

    def _full_adder(self, bits):
        adder = self._place(FULL_ADDER, FullAdder)
        self._m.submodules[f"{FULL_ADDER}_{self._adders}"] = adder
        self._adders += 1
        self._m.d.comb += [
            port.eq(bit) for port, bit in zip((adder.i_a, adder.i_b, adder.i_c), bits, strict=True)
        ]
        return adder.o_sum, adder.o_carry


def _heights(height: int) -> list[int]:
    """Dadda's sequence 2, 3, 4, 6, 9 ... below `height`."""
    found = [2]
    while found[-1] * 3 // 2 < height:
        found.append(found[-1] * 3 // 2)
    return [limit for limit in found if limit < height]
