"""Several words of a dynamic tensor to codes. Source: ``docs/numerics.md`` section 6."""

from amaranth.hdl import C, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.hdl.grids import grid_base_width
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.rebiaser import Rebiaser


class Rebias(wiring.Component):
    """A :class:`.Rebiaser` for each of some words, with the settings of one tensor.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    count : int
        Words.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_word : In(waiting_width).array(count)
    i_base : In(signed)
        That of the tensor's grid.
    i_n_exp, i_n_man, i_signed : In(3), In(4), In(1)
        Format of the codes. Negative words become 0 where it has no sign; ``i_signed`` is absent in
        an unsigned envelope.
    o_code : Out(acts.width).array(count)
        Embedded in the envelope.

    Timing
    ------
    ``latency`` = 1 clock edge.

    Widths
    ------
    Limit: the format's largest code, ``n_exp + n_man`` ones, embedded.
    """

    sequential = True
    latency = 1

    def __init__(self, design: AcceleratorDesign, count: int, place: Place = as_built):
        self.design, self.count, self.place = design, count, place
        super().__init__(
            {
                **({"i_signed": In(1)} if design.array.afp_acts.signed else {}),
                "i_word": In(design.waiting_width).array(count),
                "i_base": In(signed(grid_base_width(design))),
                "i_n_exp": In(3),
                "i_n_man": In(4),
                "o_code": Out(design.array.acts.width).array(count),
            }
        )

    def elaborate(self, platform):
        m = Module()
        acts = self.design.array.afp_acts
        narrow, limit = Signal(4), Signal(acts.magnitude_width)
        ones = (C(1, 1) << (self.i_n_exp + self.i_n_man))[: acts.magnitude_width + 1] - 1
        m.d.comb += [narrow.eq(acts.n_man - self.i_n_man), limit.eq(ones << narrow)]
        for index in range(self.count):
            rebiaser = self.place(
                f"rebiaser_{acts}_p{self.design.place_width}",
                lambda: Rebiaser(self.design.array, self.place, place_bits=self.design.place_width),
            )
            m.submodules[f"rebiaser_{index}"] = rebiaser
            m.d.comb += [
                rebiaser.i_valid.eq(1),
                rebiaser.i_word.eq(self.i_word[index]),
                rebiaser.i_base.eq(self.i_base),
                rebiaser.i_narrow.eq(narrow),
                rebiaser.i_limit.eq(limit),
                self.o_code[index].eq(rebiaser.o_code),
            ]
            if acts.signed:
                m.d.comb += rebiaser.i_negative_limit.eq(Mux(self.i_signed, limit, 0))
        return m
