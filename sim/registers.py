"""Registers: what is written is what is read, through pauses of every channel, in either order."""

from __future__ import annotations

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiLiteReadBus,
    AxiLiteWriteBus,
    AxiResp,
)
from cocotbext.axi.axil_channels import (
    AxiLiteARSource,
    AxiLiteAWSource,
    AxiLiteBSink,
    AxiLiteRSink,
    AxiLiteWSource,
)

from afp_hw.design.registers import COUNTERS, REGISTERS, constants
from sim.axi import pauses
from sim.bench import bench_accelerator, bounded_test, generator, same, start

AT = {register.offset: register for register in REGISTERS.values()}
OFFSET = {name: register.offset for name, register in REGISTERS.items()}
ALL_BITS = (1 << 32) - 1


class Model:
    """The registers as the table has them, one access after the other."""

    def __init__(self, design):
        self.fixed = constants(design)
        self.reset()

    def reset(self):
        self.kept = {name: 0 for name, register in REGISTERS.items() if register.access != "pulse"}
        self.kept |= self.fixed
        self.busy = 0
        self.started, self.aborted = [], 0

    def read(self, address):
        """Answer and data."""
        register = AT.get(address & ~3)
        if register is None:
            return AxiResp.SLVERR, 0
        value = self.kept.get(register.name, 0)
        if register.name == "STATUS":
            value |= self.busy
        if register.name == "INPUT_GRID" and value >> 11:
            value |= ALL_BITS & ~0xFFF
        return AxiResp.OKAY, value

    def write(self, address, data, strobes=15):
        """Answer; orders are noted."""
        register = AT.get(address & ~3)
        if register is None:
            return AxiResp.SLVERR
        name = register.name
        mask = sum(0xFF << (8 * byte) for byte in range(4) if strobes >> byte & 1)
        mask &= sum(bits.mask for bits in register.fields)
        if register.access == "RW":
            self.kept[name] = (self.kept[name] & ~mask) | (data & mask)
        elif register.access == "W1C":
            self.kept[name] &= ~(data & mask)
        elif register.access == "pulse":
            if data & mask & 1 and not self.busy:
                self._start()
            self.aborted += data & mask & 2 and self.busy
        return AxiResp.OKAY

    def _start(self):
        kept = self.kept
        kept |= {"STATUS": 0, "ERROR": 0}
        image = kept["IMAGE_HIGH"] << 32 | kept["IMAGE_LOW"]
        grid = kept["INPUT_GRID"]
        self.started.append((image, kept["DESCRIPTORS"], grid - (grid >> 11 << 12)))

    def done(self, code, descriptor):
        """A run has ended."""
        happened = 1 | (code != 0) << 1
        self.kept["STATUS"] |= happened << 1
        self.kept["INTERRUPT_STATUS"] |= happened
        self.kept["ERROR"] = code | descriptor << 16
        self.busy = 0

    @property
    def interrupt(self):
        return int(self.kept["INTERRUPT_STATUS"] & self.kept["INTERRUPT_ENABLE"] != 0)


class Bench:
    def __init__(self, dut, name):
        self.dut = dut
        self.chosen = generator(f"registers {name}")
        self.model = Model(bench_accelerator())
        self.started, self.aborted = [], 0

    async def begin(self, chance):
        dut = self.dut
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        await start(dut)
        reads, writes = self.master.read_if, self.master.write_if
        channels = [reads.ar_channel, reads.r_channel, writes.aw_channel]
        for channel in (*channels, writes.w_channel, writes.b_channel):
            channel.set_pause_generator(pauses(random.Random(self.chosen.random()), chance))
        cocotb.start_soon(self.watch())

    async def watch(self):
        """Orders, at the edge that takes them."""
        dut = self.dut
        while True:
            await FallingEdge(dut.clk)
            if int(dut.o_start.value):
                grid = dut.o_input_grid.value.to_signed()
                self.started.append((int(dut.o_image.value), int(dut.o_descriptors.value), grid))
            self.aborted += int(dut.o_abort.value)

    async def read(self, address):
        got = await self.master.read(address, 4 - address % 4)
        answer, data = self.model.read(address)
        assert (got.resp, int.from_bytes(got.data, "little")) == (answer, data >> 8 * (address % 4))

    async def write(self, address, data, length=4):
        """`length` bytes from `address` on."""
        got = await self.master.write(address, data.to_bytes(length, "little"))
        byte = address % 4
        answer = self.model.write(address, data << 8 * byte, ((1 << length) - 1) << byte)
        assert got.resp == answer

    async def end(self, code, descriptor):
        """A run ends."""
        dut = self.dut
        await FallingEdge(dut.clk)
        dut.i_done.value, dut.i_error_code.value = 1, code
        dut.i_error_descriptor.value = descriptor
        await FallingEdge(dut.clk)
        dut.i_done.value, dut.i_busy.value = 0, 0
        dut.i_error_code.value = self.chosen.getrandbits(4)
        self.model.done(code, descriptor)

    async def compare(self):
        for _ in range(3):
            await FallingEdge(self.dut.clk)
        assert self.started == self.model.started
        assert self.aborted == self.model.aborted
        assert int(self.dut.o_interrupt.value) == self.model.interrupt


