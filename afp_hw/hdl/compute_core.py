"""What a descriptor computes: array, column edges and their feeds, from buffers to output words.

Source: ``docs/accelerator.md``.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation, OutputKind, SideUse
from afp_hw.hdl.column_edge import ColumnEdge, out_width
from afp_hw.hdl.descriptor_view import DESCRIPTOR
from afp_hw.hdl.feed_path import FeedPath
from afp_hw.hdl.flow_array import FlowArray
from afp_hw.hdl.grids import LSB_WIDTH, GridRule, grid_base_width, grid_layout
from afp_hw.hdl.out_place import OutPlace
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.side_path import SidePath
from afp_hw.hdl.skew import SkewBuffer

_SUM_AT = 3
"""Clock edges from an event at a column edge to the array's sum that belongs to it."""


class ComputeCore(wiring.Component):
    """Computes descriptors, one at a time.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_descriptor : In(DESCRIPTOR)
        Constant from ``i_start`` to ``o_done``.
    i_start, o_done : In(1), Out(1)
        Each for a cycle.
    i_act_write, i_wgt_write, i_side_write, i_act_beat, …, i_act_bank, …, i_data : In
        A beat for a buffer.
    i_record_write, i_record_address, i_record : In(cols), In, In(record_width).array(cols)
        Records of columns; the highest bit of the address is the bank.
    o_write, o_address, o_word : Out
        A word for the output bank.
    i_act_base, i_side_base, i_align, i_unit : In(signed), In(signed), In(6), In(signed)
        Where grids are dynamic: those of the activations and of the side operand, the left shift
        that the latter's makes, and the exponent of the unit of the output's words.
    i_clear : In(1)
        Likewise: no word has been seen; none is on its way.
    o_fixed, o_grid : Out(1), Out(grid_layout(design))
        Likewise: with ``dynamic_end`` the grid of the output tensor, in the cycle of ``o_done``.

    Timing
    ------
    ``o_done`` comes in a cycle that follows from the descriptor alone; ``afp_hw/schedule`` has
    the formula. A sum leaves the array ``FeedPath.latency`` + ``ws_latency`` (``os_latency``) clock
    edges after its step; its event starts so much earlier that both meet.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        self.array = FlowArray(design.array, place)
        self.feed = FeedPath(design, place)
        self.side = SidePath(design, place)
        # By how much an event follows its step.
        offset = self.feed.latency - self.side.latency - _SUM_AT
        self.ws_delay = self.array.ws_latency + offset
        self.os_delay = self.array.os_latency + offset
        # A tiny array is faster than its events: then sums wait.
        self.sum_delay = max(0, -min(self.ws_delay, self.os_delay))
        self.ws_delay += self.sum_delay
        self.os_delay += self.sum_delay
        cols = design.array.cols
        self.drain = self.side.latency + ColumnEdge.latency + cols
        edge_address = (2 * design.channel_tiles - 1).bit_length()
        members = {
            "i_descriptor": In(DESCRIPTOR),
            "i_start": In(1),
            "o_done": Out(1),
            "i_data": In(design.data_width),
            "i_record_write": In(cols),
            "i_record_address": In(edge_address),
            "i_record": In(design.record_width).array(cols),
            "o_write": Out(1),
            "o_address": Out((design.out_words - 1).bit_length()),
            "o_word": Out(cols * out_width(design)),
        }
        for name, beat in (
            ("act", self.feed.i_act_beat),
            ("wgt", self.feed.i_wgt_beat),
            ("side", self.side.i_beat),
        ):
            members |= {
                f"i_{name}_write": In(1),
                f"i_{name}_bank": In(1),
                f"i_{name}_beat": In(beat.shape()),
            }
        if design.dynamic:
            base = signed(grid_base_width(design))
            members |= {
                "i_act_base": In(base),
                "i_side_base": In(base),
                "i_align": In(6),
                "i_unit": In(signed(LSB_WIDTH)),
                "i_clear": In(1),
                "o_fixed": Out(1),
                "o_grid": Out(grid_layout(design)),
            }
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        d = self.i_descriptor
        m.submodules.feed = feed = self.place("feed_path", lambda: self.feed)
        m.submodules.array = array = self.place("flow_array", lambda: self.array)
        m.submodules.side = side = self.place("side_path", lambda: self.side)
        for part in (feed, side):
            m.d.comb += [
                part.i_descriptor.eq(d),
                part.i_start.eq(self.i_start),
                part.i_data.eq(self.i_data),
            ]
        for name in ("act", "wgt"):
            m.d.comb += [
                getattr(feed, f"i_{name}_{port}").eq(getattr(self, f"i_{name}_{port}"))
                for port in ("write", "bank", "beat")
            ]
        m.d.comb += [
            getattr(side, f"i_{port}").eq(getattr(self, f"i_side_{port}"))
            for port in ("write", "bank", "beat")
        ]
        names = ("group", "valid", "first", "last", "row", "weights", "wgt_valid", "wgt_last")
        m.d.comb += [getattr(array, f"i_{name}").eq(getattr(feed, f"o_{name}")) for name in names]
        m.d.comb += array.i_outputs.eq(d.operation == Operation.OUTPUTS_STATIONARY)
        m.d.comb += side.i_next.eq(self._events(m, d, feed))
        edges = self._edges(m, d, array, side)
        self._words(m, d, side.o_event[0], [edge.o_code for edge in edges])
        done = self._drained(m, side)
        if self.design.dynamic:
            m.d.comb += [
                feed.i_act_base.eq(self.i_act_base),
                side.i_base.eq(self.i_side_base),
                side.i_align.eq(self.i_align),
            ]
            done = self._fix_grid(m, d, edges, done)
        m.d.comb += self.o_done.eq(done)
        return m

    def _events(self, m, d, feed):
        """When a sum will come: each step's own, or a tile's, one every other cycle."""
        stepped = self._delayed(m, "step", feed.o_step, self.ws_delay)
        tile = self._delayed(m, "tile", feed.o_tile, self.os_delay)
        rows = self.design.array.rows
        left, odd = Signal(range(rows)), Signal()
        with m.If(tile):
            m.d.sync += [left.eq(rows - 1), odd.eq(1)]
        with m.Elif(left != 0):
            m.d.sync += odd.eq(~odd)
            with m.If(~odd):
                m.d.sync += left.eq(left - 1)
        event = Signal()
        side = d.operation == Operation.SIDE
        m.d.comb += event.eq(Mux(side, feed.o_step, stepped) | tile | ((left != 0) & ~odd))
        return event

    def _delayed(self, m, name, bit, count):
        if not count:
            return bit
        line = Signal(count, name=f"{name}_line")
        m.d.sync += line.eq(Cat(bit, line[:-1]))
        return line[-1]

    def _edges(self, m, d, array, side):
        """All column edges."""
        edges = []
        products = d.operation != Operation.SIDE
        for col in range(self.design.array.cols):
            edge = self.place("column_edge", lambda: ColumnEdge(self.design, self.place))
            m.submodules[f"edge_{col}"] = edge
            total = array.o_sum[col]
            for stage in range(self.sum_delay):
                late = Signal.like(total, name=f"sum_{col}_{stage}", reset_less=True)
                m.d.sync += late.eq(total)
                total = late
            m.d.comb += [
                edge.i_event.eq(side.o_event[col]),
                edge.i_side.eq(side.o_side[col]),
                edge.i_sum.eq(Mux(products, total, 0)),
                edge.i_maximum.eq(d.side_use == SideUse.MAX),
                edge.i_keep.eq(d.operation != Operation.OUTPUTS_STATIONARY),
                edge.i_sums.eq(d.output == OutputKind.SUMS),
                edge.i_record_bank.eq(d.parameter_bank),
                edge.i_narrow.eq(self.design.array.out_envelope.n_man - d.out_n_man),
                edge.i_record_write.eq(self.i_record_write[col]),
                edge.i_record_address.eq(self.i_record_address),
                edge.i_record.eq(self.i_record[col]),
            ]
            if self.design.dynamic:
                m.d.comb += [
                    edge.i_words.eq(d.output == OutputKind.WORDS),
                    edge.i_relu.eq(d.relu),
                ]
            edges.append(edge)
        return edges

    def _words(self, m, d, event, codes):
        """Codes of one pixel side by side, and where they go."""
        cols, width = len(codes), out_width(self.design)
        m.submodules.deskew = deskew = self.place(
            f"skew_{cols}x{width}", lambda: SkewBuffer(cols, width)
        )
        for col, code in enumerate(codes):
            m.d.comb += deskew.i[cols - 1 - col].eq(code)
        m.d.comb += self.o_word.eq(Cat(*[deskew.o[cols - 1 - col] for col in range(cols)]))
        arrives = event.valid & event.emit
        written = self._delayed(m, "word", arrives, ColumnEdge.latency + cols - 1)
        m.d.comb += self.o_write.eq(written)

        m.submodules.out_place = place = self.place("out_place", lambda: OutPlace(self.design))
        m.d.comb += [
            place.i_descriptor.eq(d),
            place.i_start.eq(self.i_start),
            place.i_next.eq(written),
            self.o_address.eq(place.o_address),
        ]

    def _drained(self, m, side):
        """Whether the last event's word has been written, for a cycle."""
        left = Signal(range(self.drain + 1))
        with m.If(side.i_next & side.o_ends):
            m.d.sync += left.eq(self.drain)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        return left == 1

    def _fix_grid(self, m, d, edges, drained):
        """The largest word of all columns, once the tensor is complete, and the grid from it."""
        m.submodules.rule = rule = self.place("grid_rule", lambda: GridRule(self.design))
        largest = Signal.like(rule.i_largest)
        left = Signal(range(len(edges) + 2))
        collecting, done = Signal(), Signal()
        ends = d.dynamic_end
        m.d.comb += [
            collecting.eq(left > 1),
            done.eq(Mux(ends, left == 1, drained)),
            rule.i_largest.eq(largest),
            rule.i_unit.eq(self.i_unit),
            rule.i_n_exp.eq(d.out_n_exp),
            rule.i_n_man.eq(d.out_n_man),
            self.o_grid.eq(rule.o_grid),
            self.o_fixed.eq(done & ends),
        ]
        with m.If(drained & ends):
            m.d.sync += [left.eq(len(edges) + 1), largest.eq(0)]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        handed_on = 0
        for edge in edges:
            m.d.comb += [
                edge.i_collect.eq(collecting | self.i_clear),
                edge.i_largest.eq(Mux(self.i_clear, 0, handed_on)),
            ]
            handed_on = edge.o_largest
        with m.If(collecting & (handed_on > largest)):
            m.d.sync += largest.eq(handed_on)
        return done
