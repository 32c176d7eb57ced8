"""The parts of :class:`.WindowRequantizer`: a window of a sum, and a code from what is in it."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.design.requantizing import drop_most, window_width
from afp_hw.formats import AFPFormat
from afp_hw.hdl.code_rounder import CodeRounder
from afp_hw.hdl.place import Place, as_built


class Window(wiring.Component):
    """Magnitude of the bits of a sum that a format can hold, and what the others are.

    Parameters
    ----------
    design : :class:`.Design`

    Members
    -------
    i_acc : In(signed(design.acc_width))
    i_drop : In(bits of drop_most)
        How many bits of the sum, with ``window_width`` zeros under it, lie below the window.
    o_magnitude : Out(window_width)
        The lowest bit is worth half of the envelope's lsb.
    o_sticky : Out(1)
        Something below it is not zero.
    o_over : Out(1)
        Something above the window is not zero: the magnitude means nothing.

    Timing
    ------
    Combinational: a multiplexer for each bit of `i_drop`, an incrementer.

    Widths
    ------
    Level of ``2**b``: ``window_width + 2**b - 1`` bits and the sign. With ``window_width`` zeros
    below, any sum but 0 can be moved above the window.
    """

    sequential = False

    def __init__(self, design: Design):
        self.design = design
        self.width = window_width(design.out_envelope)
        super().__init__(
            {
                "i_acc": In(signed(design.acc_width)),
                "i_drop": In(drop_most(design).bit_length()),
                "o_magnitude": Out(self.width),
                "o_sticky": Out(1),
                "o_over": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        sign = self.i_acc[-1]
        value = Cat(C(0, self.width), self.i_acc)
        over, sticky = [], []
        for bit in reversed(range(len(self.i_drop))):
            step, kept = 1 << bit, min(len(value), self.width + (1 << bit) - 1)
            filled = Cat(value, sign.replicate(step))
            chosen = Signal(len(value), name=f"chosen_{step}")
            m.d.comb += chosen.eq(Mux(self.i_drop[bit], filled[step:], value))
            sticky.append(self.i_drop[bit] & value[:step].any())
            over.append((chosen[kept:] ^ sign.replicate(len(chosen) - kept)).any())
            value = chosen[:kept]
        below = Cat(*sticky).any()
        # The magnitude of a negative number is its complement, and 1 more if nothing lies below.
        magnitude = Signal(self.width + 1)
        m.d.comb += [
            magnitude.eq((value ^ sign.replicate(self.width)) + (sign & ~below)),
            self.o_magnitude.eq(magnitude),
            self.o_sticky.eq(below),
            self.o_over.eq(Cat(*over).any() | magnitude[-1]),
        ]
        return m


class WindowRounder(wiring.Component):
    """Rounds the magnitude in the window to a code without its sign.

    Parameters
    ----------
    envelope : :class:`.AFPFormat`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_magnitude, i_sticky, i_over : In
        As :class:`Window` gives them.
    i_narrow, i_limit : In
        As :class:`.CodeRounder` takes them.
    o_code : Out(envelope.magnitude_width)
        Nearest, embedded in the envelope.

    Timing
    ------
    Combinational: a multiplexer for each bit of ``max_shift``, then :class:`.CodeRounder`.

    Widths
    ------
    The binade is at most ``max_shift``, because the magnitude has no more bits.
    """

    sequential = False

    def __init__(self, envelope: AFPFormat, place: Place = as_built):
        self.envelope = envelope
        self.place = place
        super().__init__(
            {
                "i_magnitude": In(window_width(envelope)),
                "i_sticky": In(1),
                "i_over": In(1),
                "i_narrow": In(envelope.n_man.bit_length()),
                "i_limit": In(envelope.magnitude_width),
                "o_code": Out(envelope.magnitude_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        n_man, binades = self.envelope.n_man, self.envelope.max_shift.bit_length()
        m.submodules.rounder = rounder = self.place(
            f"code_rounder_{self.envelope}", lambda: CodeRounder(self.envelope)
        )
        value, lost = self.i_magnitude, [self.i_sticky]
        binade = Signal(binades)
        for bit in reversed(range(binades)):
            step = 1 << bit
            large = value[n_man + 1 + step :].any()  # the leading one is at least so far up
            moved = Signal(len(value), name=f"moved_{step}")
            m.d.comb += [
                moved.eq(Mux(large, value >> step, value)),
                binade[bit].eq(large),
            ]
            lost.append(large & value[:step].any())
            value = moved
        m.d.comb += [
            rounder.i_wide.eq(value[: n_man + 2] + (binade << (n_man + 1))),
            rounder.i_sticky.eq(Cat(*lost).any()),
            rounder.i_over.eq(self.i_over),
            rounder.i_narrow.eq(self.i_narrow),
            rounder.i_limit.eq(self.i_limit),
            self.o_code.eq(rounder.o_code),
        ]
        return m
