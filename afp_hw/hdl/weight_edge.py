"""The upper edge of an array in which weights or sums stay: weights, and which rows take them."""

from functools import partial

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.edge import Edge
from afp_hw.hdl.pe import travelling
from afp_hw.hdl.place import Place, as_built


class WeightEdge(wiring.Component):
    """:class:`.Edge` of the weights, and for each row whether it takes what stands above it.

    Weights stationary, rows of weights flow down until the last has come. Row r takes the first of
    them r cycles after row 0, and all rows take the last at once: each then holds its own. As the
    first activations go down at the same pace, the next weights may follow them closely.

    Parameters
    ----------
    design : :class:`.Design`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_outputs, i_weights, i_wgt_valid, i_wgt_last
        As of :class:`.FlowArray`.
    o : Out(travelling(design, design.weights)).array(cols, lanes)
        Operands as the cells take them; 0 where nothing was given.
    o_live : Out(lanes).array(cols)
        With ``gate_zeros``: which of them are not zero.
    o_load : Out(1).array(rows)
        The cell of this row in the first column takes a weight.

    Timing
    ------
    Column c follows its weights c clock edges later; ``o_load`` belongs to column 0.

    Widths
    ------
    Those of the parts.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.fmt = design.weights
        members = {
            "i_outputs": In(1),
            "i_weights": In(design.cols * design.lanes * self.fmt.width),
            "i_wgt_valid": In(1),
            "i_wgt_last": In(1),
            "o": Out(travelling(design, self.fmt)).array(design.cols, design.lanes),
            "o_load": Out(1).array(design.rows),
        }
        if design.gate_zeros:
            members["o_live"] = Out(design.lanes).array(design.cols)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        design = self.design
        edge = self.place(design.module_name("wgt_edge"), partial(Edge, design, "wgt", self.place))
        m.submodules.edge = edge
        weights = Signal.like(self.i_weights)
        m.d.comb += weights.eq(Mux(self.i_wgt_valid, self.i_weights, 0))
        for col in range(design.cols):
            code = weights.word_select(col, design.lanes * self.fmt.width)
            m.d.comb += edge.i_code[col].eq(code)
            m.d.comb += [
                target.eq(operand) for target, operand in zip(self.o[col], edge.o[col], strict=True)
            ]
            if design.gate_zeros:
                m.d.comb += self.o_live[col].eq(edge.o_live[col])
        self._loads(m)
        return m

    def _loads(self, m):
        """Row r takes weights while the row above holds one that has further to go."""
        holds = Signal(self.design.rows)  # the last of it is not looked at
        ready = Cat(C(1, 1), holds)[: self.design.rows]
        with m.If(self.i_wgt_valid):
            m.d.sync += holds.eq(Mux(self.i_wgt_last, 0, ready))
        for row in range(self.design.rows):
            m.d.comb += self.o_load[row].eq(self.i_outputs | (self.i_wgt_valid & ready[row]))
