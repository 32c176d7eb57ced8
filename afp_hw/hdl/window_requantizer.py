"""From an exact sum to an AFP code by way of a window: no product, and one shift that is wide.

Source: ``docs/numerics.md`` sections 4 and 6. All numbers of a format lie in a window of
``n_man + 1 + max_shift`` bits above its lsb: the sum is moved there first, what is above saturates
and what is below is sticky. The rest works on so many bits only. Because encoding is monotone,
clip, ReLU and the format's own largest code are one limit for each sign, compared as codes.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.design.requantizing import drop_most
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.stages import pass_valid, staged
from afp_hw.hdl.window import Window, WindowRounder


class WindowRequantizer(wiring.Component):
    """Encodes finished sums in the format of the next layer, embedded in the design's ``outs``.

    The codes are those of :class:`.Requantizer`, which needs no settings worked out beforehand and
    gives them in the layer's own format.

    Parameters
    ----------
    design : :class:`.Design`
        Gives the width of the sums and the output's envelope ``outs``.
    place
        See :mod:`afp_hw.hdl.place`.
    stages : int
        1: the code's register only, which costs least; 2: one behind the window too, for a faster
        clock.
    relu_port : bool
        Whether ``i_relu`` is there.

    Members
    -------
    i_valid, i_acc : In(1), In(signed(design.acc_width))
        Sum in units of ``2**lsb_acc``; every value is allowed, the most negative one too.
    i_drop : In(bits of ``drop_most(design)``)
        Where the window lies: :func:`.drop_of` the offset.
    i_narrow : In(bits of envelope.n_man)
        Mantissa bits that the layer's format has less than the envelope.
    i_limit, i_negative_limit : In(envelope.magnitude_width)
        Largest code, embedded, of a positive and of a negative sum: the format's largest, a clip's
        code, 0 for ReLU. The second is absent in an unsigned envelope.
    i_relu : In(1)
        With ``relu_port`` and a signed envelope: the negative limit of this sum is 0. It lets sums
        with limits of either kind follow one another.
    o_valid, o_code : Out(1), Out(envelope.width)

    Timing
    ------
    One sum a cycle; ``latency`` = ``stages`` clock edges; no back-pressure. `i_drop` is sampled
    with each sum, the other settings with the last stage, a negative limit with the first one too,
    unless there is ``i_relu``: they may change while no sum is inside.

    Widths
    ------
    window : bits of the envelope's ``max_fix`` and one below them.
    """

    sequential = True

    def __init__(
        self,
        design: Design,
        place: Place = as_built,
        *,
        stages: int = 1,
        relu_port: bool = False,
    ):
        if stages not in (1, 2):
            raise ValueError(f"WindowRequantizer.stages must be 1 or 2, not {stages!r}")
        self.design = design
        self.place = place
        self.latency = stages
        self.relu_port = relu_port and design.out_envelope.signed
        self.envelope = envelope = design.out_envelope
        members = {
            "i_valid": In(1),
            "i_acc": In(signed(design.acc_width)),
            "i_drop": In(drop_most(design).bit_length()),
            "i_narrow": In(envelope.n_man.bit_length()),
            "i_limit": In(envelope.magnitude_width),
            "o_valid": Out(1),
            "o_code": Out(envelope.width),
        }
        if envelope.signed:
            members["i_negative_limit"] = In(envelope.magnitude_width)
        if self.relu_port:
            members["i_relu"] = In(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        envelope = self.envelope
        m.submodules.window = window = self.place(
            f"window_{self.design.acc_width}_{envelope}", lambda: Window(self.design)
        )
        m.submodules.rounder = rounder = self.place(
            f"window_rounder_{envelope}", lambda: WindowRounder(envelope, self.place)
        )
        negative = self.i_acc[-1]
        # What gives 0 because it is negative goes no further, so that nothing toggles.
        gone = negative
        if envelope.signed:
            gone &= self.i_relu if self.relu_port else ~self.i_negative_limit.any()
        acc = Mux(gone, 0, self.i_acc).as_signed()
        m.d.comb += [window.i_acc.eq(acc), window.i_drop.eq(self.i_drop)]

        for name in ("magnitude", "sticky", "over"):
            value = getattr(window, f"o_{name}")
            m.d.comb += getattr(rounder, f"i_{name}").eq(self._staged(m, name, value))
        limit, sign = self.i_limit, []
        if envelope.signed:
            below = self._staged(m, "sign", negative)
            limit = Mux(below, self.i_negative_limit, self.i_limit)
            sign = [below & rounder.o_code.any()]  # what rounds to zero is +0
        code = Signal(envelope.width, reset_less=True)
        m.d.comb += [
            rounder.i_narrow.eq(self.i_narrow),
            rounder.i_limit.eq(limit),
            self.o_code.eq(code),
        ]
        m.d.sync += code.eq(Cat(rounder.o_code, *sign))
        pass_valid(m, self)
        return m

    def _staged(self, m, name, value):
        """The value behind the register between window and rounder, where there is one."""
        if self.latency == 1:
            return value
        return staged(m, "s1", {name: value})[name]
