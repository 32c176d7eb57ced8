"""A bench of the whole accelerator: registers give orders, memory is on a bus, traffic is counted.

Memory and master are those of cocotbext-axi; what memory must hold behind a run, the interpreter
says.
"""

from __future__ import annotations

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiReadBus, AxiWriteBus

from afp_hw.design.registers import COUNTERS, REGISTERS, ErrorCode
from sim.accelerator_job import SEGMENTS, Job
from sim.axi import SIZE, Rules, SlowRead, SlowWrite, disturb, pauses
from sim.bench import bench_accelerator, generator, start


class Bench:
    def __init__(self, dut, name):
        self.dut = dut
        self.design = bench_accelerator()
        self.chosen = generator(f"accelerator {name}")
        self.busy = self.read = self.written = 0

    async def begin(self, chance):
        dut = self.dut
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.reader = SlowRead(AxiReadBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=SIZE)
        self.writer = SlowWrite(
            AxiWriteBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=SIZE, mem=self.reader.mem
        )
        await start(dut)
        self.pause(chance)
        self.rules = [Rules(dut, self.design, channel) for channel in ("ar", "aw")]
        for rules in self.rules:
            cocotb.start_soon(rules.watch())
        cocotb.start_soon(self.watch())

    def pause(self, chance):
        """Let every channel of both buses pause so often."""
        disturb(self.reader, self.chosen, chance)
        disturb(self.writer, self.chosen, chance)
        reads, writes = self.master.read_if, self.master.write_if
        for channel in (reads.ar_channel, reads.r_channel):
            channel.set_pause_generator(pauses(random.Random(self.chosen.random()), chance))
        for channel in (writes.aw_channel, writes.w_channel, writes.b_channel):
            channel.set_pause_generator(pauses(random.Random(self.chosen.random()), chance))

    async def watch(self):
        """Cycles in which a run is on, and beats that pass."""
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            self.busy += int(dut.sequencer.o_busy.value) if not int(dut.rst.value) else 0
            self.read += int(dut.m_axi_rvalid.value) & int(dut.m_axi_rready.value)
            self.written += int(dut.m_axi_wvalid.value) & int(dut.m_axi_wready.value)

    async def get(self, name):
        return int.from_bytes((await self.master.read(REGISTERS[name].offset, 4)).data, "little")

    async def set(self, name, value):
        await self.master.write(REGISTERS[name].offset, value.to_bytes(4, "little"))

    def place(self, work: Job, descriptors: bytes | None = None):
        """Put a job into memory, anywhere; its descriptors apart, at the place that is returned."""
        size = self.design.beat_bytes
        self.image = self.chosen.choice((4096, SIZE)) * self.chosen.randrange(4)
        self.image += self.chosen.randrange(1 << 40) * size
        at = -(-len(work.before) // size) * size + self.chosen.randrange(9) * size
        noise = self.chosen.randbytes(len(work.descriptors))
        self.reader.put(self.image, noise + work.before[len(noise) :])
        self.reader.put(self.image + at, descriptors or work.descriptors)
        return at

    async def go(self, work: Job, descriptors: bytes | None = None, enable=3, start=1):
        """Order a run."""
        at = self.place(work, descriptors)
        await self.set("IMAGE_LOW", self.image & (1 << 32) - 1)
        await self.set("IMAGE_HIGH", self.image >> 32)
        await self.set("DESCRIPTORS", at)
        await self.set("INPUT_GRID", work.input_lsb & 0xFFF)
        await self.set("INTERRUPT_ENABLE", enable)
        self.busy = self.read = self.written = 0
        for rules in self.rules:
            rules.asked.clear()
        await self.set("CONTROL", start)
        return at

    async def scribble(self):
        """Write to all registers that a run has taken its settings from, and order another one."""
        for name in ("IMAGE_LOW", "IMAGE_HIGH", "DESCRIPTORS", "INPUT_GRID"):
            await self.set(name, self.chosen.getrandbits(32))
        await self.set("CONTROL", 1)
        assert await self.get("STATUS") == 1

    async def over(self):
        """Wait for the interrupt; then nothing moves any more. Status is read and cleared."""
        dut = self.dut
        while not int(dut.o_interrupt.value):
            await FallingEdge(dut.clk)
        assert [rules.flying for rules in self.rules] == [0, 0]
        status, error = await self.get("STATUS"), await self.get("ERROR")
        happened = await self.get("INTERRUPT_STATUS")
        assert status == happened << 1
        assert status & 3 == 2
        assert (error & 15 != 0) == (status == 6)
        await self.set("INTERRUPT_STATUS", happened)
        assert int(dut.o_interrupt.value) == 0
        assert await self.get("STATUS") == status
        assert await self.get("CYCLES") == self.busy
        passed = self.read, self.written
        for _ in range(self.chosen.randint(0, 20)):
            await FallingEdge(dut.clk)
            for name in ("m_axi_arvalid", "m_axi_awvalid", "m_axi_wvalid", "o_interrupt"):
                assert int(dut[name].value) == 0, name
        assert (self.read, self.written) == passed
        return ErrorCode(error & 15), error >> 16

    async def good(self, work: Job, **options):
        """A run that must end well: memory, traffic, counters."""
        at = await self.go(work, **options)
        await self.scribble()
        assert await self.over() == (ErrorCode.NONE, len(work.program.descriptors))
        begin = len(work.descriptors)
        got = self.reader.get(self.image + begin, len(work.after) - begin)
        assert got == work.after[begin:]
        assert self.reader.get(self.image + at, begin) == work.descriptors
        counted = {name: await self.get(name) for name in COUNTERS}
        size, each = self.design.beat_bytes, work.program.descriptors
        assert counted["DESCRIPTORS_DONE"] == len(each)
        assert counted["BYTES_DESCRIPTORS"] == begin
        for segment, name in SEGMENTS.items():
            beats = sum(one[f"{segment}_beats"] for one in each)
            assert counted[f"BYTES_{name}"] == beats * size
        read = sum(counted[name] for name in COUNTERS if name.startswith("BYTES"))
        assert read - counted["BYTES_WRITTEN"] == self.read * size
        assert counted["BYTES_WRITTEN"] == self.written * size
        assert self.written == sum(one["store_rows"] * one["store_row_beats"] for one in each)
        for name in ("LOAD_BUSY", "COMPUTE_BUSY", "STORE_BUSY"):
            assert 0 < counted[name] <= counted["CYCLES"]
