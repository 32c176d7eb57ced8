"""The triangle of registers that delays row r, or column c, of an array by r, or c, cycles."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class SkewBuffer(wiring.Component):
    """Delays element i of a vector by i clock cycles.

    Parameters
    ----------
    count : int
        Elements.
    width : int
        Bits of the payload of each, delayed without reset.
    tag_width : int
        Bits of the tags of each, cleared by reset; 0: no tags.

    Members
    -------
    i, o : In(width).array(count), Out(width).array(count)
        Payload.
    i_tag, o_tag : In(tag_width), Out(tag_width).array(count)
        One set of tags, for each element as late as its payload.

    Timing
    ------
    ``o[i]`` and ``o_tag[i]`` show the input of i clock edges ago; element 0 is a wire.
    """

    def __init__(self, count: int, width: int, tag_width: int = 0):
        self.count, self.width, self.tag_width = count, width, tag_width
        self.sequential = count > 1  # one element passes through: no clock
        members = {"i": In(width).array(count), "o": Out(width).array(count)}
        if tag_width:
            members |= {"i_tag": In(tag_width), "o_tag": Out(tag_width).array(count)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        for element in range(self.count):
            payload = self.i[element]
            for stage in range(element):
                late = Signal(self.width, name=f"late_{element}_{stage}", reset_less=True)
                m.d.sync += late.eq(payload)
                payload = late
            m.d.comb += self.o[element].eq(payload)
        if self.tag_width:
            # The tags of element i are those of element i - 1 one cycle later.
            m.d.comb += self.o_tag[0].eq(self.i_tag)
            for element in range(1, self.count):
                m.d.sync += self.o_tag[element].eq(self.o_tag[element - 1])
        return m
