"""Weights on their way from their buffer to the array, in the order in which they lie."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.hdl.packed_buffer import PackedBuffer, Unpacker
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.stages import staged


class WeightPath(wiring.Component):
    """Reads rows of weights, one behind the other, and those of a column tile once more if need be.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_start : In(1)
        Go to the first row of the bank.
    i_tile, i_row : In(1)
        Read as many rows as the array has, a row a cycle from this one on; read one row.
    i_again, i_onward : In(1)
        With the last row of a pixel tile: the next one is again the first of the column tile; it is
        the first of the next column tile.
    i_row_bits, i_read_bank, i_width, i_n_man : In
        Bits of a row, bank, bits of a stored code and mantissa bits of its format.
    i_write, i_bank, i_beat, i_data : In
        A beat for the buffer.
    o_weights : Out(cols * lanes * weights.width)
        A row, embedded in the envelope.
    o_valid, o_last : Out(1)
        There is one; it is the last one of those that ``i_tile`` asked for.

    Timing
    ------
    A row comes ``latency`` = 4 clock edges behind its order: address, memory, shifter, codes.
    """

    sequential = True
    latency = 4

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        self.buffer = PackedBuffer(design.data_width, design.wgt_word, design.wgt_bytes, place)
        array = design.array
        controls = ("start", "tile", "row", "again", "onward", "read_bank", "write", "bank")
        super().__init__(
            {
                **{f"i_{name}": In(1) for name in controls},
                "i_row_bits": In(16),
                "i_width": In(6),
                "i_n_man": In(4),
                "i_beat": In(self.buffer.i_beat.shape()),
                "i_data": In(design.data_width),
                "o_weights": Out(array.cols * array.lanes * array.weights.width),
                "o_valid": Out(1),
                "o_last": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        last_row = self.design.array.rows - 1
        row, counting, tile = Signal(range(last_row + 1)), Signal(), Signal()
        m.d.comb += tile.eq(self.i_tile | counting)
        with m.If(tile):
            m.d.sync += [row.eq(Mux(row == last_row, 0, row + 1)), counting.eq(row != last_row)]
        wanted = Signal()
        m.d.comb += wanted.eq(tile | self.i_row)

        bit, tile_bit = Signal(32, reset_less=True), Signal(32, reset_less=True)
        next_bit = Signal(32)
        m.d.comb += next_bit.eq(bit + Mux(wanted, self.i_row_bits, 0))
        m.d.sync += bit.eq(Mux(self.i_again, tile_bit, next_bit))
        with m.If(self.i_onward):
            m.d.sync += tile_bit.eq(next_bit)
        with m.If(self.i_start):
            m.d.sync += [bit.eq(0), tile_bit.eq(0)]
        self._read(m, {"valid": wanted, "last": tile & (row == last_row)}, bit)
        return m

    def _read(self, m, tags, bit):
        """Address, memory, shifter, codes; the marks of a row go with it."""
        m.submodules.buffer = buffer = self.place("wgt_buffer", lambda: self.buffer)
        address = staged(m, "s1", {"bit": bit})["bit"]
        passing = []
        for stage in range(1, self.latency + 1):
            late = {name: Signal(name=f"s{stage}_{name}") for name in tags}
            m.d.sync += [register.eq(tags[name]) for name, register in late.items()]
            tags = late
            passing.append(late)
        weights = self.design.array.afp_weights
        count = self.design.array.cols * self.design.array.lanes
        m.submodules.unpacker = unpacker = self.place(
            f"unpacker_{weights}_{count}", lambda: Unpacker(weights, count, self.design.wgt_word)
        )
        m.d.comb += [
            buffer.i_write.eq(self.i_write),
            buffer.i_bank.eq(self.i_bank),
            buffer.i_beat.eq(self.i_beat),
            buffer.i_data.eq(self.i_data),
            buffer.i_read.eq(passing[0]["valid"]),
            buffer.i_read_bank.eq(self.i_read_bank),
            buffer.i_bit.eq(address),
            unpacker.i_data.eq(buffer.o_data),
            unpacker.i_width.eq(self.i_width),
            unpacker.i_signed.eq(1),
            unpacker.i_narrow.eq(weights.n_man - self.i_n_man),
        ]
        codes = Signal(len(self.o_weights), reset_less=True)
        with m.If(passing[2]["valid"]):
            m.d.sync += codes.eq(Cat(*unpacker.o_code))
        m.d.comb += [
            self.o_weights.eq(codes),
            self.o_valid.eq(tags["valid"]),
            self.o_last.eq(tags["last"]),
        ]
