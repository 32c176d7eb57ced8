"""The whole accelerator on buses that pause, lag and err, driven through its registers alone."""

from __future__ import annotations

from cocotb.triggers import FallingEdge

from afp_hw.design.descriptor import DESCRIPTOR_BYTES, pack_descriptor
from afp_hw.design.registers import COUNTERS, REGISTERS, ErrorCode
from sim.accelerator_bench import Bench
from sim.accelerator_job import SEGMENTS, job, jobs
from sim.bench import bounded_test


@bounded_test()
async def networks_one_after_the_other(dut):
    """Without a reset in between, on buses that never pause, pause at times, pause mostly."""
    bench = Bench(dut, "networks")
    await bench.begin(0.0)
    work = jobs(bench.design, bench.chosen)
    for chance in (0.0, 0.4, 0.0, 0.75):
        bench.pause(chance)
        for each in (work[0], work[1], work[1]):
            await bench.good(each)


@bounded_test()
async def resets(dut):
    """A reset in mid-run, of the memory too; then a good run, of another network."""
    bench = Bench(dut, "resets")
    await bench.begin(0.3)
    work = jobs(bench.design, bench.chosen)
    for index in range(6):
        await bench.go(work[index % 2])
        for _ in range(bench.chosen.randint(1, 900)):
            await FallingEdge(dut.clk)
        dut.rst.value = 1
        for _ in range(bench.chosen.randint(1, 3)):
            await FallingEdge(dut.clk)
        dut.rst.value = 0
        for name, register in REGISTERS.items():
            if not register.constant and name not in COUNTERS:
                assert await bench.get(name) == 0
        await bench.good(work[1 - index % 2])


@bounded_test()
async def read_errors(dut):
    """An error response to any beat of any segment ends the run; the next one is good."""
    bench = Bench(dut, "read errors")
    await bench.begin(0.2)
    chosen, size = bench.chosen, bench.design.beat_bytes
    work = jobs(bench.design, chosen)[1]
    last = len(work.program.descriptors) - 1
    for segment in ("descriptor", *SEGMENTS, *SEGMENTS):
        index = chosen.choice((0, last, chosen.randint(0, last)))
        own = DESCRIPTOR_BYTES // size
        if segment != "descriptor":
            there = [i for i in range(last + 1) if work.beats(segment, i)[1]]
            index = chosen.choice((there[0], there[-1], *there))
            begin, own = work.beats(segment, index)
        beat = chosen.choice((0, own - 1, chosen.randrange(own)))
        at = await bench.go(work, start=0)
        begin = at + index * DESCRIPTOR_BYTES if segment == "descriptor" else begin
        bench.reader.wrong = frozenset([bench.image + begin + beat * size])
        await bench.set("CONTROL", 1)
        code, descriptor = await bench.over()
        assert code == ErrorCode.READ_RESPONSE
        assert descriptor == await bench.get("DESCRIPTORS_DONE") <= last
        bench.reader.wrong = frozenset()
        await bench.good(work)


@bounded_test()
async def write_errors(dut):
    """The same for any beat of any store, the very last one of a run too."""
    bench = Bench(dut, "write errors")
    await bench.begin(0.2)
    chosen, size = bench.chosen, bench.design.beat_bytes
    work = jobs(bench.design, chosen)[1]
    stores = [each for each in work.program.descriptors if each["store"]]
    for store in (-1, 0, -1, chosen.randrange(len(stores)), chosen.randrange(len(stores))):
        each = stores[store]
        beats = each["store_rows"] * each["store_row_beats"]
        beat = beats - 1 if store == -1 else chosen.randrange(beats)
        await bench.go(work, start=0)
        bench.writer.wrong = frozenset([bench.image + each["store_address"] + beat * size])
        await bench.set("CONTROL", 1)
        code, descriptor = await bench.over()
        assert code == ErrorCode.WRITE_RESPONSE
        assert descriptor == await bench.get("DESCRIPTORS_DONE")
        bench.writer.wrong = frozenset()
        await bench.good(work)


