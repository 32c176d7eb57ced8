"""From the total to the 24 bits of a sum and whether rounding adds 1 to them.

Rounding is to nearest, ties to even. It is decided here and done behind the register of the sum
(:class:`.FloatRounder`), where it takes place beside the comparison of exponents.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from afp_hw.design.float_design import SUM_SIG, FloatDesign
from afp_hw.hdl.float_operand import sum_layout, total_layout


def _leading_zeros(value: Value) -> tuple[list[Value], Value]:
    """Number of leading zeros, from its least significant bit, and whether there is a 1 at all.

    The width is a power of two; half by half, so that depth grows with its logarithm.
    """
    if len(value) == 1:
        return [], value[0]
    half = len(value) // 2
    lower, lower_any = _leading_zeros(value[:half])
    upper, upper_any = _leading_zeros(value[half:])
    chosen = [Mux(upper_any, high, low) for high, low in zip(upper, lower, strict=True)]
    return [*chosen, ~upper_any], upper_any | lower_any


class FloatNormalizer(wiring.Component):
    """Moves the leading one of a magnitude to the top.

    Where sums are bounded: none is subnormal.

    Members
    -------
    i : In(total_layout(design))
    o : Out(sum_layout(design))
        A zero is +0.

    Timing
    ------
    Combinational: leading zeros are counted before they are shifted away.

    Widths
    ------
    exp : that of the input belongs to the window's second bit, so one is added to it.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__({"i": In(total_layout(design)), "o": Out(sum_layout(design))})

    def elaborate(self, platform):
        m = Module()
        width = self.design.window_width
        levels = ceil_log2(width)
        zeros = Signal(levels)
        # Ones below the total: no more than `width` zeros.
        bits, _ = _leading_zeros(Cat(C(-1, (1 << levels) - width), self.i.total))
        m.d.comb += zeros.eq(Cat(*bits))
        value = self.i.total
        for bit in reversed(range(levels)):
            moved = Signal(width, name=f"moved_{1 << bit}")
            m.d.comb += moved.eq(Mux(zeros[bit], value << (1 << bit), value))
            value = moved
        sig, round_bit, rest = value[-SUM_SIG:], value[-SUM_SIG - 1], value[: -SUM_SIG - 1]
        m.d.comb += [
            self.o.sig.eq(sig),
            self.o.up.eq(round_bit & (rest.any() | sig[0])),
            self.o.exp.eq(self.i.exp - zeros + 1),
            self.o.sign.eq(self.i.sign & sig[-1]),
        ]
        return m


class FloatLimitedNormalizer(wiring.Component):
    """Moves the leading one of a total in two's complement to the top, unless it is subnormal.

    Level by level from the longest move: one is made where as many leading bits equal the sign, and
    the exponent stays at 1 or above. A bit of the exponent that is not used for its own move allows
    all shorter ones.

    A negative total is complemented afterwards. Its magnitude is one more than its complement, and
    what is rounded up of a number is rounded down of its opposite: ``-(sig + up)`` is
    ``~sig + ~up``.

    Members
    -------
    i : In(total_layout(design))
    o : Out(sum_layout(design))
        Subnormals have exponent 1.

    Timing
    ------
    Combinational: a detector and a multiplexer a level, five levels or seven.

    Widths
    ------
    exp : that of the input, at least 1, belongs to the window's second bit: with one added it is
    the limit of the shift plus one.
    """

    sequential = False

    def __init__(self, design: FloatDesign):
        self.design = design
        super().__init__({"i": In(total_layout(design)), "o": Out(sum_layout(design))})

    def elaborate(self, platform):
        m = Module()
        value, negative, exp = self.i.total, self.i.negative, self.i.exp
        levels = ceil_log2(self.design.window_width)
        needed = SUM_SIG + 1  # the round bit too
        moves = Signal(levels)
        unlimited: Value = exp[levels:].any()
        lost: Value = C(0, 1)
        for bit in reversed(range(levels)):
            distance = 1 << bit
            signs = Mux(negative, value[-distance:].all(), ~value[-distance:].any())
            m.d.comb += moves[bit].eq(signs & (unlimited | exp[bit]))
            allowed = Signal(name=f"unlimited_{distance}")
            m.d.comb += allowed.eq(unlimited | (exp[bit] & ~moves[bit]))
            # What the shorter moves cannot bring up any more is for the sticky bit.
            dropped = max(len(value) - (needed + distance - 1), 0)
            moved = Signal(len(value), name=f"moved_{distance}")
            sticky = Signal(name=f"lost_{distance}")
            m.d.comb += [
                moved.eq(Mux(moves[bit], value << distance, value)),
                sticky.eq(lost | moved[:dropped].any()),
            ]
            value, unlimited, lost = moved[dropped:], allowed, sticky
        sig, round_bit = value[1:], value[0]
        zero = Signal()
        m.d.comb += [
            zero.eq(~self.i.total.any()),
            self.o.sig.eq(sig ^ negative.replicate(SUM_SIG)),
            self.o.up.eq((round_bit & (lost | sig[0])) ^ negative),
            self.o.exp.eq(exp - moves + 1),
            self.o.sign.eq(Mux(zero, self.i.zero_sign, self.i.sign)),
            self.o.zero.eq(zero),
        ]
        return m
