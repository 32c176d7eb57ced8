"""What feeds the array: activations by the loops of a descriptor, weights in their order.

Source: ``docs/accelerator.md``, Loops.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation
from afp_hw.hdl.descriptor_view import DESCRIPTOR
from afp_hw.hdl.grids import grid_base_width
from afp_hw.hdl.packed_buffer import PackedBuffer, Unpacker
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.rebias import Rebias
from afp_hw.hdl.stages import staged
from afp_hw.hdl.walk import Walk
from afp_hw.hdl.weight_path import WeightPath


def feed_walk_settings(descriptor, walk: Walk):
    """Assignments of a walk over the activations."""
    d, settings = descriptor, walk.i
    names = (
        *("n_tiles", "pixels", "tile_pixels", "out_width"),
        *("cj_count", "kx_count", "ky_count", "extra_chunks"),
    )
    levels = {"x": "x_step", "cj": "cj_step", "kx": "kx_step", "n": "n_step"}
    return [
        settings.length.eq(d.slots),
        *[getattr(settings, name).eq(getattr(d, name)) for name in names],
        settings.bits_start.eq(d.act_start),
        settings.bits_y.eq(d.act_y_step),
        settings.bits_ky.eq(d.act_ky_step),
        *[getattr(settings, f"bits_{key}").eq(d[f"act_{step}"]) for key, step in levels.items()],
        settings.row_start.eq(d.act_y),
        settings.row_y.eq(d.act_y_stride),
        settings.row_ky.eq(d.act_y_dilation),
        settings.place_start.eq(d.act_q),
        *[getattr(settings, f"place_{key}").eq(d[f"act_q_{step}"]) for key, step in levels.items()],
    ]


class FeedPath(wiring.Component):
    """Walks through a descriptor, and gives the array its operands.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_descriptor : In(DESCRIPTOR)
        Constant from ``i_start`` until the last step has passed.
    i_start : In(1)
    i_act_write, i_act_beat, i_wgt_write, i_wgt_beat, i_data : In
        A beat for a buffer; its bank is ``i_act_bank``, ``i_wgt_bank``.
    o_step : Out(1)
        A step with a pixel, of an operation other than OUTPUTS_STATIONARY.
    o_tile : Out(1)
        First step of the last chunk of a pixel tile, with OUTPUTS_STATIONARY.
    o_group, o_valid, o_first, o_last, o_row : Out
        As :class:`.FlowArray` takes them.
    o_weights, o_wgt_valid, o_wgt_last : Out
        The same.
    i_act_base : In(signed)
        Where grids are dynamic: that of the activations, as :class:`.Rebias` takes it.

    Timing
    ------
    The first step is in the cycle behind ``i_start``, with weights stationary ``lead`` cycles
    later: the first weights go ahead. Operands come ``latency`` = 4 clock edges after their step.
    """

    sequential = True
    latency = 4

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        array = design.array
        self.lead = design.array.rows
        self.acts = PackedBuffer(design.data_width, design.act_word, design.act_bytes, place)
        self.weights = WeightPath(design, place)
        members = {
            "i_descriptor": In(DESCRIPTOR),
            "i_start": In(1),
            "i_data": In(design.data_width),
            "o_step": Out(1),
            "o_tile": Out(1),
            "o_group": Out(array.group * array.acts.width),
            "o_row": Out(range(array.rows)),
            "o_weights": Out(array.cols * array.lanes * array.weights.width),
        }
        for name, buffer in (("act", self.acts), ("wgt", self.weights.buffer)):
            members |= {
                f"i_{name}_write": In(1),
                f"i_{name}_bank": In(1),
                f"i_{name}_beat": In(buffer.i_beat.shape()),
            }
        members |= {
            f"o_{name}": Out(1) for name in ("valid", "first", "last", "wgt_valid", "wgt_last")
        }
        if design.dynamic:
            members["i_act_base"] = In(signed(grid_base_width(design)))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        d = self.i_descriptor
        outputs = d.operation == Operation.OUTPUTS_STATIONARY
        products = d.operation != Operation.SIDE
        m.submodules.walk = walk = self.place("walk", Walk)
        m.d.comb += feed_walk_settings(d, walk)
        running = self._run(m, d, walk)
        m.d.comb += [
            self.o_step.eq(running & walk.o_exists & ~outputs),
            self.o_tile.eq(running & walk.o_chunk_begins & walk.o_tile_ends & outputs),
        ]
        self._groups(m, d, walk, running & products, outputs)
        self._weights(m, d, walk, running, outputs)
        return m

    def _weights(self, m, d, walk, running, outputs):
        m.submodules.weights = weights = self.place("weight_path", lambda: self.weights)
        # A cycle behind the first group of a chunk the array takes weights of the next one.
        stationary = d.operation == Operation.WEIGHTS_STATIONARY
        following = Mux(walk.o_tile_ends, ~walk.o_ends, ~walk.o_last_chunk & ~walk.o_extra)
        ahead = Signal()
        m.d.sync += ahead.eq(
            stationary & (self._ahead | (running & walk.o_chunk_begins & following))
        )
        ends = running & outputs & walk.o_chunk_ends & walk.o_tile_ends
        m.d.comb += [
            weights.i_start.eq(self.i_start),
            weights.i_tile.eq(ahead),
            weights.i_row.eq(running & outputs & ~walk.o_extra),
            weights.i_again.eq(ends & ~walk.o_n_ends),
            weights.i_onward.eq(ends & walk.o_n_ends),
            weights.i_row_bits.eq(d.wgt_row_bits),
            weights.i_read_bank.eq(d.wgt_bank),
            weights.i_width.eq(d.wgt_width),
            weights.i_n_man.eq(d.wgt_n_man),
            weights.i_write.eq(self.i_wgt_write),
            weights.i_bank.eq(self.i_wgt_bank),
            weights.i_beat.eq(self.i_wgt_beat),
            weights.i_data.eq(self.i_data),
            self.o_weights.eq(weights.o_weights),
            self.o_wgt_valid.eq(weights.o_valid),
            self.o_wgt_last.eq(weights.o_last),
        ]

    def _run(self, m, d, walk):
        """The first weights ahead, then a step each cycle to the last one; whether it is."""
        running = Signal()
        wait = Signal(range(self.lead + 1))
        self._ahead = Signal()
        stationary = d.operation == Operation.WEIGHTS_STATIONARY
        with m.If(self.i_start):
            m.d.sync += [running.eq(~stationary), wait.eq(Mux(stationary, self.lead, 0))]
        with m.Elif(wait != 0):
            m.d.sync += [wait.eq(wait - 1), running.eq(wait == 1)]
        with m.Elif(walk.o_ends & walk.o_chunk_ends):
            m.d.sync += running.eq(0)
        m.d.comb += [
            self._ahead.eq(wait == self.lead),
            walk.i_start.eq(self.i_start),
            walk.i_advance.eq(running),
        ]
        return running

    def _groups(self, m, d, walk, running, outputs):
        """Activations: address, memory, shifter, codes."""
        design = self.design
        acts = design.array.afp_acts
        m.submodules.buffer = buffer = self.place("act_buffer", lambda: self.acts)
        m.d.comb += [
            buffer.i_write.eq(self.i_act_write),
            buffer.i_bank.eq(self.i_act_bank),
            buffer.i_beat.eq(self.i_act_beat),
            buffer.i_data.eq(self.i_data),
        ]
        inside, valid, read = Signal(), Signal(), Signal()
        m.d.comb += [
            inside.eq((walk.o_row >= 0) & (walk.o_row < d.act_y_limit) & ~walk.o_extra),
            # With outputs stationary rows without a pixel take part, with zeros.
            valid.eq(running & (walk.o_exists | outputs)),
            read.eq(running & walk.o_exists & inside),
        ]
        tags = {
            "valid": valid,
            "first": valid & Mux(outputs, walk.o_first_chunk, walk.o_chunk_begins & ~walk.o_extra),
            "last": valid & outputs & walk.o_tile_ends,
            "row": walk.o_step[: len(self.o_row)],
            "read": read,
        }
        place = walk.o_place
        address = staged(m, "s1", {"bit": walk.o_bits})["bit"]
        for stage in ("s1", "s2", "s3"):
            tags, place = self._tags(m, tags, place, stage)
            if stage == "s1":
                m.d.comb += [
                    buffer.i_read.eq(tags["read"]),
                    buffer.i_read_bank.eq(d.act_bank),
                    buffer.i_bit.eq(address),
                ]
        m.submodules.unpacker = unpacker = self.place(
            f"unpacker_{acts}_{design.group}",
            lambda: Unpacker(acts, design.group, design.act_word, design.stored_width),
        )
        m.d.comb += [
            unpacker.i_data.eq(buffer.o_data),
            unpacker.i_width.eq(d.act_width),
            unpacker.i_signed.eq(d.act_signed),
            unpacker.i_narrow.eq(acts.n_man - d.act_n_man),
        ]
        codes, there = [], []
        for index, code in enumerate(unpacker.o_code):
            at = place.as_signed() + index
            there.append(tags["read"] & (at >= 0) & (at < d.act_q_limit))
            codes.append(Mux(there[-1], code, 0))
        group = staged(m, "s4", {"group": Cat(*codes)})["group"]
        if design.dynamic:
            words = self._words(m, d, unpacker, there)
            group = Mux(d.act_words, words, group)
        m.d.comb += self.o_group.eq(group)
        tags, _ = self._tags(m, tags, place, "s4")
        m.d.comb += [
            getattr(self, f"o_{name}").eq(tags[name]) for name in ("valid", "first", "last", "row")
        ]

    def _words(self, m, d, unpacker, there):
        """Codes from words of a dynamic tensor, a clock edge later."""
        m.submodules.rebias = rebias = self.place(
            f"rebias_{self.design.group}",
            lambda: Rebias(self.design, self.design.group, self.place),
        )
        m.d.comb += [
            rebias.i_base.eq(self.i_act_base),
            rebias.i_n_exp.eq(d.act_n_exp),
            rebias.i_n_man.eq(d.act_n_man),
        ]
        if self.design.array.afp_acts.signed:
            m.d.comb += rebias.i_signed.eq(d.act_signed)
        for index, word in enumerate(unpacker.o_stored):
            m.d.comb += rebias.i_word[index].eq(Mux(there[index] & d.act_words, word, 0))
        return Cat(*rebias.o_code)

    def _tags(self, m, tags, place, stage):
        """Marks one clock edge later, of which only those of a group are reset."""
        control = {name: Signal(name=f"{stage}_{name}") for name in tags if name != "row"}
        m.d.sync += [register.eq(tags[name]) for name, register in control.items()]
        rest = staged(m, stage, {"row": tags["row"], "place": place})
        return control | {"row": rest["row"]}, rest["place"]
