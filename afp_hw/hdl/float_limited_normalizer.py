"""From a total that may be subnormal to the 24 bits of a sum: long moves, then short ones.

Where sums are not bounded. Level by level from the longest move: one is made where as many leading
bits equal the sign, and the exponent stays at 1 or above. A bit of the exponent that is not used
for its own move allows all shorter ones.
"""

from amaranth.hdl import C, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import SUM_SIG, FloatDesign
from afp_hw.hdl.float_operand import moved_layout, sum_layout, total_layout

_ROUNDED = SUM_SIG + 1  # what is left of a total at the end: the sum and its round bit


def _move(m, state, exp, negative, distance):
    """`state`, moved left by `distance` where that is called for; and whether it is."""
    value, unlimited, lost = state
    bit = exp[distance.bit_length() - 1]
    signs = Mux(negative, value[-distance:].all(), ~value[-distance:].any())
    move = Signal(name=f"move_{distance}")
    allowed = Signal(name=f"unlimited_{distance}")
    # What the shorter moves cannot bring up any more is for the sticky bit.
    dropped = max(len(value) - (_ROUNDED + distance - 1), 0)
    moved = Signal(len(value), name=f"moved_{distance}")
    sticky = Signal(name=f"lost_{distance}")
    m.d.comb += [
        move.eq(signs & (unlimited | bit)),
        allowed.eq(unlimited | (bit & ~move)),
        moved.eq(Mux(move, value << distance, value)),
        sticky.eq(lost | moved[:dropped].any()),
    ]
    return (moved[dropped:], allowed, sticky), move


class FloatLongMoves(wiring.Component):
    """The longer moves of the leading one towards the top.

    Members
    -------
    i : In(total_layout(design))
    o : Out(moved_layout(design))

    Timing
    ------
    Combinational: a detector and a multiplexer a level, two levels or three.

    Widths
    ------
    value : that of the total less what the shorter moves cannot bring up any more.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__({"i": In(total_layout(design)), "o": Out(moved_layout(design))})

    def elaborate(self, platform):
        m = Module()
        design = self.design
        state = self.i.total, self.i.exp[design.move_levels :].any(), C(0, 1)
        for level in reversed(range(design.short_levels, design.move_levels)):
            state, move = _move(m, state, self.i.exp, self.i.negative, 1 << level)
            m.d.comb += self.o.moves[level - design.short_levels].eq(move)
        for name, value in zip(("value", "unlimited", "lost"), state, strict=True):
            m.d.comb += self.o[name].eq(value)
        for name in ("negative", "exp", "sign", "zero_sign"):
            m.d.comb += self.o[name].eq(self.i[name])
        m.d.comb += self.o.zero.eq(~self.i.total.any())
        return m


class FloatShortMoves(wiring.Component):
    """The shorter moves, and whether rounding adds 1.

    A negative total is complemented afterwards. Its magnitude is one more than its complement, and
    what is rounded up of a number is rounded down of its opposite: ``-(sig + up)`` is
    ``~sig + ~up``.

    Members
    -------
    i : In(moved_layout(design))
    o : Out(sum_layout(design))
        Subnormals have exponent 1.

    Timing
    ------
    Combinational: a detector and a multiplexer a level, three levels or four.

    Widths
    ------
    exp : that of the total, at least 1, belongs to the window's second bit: with one added it is
    the limit of the shift plus one.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__({"i": In(moved_layout(design)), "o": Out(sum_layout(design))})

    def elaborate(self, platform):
        m = Module()
        negative, exp, levels = self.i.negative, self.i.exp, self.design.short_levels
        state = self.i.value, self.i.unlimited, self.i.lost
        moves = Signal(self.design.move_levels)
        m.d.comb += moves[levels:].eq(self.i.moves)
        for level in reversed(range(levels)):
            state, move = _move(m, state, exp, negative, 1 << level)
            m.d.comb += moves[level].eq(move)
        value, _, lost = state
        sig, round_bit = value[1:], value[0]
        m.d.comb += [
            self.o.sig.eq(sig ^ negative.replicate(SUM_SIG)),
            self.o.up.eq((round_bit & (lost | sig[0])) ^ negative),
            self.o.exp.eq(exp - moves + 1),
            self.o.sign.eq(Mux(self.i.zero, self.i.zero_sign, self.i.sign)),
            self.o.zero.eq(self.i.zero),
        ]
        return m
