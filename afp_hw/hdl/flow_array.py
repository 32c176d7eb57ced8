"""The systolic array in which weights or outputs stay, as a port says."""

from itertools import pairwise

from amaranth.hdl import Module, Mux, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.feeder import Feeder
from afp_hw.hdl.flow_cell import FlowCell
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.weight_edge import WeightEdge


class FlowArray(wiring.Component):
    """Array of ``rows x cols`` cells, weight-stationary or output-stationary at run time.

    Weights stationary, a group of ``rows * lanes`` codes of one pixel meets as many rows of
    weights, and its sum over them leaves at the bottom of each column. Outputs stationary, each row
    is a pixel that takes a group in ``rows`` cycles, and finished sums leave at the top, row 0
    first. Skew is inside. Not provided: initial values, sums over more than the rows with weights
    stationary, and control: nothing checks the distances under Timing.

    Parameters
    ----------
    design : :class:`.Design`
        Its ``segments`` must be none.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_outputs : In(1)
        1: outputs are stationary. Constant from the first input to the last sum.
    i_group : In(rows * lanes * design.acts.width)
        Codes, the first in the least significant bits. Weights stationary: code ``r*lanes + l``
        meets row r, lane l. Outputs stationary: row ``i_row`` takes codes ``j*lanes + l`` in its
        j-th cycle.
    i_valid : In(1)
        There is a group. Where there is none, codes are 0.
    i_first, i_last : In(1)
        Tags of the group. Weights stationary: ``i_first``, the weights that came last are in use
        from here on; ``i_last`` is not looked at. Outputs stationary: first and last chunk of a
        tile; those of row 0's group count, for all rows.
    i_row : In(range(max(rows, 2)))
        Outputs stationary: the row whose group it is. A row may go without one: its sum then is
        undefined, the others' are not.
    i_weights : In(cols * lanes * design.weights.width)
        A row of weights, lane l of column c is code ``c*lanes + l``.
    i_wgt_valid : In(1)
        There is a row of weights. Outputs stationary: where there is none, weights are 0.
    i_wgt_last : In(1)
        Weights stationary: the last of ``rows`` of them, that of row 0; the first is that of row
        ``rows - 1``. There may be pauses in between.
    o_sum : Out(signed(design.pe_acc_width)).array(cols)
        Sums, in units of ``2**(lsb_act + lsb_wgt)``; when, see Timing.

    Timing
    ------
    Weights stationary, a group a cycle: the sum of one given at clock edge t is visible in column c
    after edge ``t + ws_latency - 1 + c``. ``i_first`` may come with ``i_wgt_last`` or later, the
    next weights one cycle after ``i_first`` or later: chunks are at least ``rows`` cycles apart.

    Outputs stationary: row r's group comes r cycles after row 0's, in which row 0 of the chunk's
    weights comes; row j of them j cycles later. Chunks are at least ``rows`` cycles apart, the last
    of a tile at least ``2*rows`` from that of the next. With t the edge of row 0's last group, the
    sum of row r, column c is visible after edge ``t + os_latency - 1 + 2*r + c``, for a cycle.

    Widths
    ------
    Those of the parts.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        if design.segments:
            raise ValueError(
                "FlowArray.segments must be none: partial sums pass through the accumulators, "
                f"not {list(design.segments)!r}"
            )
        self.design = design
        self.place = place
        self.ws_latency = design.rows + design.pe_latency
        self.os_latency = design.rows + design.pe_latency + 1
        super().__init__(
            {
                "i_outputs": In(1),
                "i_group": In(design.group * design.acts.width),
                "i_valid": In(1),
                "i_first": In(1),
                "i_last": In(1),
                "i_row": In(range(max(design.rows, 2))),
                "i_weights": In(design.cols * design.lanes * design.weights.width),
                "i_wgt_valid": In(1),
                "i_wgt_last": In(1),
                "o_sum": Out(signed(design.pe_acc_width)).array(design.cols),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cells = [
            [self._cell(m, row, col) for col in range(self.design.cols)]
            for row in range(self.design.rows)
        ]
        self._enter(m, cells)
        self._across(m, cells)
        self._down(m, cells)
        for col in range(self.design.cols):
            top, bottom = cells[0][col], cells[-1][col]
            m.d.comb += self.o_sum[col].eq(Mux(self.i_outputs, top.o_drain, bottom.o_psum))
        return m

    def _cell(self, m, row, col):
        name = self.design.module_name("flow_cell")
        cell = self.place(name, lambda: FlowCell(self.design, self.place))
        m.submodules[f"cell_{row}_{col}"] = cell
        m.d.comb += cell.i_outputs.eq(self.i_outputs)
        return cell

    def _enter(self, m, cells):
        """Operands of the first column and of the first row, from the edges."""
        feeder = self._edge(m, f"feeder_{self.design.rows}", Feeder)
        edge = self._edge(m, f"weight_edge_{self.design.rows}x{self.design.cols}", WeightEdge)
        for name in ("i_group", "i_valid", "i_first", "i_last", "i_row"):
            m.d.comb += getattr(feeder, name).eq(getattr(self, name))
        for name in ("i_weights", "i_wgt_valid", "i_wgt_last"):
            m.d.comb += getattr(edge, name).eq(getattr(self, name))
        for row, cell_row in enumerate(cells):
            cell = cell_row[0]
            self._operands(m, cell, "act", feeder.o[row])
            m.d.comb += [
                cell.i_first.eq(feeder.o_first[row]),
                cell.i_last.eq(feeder.o_last[row]),
                cell.i_load.eq(edge.o_load[row]),
            ]
            if self.design.gate_zeros:
                m.d.comb += cell.i_act_live.eq(feeder.o_live[row])
        for col, cell in enumerate(cells[0]):
            self._operands(m, cell, "wgt", edge.o[col])
            if self.design.gate_zeros:
                m.d.comb += cell.i_wgt_live.eq(edge.o_live[col])

    def _edge(self, m, kind, component):
        edge = self.place(self.design.module_name(kind), lambda: component(self.design, self.place))
        m.submodules[component.__name__.lower()] = edge
        m.d.comb += edge.i_outputs.eq(self.i_outputs)
        return edge

    def _operands(self, m, cell, name, operands):
        targets = getattr(cell, f"i_{name}")
        m.d.comb += [target.eq(operand) for target, operand in zip(targets, operands, strict=True)]

    def _across(self, m, cells):
        """Activations, tags and who takes weights, to the right."""
        names = ["first", "last", "load"] + (["act_live"] if self.design.gate_zeros else [])
        for cell_row in cells:
            for left, cell in pairwise(cell_row):
                self._operands(m, cell, "act", left.o_act)
                m.d.comb += [
                    getattr(cell, f"i_{name}").eq(getattr(left, f"o_{name}")) for name in names
                ]

    def _down(self, m, cells):
        """Weights and partial sums downwards, finished sums upwards."""
        names = ["psum"] + (["wgt_live"] if self.design.gate_zeros else [])
        for upper, lower in pairwise(cells):
            for above, cell in zip(upper, lower, strict=True):
                self._operands(m, cell, "wgt", above.o_wgt)
                m.d.comb += [
                    getattr(cell, f"i_{name}").eq(getattr(above, f"o_{name}")) for name in names
                ]
                m.d.comb += [
                    above.i_drain.eq(cell.o_drain),
                    above.i_drain_valid.eq(cell.o_drain_valid),
                ]
