"""The output-stationary systolic array."""

from functools import partial

from amaranth.hdl import Cat, Module, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.cell import Cell
from afp_hw.hdl.edge import Edge
from afp_hw.hdl.init_queue import InitQueue
from afp_hw.hdl.place import Place, as_built


class Array(wiring.Component):
    """Output-stationary array of ``rows x cols`` cells: exact sums of products of codes.

    Rows are rows of the activation matrix (pixels), columns are output channels. Codes enter
    together; an :class:`.Edge` on either side delays row r and column c, and decodes with
    ``decode = "edge"``; finished sums leave at the top of each column, row 0 first.
    Not provided: address generation and control of tiles. Whoever drives the array keeps tiles
    apart as said under Timing (:mod:`afp_hw.schedule` computes it), else sums overwrite
    one another.

    Parameters
    ----------
    design : :class:`.Design`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid : In(1)
        A reduction step; it may pause anywhere.
    i_first, i_last : In(1)
        Mark a tile's first and last step; they may fall together.
    i_act : In(lanes * design.acts.width).array(rows)
    i_wgt : In(lanes * design.weights.width).array(cols)
        Codes, lane 0 in the least significant bits.
    i_init : In(stream.Signature(signed(design.init_width))).array(cols)
        Where ``design.init_max`` is not 0: initial values of the sums of each column, in the order
        in which they leave: by clock edge, see Timing.
    o_init_missing : Out(1)
        Where ``design.init_max`` is not 0: a sum left before its initial value had come. Sticky.
    o_valid, o_acc : Out(1).array(cols), Out(signed(design.acc_width)).array(cols)
        Finished sums in units of ``2**(lsb_act + lsb_wgt)``.

    Timing
    ------
    One reduction step a cycle. The sum of row r, column c of a tile whose last step is sampled at
    clock edge t is visible after edge ``t + c + 2*r + latency - 1``; ``latency`` = 3 +
    ``len(design.registers)`` + ``design.edge_latency``. The last steps of two tiles in a row must
    be at least ``2*rows - 1`` cycles apart, or an odd number of at least ``rows``: then the sums of
    both take turns.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency + 1 + design.edge_latency
        members = {
            "i_valid": In(1),
            "i_first": In(1),
            "i_last": In(1),
            "i_act": In(design.lanes * design.acts.width).array(design.rows),
            "i_wgt": In(design.lanes * design.weights.width).array(design.cols),
            "o_valid": Out(1).array(design.cols),
            "o_acc": Out(signed(design.acc_width)).array(design.cols),
        }
        if design.init_bound:
            init = stream.Signature(signed(design.init_width))
            members["i_init"] = In(init).array(design.cols)
            members["o_init_missing"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        design = self.design
        cells = [
            [self._cell(m, row, col) for col in range(design.cols)] for row in range(design.rows)
        ]
        self._feed(m, cells)
        self._connect(m, cells)
        self._drain(m, cells[0])
        return m

    def _cell(self, m, row, col):
        name = self.design.module_name("cell")
        cell = self.place(name, lambda: Cell(self.design, self.place))
        m.submodules[f"cell_{row}_{col}"] = cell
        return cell

    def _feed(self, m, cells):
        """Operands of the first column and of the first row, from the edges."""
        edges = {"act": [row[0] for row in cells], "wgt": cells[0]}
        for side, fed in edges.items():
            name = f"{side}_edge"
            edge = self.place(
                self.design.module_name(name), partial(Edge, self.design, side, self.place)
            )
            m.submodules[name] = edge
            for index, cell in enumerate(fed):
                m.d.comb += edge.i_code[index].eq(getattr(self, f"i_{side}")[index])
                pairs = zip(getattr(cell, f"i_{side}"), edge.o[index], strict=True)
                m.d.comb += [operand.eq(value) for operand, value in pairs]
                if self.design.gate_zeros:
                    m.d.comb += getattr(cell, f"i_{side}_live").eq(edge.o_live[index])
                if side == "act":
                    m.d.comb += Cat(cell.i_first, cell.i_last).eq(edge.o_tag[index])
            if side == "act":
                names = ("i_valid", "i_first", "i_last")
                m.d.comb += [getattr(edge, port).eq(getattr(self, port)) for port in names]

    def _connect(self, m, cells):
        """Operands to the right and downwards, sums upwards."""
        for row, cell_row in enumerate(cells):
            for col, cell in enumerate(cell_row):
                if col:
                    left = cell_row[col - 1]
                    m.d.comb += [
                        cell.i_first.eq(left.o_first),
                        cell.i_last.eq(left.o_last),
                    ]
                    self._neighbour(m, "act", left, cell)
                if row:
                    above = cells[row - 1][col]
                    self._neighbour(m, "wgt", above, cell)
                    m.d.comb += [
                        above.i_drain.eq(cell.o_drain),
                        above.i_drain_valid.eq(cell.o_drain_valid),
                    ]

    def _neighbour(self, m, name, source, target):
        """Operands from one cell to the next."""
        ports = [f"{name}_live"] if self.design.gate_zeros else []
        m.d.comb += [
            getattr(target, f"i_{port}").eq(getattr(source, f"o_{port}")) for port in ports
        ]
        pairs = zip(getattr(target, f"i_{name}"), getattr(source, f"o_{name}"), strict=True)
        m.d.comb += [operand.eq(handed_on) for operand, handed_on in pairs]

    def _drain(self, m, top_row):
        """Initial values, and the outputs."""
        missing = []
        for col, cell in enumerate(top_row):
            if not self.design.init_bound:
                m.d.comb += [
                    self.o_valid[col].eq(cell.o_drain_valid),
                    self.o_acc[col].eq(cell.o_drain),
                ]
                continue
            queue = self.place(self.design.init_queue_name, lambda: InitQueue(self.design))
            m.submodules[f"init_queue_{col}"] = queue
            wiring.connect(m, wiring.flipped(self.i_init[col]), queue.i_init)
            m.d.comb += [
                queue.i_valid.eq(cell.o_drain_valid),
                queue.i_acc.eq(cell.o_drain),
                self.o_valid[col].eq(queue.o_valid),
                self.o_acc[col].eq(queue.o_acc),
            ]
            missing.append(queue.o_missing)
        if missing:
            m.d.comb += self.o_init_missing.eq(Cat(*missing).any())
