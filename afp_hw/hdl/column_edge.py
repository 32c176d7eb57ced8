"""What stands at the end of an array's column: partial sums, side operand, requantizer.

Source: ``docs/accelerator.md``, Sums, and ``docs/numerics.md`` sections 5 and 6.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.ram import place_ram
from afp_hw.hdl.stages import staged
from afp_hw.hdl.window_requantizer import WindowRequantizer
from afp_hw.hdl.word_edge import WordEdge, largest_width


def record_layout(design: AcceleratorDesign) -> data.StructLayout:
    """A channel's record, ``docs/accelerator.md``, Memory."""
    init, other = (64, 16) if design.wide_records else (32, 8)
    return data.StructLayout(
        {
            "init": signed(init),
            **dict.fromkeys(("shift", "drop", "limit", "negative_limit"), other),
        }
    )


def event_layout(design: AcceleratorDesign) -> data.StructLayout:
    """What arrives with each sum: it passes from column to column, a cycle each.

    ``valid``; ``starts``: the sum begins with the record's init; ``emit``: it leaves, as ``slice``;
    ``address`` in the accumulator memory; ``tile`` of columns; ``masked``: the side operand takes
    no part; its ``shift`` and ``negate``.
    """
    return data.StructLayout(
        {
            "valid": 1,
            "starts": 1,
            "emit": 1,
            "slice": (sum_slices(design) - 1).bit_length(),
            "address": (design.pixels - 1).bit_length(),
            "tile": (design.channel_tiles - 1).bit_length(),
            "masked": 1,
            "shift": 6,
            "negate": 1,
        }
    )


def out_width(design: AcceleratorDesign) -> int:
    """Bits of a column's part of an output word."""
    width = design.array.out_envelope.width
    return max(width, design.waiting_width) if design.dynamic else width


