"""The memory of which all buffers are made, a module of its own: whoever has macros puts one there.

``docs/accelerator.md``, Memories.
"""

from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.hdl.place import Place


class Ram(wiring.Component):
    """Words, a port to write and a port to read, both on one clock.

    Parameters
    ----------
    words : int
        At least 2.
    width : int
        Bits of a word.

    Members
    -------
    i_write, i_write_address, i_data : In(1), In(bits of an address), In(width)
        A word is written at the clock edge.
    i_read, i_read_address : In(1), In(bits of an address)
        A word is read at the clock edge; without ``i_read`` the one before stays.
    o_data : Out(width)

    Timing
    ------
    ``latency`` = 1 clock edge from the address to ``o_data``. What is read of the word that is
    written at the same edge is never used, so it may be anything (here the old word). Nothing is
    reset.

    Widths
    ------
    As given.
    """

    sequential = True
    latency = 1

    def __init__(self, words: int, width: int):
        self.words, self.width = words, width
        address = (words - 1).bit_length()
        super().__init__(
            {
                "i_write": In(1),
                "i_write_address": In(address),
                "i_data": In(width),
                "i_read": In(1),
                "i_read_address": In(address),
                "o_data": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = words = memory.Memory(shape=self.width, depth=self.words, init=[])
        write, read = words.write_port(), words.read_port()
        m.d.comb += [
            write.en.eq(self.i_write),
            write.addr.eq(self.i_write_address),
            write.data.eq(self.i_data),
            read.en.eq(self.i_read),
            read.addr.eq(self.i_read_address),
            self.o_data.eq(read.data),
        ]
        return m


def ram_name(words: int, width: int) -> str:
    """Name of the module."""
    return f"ram_{words}x{width}"


def place_ram(place: Place, words: int, width: int) -> wiring.Component:
    """A :class:`Ram` put in place; memories of one size are one module."""
    return place(ram_name(words, width), lambda: Ram(words, width))
