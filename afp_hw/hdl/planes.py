"""Between memory and array: codes as bit planes, so that any width is packed without gaps.

A memory word has a bank for each bit of the widest code, and a bank is as wide as a vector has
codes: bit b of all of them is a plane, and a tensor whose codes have w bits takes w banks a vector,
one vector right behind the other. Where a plane lies changes from vector to vector, so a crossbar
of planes stands on either side of the memory. It also embeds a narrow format in the envelope
(``docs/numerics.md`` section 4): bits that a format does not have are planes that are not stored.
Integers of one width, whose planes never move, need registers only: ``crossbar=False``.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


def _select(choices, index, wanted):
    """The choice of this index, or 0 unless `wanted`."""
    picked = [
        choice & ((index == place) & wanted).replicate(len(choice))
        for place, choice in enumerate(choices)
    ]
    return reduce(or_, picked)


class PlaneUnpacker(wiring.Component):
    """Planes of a memory word to the codes of a vector.

    Parameters
    ----------
    count : int
        Codes of a vector.
    width : int
        Bits of a code, and banks of the memory.
    crossbar : bool
        Whether planes can lie in any bank.

    Members
    -------
    i_valid, i_plane : In(1), In(count).array(width)
        What the banks give; bit i belongs to code i.
    i_bank, i_stored : In(bits of a bank).array(width), In(width)
        With a crossbar: where each bit of the codes lies, and whether it is stored; else it is 0.
    o_code : Out(width).array(count)

    Timing
    ------
    One vector a cycle; ``latency`` = 1 clock edge. Without `i_valid` the codes stay.

    Widths
    ------
    All those of its neighbours.
    """

    sequential = True
    latency = 1

    def __init__(self, count: int, width: int, *, crossbar: bool):
        self.count, self.width, self.crossbar = count, width, crossbar
        members = {
            "i_valid": In(1),
            "i_plane": In(count).array(width),
            "o_code": Out(width).array(count),
        }
        if crossbar:
            members["i_bank"] = In(max(1, ceil_log2(width))).array(width)
            members["i_stored"] = In(width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        planes = []
        for bit in range(self.width):
            plane = self.i_plane[bit]
            if self.crossbar:
                plane = _select(list(self.i_plane), self.i_bank[bit], self.i_stored[bit])
            held = Signal(self.count, name=f"plane_{bit}", reset_less=True)
            with m.If(self.i_valid):
                m.d.sync += held.eq(plane)
            planes.append(held)
        for index in range(self.count):
            m.d.comb += self.o_code[index].eq(Cat(*(plane[index] for plane in planes)))
        return m


class PlanePacker(wiring.Component):
    """Codes that come one by one to the planes of a memory word.

    Parameters
    ----------
    count, width, crossbar
        As of :class:`PlaneUnpacker`.

    Members
    -------
    i_valid, i_slot, i_code : In(1), In(bits of a slot), In(width)
        A code and its place in the vector.
    i_bit, i_stored : In(bits of a bit).array(width), In(width)
        With a crossbar: which bit of the codes goes to each bank, and whether any does.
    o_plane : Out(count).array(width)
        All planes of the vector as it is; where nothing is stored, 0.

    Timing
    ------
    One code a cycle; ``latency`` = 1 clock edge. `i_bit` and `i_stored` choose among what is there:
    they act at once.

    Widths
    ------
    All those of its neighbours.
    """

    sequential = True
    latency = 1

    def __init__(self, count: int, width: int, *, crossbar: bool):
        self.count, self.width, self.crossbar = count, width, crossbar
        members = {
            "i_valid": In(1),
            "i_slot": In(max(1, ceil_log2(count))),
            "i_code": In(width),
            "o_plane": Out(count).array(width),
        }
        if crossbar:
            members["i_bit"] = In(max(1, ceil_log2(width))).array(width)
            members["i_stored"] = In(width)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        held = [
            Signal(self.width, name=f"code_{slot}", reset_less=True) for slot in range(self.count)
        ]
        for slot, register in enumerate(held):
            with m.If(self.i_valid & (self.i_slot == slot)):
                m.d.sync += register.eq(self.i_code)
        planes = [Cat(*(register[bit] for register in held)) for bit in range(self.width)]
        for bank in range(self.width):
            plane = planes[bank]
            if self.crossbar:
                plane = _select(planes, self.i_bit[bank], self.i_stored[bank])
            m.d.comb += self.o_plane[bank].eq(plane)
        return m
