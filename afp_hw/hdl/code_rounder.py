"""The last step to an AFP code: round, and keep within a limit. ``docs/numerics.md`` section 2."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.formats import AFPFormat


class CodeRounder(wiring.Component):
    """Rounds a code of which more is known than it has bits.

    Codes are counted upwards as numbers are, and within a binade evenly: so rounding a code, carry
    into the exponent included, is rounding the number. A format with fewer mantissa bits than the
    envelope is embedded in it (numerics section 4): its lowest bit lies further up, that is all.

    Parameters
    ----------
    envelope : :class:`.AFPFormat`

    Members
    -------
    i_wide : In(envelope.magnitude_width + 2)
        Code, truncated, with one bit above it and one below.
    i_sticky : In(1)
        Whether anything lies below `i_wide`.
    i_over : In(1)
        The number is beyond all codes; the rest means nothing.
    i_narrow : In(bits of envelope.n_man)
        Lowest bits of the code that the layer's format does not have.
    i_limit : In(envelope.magnitude_width)
        Largest code.
    o_code : Out(envelope.magnitude_width)
        Nearest, ties to the code whose lowest bit is 0, at most `i_limit`.

    Timing
    ------
    Combinational: an incrementer, a comparison.

    Widths
    ------
    Rounded: one bit more than a code, for the carry.
    """

    sequential = False

    def __init__(self, envelope: AFPFormat):
        self.envelope = envelope
        super().__init__(
            {
                "i_wide": In(envelope.magnitude_width + 2),
                "i_sticky": In(1),
                "i_over": In(1),
                "i_narrow": In(envelope.n_man.bit_length()),
                "i_limit": In(envelope.magnitude_width),
                "o_code": Out(envelope.magnitude_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rounded = Signal(self.envelope.magnitude_width + 1)
        with m.Switch(self.i_narrow):
            for narrow in range(self.envelope.n_man + 1):
                with m.Case(narrow) if narrow < self.envelope.n_man else m.Default():
                    kept = self.i_wide[narrow + 1 :]
                    rest = Cat(self.i_sticky, self.i_wide[:narrow]).any()
                    up = self.i_wide[narrow] & (rest | kept[0])
                    m.d.comb += rounded.eq((kept + up) << narrow)
        too_large = self.i_over | (rounded > self.i_limit)
        m.d.comb += self.o_code.eq(Mux(too_large, self.i_limit, rounded))
        return m
