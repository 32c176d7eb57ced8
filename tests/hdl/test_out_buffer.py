"""The output buffer in Amaranth's simulator: packed beats of NumPy, cycles of the closed form."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from afp_hw import AFPFormat, golden
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.hdl.column_edge import out_width
from afp_hw.hdl.out_buffer import OutBuffer
from afp_hw.schedule.memory_time import MemoryTime

# Columns, bits of a beat, envelope of the outputs: words narrower and wider than a beat.
SHAPES = [
    (4, 64, "e3m2"),
    (1, 64, "e3m2"),
    (2, 256, "ue3m2"),
    (16, 64, "e3m2"),
    (12, 64, "e4m6"),
    (32, 128, "ue4m1"),
    (10, 64, "e5m10"),
]

# Where grids are dynamic a word of the buffer has room for more than codes.
DYNAMIC = [(4, 64, "e3m2", True), (2, 128, "ue4m1", True)]


def design_of(
    shape: tuple[int, int, str] | tuple[int, int, str, bool], words: int = 64
) -> AcceleratorDesign:
    cols, beat, name, *dynamic = shape
    outs = AFPFormat.parse(name)
    acts = outs if dynamic else AFPFormat(3, 2)
    array = Design(AFPFormat(3, 1), acts, rows=cols, cols=cols, k=64, outs=outs)
    return AcceleratorDesign(array, data_width=beat, out_words=words, dynamic=bool(dynamic))


@dataclass
class Store:
    """A store, the codes of its words [rows, words, cols], and what is written meanwhile."""

    bank: int
    bits: int
    fields: dict[str, int]
    codes: Any
    stored: Any

    @property
    def rows(self) -> int:
        return int(self.codes.shape[0])

    @property
    def row_words(self) -> int:
        return int(self.codes.shape[1])

    def beats(self, beat_bits: int) -> list[int]:
        """Rows of codes in the bits of their own format, each filled up to whole beats."""
        found = []
        for row in self.stored:
            flat = row.reshape(-1)
            spread = (flat[:, None] >> np.arange(self.bits) & 1).astype(np.uint8).reshape(-1)
            spread = np.pad(spread, (0, -len(spread) % beat_bits))
            for at in range(0, len(spread), beat_bits):
                part = np.packbits(spread[at : at + beat_bits], bitorder="little")
                found.append(int.from_bytes(part.tobytes(), "little"))
        return found


def random_store(design: AcceleratorDesign, bank: int, chosen: random.Random) -> Store:
    """Codes of a format that the envelope holds, or numbers of so many bits as they are."""
    envelope, cols = design.array.out_envelope, design.array.cols
    rows = chosen.choice((1, 1, 2, 3, 5))
    row_words = chosen.randint(1, chosen.choice((3, design.out_words // rows)))
    generator = np.random.default_rng(chosen.getrandbits(32))
    shape = rows, row_words, cols
    if chosen.random() < 0.3:
        part = out_width(design)
        bits = chosen.randint(1, part)
        codes = generator.integers(0, 1 << part, shape)
        fields = {"i_bits": bits, "i_plain": 1}
        fields |= {"i_signed": chosen.getrandbits(1), "i_narrow": chosen.getrandbits(4)}
        return Store(bank, bits, fields, codes, codes & ((1 << bits) - 1))
    n_exp, n_man = chosen.randint(0, envelope.n_exp), chosen.randint(0, envelope.n_man)
    signed = envelope.signed and chosen.random() < 0.5
    fmt = AFPFormat(max(n_exp, int(n_man == 0)), n_man, signed)
    stored = generator.integers(0, 1 << fmt.width, shape)
    codes = golden.embed(stored, fmt, envelope).astype(np.int64)
    fields = {"i_bits": fmt.width, "i_plain": 0, "i_signed": int(fmt.signed)}
    fields["i_narrow"] = envelope.n_man - fmt.n_man
    return Store(bank, fmt.width, fields, codes, stored)


def words_of(store: Store, width: int) -> list[int]:
    flat = store.codes.reshape(-1, store.codes.shape[2]).tolist()
    return [sum(int(code) << width * col for col, code in enumerate(word)) for word in flat]


def run(
    design: AcceleratorDesign, stores: list[Store], chosen: random.Random, stalls: float
) -> tuple[list[list[int]], list[int]]:
    """Beats of each store, and cycles from its start to its last beat.

    While a store leaves, the next one's words are written into the other bank, in any order.
    """
    dut = OutBuffer(design)
    found: list[list[int]] = []
    cycles: list[int] = []

    def to_write(store: Store) -> list[tuple[int, int, int]]:
        words = list(enumerate(words_of(store, dut.part)))
        chosen.shuffle(words)
        return [(store.bank, address, word) for address, word in words]

    async def bench(ctx: Any) -> None:
        pending = to_write(stores[0])

        async def cycle() -> None:
            ctx.set(dut.i_write, 0)
            if pending and chosen.random() < 0.9:
                bank, address, word = pending.pop()
                ctx.set(dut.i_write, 1)
                ctx.set(dut.i_bank, bank)
                ctx.set(dut.i_address, address)
                ctx.set(dut.i_word, word)
            await ctx.tick()

        for index, store in enumerate(stores):
            while pending:
                await cycle()
            ctx.set(dut.i_write, 0)
            pending = to_write(stores[index + 1]) if index + 1 < len(stores) else []
            ctx.set(dut.i_start, 1)
            ctx.set(dut.i_read_bank, store.bank)
            ctx.set(dut.i_rows, store.rows)
            ctx.set(dut.i_row_words, store.row_words)
            for name, value in store.fields.items():
                ctx.set(getattr(dut, name), value)
            expected = len(store.beats(design.data_width))
            beats: list[int] = []
            at = held = 0
            while len(beats) < expected:
                ready = chosen.random() >= stalls
                ctx.set(dut.i_ready, ready)
                valid = ctx.get(dut.o_valid) and at > 0
                if held:  # what is offered stays until it is taken
                    assert valid
                    assert ctx.get(dut.o_data) == held - 1
                held = 0
                if valid and ready:
                    beats.append(ctx.get(dut.o_data))
                elif valid:
                    held = ctx.get(dut.o_data) + 1
                await cycle()
                ctx.set(dut.i_start, 0)
                # Settings are sampled with the start.
                for name in ("rows", "row_words", "bits", "narrow", "plain", "read_bank"):
                    port = getattr(dut, f"i_{name}")
                    ctx.set(port, chosen.getrandbits(len(port)))
                at += 1
                assert at < 40 + 60 * (expected + store.rows * store.row_words)
            cycles.append(at - 1)
            found.append(beats)
            ctx.set(dut.i_ready, 1)
            for _ in range(chosen.randint(2, 5)):  # nothing more leaves
                assert not ctx.get(dut.o_valid)
                await cycle()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found, cycles


@pytest.mark.parametrize("stalls", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("shape", SHAPES + DYNAMIC, ids=str)
def test_every_row_leaves_packed(shape: tuple[int, int, str], stalls: float) -> None:
    """And without back-pressure in the cycles of :meth:`.MemoryTime.written`."""
    design, chosen = design_of(shape), random.Random(f"{shape} {stalls}")
    stores = [random_store(design, chosen.getrandbits(1), chosen)]
    for _ in range(19 if stalls < 0.5 else 5):
        stores.append(random_store(design, 1 - stores[-1].bank, chosen))
    found, cycles = run(design, stores, chosen, stalls)
    memory = MemoryTime(design, 1)
    for beats, taken, store in zip(found, cycles, stores, strict=True):
        assert beats == store.beats(design.data_width)
        bits = design.array.cols * store.bits
        expected = memory.written(store.row_words, store.rows, bits)
        assert taken == expected if not stalls else taken >= expected


@pytest.mark.parametrize("shape", SHAPES[:2] + SHAPES[-2:], ids=str)
def test_rows_of_every_number_of_words(shape: tuple[int, int, str]) -> None:
    """Rows that end with a beat, a bit ahead of it, a bit behind it: all lengths, all widths."""
    design, chosen = design_of(shape, words=256), random.Random(f"{shape}")
    cols, envelope = design.array.cols, design.array.out_envelope
    generator = np.random.default_rng(0)
    stores = []
    for bits in range(1, envelope.width + 1):
        for words in (1, 2, 3, 5, 8, chosen.randint(9, 40), chosen.randint(9, 40)):
            codes = generator.integers(0, 1 << envelope.width, (2, words, cols))
            fields = {"i_bits": bits, "i_plain": 1, "i_signed": 0, "i_narrow": 0}
            stored = codes & ((1 << bits) - 1)
            stores.append(Store(len(stores) % 2, bits, fields, codes, stored))
    found, cycles = run(design, stores, chosen, 0.0)
    memory = MemoryTime(design, 1)
    for beats, taken, store in zip(found, cycles, stores, strict=True):
        assert beats == store.beats(design.data_width)
        assert taken == memory.written(store.row_words, store.rows, cols * store.bits)
