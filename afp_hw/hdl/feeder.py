"""The left edge of an array in which weights or sums stay: activations, row by row."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.edge import put_operands
from afp_hw.hdl.pe import travelling
from afp_hw.hdl.place import Place, as_built


class Feeder(wiring.Component):
    """A shift register of groups for each row of the array, and the tags of the rows.

    Outputs stationary, row ``i_row`` takes the whole group and gives it to its cells, ``lanes``
    codes a cycle. Weights stationary, each row takes its own ``lanes`` codes of every group, row r
    at the position from which they leave r cycles later.

    Parameters
    ----------
    design : :class:`.Design`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_outputs, i_group, i_valid, i_first, i_last, i_row
        As of :class:`.FlowArray`.
    o : Out(travelling(design, design.acts)).array(rows, lanes)
        Operands as the cells take them; 0 where nothing was given.
    o_live : Out(lanes).array(rows)
        With ``gate_zeros``: which of them are not zero.
    o_first, o_last : Out(1).array(rows)
        Tags.

    Timing
    ------
    Weights stationary: what is given at clock edge t leaves row r after edge ``t + r``. Outputs
    stationary: code ``j*lanes + l`` leaves the row that took it after edge ``t + j``. Tags are
    those of row 0's group, r cycles later in row r, ``last`` with its last code.

    Widths
    ------
    ``rows * lanes`` codes for each row.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.fmt = design.acts
        rows = design.rows
        members = {
            "i_outputs": In(1),
            "i_group": In(design.group * self.fmt.width),
            "i_valid": In(1),
            "i_first": In(1),
            "i_last": In(1),
            "i_row": In(range(max(rows, 2))),
            "o": Out(travelling(design, self.fmt)).array(rows, design.lanes),
            "o_first": Out(1).array(rows),
            "o_last": Out(1).array(rows),
        }
        if design.gate_zeros:
            members["o_live"] = Out(design.lanes).array(rows)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        group = Signal.like(self.i_group)
        m.d.comb += group.eq(Mux(self.i_valid, self.i_group, 0))
        for row in range(self.design.rows):
            put_operands(m, self, row, self._register(m, row, group))
        self._tags(m)
        return m

    def _register(self, m, row, group):
        """The shift register of a row; gives what leaves it.

        Only the positions up to the row's own move with weights stationary.
        """
        width = self.design.lanes * self.fmt.width
        own = width * (row + 1)
        low = Signal(own, name=f"low_{row}", reset_less=True)
        take = Signal(name=f"take_{row}")
        m.d.comb += take.eq(self.i_outputs & self.i_valid & (self.i_row == row))
        entering = group[own - width : own]
        if len(group) > own:
            high = Signal(len(group) - own, name=f"high_{row}", reset_less=True)
            entering = Mux(self.i_outputs, high[:width], entering)
            with m.If(self.i_outputs):
                m.d.sync += high.eq(Mux(take, group[own:], high[width:]))
        else:
            entering = Mux(self.i_outputs, 0, entering)
        m.d.sync += low.eq(Mux(take, group[:own], Cat(low[width:], entering)))
        return low[:width]

    def _tags(self, m):
        """Row 0's tags from the group's; a row's are those of the row above one cycle later."""
        rows = self.design.rows
        heads = self.i_valid & (~self.i_outputs | (self.i_row == 0))
        first = Signal(rows)
        # The last code follows the group as many cycles later as there are codes behind the first.
        last = Signal(2 * rows - 1)
        m.d.sync += [
            first.eq(Cat(heads & self.i_first, first)),
            last.eq(Cat(heads & self.i_last & self.i_outputs, last)),
        ]
        for row in range(rows):
            m.d.comb += [
                self.o_first[row].eq(first[row]),
                self.o_last[row].eq(last[rows - 1 + row]),
            ]
