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
