"""The side operand's way from its buffer to the column edges, with the events that ask for it.

Source: ``docs/accelerator.md``, Sums.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import SHIFTS, Operation, OutputKind, SideUse
from afp_hw.hdl.column_edge import event_layout
from afp_hw.hdl.descriptor_view import DESCRIPTOR
from afp_hw.hdl.grids import grid_base_width
from afp_hw.hdl.packed_buffer import PackedBuffer, Unpacker
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.rebias import Rebias
from afp_hw.hdl.stages import staged
from afp_hw.hdl.walk import Walk


def side_walk_settings(descriptor, walk: Walk):
    """Assignments of a walk that follows the sums and their side operand."""
    d, settings = descriptor, walk.i
    outputs = d.operation == Operation.OUTPUTS_STATIONARY
    return [
        settings.length.eq(Mux(outputs, d.tile_pixels, d.pixels)),
        settings.single_chunk.eq(outputs),
        *[
            getattr(settings, name).eq(getattr(d, name))
            for name in (
                *("n_tiles", "pixels", "tile_pixels", "out_width"),
                *("cj_count", "kx_count", "ky_count", "extra_chunks"),
            )
        ],
        settings.bits_start.eq(d.side_start),
        settings.bits_x.eq(d.side_x_step),
        settings.bits_y.eq(d.side_y_step),
        settings.bits_cj.eq(d.side_cj_step),
        settings.bits_kx.eq(d.side_kx_step),
        settings.bits_ky.eq(d.side_ky_step),
        settings.bits_n.eq(d.side_n_step),
        settings.row_start.eq(d.side_y),
        settings.row_y.eq(d.side_y_stride),
        settings.row_ky.eq(d.side_y_dilation),
        settings.place_start.eq(d.side_x),
        settings.place_x.eq(d.side_x_stride),
        settings.place_kx.eq(d.side_x_dilation),
    ]


class SidePath(wiring.Component):
    """Follows the sums as they come: an event and a side operand for each, skewed by columns.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_descriptor : In(DESCRIPTOR)
        Constant from ``i_start`` to the last event.
    i_start : In(1)
    i_next : In(1)
        A sum of the next pixel (and chunk) will be at the column edges.
    o_ends : Out(1)
        That sum is the last one; with ``i_next``.
    i_write, i_bank, i_beat, i_data : In
        A beat for the side buffer.
    i_base, i_align : In(signed), In(6)
        Where grids are dynamic: that of the operand as :class:`.Rebias` takes it; left shift that
        its grid makes.
    o_event : Out(event_layout(design)).array(cols)
    o_side : Out(acts.width).array(cols)

    Timing
    ------
    Event and operand of column c come ``latency + c`` = ``4 + c`` clock edges after ``i_next``:
    address, memory, shifter, codes.
    """

    sequential = True
    latency = 4

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        self.buffer = PackedBuffer(design.data_width, design.side_word, design.side_bytes, place)
        cols = design.array.cols
        dynamic = {"i_base": In(signed(grid_base_width(design))), "i_align": In(6)}
        super().__init__(
            {
                **(dynamic if design.dynamic else {}),
                "i_descriptor": In(DESCRIPTOR),
                "i_start": In(1),
                "i_next": In(1),
                "o_ends": Out(1),
                "i_write": In(1),
                "i_bank": In(1),
                "i_beat": In(self.buffer.i_beat.shape()),
                "i_data": In(design.data_width),
                "o_event": Out(event_layout(design)).array(cols),
                "o_side": Out(design.array.acts.width).array(cols),
            }
        )

    def elaborate(self, platform):
        m = Module()
        d = self.i_descriptor
        m.submodules.walk = walk = self.place("walk", Walk)
        m.d.comb += side_walk_settings(d, walk)
        m.d.comb += [walk.i_start.eq(self.i_start), walk.i_advance.eq(self.i_next)]
        m.d.comb += self.o_ends.eq(walk.o_ends & walk.o_chunk_ends)
        channel, tile_address = self._by_tile(m, walk)
        event, wanted = self._event(m, walk, tile_address)
        m.submodules.buffer = buffer = self.place("side_buffer", lambda: self.buffer)
        m.d.comb += [
            buffer.i_write.eq(self.i_write),
            buffer.i_bank.eq(self.i_bank),
            buffer.i_beat.eq(self.i_beat),
            buffer.i_data.eq(self.i_data),
        ]

        address = staged(m, "s1", {"bit": walk.o_bits, "channel": channel})
        event = self._later(m, event, "s1")
        reading = Signal()
        m.d.sync += reading.eq(wanted)
        m.d.comb += [
            buffer.i_read.eq(reading),
            buffer.i_read_bank.eq(d.side_bank),
            buffer.i_bit.eq(address["bit"]),
        ]
        channels = address["channel"]
        for stage in ("s2", "s3"):
            event = self._later(m, event, stage)
            channels = staged(m, stage, {"channel": channels})["channel"]
        codes = self._codes(m, d, buffer.o_data, event, channels.as_signed())
        self._skew(m, self._later(m, event, "s4"), codes)
        return m

    def _by_tile(self, m, walk):
        """What goes on from column tile to column tile: first channel, place of the sums."""
        d = self.i_descriptor
        channel = Signal(signed(17), reset_less=True)
        address = Signal(16, reset_less=True)
        n_next = self.i_next & walk.o_chunk_ends & walk.o_n_ends
        with m.If(self.i_start):
            m.d.sync += [channel.eq(d.side_channel), address.eq(0)]
        with m.Elif(n_next):
            m.d.sync += [
                channel.eq(channel + d.side_channel_step),
                address.eq(address + d.sum_n_step),
            ]
        return channel, address

    def _event(self, m, walk, tile_address):
        """The event of this step, and whether its side operand is read."""
        d = self.i_descriptor
        event = Signal(event_layout(self.design))
        inside = Signal()
        used = Signal()
        m.d.comb += [
            inside.eq(
                (walk.o_row >= 0)
                & (walk.o_row < d.side_y_limit)
                & (walk.o_place >= 0)
                & (walk.o_place < d.side_x_limit)
            ),
            used.eq(
                (d.side_use != SideUse.NONE)
                & ~walk.o_extra
                & ((d.operation == Operation.SIDE) | walk.o_first_chunk)
            ),
            event.valid.eq(self.i_next & walk.o_exists),
            event.starts.eq(walk.o_first_chunk & ~d.accumulate),
            event.emit.eq(
                d.emit & (walk.o_last_chunk | (walk.o_extra & (d.output == OutputKind.SUMS)))
            ),
            event.slice.eq(walk.o_slice),
            event.address.eq(walk.o_pixel + tile_address),
            event.tile.eq(walk.o_n),
            event.masked.eq(~(inside & used)),
        ]
        # Where grids are dynamic, an addition's operand lies by so many bits further left.
        align = self.i_align if self.design.dynamic else 0
        with m.Switch(walk.o_table):
            for index in range(SHIFTS):
                with m.Case(index):
                    m.d.comb += [
                        event.shift.eq(getattr(d, f"shift_{index}") + align),
                        event.negate.eq(getattr(d, f"negate_{index}")),
                    ]
        with m.If(d.operation != Operation.SIDE):  # one entry, whatever the chunk
            m.d.comb += [event.shift.eq(d.shift_0), event.negate.eq(d.negate_0)]
        return event, self.i_next & inside & used

    def _later(self, m, event, stage):
        """The event one clock edge later; of it only whether there is one is reset."""
        value = event.as_value()
        valid = Signal(name=f"{stage}_valid")
        rest = Signal(len(value) - 1, name=f"{stage}_event", reset_less=True)
        m.d.sync += valid.eq(value[0])
        with m.If(value[0]):
            m.d.sync += rest.eq(value[1:])
        return data.View(event_layout(self.design), Cat(valid, rest))

    def _codes(self, m, d, packed, event, channel):
        """Codes of all columns a clock edge later, 0 where there is none."""
        acts, cols = self.design.array.afp_acts, self.design.array.cols
        m.submodules.unpacker = unpacker = self.place(
            f"unpacker_side_{acts}_{cols}",
            lambda: Unpacker(acts, cols, self.design.side_word, self.design.stored_width),
        )
        m.d.comb += [
            unpacker.i_data.eq(packed),
            unpacker.i_width.eq(d.side_width),
            unpacker.i_signed.eq(d.side_signed),
            unpacker.i_narrow.eq(acts.n_man - d.side_n_man),
        ]
        codes, there = {}, []
        for col in range(cols):
            place = channel + col
            there.append(~event.masked & (place >= 0) & (place < d.side_channel_limit))
            codes[f"code_{col}"] = Mux(there[-1], unpacker.o_code[col], 0)
        late = list(staged(m, "s4", codes).values())
        if not self.design.dynamic:
            return late
        m.submodules.rebias = rebias = self.place(
            f"rebias_{cols}", lambda: Rebias(self.design, cols, self.place)
        )
        m.d.comb += [
            rebias.i_base.eq(self.i_base),
            rebias.i_n_exp.eq(d.side_n_exp),
            rebias.i_n_man.eq(d.side_n_man),
        ]
        if acts.signed:
            m.d.comb += rebias.i_signed.eq(d.side_signed)
        for col, word in enumerate(unpacker.o_stored):
            m.d.comb += rebias.i_word[col].eq(Mux(there[col] & d.side_words, word, 0))
        return [
            Mux(d.side_words, code, plain) for code, plain in zip(rebias.o_code, late, strict=True)
        ]

    def _skew(self, m, event, codes):
        """Column c one cycle behind column c - 1."""
        for col, code in enumerate(codes):
            m.d.comb += self.o_event[col].as_value().eq(event.as_value())
            for stage in range(col):
                late = Signal(len(code), name=f"late_{col}_{stage}", reset_less=True)
                m.d.sync += late.eq(code)
                code = late
            m.d.comb += self.o_side[col].eq(code)
            event = self._later(m, event, f"column_{col}")
