"""Grids of dynamic tensors: fixed when a tensor is complete, looked up where it is read.

Source: ``docs/numerics.md`` sections 3 and 6.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.ram import place_ram
from afp_hw.hdl.rebiaser import base_width

LSB_WIDTH = 13
"""Bits of the exponent of an lsb: those of a bias, and what sums add to it."""

PLACES = 256
"""Tensors that have a grid."""


def grid_base_width(design: AcceleratorDesign) -> int:
    """Bits of a :class:`.Rebiaser`'s base."""
    return base_width(design.array, (1 << design.place_width) - 1)


def grid_layout(design: AcceleratorDesign) -> data.StructLayout:
    """``lsb`` of the codes; ``base`` of the words, as :class:`.Rebiaser` takes it."""
    return data.StructLayout({"lsb": signed(LSB_WIDTH), "base": signed(grid_base_width(design))})


class GridRule(wiring.Component):
    """The rule of numerics 3 on the largest word of a tensor.

    Members
    -------
    i_largest : In(place and fraction of a word)
        The largest magnitude; place 0: all are zero.
    i_unit : In(signed(LSB_WIDTH))
        Exponent of the unit of place 1.
    i_n_exp, i_n_man : In(3), In(4)
        Format of the codes.
    o_grid : Out(grid_layout(design))

    Timing
    ------
    Combinational.

    Widths
    ------
    The largest number of the format has ``n_man + 1`` ones (``n_man`` for n_exp = 0) and zeros
    below them: a magnitude is larger than it, moved to the same place, if it has those ones and
    anything below. ``n_man + 2`` bits behind the leading one tell.
    """

    sequential = False

    def __init__(self, design: AcceleratorDesign):
        self.design = design
        self.fraction = design.array.out_envelope.n_man + 2
        super().__init__(
            {
                "i_largest": In(design.place_width + self.fraction),
                "i_unit": In(signed(LSB_WIDTH)),
                "i_n_exp": In(3),
                "i_n_man": In(4),
                "o_grid": Out(grid_layout(design)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        place, fraction = self.i_largest[self.fraction :], self.i_largest[: self.fraction]
        fixed = self.i_n_exp == 0
        behind = Signal(4)  # ones behind the leading one
        m.d.comb += behind.eq(self.i_n_man - fixed)
        # From the top on: all of the first `behind` bits are 1, and one below them is. (Yosys gives
        # 0 for "all of none".)
        exceeds = Signal()
        with m.Switch(behind):
            for count in range(self.fraction):
                with m.Case(count):
                    low = self.fraction - count
                    ones = fraction[low:].all() if count else C(1, 1)
                    m.d.comb += exceeds.eq(ones & fraction[:low].any())
        bits = Signal(7)  # of the largest number
        m.d.comb += bits.eq(self.i_n_man + 1 - fixed + Mux(fixed, 0, (C(1, 1) << self.i_n_exp) - 2))
        above = Signal(signed(LSB_WIDTH))  # from the unit to the lsb
        m.d.comb += above.eq(place - bits + exceeds)
        with m.If(place.any()):
            m.d.comb += [
                self.o_grid.lsb.eq(self.i_unit + above),
                self.o_grid.base.eq(-above - self.i_n_man),
            ]
        return m


class Grids(wiring.Component):
    """The table of grids.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_write, i_place, i_grid : In
    i_load_place, o_load_lsb : In(8), Out(signed)
        For the load engine, a clock edge later.
    i_begin, i_look, o_looked, o_grid : In(1), In(8).array(3), Out(1), Out(grid_layout).array(3)
        For the compute engine: three places are looked up.

    Timing
    ------
    One place a cycle: ``o_looked`` is 1 for one cycle, 5 clock edges behind ``i_begin``; ``o_grid``
    stay from then on.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        layout = grid_layout(design)
        super().__init__(
            {
                "i_write": In(1),
                "i_place": In(8),
                "i_grid": In(layout),
                "i_load_place": In(8),
                "o_load_lsb": Out(signed(LSB_WIDTH)),
                "i_begin": In(1),
                "i_look": In(8).array(3),
                "o_looked": Out(1),
                "o_grid": Out(layout).array(3),
            }
        )

    def elaborate(self, platform):
        m = Module()
        layout = grid_layout(self.design)
        # One for each reader.
        m.submodules.load_table = load = place_ram(self.place, PLACES, layout.size)
        m.submodules.look_table = look = place_ram(self.place, PLACES, layout.size)
        for table in (load, look):
            m.d.comb += [
                table.i_write.eq(self.i_write),
                table.i_write_address.eq(self.i_place),
                table.i_data.eq(self.i_grid.as_value()),
                table.i_read.eq(1),
            ]
        m.d.comb += [
            load.i_read_address.eq(self.i_load_place),
            self.o_load_lsb.eq(data.View(layout, load.o_data).lsb),
        ]
        step = Signal(4)  # one-hot
        m.d.sync += step.eq(Cat(self.i_begin, step[:-1]))
        for index in range(3):
            with m.If(step[index]):
                m.d.comb += look.i_read_address.eq(self.i_look[index])
            kept = Signal(layout, name=f"kept_{index}", reset_less=True)
            with m.If(step[index + 1]):
                m.d.sync += kept.as_value().eq(look.o_data)
            m.d.comb += self.o_grid[index].as_value().eq(kept.as_value())
        m.d.sync += self.o_looked.eq(step[3])
        return m
