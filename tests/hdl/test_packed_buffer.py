"""Packed codes in Amaranth's simulator: any bit of a bank on, against NumPy's bits; any format."""

from __future__ import annotations

import random

import numpy as np
import pytest

from afp_hw import AFPFormat, golden
from afp_hw.hdl.packed_buffer import PackedBuffer, Unpacker
from tests.hdl.component_run import play

# Beat, word, bytes of a bank: a beat a word, several of them, a bank of two words.
SIZES = [(64, 64, 64), (64, 128, 64), (64, 256, 64), (128, 128, 64), (256, 512, 128), (64, 64, 16)]

STEP = {
    "i_write": 0,
    "i_bank": 0,
    "i_beat": 0,
    "i_data": 0,
    "i_read": 0,
    "i_read_bank": 0,
    "i_bit": 0,
}


class Banks:
    """What is in the banks, and what was read: `want` has an entry for each step."""

    def __init__(self, beat: int, word: int, size: int, chosen: random.Random) -> None:
        self.beat, self.word, self.chosen = beat, word, chosen
        self.bytes = np.zeros((2, size), np.uint8)
        self.steps: list[dict[str, int]] = []
        self.want: list[int | None] = []
        self.shown: int | None = None

    @property
    def beats(self) -> int:
        return self.bytes.shape[1] * 8 // self.beat

    @property
    def bits(self) -> int:
        return self.bytes.shape[1] * 8

    def step(
        self, write: tuple[int, int] | None = None, read: tuple[int, int] | None = None
    ) -> None:
        """A cycle: bank and beat of what is written, bank and bit of what is read."""
        chosen = self.chosen
        step = {name: chosen.getrandbits(16) for name in STEP} | {"i_write": 0, "i_read": 0}
        step["i_data"] = chosen.getrandbits(self.beat)
        if read is not None:
            step |= {"i_read": 1, "i_read_bank": read[0], "i_bit": read[1]}
            spread = np.unpackbits(self.bytes[read[0]], bitorder="little")
            window = np.roll(spread, -(read[1] % self.bits))[: self.word]
            self.shown = int.from_bytes(np.packbits(window, bitorder="little").tobytes(), "little")
        if write is not None:
            step |= {"i_write": 1, "i_bank": write[0], "i_beat": write[1]}
            size = self.beat // 8
            begin = write[1] * size
            data = np.frombuffer(step["i_data"].to_bytes(size, "little"), np.uint8)
            self.bytes[write[0], begin : begin + size] = data
        self.steps.append(step)
        self.want.append(self.shown)

    def fill(self, bank: int) -> None:
        order = list(range(self.beats))
        self.chosen.shuffle(order)
        for beat in order:
            self.step(write=(bank, beat))


@pytest.mark.parametrize(("beat", "word", "size"), SIZES)
def test_any_bit_of_a_bank_on(beat: int, word: int, size: int) -> None:
    """Each bit of both banks, and bits beyond, which are modulo the bank; then while beats come."""
    chosen = random.Random(f"{beat} {word} {size}")
    banks = Banks(beat, word, size, chosen)
    banks.fill(0)
    banks.fill(1)
    for bank in (0, 1):
        for bit in chosen.sample(range(banks.bits), banks.bits):
            banks.step(read=(bank, bit + banks.bits * chosen.randint(-2, 2)))
    for _ in range(300):  # one bank is written while the other is read, with pauses of both
        bank = chosen.getrandbits(1)
        write = (bank, chosen.randrange(banks.beats)) if chosen.random() < 0.7 else None
        read = (1 - bank, chosen.randrange(banks.bits)) if chosen.random() < 0.7 else None
        banks.step(write, read)
    for _ in range(100):  # what was written a clock edge ago
        beat_index = chosen.randrange(banks.beats)
        banks.step(write=(0, beat_index))
        banks.step(read=(0, beat_index * beat + chosen.randint(1 - word, beat - 1)))
    seen = play(PackedBuffer(beat, word, size), banks.steps, PackedBuffer.latency)
    for index, (step, want) in enumerate(zip(seen, banks.want, strict=True)):
        assert want is None or step["o_data"] == want, (index, banks.steps[index])


@pytest.mark.parametrize("size", [8, 32])
def test_a_bank_of_less_than_two_words_is_read_within_itself(size: int) -> None:
    chosen = random.Random(size)
    banks = Banks(64, 256, size, chosen)
    banks.fill(0)
    banks.fill(1)
    for _ in range(60):
        banks.step(read=(chosen.getrandbits(1), chosen.randrange(banks.bits)))
    seen = play(PackedBuffer(64, 256, size), banks.steps, PackedBuffer.latency)
    for step, given, want in zip(seen, banks.steps, banks.want, strict=True):
        if want is not None:
            there = (1 << banks.bits - given["i_bit"]) - 1
            assert (step["o_data"] ^ want) & there == 0


ENVELOPES = ["e3m2", "ue3m2", "e0m4", "ue4m0", "e1m3", "e4m3"]


@pytest.mark.parametrize("stored", [None, 17])
@pytest.mark.parametrize("name", ENVELOPES)
def test_codes_of_any_format_become_those_of_the_envelope(name: str, stored: int | None) -> None:
    envelope, chosen = AFPFormat.parse(name), random.Random(name)
    count = 5
    width = 64 if stored is None else 128
    unpacker = Unpacker(envelope, count, width, stored)
    steps, codes, numbers = [], [], []
    for n_exp in range(envelope.n_exp + 1):
        for n_man in range(envelope.n_man + 1):
            for signed in sorted({False, envelope.signed}):
                if not n_exp + n_man:
                    continue
                fmt = AFPFormat(n_exp, n_man, signed)
                every = list(range(1 << fmt.width))
                chosen.shuffle(every)
                for at in range(0, len(every), count):
                    drawn = (every[at : at + count] * count)[:count]
                    data = sum(code << fmt.width * place for place, code in enumerate(drawn))
                    data |= chosen.getrandbits(width - count * fmt.width) << count * fmt.width
                    steps.append(
                        {
                            "i_data": data,
                            "i_width": fmt.width,
                            "i_signed": int(signed),
                            "i_narrow": envelope.n_man - n_man,
                        }
                    )
                    codes.append(golden.embed(np.array(drawn), fmt, envelope).tolist())
                    numbers.append(drawn)
    seen = play(unpacker, steps, 0)
    for step, wanted, kept in zip(seen, codes, numbers, strict=True):
        assert [step[f"o_code__{place}"] for place in range(count)] == wanted
        assert [step[f"o_stored__{place}"] for place in range(count)] == kept


def test_numbers_wider_than_codes_are_told_as_they_are_stored() -> None:
    chosen = random.Random(0)
    unpacker = Unpacker(AFPFormat(3, 2), 3, 64, 17)
    steps, wanted = [], []
    for width in range(1, 18):
        for _ in range(4):
            data = chosen.getrandbits(64)
            steps.append({"i_data": data, "i_width": width, "i_signed": 1, "i_narrow": 0})
            wanted.append([data >> width * place & ((1 << width) - 1) for place in range(3)])
    seen = play(unpacker, steps, 0)
    found = [[step[f"o_stored__{place}"] for place in range(3)] for step in seen]
    assert found == wanted
