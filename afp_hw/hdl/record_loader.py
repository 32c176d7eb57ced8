"""Records of channels on their way from beats to the columns. Source: ``docs/accelerator.md``."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.hdl.column_edge import record_layout
from afp_hw.hdl.grids import LSB_WIDTH
from afp_hw.hdl.init_scaler import InitScaler
from afp_hw.hdl.place import Place, as_built


class RecordLoader(wiring.Component):
    """Each record to its column; where grids are dynamic with an initial value for the input's.

    A column tile's records take whole beats: a beat holds one record, some, or a half.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_clear : In(1)
        The next beat is the first one.
    i_valid, i_data : In(1), In(data_width)
    o_write, o_tile, o_record : Out(cols), Out(bits of channel_tiles), Out(record_width).array(cols)
        Columns whose record is there, of which column tile.
    i_scale, i_lsb, i_left : In(1), In(signed(LSB_WIDTH)), In(6)
        Where grids are dynamic: whether initial values are for the grid of the activations, its
        lsb, and ``init_left`` of the descriptor.

    Timing
    ------
    Combinational; where grids are dynamic one clock edge.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        cols = design.array.cols
        members = {
            "i_clear": In(1),
            "i_valid": In(1),
            "i_data": In(design.data_width),
            "o_write": Out(cols),
            "o_tile": Out((design.channel_tiles - 1).bit_length()),
            "o_record": Out(design.record_width).array(cols),
        }
        if design.dynamic:
            members |= {"i_scale": In(1), "i_lsb": In(signed(LSB_WIDTH)), "i_left": In(6)}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        design = self.design
        width, cols = design.record_width, design.array.cols
        beats = -(-cols * width // design.data_width)  # of a column tile
        part, tile = Signal(range(beats)), Signal(range(design.channel_tiles))
        with m.If(self.i_clear):
            m.d.sync += [part.eq(0), tile.eq(0)]
        with m.Elif(self.i_valid):
            m.d.sync += part.eq(part + 1)
            with m.If(part == beats - 1):
                m.d.sync += [part.eq(0), tile.eq(tile + 1)]
        if width > design.data_width:  # the first half waits for the second
            low = Signal(design.data_width, reset_less=True)
            with m.If(self.i_valid):
                m.d.sync += low.eq(self.i_data)
            there = [Cat(low, self.i_data)]
            written = Cat(self.i_valid & (part == 2 * col + 1) for col in range(cols))
        else:
            each = design.data_width // width
            there = [self.i_data.word_select(index, width) for index in range(each)]
            written = Cat(self.i_valid & (part == col // each) for col in range(cols))
        if design.dynamic:
            there = [self._scaled(m, index, record) for index, record in enumerate(there)]
            m.d.sync += [self.o_write.eq(written), self.o_tile.eq(tile)]
        else:
            m.d.comb += [self.o_write.eq(written), self.o_tile.eq(tile)]
        m.d.comb += [record.eq(there[col % len(there)]) for col, record in enumerate(self.o_record)]
        return m

    def _scaled(self, m, index, record):
        """The record a clock edge later, its initial value in units of the sums."""
        layout = record_layout(self.design)
        view = data.View(layout, record)
        scaler = self.place("init_scaler", lambda: InitScaler(self.design))
        m.submodules[f"scaler_{index}"] = scaler
        late = Signal(layout, name=f"late_{index}", reset_less=True)
        result = Signal(layout, name=f"result_{index}")
        m.d.sync += late.as_value().eq(record)
        m.d.comb += [
            scaler.i_bias.eq(view.init),
            scaler.i_exponent.eq(view.shift.as_signed() - self.i_lsb),
            scaler.i_left.eq(self.i_left),
            result.as_value().eq(late.as_value()),
            result.init.eq(Mux(self.i_scale, scaler.o_init, late.init)),
        ]
        return result.as_value()
