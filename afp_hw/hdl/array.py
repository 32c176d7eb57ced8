"""The output-stationary systolic array."""

from amaranth.hdl import C, Cat, Module, Mux, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.cell import Cell
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.init_queue import InitQueue
from afp_hw.hdl.operand import not_zero
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.skew import SkewBuffer


class Array(wiring.Component):
    """Output-stationary array of ``rows x cols`` cells: exact sums of products of codes.

    Rows are rows of the activation matrix (pixels), columns are output channels. Codes enter
    together; skew buffers delay row r and column c, decoders behind them (a code has fewer bits
    than an operand) feed the cells, and finished sums leave at the top of each column, row 0 first.
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
        """Skew and decode the operands of the first column and the first row."""
        design = self.design
        acts = self._skew(m, "act_skew", design.rows, design.lanes * design.acts.width, 2)
        wgts = self._skew(m, "wgt_skew", design.cols, design.lanes * design.weights.width, 0)
        tags = Cat(self.i_first, self.i_last)
        m.d.comb += acts.i_tag.eq(Mux(self.i_valid, tags, 0))
        for row, cell_row in enumerate(cells):
            # Code 0 is the number 0: a step that is not valid adds nothing.
            m.d.comb += [
                acts.i[row].eq(Mux(self.i_valid, self.i_act[row], 0)),
                cell_row[0].i_first.eq(acts.o_tag[row][0]),
                cell_row[0].i_last.eq(acts.o_tag[row][1]),
            ]
            self._decode(m, "act", row, acts.o[row], cell_row[0])
        for col, cell in enumerate(cells[0]):
            m.d.comb += wgts.i[col].eq(self.i_wgt[col])
            self._decode(m, "wgt", col, wgts.o[col], cell)

    def _skew(self, m, name, count, width, tag_width):
        module = f"skew_{count}x{width}" + (f"_tag{tag_width}" if tag_width else "")
        m.submodules[name] = skew = self.place(module, lambda: SkewBuffer(count, width, tag_width))
        return skew

    def _decode(self, m, name, index, codes, cell):
        """Hand codes to a cell at the edge, decoded unless PEs do that themselves."""
        fmt = self.design.acts if name == "act" else self.design.weights
        for lane in range(self.design.lanes):
            code, operand = codes.word_select(lane, fmt.width), getattr(cell, f"i_{name}")[lane]
            if self.design.gate_zeros:
                live = getattr(cell, f"i_{name}_live")
                m.d.comb += live[lane].eq(not_zero(code, fmt))
            if self.design.decode == "pe":
                m.d.comb += operand.eq(code)
                continue
            decoder = self.place(f"decoder_{fmt}", lambda: Decoder(fmt))
            m.submodules[f"{name}_decoder_{index}_{lane}"] = decoder
            m.d.comb += [
                decoder.i_code.eq(code),
                decoder.i_valid.eq(C(1, 1)),
                operand.eq(decoder.o),
            ]

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
