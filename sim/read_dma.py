"""Read DMA: every beat, in order, from a memory that pauses, lags and errs; each cycle."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from sim.axi import Rules, cut, disturb, random_command, read_memory
from sim.bench import bench_accelerator, bounded_test, drive, generator, same, start


class Bench:
    """Commands in, beats out; `o_ready`, `o_done` and `o_error` are known ahead of each edge."""

    def __init__(self, dut, name):
        self.dut = dut
        self.design = bench_accelerator()
        self.chosen = generator(f"read_dma {name}")
        self.got, self.expected, self.bursts, self.errors = [], [], [], 0

    async def begin(self, chance):
        self.rules = Rules(self.dut, self.design, "ar")
        self.memory = read_memory(self.dut)
        await start(self.dut)
        disturb(self.memory, self.chosen, chance)
        cocotb.start_soon(self.rules.watch())
        self.forget()

    def forget(self):
        self.left, self.done, self.error = 0, 0, 0

    def fill(self, address, beats):
        """Random contents of a run."""
        size = self.design.beat_bytes
        for beat in range(beats):
            self.memory.put(address + beat * size, self.chosen.randbytes(size))

    async def step(self, command=None, clear=0):
        """One cycle: whether `command` is taken at its edge."""
        dut = self.dut
        drive(dut, {"i_valid": int(command is not None), "i_clear": clear})
        if command is not None:
            # Bits within a beat are not looked at.
            within = self.chosen.randrange(self.design.beat_bytes)
            drive(dut, {"i_address": command[0] + within, "i_beats": command[1]})
        beat = int(dut.o_valid.value)
        wrong = beat and int(dut.m_axi_rresp.value) != 0
        outputs = [int(dut[name].value) for name in ("o_ready", "o_done", "o_error")]
        assert outputs == [int(not self.left), self.done, self.error]
        assert int(dut.m_axi_rready.value) == int(self.left > 0)
        if beat:
            self.got.append(None if wrong else int(dut.o_data.value))
        self.errors += wrong
        self.error = int(wrong or (self.error and not clear))
        taken = command is not None and not self.left
        self.done = int((beat and self.left == 1) or (taken and not command[1]))
        self.left -= beat
        if taken:
            self.left = command[1]
        await FallingEdge(dut.clk)
        return taken

    def expect(self, command):
        """The beats and bursts of a command that is going to be through."""
        size = self.design.beat_bytes
        address, beats = command
        for at in range(address, address + beats * size, size):
            data = int.from_bytes(self.memory.get(at, size), "little")
            self.expected.append(None if at in self.memory.wrong else data)
        self.bursts += cut(address, beats, self.design)

    async def give(self, command):
        """Have a command taken, with pauses ahead of it; then it runs."""
        while self.chosen.random() < 0.3:
            await self.step()
        while not await self.step(command):
            pass

    async def finish(self):
        while self.left:
            await self.step(clear=int(self.chosen.random() < 0.1))
        await self.step()

    def compare(self):
        same(self.got, self.expected)
        same(self.rules.asked, self.bursts)


async def _run(dut, name, chance, count, beats, wrong=0.0):
    bench = Bench(dut, name)
    await bench.begin(chance)
    for _ in range(count):
        page = bench.chosen.randrange(1 << 52)
        command = random_command(bench.chosen, bench.design, page, beats)
        bench.fill(*command)
        if wrong:
            size = bench.design.beat_bytes
            bench.memory.wrong = frozenset(
                command[0] + beat * size
                for beat in range(command[1])
                if bench.chosen.random() < wrong
            )
        bench.expect(command)
        await bench.give(command)
        await bench.finish()
    bench.compare()
    return bench


@bounded_test()
async def runs_without_a_pause(dut):
    """Random runs, many of them across pages, from a memory that is always ready."""
    await _run(dut, "quick", 0.0, 25, 100)


@bounded_test()
async def runs_with_pauses(dut):
    """The same with pauses of every channel, and a memory that lags."""
    await _run(dut, "pauses", 0.4, 25, 60)


@bounded_test()
async def errors(dut):
    """Error responses are kept until they are cleared, and every beat is taken nevertheless."""
    bench = await _run(dut, "errors", 0.3, 25, 40, wrong=0.1)
    assert bench.errors


@bounded_test()
async def resets(dut):
    """A reset in mid-run, of the memory too: what follows is as ever."""
    bench = Bench(dut, "resets")
    await bench.begin(0.3)
    seen = 0
    for index in range(16):
        page = bench.chosen.randrange(1 << 52)
        command = random_command(bench.chosen, bench.design, page, 40)
        bench.fill(*command)
        await bench.give(command)
        if index % 2:
            for _ in range(bench.chosen.randint(0, 30)):
                await bench.step()
            dut.rst.value = 1
            drive(dut, {"i_valid": 0})
            for _ in range(bench.chosen.randint(1, 3)):
                await FallingEdge(dut.clk)
            dut.rst.value = 0
            bench.forget()
            bench.got.clear()
        else:
            bench.expect(command)
            await bench.finish()
            assert bench.got == bench.expected
            seen += len(bench.got)
            bench.got.clear()
            bench.expected.clear()
    assert seen