def sum_slices(design: AcceleratorDesign) -> int:
    """Slices in which an exact sum leaves, each of the width of a code."""
    return -(-design.array.acc_width // design.array.out_envelope.width)


def word_members(design: AcceleratorDesign) -> dict[str, wiring.Member]:
    """Members of a column edge where grids are dynamic."""
    return {
        **{f"i_{name}": In(1) for name in ("words", "relu", "collect")},
        "i_largest": In(largest_width(design)),
        "o_largest": Out(largest_width(design)),
    }


class ColumnEdge(wiring.Component):
    """Adds partial sums, initial value and side operand of one column, and requantizes.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_event : In(event_layout(design))
    i_side : In(acts.width)
        Side operand of the event, embedded in the envelope of the activations; 0 where it is none.
    i_sum : In(signed(pe_acc_width))
        Of the array, 3 clock edges later than the event; 0 without products.
    i_maximum, i_keep, i_sums, i_record_bank : In(1)
        Settings of the descriptor: the side operand's use is MAX; sums go to the accumulator
        memory; output is SUMS; bank of the records.
    i_narrow : In(bits of outs.n_man)
        Mantissa bits that the output's format has less than its envelope.
    i_record_write, i_record_address, i_record : In
        A record for this column; the bank is the highest bit of the address.
    o_code : Out(out_width(design))
        6 clock edges later than the event.
    i_words, i_relu, i_collect, i_largest, o_largest
        Where grids are dynamic, see :class:`.WordEdge`.

    Timing
    ------
    An event a cycle. Two events with one address are at least 4 cycles apart: a sum is written with
    the fourth clock edge.

    Widths
    ------
    Sums: ``acc_width``; additions wrap, what they end with does not. Side operand: ``n_man`` and a
    bit more below, which are 0 (docs/accelerator.md).
    """

    sequential = True
    latency = 6

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        records = 2 * design.channel_tiles
        super().__init__(
            {
                **(word_members(design) if design.dynamic else {}),
                "i_event": In(event_layout(design)),
                "i_side": In(design.array.acts.width),
                "i_sum": In(signed(design.array.pe_acc_width)),
                **{f"i_{name}": In(1) for name in ("maximum", "keep", "sums", "record_bank")},
                "i_narrow": In(design.array.out_envelope.n_man.bit_length()),
                "i_record_write": In(1),
                "i_record_address": In((records - 1).bit_length()),
                "i_record": In(design.record_width),
                "o_code": Out(out_width(design)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        array = self.design.array
        acc = signed(array.acc_width)
        event = self.i_event
        record = self._records(m)
        m.submodules.sums = sums = place_ram(self.place, self.design.pixels, array.acc_width)
        m.d.comb += [
            sums.i_read.eq(event.valid & ~event.starts),
            sums.i_read_address.eq(event.address),
        ]

        first = staged(m, "s1", {"event": event.as_value(), "side": self.i_side})
        event = data.View(event_layout(self.design), first["event"])
        side = self._side(m, event, first["side"], record)
        lowest = C(-1 << (array.acc_width - 1), acc)
        start = Mux(self.i_maximum, lowest, record.init)
        base = Signal(acc)
        m.d.comb += base.eq(Mux(event.starts, start, sums.o_data.as_signed()))
        second = staged(m, "s2", {"event": event.as_value(), "base": base, "side": side})

        event = data.View(event_layout(self.design), second["event"])
        base, side = second["base"].as_signed(), second["side"].as_signed()
        larger = event.masked | (base > side)
        both = Signal(acc)
        m.d.comb += both.eq(Mux(self.i_maximum, Mux(larger, base, side), base + side))
        third = staged(m, "s3", {"event": event.as_value(), "both": both})

        event = data.View(event_layout(self.design), third["event"])
        total = Signal(acc)
        m.d.comb += [
            total.eq(third["both"].as_signed() + self.i_sum),
            sums.i_write.eq(event.valid & self.i_keep),
            sums.i_write_address.eq(event.address),
            sums.i_data.eq(total),
        ]
        fourth = staged(m, "s4", {"total": total, "slice": event.slice})
        emit = Signal()
        m.d.sync += emit.eq(event.valid & event.emit)
        self._leave(m, emit, fourth["total"], fourth["slice"], record)
        return m

    def _records(self, m):
        """The record of the event a clock edge ago."""
        words, width = 2 * self.design.channel_tiles, self.design.record_width
        m.submodules.records = records = place_ram(self.place, words, width)
        m.d.comb += [
            records.i_write.eq(self.i_record_write),
            records.i_write_address.eq(self.i_record_address),
            records.i_data.eq(self.i_record),
            records.i_read.eq(self.i_event.valid),
            records.i_read_address.eq(Cat(self.i_event.tile, self.i_record_bank)),
        ]
        return data.View(record_layout(self.design), records.o_data)

    def _side(self, m, event, code, record):
        """``±((fix << shift) >> n_man)``, of the event a clock edge ago."""
        acts = self.design.array.afp_acts
        decoder = self.place(f"decoder_{acts}", lambda: Decoder(acts))
        m.submodules.decoder = decoder
        m.d.comb += [decoder.i_code.eq(code), decoder.i_valid.eq(C(1, 1))]
        # A decoded operand with a shift is twice its fix.
        below = acts.n_man + (1 if len(decoder.o.shift) else 0)
        width = self.design.array.acc_width + below
        amount = Signal((width - 1).bit_length())
        moved = Signal(width)
        m.d.comb += [
            amount.eq(event.shift + record.shift + decoder.o.shift),
            moved.eq(decoder.o.sig << amount),
        ]
        magnitude = moved[below:]
        negative = event.negate ^ decoder.o.sign if acts.signed else event.negate
        return (Mux(negative, -magnitude, magnitude))[: self.design.array.acc_width]

    def _leave(self, m, emit, total, slice_index, record):
        """Code, or slice of the sum, two clock edges after the sum."""
        design = self.design
        requantizer = self.place(
            f"window_{design.array.requantizer_name}_s2_relu",
            lambda: WindowRequantizer(design.array, self.place, stages=2, relu_port=True),
        )
        m.submodules.requantizer = requantizer
        late = {name: getattr(record, name) for name in ("drop", "limit", "negative_limit")}
        for stage in range(3):
            late = staged(m, f"settings_{stage}", late)
        m.d.comb += [
            requantizer.i_valid.eq(emit),
            requantizer.i_acc.eq(total),
            requantizer.i_narrow.eq(self.i_narrow),
            requantizer.i_drop.eq(late["drop"]),
        ]
        # Limits are looked at a stage later.
        limits = staged(m, "limits", {name: late[name] for name in ("limit", "negative_limit")})
        m.d.comb += requantizer.i_limit.eq(limits["limit"])
        if design.array.out_envelope.signed:
            m.d.comb += [
                requantizer.i_negative_limit.eq(limits["negative_limit"]),
                requantizer.i_relu.eq(late["negative_limit"] == 0),
            ]

        width = design.array.out_envelope.width
        padded = Cat(total, C(0, sum_slices(design) * width - len(total)))
        chosen = padded.word_select(slice_index, width)
        raw = staged(m, "raw_1", {"slice": staged(m, "raw_0", {"slice": chosen})["slice"]})["slice"]
        code = Mux(self.i_sums, raw, requantizer.o_code)
        if design.dynamic:
            code = self._words(m, emit, total, late["drop"], code)
        m.d.comb += self.o_code.eq(code)

    def _words(self, m, emit, total, align, code):
        """The word of the sum in place of the code, where the output is WORDS."""
        m.submodules.words = words = self.place(
            "word_edge", lambda: WordEdge(self.design, self.place)
        )
        m.d.comb += [
            words.i_valid.eq(emit & self.i_words),
            words.i_acc.eq(total),
            words.i_align.eq(align),
            words.i_relu.eq(self.i_relu),
            words.i_collect.eq(self.i_collect),
            words.i_largest.eq(self.i_largest),
            self.o_largest.eq(words.o_largest),
        ]
        return Mux(self.i_words, words.o_word, code)
