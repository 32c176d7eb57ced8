"""An adder in blocks that each compute both of their results, and select by the carry."""

from itertools import pairwise

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value


def select_add(m: Module, first: Value, second: Value, carry: Value, block: int) -> Value:
    """``first + second + carry``, one bit wider than the longer of them.

    The lowest block adds `carry`; each of the others adds without and with 1, and the carry into
    it selects. On paths through adders that synthesis maps for area this costs little and saves
    much; the operands' shapes are unsigned.

    Parameters
    ----------
    m
        Where the adder is put.
    first, second, carry
        What is added; `carry` is one bit.
    block
        Bits of a block, about: all blocks are of nearly the same size.
    """
    width = max(len(first), len(second))
    count = max(round(width / block), 1)
    bounds = [width * index // count for index in range(count + 1)]
    parts = []
    for index, (low, high) in enumerate(pairwise(bounds)):
        a, b = first[low:high], second[low:high]
        size = high - low + 1
        without, with_carry = Signal(size, name=f"sum_{index}"), Signal(size, name=f"next_{index}")
        if index == 0:
            m.d.comb += without.eq(_sum(a, b, carry))
            chosen = without
        else:
            chosen = Signal(size, name=f"chosen_{index}")
            m.d.comb += [
                without.eq(a + b),
                with_carry.eq(_sum(a, b, C(1, 1))),
                chosen.eq(Mux(carry, with_carry, without)),
            ]
        parts.append(chosen[:-1])
        carry = chosen[-1]
    return Cat(*parts, carry)


def _sum(a: Value, b: Value, carry: Value) -> Value:
    """``a + b + carry`` in one adder: the carry enters below the least significant bit."""
    return (Cat(C(1, 1), a) + Cat(carry, b)) >> 1
