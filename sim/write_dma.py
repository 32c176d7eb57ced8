"""Write DMA: every beat where it belongs, to a memory that pauses, lags and errs; each cycle."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from sim.axi import Rules, cut, disturb, random_command, write_memory
from sim.bench import bench_accelerator, bounded_test, drive, generator, same, start

AROUND = 64
"""Bytes ahead of a run and behind it that must stay as they are."""


class Bench:
    """Commands and data in; `o_ready`, `o_done` and `o_error` are known ahead of each edge."""

    def __init__(self, dut, name):
        self.dut = dut
        self.design = bench_accelerator()
        self.chosen = generator(f"write_dma {name}")
        self.got, self.expected, self.bursts, self.errors = [], [], [], 0

    async def begin(self, chance, idle):
        """`idle` is the chance of a cycle without data."""
        self.idle = idle
        self.rules = Rules(self.dut, self.design, "aw")
        self.memory = write_memory(self.dut)
        await start(self.dut)
        disturb(self.memory, self.chosen, chance)
        cocotb.start_soon(self.rules.watch())
        self.forget()

    def forget(self):
        self.awaited, self.done, self.error = 0, 0, 0  # responses awaited
        self.data, self.taken = None, []

    async def step(self, command=None, clear=0):
        """One cycle: whether `command` is taken at its edge."""
        dut = self.dut
        drive(dut, {"i_valid": int(command is not None), "i_clear": clear})
        if command is not None:
            within = self.chosen.randrange(self.design.beat_bytes)
            drive(dut, {"i_address": command[0] + within, "i_beats": command[1]})
        if self.data is None and self.chosen.random() >= self.idle:
            self.data = self.chosen.getrandbits(self.design.data_width)
        drive(dut, {"i_data_valid": int(self.data is not None), "i_data": self.data or 0})
        outputs = [int(dut[name].value) for name in ("o_ready", "o_done", "o_error")]
        assert outputs == [int(not self.awaited), self.done, self.error]
        if self.data is not None and int(dut.o_data_ready.value):
            self.taken.append(self.data)
            self.data = None
        answered = int(dut.m_axi_bvalid.value) and int(dut.m_axi_bready.value)
        wrong = answered and int(dut.m_axi_bresp.value) != 0
        self.errors += wrong
        self.error = int(wrong or (self.error and not clear))
        taken = command is not None and not self.awaited
        self.done = int((answered and self.awaited == 1) or (taken and not command[1]))
        self.awaited -= answered
        if taken:
            self.awaited = len(cut(*command, self.design))
        await FallingEdge(dut.clk)
        return taken

    async def run(self, command):
        """A whole command: what memory holds then and what it should hold are kept."""
        address, beats = command
        size = self.design.beat_bytes
        length = beats * size + 2 * AROUND
        before = self.chosen.randbytes(length)
        self.memory.put(address - AROUND, before)
        while self.chosen.random() < 0.3:
            await self.step()
        while not await self.step(command):
            pass
        while self.awaited:
            await self.step(clear=int(self.chosen.random() < 0.1))
        await self.step()
        self.bursts += cut(address, beats, self.design)
        assert len(self.taken) == beats
        after = bytearray(before)
        for beat, data in enumerate(self.taken):
            if address + beat * size not in self.memory.wrong:
                at = AROUND + beat * size
                after[at : at + size] = data.to_bytes(size, "little")
        self.taken = []
        self.got.append(self.memory.get(address - AROUND, length))
        self.expected.append(bytes(after))

    def compare(self):
        same(self.got, self.expected)
        same(self.rules.asked, self.bursts)


async def _run(dut, name, chance, idle, count, beats, wrong=0.0):
    bench = Bench(dut, name)
    await bench.begin(chance, idle)
    for _ in range(count):
        page = 1 + 4 * bench.chosen.randrange(1 << 50)
        command = random_command(bench.chosen, bench.design, page, beats)
        if wrong:
            size = bench.design.beat_bytes
            bench.memory.wrong = frozenset(
                command[0] + beat * size
                for beat in range(command[1])
                if bench.chosen.random() < wrong
            )
        await bench.run(command)
    bench.compare()
    return bench


@bounded_test()
async def runs_without_a_pause(dut):
    """Random runs, many of them across pages, to a memory that is always ready."""
    await _run(dut, "quick", 0.0, 0.0, 25, 100)


@bounded_test()
async def runs_with_pauses(dut):
    """The same with pauses of every channel, and a memory that lags."""
    await _run(dut, "pauses", 0.4, 0.0, 25, 60)


@bounded_test()
async def runs_with_late_data(dut):
    """The same where data, too, are late."""
    await _run(dut, "data", 0.2, 0.6, 25, 60)


@bounded_test()
async def errors(dut):
    """Error responses are kept until they are cleared, and every beat is written nevertheless."""
    bench = await _run(dut, "errors", 0.3, 0.2, 25, 40, wrong=0.1)
    assert bench.errors


@bounded_test()
async def resets(dut):
    """A reset in mid-run, of the memory too: what follows is as ever."""
    bench = Bench(dut, "resets")
    await bench.begin(0.3, 0.2)
    for _ in range(8):
        page = 1 + 4 * bench.chosen.randrange(1 << 50)
        lost = random_command(bench.chosen, bench.design, page, 40)
        while not await bench.step(lost):
            pass
        for _ in range(bench.chosen.randint(0, 30)):
            await bench.step()
        dut.rst.value = 1
        drive(dut, {"i_valid": 0, "i_data_valid": 0})
        for _ in range(bench.chosen.randint(1, 3)):
            await FallingEdge(dut.clk)
        dut.rst.value = 0
        bench.forget()
        await bench.run(random_command(bench.chosen, bench.design, page + 2, 40))
    same(bench.got, bench.expected)
