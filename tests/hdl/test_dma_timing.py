"""Reads and writes of an ideal memory: which beats, and at which clock edge, in closed form."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from amaranth.sim import Simulator

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.hdl import ReadDma, WriteDma

DESIGN = AcceleratorDesign(Design(AFPFormat(3, 1), AFPFormat(3, 2)), data_width=64)
SIZES = [(burst, outstanding) for burst in (1, 2, 4, 16) for outstanding in (1, 2, 3, 8)]


def cut(address: int, beats: int, design: AcceleratorDesign) -> list[tuple[int, int]]:
    """Address and beats of each burst: by definition, beat by beat."""
    bursts: list[tuple[int, int]] = []
    for beat in range(address // design.beat_bytes, address // design.beat_bytes + beats):
        if not bursts or beat % design.burst == 0:
            bursts.append((beat * design.beat_bytes, 0))
        bursts[-1] = bursts[-1][0], bursts[-1][1] + 1
    return bursts


def last(edges: list[int], index: int) -> int:
    """The edge of an earlier burst; one ahead of all edges where there is none."""
    return edges[index] if index >= 0 else -1


def read_edges(bursts: list[int], taken: int, latency: int, outstanding: int) -> tuple[Any, ...]:
    """Edges of addresses and of last beats, as the docstring of :class:`.ReadDma` has them."""
    asked: list[int] = []
    ended: list[int] = []
    for index, beats in enumerate(bursts):
        asked.append(max(taken, last(asked, index - 1), last(ended, index - outstanding)) + 1)
        ended.append(max(asked[index] + latency - 1, last(ended, index - 1)) + beats)
    return asked, ended


def write_edges(bursts: list[int], taken: int, latency: int, outstanding: int) -> tuple[Any, ...]:
    """Edges of addresses, last beats and responses, as that of :class:`.WriteDma` has them."""
    asked: list[int] = []
    ended: list[int] = []
    answered: list[int] = []
    for index, beats in enumerate(bursts):
        asked.append(max(taken, last(asked, index - 1), last(answered, index - outstanding)) + 1)
        ended.append(max(asked[index], last(ended, index - 1)) + beats)
        answered.append(ended[index] + latency)
    return asked, ended, answered


def commands(design: AcceleratorDesign, chosen: random.Random) -> list[tuple[int, int]]:
    """Addresses and numbers of beats; the first are the least and whole blocks."""
    whole = design.burst * design.beat_bytes
    found = [(0, 1), (whole, 3 * design.burst), (whole - design.beat_bytes, 2), (64, 0)]
    for _ in range(6):
        beats = chosen.randint(1, 6 * design.burst + 3)
        found.append((chosen.randrange(1 << 50) * design.beat_bytes, beats))
    return [*found, ((1 << 64) - whole, design.burst)]


class Watch:
    """What passed on each channel: at which clock edge, and what."""

    def __init__(self, dut: Any, pairs: dict[str, tuple[str, str, tuple[str, ...]]]) -> None:
        self.dut = dut
        self.pairs = pairs
        self.seen: dict[str, list[tuple[int, ...]]] = {name: [] for name in pairs}

    def look(self, ctx: Any, edge: int) -> None:
        for name, (valid, ready, fields) in self.pairs.items():
            if ctx.get(getattr(self.dut, valid)) and (
                not ready or ctx.get(getattr(self.dut, ready))
            ):
                values = (ctx.get(getattr(self.dut, field)) for field in fields)
                self.seen[name].append((edge, *values))


def simulate(dut: Any, bench: Any) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(("burst", "outstanding"), SIZES)
@pytest.mark.parametrize("latency", [1, 2, 7, 40])
def test_reads_take_the_cycles_of_the_closed_form(
    burst: int, outstanding: int, latency: int
) -> None:
    design = replace(DESIGN, burst=burst, outstanding=outstanding)
    chosen = random.Random(f"{burst} {outstanding} {latency}")
    dut = ReadDma(design)
    watch = Watch(
        dut,
        {
            "command": ("i_valid", "o_ready", ()),
            "address": ("m_axi_arvalid", "m_axi_arready", ("m_axi_araddr", "m_axi_arlen")),
            "beat": ("o_valid", "", ("o_data",)),
            "done": ("o_done", "", ()),
        },
    )
    plan = commands(design, chosen)

    async def bench(ctx: Any) -> None:
        waiting: deque[tuple[int, int]] = deque()  # edge at which it may be taken, data
        left = deque(plan)
        edge = 0
        ctx.set(dut.m_axi_arready, 1)
        while len(watch.seen["done"]) < len(plan):
            assert edge < 20000
            ctx.set(dut.i_valid, bool(left))
            if left:
                ctx.set(dut.i_address, left[0][0])
                ctx.set(dut.i_beats, left[0][1])
            here = bool(waiting) and waiting[0][0] <= edge
            ctx.set(dut.m_axi_rvalid, here)
            ctx.set(dut.m_axi_rdata, waiting[0][1] if here else 0)
            before = len(watch.seen["address"])
            taken = left and ctx.get(dut.o_ready)
            watch.look(ctx, edge)
            if here:
                assert ctx.get(dut.m_axi_rready)
                waiting.popleft()
            for _, address, length in watch.seen["address"][before:]:
                waiting += ((edge + latency, address // 8 + beat) for beat in range(length + 1))
            if taken:
                left.popleft()
            await ctx.tick()
            edge += 1

    simulate(dut, bench)
    asked: list[tuple[int, ...]] = []
    data: list[tuple[int, ...]] = []
    done: list[tuple[int]] = []
    for (taken,), (address, beats) in zip(watch.seen["command"], plan, strict=True):
        assert taken == (done[-1][0] if done else 0)  # as soon as the one before is done
        bursts = cut(address, beats, design)
        lengths = [length for _, length in bursts]
        edges, ends = read_edges(lengths, taken, latency, outstanding)
        asked += [(edge, at, length - 1) for edge, (at, length) in zip(edges, bursts, strict=True)]
        data += [
            (end - length + 1 + beat, at // 8 + beat)
            for end, (at, length) in zip(ends, bursts, strict=True)
            for beat in range(length)
        ]
        done.append((max([taken, *ends]) + 1,))
        if beats and ((outstanding - 1) * burst >= latency or len(bursts) <= outstanding):
            assert ends[-1] == taken + latency + beats
    assert watch.seen["address"] == asked
    assert watch.seen["beat"] == data
    assert watch.seen["done"] == done


@pytest.mark.parametrize(("burst", "outstanding"), SIZES)
@pytest.mark.parametrize("latency", [1, 2, 7, 40])
def test_writes_take_the_cycles_of_the_closed_form(
    burst: int, outstanding: int, latency: int
) -> None:
    design = replace(DESIGN, burst=burst, outstanding=outstanding)
    chosen = random.Random(f"{burst} {outstanding} {latency}")
    dut = WriteDma(design)
    watch = Watch(
        dut,
        {
            "command": ("i_valid", "o_ready", ()),
            "address": ("m_axi_awvalid", "m_axi_awready", ("m_axi_awaddr", "m_axi_awlen")),
            "taken": ("i_data_valid", "o_data_ready", ()),
            "beat": ("m_axi_wvalid", "m_axi_wready", ("m_axi_wdata", "m_axi_wlast", "m_axi_wstrb")),
            "done": ("o_done", "", ()),
        },
    )
    plan = commands(design, chosen)

    async def bench(ctx: Any) -> None:
        answers: deque[int] = deque()
        left = deque(plan)
        edge = 0
        ctx.set(dut.m_axi_awready, 1)
        ctx.set(dut.m_axi_wready, 1)
        ctx.set(dut.i_data_valid, 1)
        while len(watch.seen["done"]) < len(plan):
            assert edge < 20000
            ctx.set(dut.i_valid, bool(left))
            if left:
                ctx.set(dut.i_address, left[0][0])
                ctx.set(dut.i_beats, left[0][1])
            ctx.set(dut.i_data, len(watch.seen["taken"]))
            here = bool(answers) and answers[0] <= edge
            ctx.set(dut.m_axi_bvalid, here)
            before = len(watch.seen["beat"])
            taken = left and ctx.get(dut.o_ready)
            watch.look(ctx, edge)
            if here:
                assert ctx.get(dut.m_axi_bready)
                answers.popleft()
            answers += (edge + latency for beat in watch.seen["beat"][before:] if beat[2])
            if taken:
                left.popleft()
            await ctx.tick()
            edge += 1

    simulate(dut, bench)
    asked: list[tuple[int, ...]] = []
    data: list[tuple[int, ...]] = []
    done: list[tuple[int]] = []
    for (taken,), (address, beats) in zip(watch.seen["command"], plan, strict=True):
        assert taken == (done[-1][0] if done else 0)
        bursts = cut(address, beats, design)
        lengths = [length for _, length in bursts]
        edges, ends, answers = write_edges(lengths, taken, latency, outstanding)
        asked += [(edge, at, length - 1) for edge, (at, length) in zip(edges, bursts, strict=True)]
        for end, length in zip(ends, lengths, strict=True):
            for beat in range(length):
                data.append((end - length + 1 + beat, len(data), beat == length - 1, 255))
        done.append((max([taken, *answers]) + 1,))
        if beats and ((outstanding - 1) * burst > latency or len(bursts) <= outstanding):
            assert ends[-1] == taken + 1 + beats
    assert watch.seen["address"] == asked
    assert watch.seen["beat"] == data
    assert [edge for (edge,) in watch.seen["taken"]] == [edge for edge, *_ in data]
    assert watch.seen["done"] == done