@bounded_test()
async def aborts(dut):
    """At any time; what is on ends, and the next run is good."""
    bench = Bench(dut, "aborts")
    await bench.begin(0.2)
    work = jobs(bench.design, bench.chosen)
    codes = []
    for index in range(10):
        await bench.go(work[index % 2])
        for _ in range(bench.chosen.choice((0, 3, 30, 300, 1000, 2000))):
            await FallingEdge(dut.clk)
        await bench.set("CONTROL", 2)
        code, descriptor = await bench.over()
        assert code in (ErrorCode.NONE, ErrorCode.ABORTED)
        assert descriptor == await bench.get("DESCRIPTORS_DONE")
        codes.append(code)
        if index % 3 == 0:
            await bench.good(work[bench.chosen.getrandbits(1)])
    assert codes.count(ErrorCode.ABORTED) > 4
    await bench.set("CONTROL", 2)  # without effect
    await bench.good(work[0])


@bounded_test()
async def bad_descriptors(dut):
    """None, one that would never end, one beyond the design: the run ends, the next one is good."""
    bench = Bench(dut, "descriptors")
    await bench.begin(0.1)
    chosen, design = bench.chosen, bench.design
    work = job(design, "added", 5, 1)
    each, size = work.program.descriptors, design.beat_bytes
    changes = [dict.fromkeys(each[0], 0), {"operation": 3}, {"n_tiles": design.channel_tiles + 1}]
    counts = ("n_tiles", "pixels", "tile_pixels", "slots", "out_width")
    changes += [{name: 0} for name in (*counts, "ky_count", "kx_count", "cj_count")]
    for segment in (*SEGMENTS, "store"):
        name = f"{segment}_address"
        changes.append({name: 1 << 20 | chosen.randint(1, size - 1)})
    changes.append({"last": 1, "store": 0})
    for change in changes:
        index = chosen.randrange(len(each))
        packed = [pack_descriptor(fields) for fields in each]
        packed[index] = pack_descriptor(dict(each[index]) | change)
        await bench.go(work, descriptors=b"".join(packed))
        code, descriptor = await bench.over()
        assert code == ErrorCode.DESCRIPTOR, change
        assert descriptor == await bench.get("DESCRIPTORS_DONE")
        assert index - 2 <= descriptor <= index
        assert await bench.get("BYTES_DESCRIPTORS") == DESCRIPTOR_BYTES * (index + 1)
    await bench.good(work)


@bounded_test()
async def interrupts(dut):
    """On while something enabled has happened and is not cleared; a start clears nothing of it."""
    bench = Bench(dut, "interrupts")
    await bench.begin(0.0)
    work = job(bench.design, "pooled", 3)
    zeros = bytes(len(work.descriptors))
    for enable, descriptors, happened in (
        (0, None, 1),
        (1, None, 1),
        (2, None, 1),
        (2, zeros, 3),
        (1, zeros, 3),
    ):
        await bench.go(work, descriptors=descriptors, enable=enable)
        while await bench.get("STATUS") & 1:
            pass
        assert await bench.get("INTERRUPT_STATUS") == happened
        assert int(dut.o_interrupt.value) == int(enable & happened != 0)
        for mask in (1, 2, 3, 0):
            await bench.set("INTERRUPT_ENABLE", mask)
            assert int(dut.o_interrupt.value) == int(mask & happened != 0)
        await bench.set("INTERRUPT_ENABLE", enable)
        await bench.set("INTERRUPT_STATUS", 2)  # clears one of the two
        assert await bench.get("INTERRUPT_STATUS") == happened & 1
        assert int(dut.o_interrupt.value) == enable & 1
        await bench.set("CONTROL", 2)  # nothing is on
        assert await bench.get("INTERRUPT_STATUS") == 1
        await bench.set("INTERRUPT_STATUS", 1)
        assert int(dut.o_interrupt.value) == 0
    await bench.good(work)
