"""The output buffer: written by pixels and column tiles, read packed, row by row of the image.

Source: ``docs/accelerator.md``, Stores.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.hdl.column_edge import out_width
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.ram import place_ram


class OutBuffer(wiring.Component):
    """Two banks of words of one code per column; a bank leaves as packed beats.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_write, i_bank, i_address, i_word : In
        A word for a bank.
    i_start : In(1)
        Store a bank; the settings are sampled: ``i_read_bank``, ``i_rows``, ``i_row_words``, and of
        codes their ``i_bits``, whether they are signed (``i_signed``), and by how much narrower
        than the envelope (``i_narrow``); ``i_plain``: not codes but so many bits as they are.
    o_valid, o_data, i_ready : Out(1), Out(data_width), In(1)
        Beats; a row's last one is filled up with zeros.

    Timing
    ------
    The first word is read in the cycle behind ``i_start`` and taken in in the cycle behind that.
    Then a word a cycle as long as a beat can leave in each cycle; a row of n words that are
    narrower than a beat takes n cycles and one or two more in which its last beats leave; a row of
    wider ones a cycle and one for each beat.

    Widths
    ------
    Held bits: less than a beat, and a word.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        self.part = out_width(design)
        address = (design.out_words - 1).bit_length()
        super().__init__(
            {
                "i_write": In(1),
                "i_bank": In(1),
                "i_address": In(address),
                "i_word": In(design.array.cols * self.part),
                "i_start": In(1),
                "i_read_bank": In(1),
                "i_rows": In(16),
                "i_row_words": In(20),
                "i_bits": In(6),
                "i_signed": In(1),
                "i_narrow": In(4),
                "i_plain": In(1),
                "o_valid": Out(1),
                "o_data": Out(design.data_width),
                "i_ready": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cols, beat = self.design.array.cols, self.design.data_width
        settings = {
            name: Signal.like(getattr(self, f"i_{name}"), name=name, reset_less=True)
            for name in ("read_bank", "rows", "row_words", "bits", "signed", "narrow", "plain")
        }
        with m.If(self.i_start):
            m.d.sync += [
                register.eq(getattr(self, f"i_{name}")) for name, register in settings.items()
            ]
        word_bits = Signal(range(cols * self.part + 1), reset_less=True)
        m.d.sync += word_bits.eq(settings["bits"] * cols)
        take, have = Signal(), Signal()
        word, row_ends = self._words(m, settings, take, have)
        packed = self._packed(m, word, settings)

        held = Signal(beat + cols * self.part - 1, reset_less=True)
        fill = Signal(range(beat + cols * self.part))
        flush = Signal()
        leaves = Signal()
        kept, left = Signal.like(held), Signal(range(len(held) + 1))
        m.d.comb += [
            self.o_valid.eq((fill >= beat) | flush),
            self.o_data.eq(held[:beat]),
            leaves.eq(self.o_valid & self.i_ready),
            kept.eq(Mux(leaves, held >> beat, held)),
            left.eq(Mux(leaves, Mux(fill > beat, fill - beat, 0), fill)),
            take.eq(have & ~flush & (left < beat)),
        ]
        m.d.sync += [held.eq(kept), fill.eq(left)]
        with m.If(take):
            m.d.sync += [
                held.eq(kept | (packed << left)),
                fill.eq(left + word_bits),
                flush.eq(row_ends),
            ]
        with m.Elif(leaves & (fill <= beat)):
            m.d.sync += flush.eq(0)
        with m.If(self.i_start):
            m.d.sync += [fill.eq(0), held.eq(0), flush.eq(0)]
        return m

    def _words(self, m, settings, take, have):
        """Words of a bank one after the other, each held until it is taken."""
        width = self.design.array.cols * self.part
        m.submodules.words = words = place_ram(self.place, 2 * self.design.out_words, width)
        address = Signal(len(self.i_address))
        place, row = Signal(20), Signal(16)
        running, ends = Signal(), Signal()
        row_last = Signal()
        go = Signal()
        m.d.comb += [
            words.i_write.eq(self.i_write),
            words.i_write_address.eq(Cat(self.i_address, self.i_bank)),
            words.i_data.eq(self.i_word),
            words.i_read_address.eq(Cat(address, settings["read_bank"])),
            row_last.eq(place + 1 == settings["row_words"]),
            go.eq(running & (~have | take)),
            words.i_read.eq(go),
        ]
        with m.If(go):
            m.d.sync += [
                address.eq(address + 1),
                place.eq(Mux(row_last, 0, place + 1)),
                ends.eq(row_last),
                have.eq(1),
            ]
            with m.If(row_last):
                m.d.sync += row.eq(row + 1)
                with m.If(row + 1 == settings["rows"]):
                    m.d.sync += running.eq(0)
        with m.Elif(take):
            m.d.sync += have.eq(0)
        with m.If(self.i_start):
            m.d.sync += [running.eq(1), address.eq(0), place.eq(0), row.eq(0), have.eq(0)]
        return words.o_data, ends

    def _packed(self, m, word, settings):
        """Codes of their own format, one close behind the other."""
        cols, part = self.design.array.cols, self.part
        envelope = self.design.array.out_envelope
        codes = []
        for col in range(cols):
            code = word.word_select(col, part)
            magnitude = (code[: envelope.magnitude_width] >> settings["narrow"])[:part]
            own = Signal(part, name=f"own_{col}")
            sign = C(0, 1)
            if envelope.signed:
                sign = code[envelope.magnitude_width] & settings["signed"]
            m.d.comb += own.eq(
                Mux(
                    settings["plain"],
                    code,
                    magnitude | Mux(sign, (C(1, part + 1) << settings["bits"]) >> 1, 0),
                )
            )
            codes.append(own)
        packed = Signal(cols * part)
        with m.Switch(settings["bits"]):
            for bits in range(1, part + 1):
                with m.Case(bits):
                    m.d.comb += packed.eq(Cat(*[code[:bits] for code in codes]))
        return packed
