"""A buffer of packed codes: written in beats, read from any bit on."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.ram import place_ram


class PackedBuffer(wiring.Component):
    """Two banks of packed codes; what is read begins at any bit of a bank.

    A tensor lies in the buffer as it lies in memory, so nothing is unpacked on the way in and no
    bit is lost to padding. Words are interleaved: even ones in one memory, odd ones in another, so
    that two neighbouring words are read at once, and a shifter cuts a word out of them. A memory is
    one :class:`.Ram` for each beat of a word.

    Parameters
    ----------
    beat_width : int
        Bits of a beat.
    word_width : int
        Bits of a word: `beat_width` times a power of two. So many bits are read at a time.
    bank_bytes : int
        Bytes of a bank, a power of two.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_write, i_bank, i_beat, i_data : In(1), In(1), In(bits of a beat's index), In(beat_width)
        A beat for a bank.
    i_read, i_read_bank, i_bit : In(1), In(1), In(bits of a bit's index)
        Where reading begins; modulo the bank.
    o_data : Out(word_width)
        The bits from there on.

    Timing
    ------
    A beat written at edge t may be read at edge t + 1. ``latency`` = 2 clock edges from ``i_bit``
    to ``o_data``: memory, shifter. Nothing toggles without ``i_read``.

    Widths
    ------
    Addresses: those of the bank.
    """

    sequential = True
    latency = 2

    def __init__(self, beat_width: int, word_width: int, bank_bytes: int, place: Place = as_built):
        self.place = place
        self.beat_width, self.word_width = beat_width, word_width
        self.parts = word_width // beat_width
        self.words = max(8 * bank_bytes // word_width, 2)
        self.offset_bits = (word_width - 1).bit_length()
        self.word_bits = (self.words - 1).bit_length()
        bit_width = self.word_bits + self.offset_bits
        super().__init__(
            {
                "i_write": In(1),
                "i_bank": In(1),
                "i_beat": In(bit_width - (beat_width - 1).bit_length()),
                "i_data": In(beat_width),
                "i_read": In(1),
                "i_read_bank": In(1),
                "i_bit": In(bit_width),
                "o_data": Out(word_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        offset, word = self.i_bit[: self.offset_bits], self.i_bit[self.offset_bits :]
        odd_word = word[1:]
        even_word = Signal(self.word_bits - 1)
        m.d.comb += even_word.eq(odd_word + word[0])  # wraps with the bank
        even = self._memory(m, "even", 0, even_word)
        odd = self._memory(m, "odd", 1, odd_word)

        late_offset = Signal(self.offset_bits, reset_less=True)
        late_odd, reading = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += reading.eq(self.i_read)
        with m.If(self.i_read):
            m.d.sync += [late_offset.eq(offset), late_odd.eq(word[0])]
        both = Mux(late_odd, Cat(odd, even), Cat(even, odd))
        out = Signal(self.word_width, reset_less=True)
        with m.If(reading):
            m.d.sync += out.eq(both >> late_offset)
        m.d.comb += self.o_data.eq(out)
        return m

    def _memory(self, m, name, parity, address):
        """One half of both banks; returns what was read at `address` a clock edge ago."""
        depth = self.words  # half of the words of each of two banks
        part_bits = (self.parts - 1).bit_length()
        word = self.i_beat[part_bits:]
        read = []
        for part in range(self.parts):
            ram = place_ram(self.place, depth, self.beat_width)
            m.submodules[f"{name}_{part}"] = ram
            here = (word[0] == parity) & (self.i_beat[:part_bits] == part)
            m.d.comb += [
                ram.i_write.eq(self.i_write & here),
                ram.i_write_address.eq(Cat(word[1:], self.i_bank)),
                ram.i_data.eq(self.i_data),
                ram.i_read.eq(self.i_read),
                ram.i_read_address.eq(Cat(address, self.i_read_bank)),
            ]
            read.append(ram.o_data)
        return Cat(*read)


class Unpacker(wiring.Component):
    """Codes of an envelope from packed codes of a format within it.

    Parameters
    ----------
    envelope : :class:`.AFPFormat`
    count : int
        Codes at a time.
    word_width : int
        Bits of what comes in.
    stored_width : int
        Most bits of a number as it is stored; by default those of the envelope.

    Members
    -------
    i_data : In(word_width)
        Packed codes, the first from bit 0 on.
    i_width, i_signed, i_narrow : In
        Bits of a code, whether its highest is a sign, and by how many mantissa bits the format is
        narrower than the envelope.
    o_code : Out(envelope.width).array(count)
    o_stored : Out(stored_width).array(count)
        The numbers as they are stored.

    Timing
    ------
    Combinational.

    Widths
    ------
    Code i begins at bit ``i * i_width``: one of ``stored_width`` places.
    """

    sequential = False

    def __init__(self, envelope, count: int, word_width: int, stored_width: int | None = None):
        self.envelope, self.count = envelope, count
        self.stored_width = envelope.width if stored_width is None else stored_width
        super().__init__(
            {
                "i_data": In(word_width),
                "i_width": In(6),
                "i_signed": In(1),
                "i_narrow": In(4),
                "o_code": Out(envelope.width).array(count),
                "o_stored": Out(self.stored_width).array(count),
            }
        )

    def elaborate(self, platform):
        m = Module()
        envelope = self.envelope
        widths = range(1, self.stored_width + 1)
        magnitude_mask, sign_mask = Signal(envelope.width), Signal(envelope.width)
        m.d.comb += [
            sign_mask.eq(Mux(self.i_signed, (1 << self.i_width) >> 1, 0)),
            magnitude_mask.eq(((1 << self.i_width) - 1) & ~sign_mask),
        ]
        for index in range(self.count):
            stored = self.o_stored[index]
            with m.Switch(self.i_width):
                for width in widths:
                    with m.Case(width):
                        m.d.comb += stored.eq(self.i_data[index * width : (index + 1) * width])
            magnitude = Signal(envelope.magnitude_width, name=f"magnitude_{index}")
            m.d.comb += magnitude.eq((stored & magnitude_mask) << self.i_narrow)
            code = [magnitude]
            if envelope.signed:
                code.append((stored & sign_mask).any())
            m.d.comb += self.o_code[index].eq(Cat(*code))
        return m