@bounded_test()
async def every_address(dut):
    """Constants, values after a reset, and SLVERR where there is no register; written, too."""
    bench = Bench(dut, "addresses")
    await bench.begin(0.1)
    for address in range(0, 4096, 4):
        await bench.read(address)
    for address in range(0, 4096, 4):
        await bench.write(address, bench.chosen.getrandbits(32))
    for address in range(0, 4096, 4):
        await bench.read(address)
    await bench.compare()


@bounded_test()
async def random_accesses_and_runs(dut):
    """Bytes, halves and words anywhere, while runs begin and end with and without errors."""
    bench = Bench(dut, "random")
    await bench.begin(0.4)
    chosen, model = bench.chosen, bench.model
    places = [
        register.offset
        for register in REGISTERS.values()
        for _ in range({"RO": 1, "pulse": 20}.get(register.access, 5))
    ]
    runs = 0
    for _ in range(1500):
        address = chosen.choice(places)
        if chosen.random() < 0.05:
            address = chosen.randrange(0, 4096, 4)
        byte = chosen.choice((0, 0, 0, 1, 2, 3))
        if chosen.random() < 0.5:
            await bench.read(address + byte)
        else:
            length = chosen.randint(1, 4 - byte)
            await bench.write(address + byte, chosen.getrandbits(8 * length), length)
        await bench.compare()
        if len(bench.started) > runs and not model.busy:
            dut.i_busy.value = model.busy = 1
            runs = len(bench.started)
        elif model.busy and chosen.random() < 0.07:
            await bench.end(chosen.choice((0, 0, 1, 2, 3, 4)), chosen.getrandbits(16))
            await bench.compare()
        if chosen.random() < 0.2:
            name = chosen.choice(COUNTERS)
            model.kept[name] = chosen.getrandbits(32)
            getattr(dut, f"i_{name.lower()}").value = model.kept[name]
    assert runs
    assert bench.aborted


@bounded_test()
async def addresses_and_data_in_either_order(dut):
    """Each channel on its own, with any strobes; answers and effects come in order."""
    bench = Bench(dut, "order")
    chosen, model = bench.chosen, bench.model
    writes = AxiLiteWriteBus.from_prefix(dut, "s_axil")
    reads = AxiLiteReadBus.from_prefix(dut, "s_axil")
    ends = dut.clk, dut.rst
    channels = [
        AxiLiteAWSource(writes.aw, *ends),
        AxiLiteWSource(writes.w, *ends),
        AxiLiteBSink(writes.b, *ends),
        AxiLiteARSource(reads.ar, *ends),
        AxiLiteRSink(reads.r, *ends),
    ]
    aw, w, b, ar, r = channels
    await start(dut)
    names = [name for name in OFFSET if name != "CONTROL"]
    for chances in ((0, 0, 0), (0.8, 0, 0), (0, 0.8, 0), (0, 0, 0.8), (0.5, 0.5, 0.5)):
        for channel, chance in zip(channels, (*chances, chances[0], chances[2]), strict=True):
            channel.set_pause_generator(pauses(random.Random(chosen.random()), chance))
        expected, got = [], []
        for _ in range(80):
            address = OFFSET[chosen.choice(names)] if chosen.random() < 0.9 else 0xF00
            data, strobes = chosen.getrandbits(32), chosen.getrandbits(4)
            aw.send_nowait(aw._transaction_obj(awaddr=address + chosen.randrange(4)))
            w.send_nowait(w._transaction_obj(wdata=data, wstrb=strobes))
            expected.append(model.write(address, data, strobes))
        for _ in expected:
            got.append(int((await b.recv()).bresp))
        same(got, expected)
        expected, got = [], []
        for address in chosen.sample(range(0, 0x100, 4), 64):
            ar.send_nowait(ar._transaction_obj(araddr=address))
            expected.append(model.read(address))
        for _ in expected:
            answer = await r.recv()
            got.append((int(answer.rresp), int(answer.rdata)))
        same(got, expected)


@bounded_test()
async def resets(dut):
    """A reset with accesses half done: all is as after the first, and the bus goes on."""
    bench = Bench(dut, "resets")
    await bench.begin(0.5)
    for _ in range(12):
        for name in ("IMAGE_LOW", "IMAGE_HIGH", "INTERRUPT_ENABLE", "INPUT_GRID", "CONTROL"):
            await bench.write(OFFSET[name], bench.chosen.getrandbits(32))
        await bench.end(1, 5)
        bench.master.init_write(OFFSET["DESCRIPTORS"], bytes(4))
        bench.master.init_read(OFFSET["DESCRIPTORS"], 4)
        for _ in range(bench.chosen.randint(0, 9)):
            await FallingEdge(dut.clk)
        dut.rst.value = 1
        for _ in range(bench.chosen.randint(1, 3)):
            await RisingEdge(dut.clk)
        await FallingEdge(dut.clk)
        assert not int(dut.o_start.value) | int(dut.o_interrupt.value)
        dut.rst.value = 0
        bench.model.reset()
        bench.started, bench.aborted = [], 0
        for offset in OFFSET.values():
            await bench.read(offset)
        await bench.compare()
