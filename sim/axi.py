"""A memory on an AXI bus that pauses, lags and errs; and the rules that a master has to keep.

The memory is that of cocotbext-axi, which checks pages and WLAST on its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiRamRead, AxiRamWrite, AxiReadBus, AxiWriteBus

from afp_hw.design.accelerator import PAGE_BYTES, AcceleratorDesign


def pauses(chosen: random.Random, chance: float) -> Iterator[bool]:
    """Whether a channel pauses, cycle by cycle: for some cycles at a time."""
    while True:
        paused = chosen.random() < chance
        for _ in range(chosen.choice((1, 1, 1, 2, 3, 9))):
            yield paused


SIZE = 1 << 62
"""Bytes of the memory, as many as the model can have; addresses are taken modulo it."""


class _Slow:
    """Lags where it is told to, and refuses the addresses of beats in `wrong`."""

    chosen: random.Random | None = None
    wrong: frozenset[int] = frozenset()

    async def _lag(self, address: int) -> None:
        if self.chosen is not None and self.chosen.random() < 0.1:
            for _ in range(self.chosen.randint(1, 30)):
                await RisingEdge(self.clock)
        if address in self.wrong:
            raise ValueError("this is meant")

    def put(self, address: int, data: bytes) -> None:
        """Change what is there, without the bus."""
        self.write(address % SIZE, data)

    def get(self, address: int, length: int) -> bytes:
        """What is there."""
        return bytes(self.read(address % SIZE, length))


class SlowRead(_Slow, AxiRamRead):
    async def _read(self, address: int, length: int) -> bytes:
        await self._lag(address)
        return await super()._read(address, length)


class SlowWrite(_Slow, AxiRamWrite):
    async def _write(self, address: int, data: bytes) -> None:
        await self._lag(address)
        await super()._write(address, data)


def read_memory(dut: Any) -> SlowRead:
    """The memory behind the read channels of `dut`, reset with it."""
    return SlowRead(AxiReadBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=SIZE)


def write_memory(dut: Any) -> SlowWrite:
    """The memory behind the write channels of `dut`, reset with it."""
    return SlowWrite(AxiWriteBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=SIZE)


def disturb(memory: SlowRead | SlowWrite, chosen: random.Random, chance: float) -> None:
    """Let every channel pause at random, and the memory lag."""
    memory.chosen = chosen if chance else None
    for name in ("ar", "r", "aw", "w", "b"):
        channel = getattr(memory, f"{name}_channel", None)
        if channel is not None:
            # Another generator for each, or channels would pause together.
            generator = pauses(random.Random(chosen.random()), chance) if chance else None
            channel.set_pause_generator(generator)
            if not chance:
                channel.pause = False


def cut(address: int, beats: int, design: AcceleratorDesign) -> list[tuple[int, int]]:
    """Address and beats of each burst of a command: by definition, beat by beat."""
    bursts: list[tuple[int, int]] = []
    for beat in range(address // design.beat_bytes, address // design.beat_bytes + beats):
        if not bursts or beat % design.burst == 0:
            bursts.append((beat * design.beat_bytes, 0))
        bursts[-1] = bursts[-1][0], bursts[-1][1] + 1
    return bursts


def random_command(
    chosen: random.Random, design: AcceleratorDesign, page: int, beats: int
) -> tuple[int, int]:
    """A command of at most `beats` beats, often across the end of `page`, or 0 beats."""
    beats = chosen.choice((0, 1, 2, design.burst, *(chosen.randint(1, beats) for _ in range(6))))
    end = PAGE_BYTES // design.beat_bytes
    first = chosen.choice((0, end - 1, end - design.burst, chosen.randrange(end)))
    return page * PAGE_BYTES + first * design.beat_bytes, beats


class Rules:
    """What passes on the channels of addresses and written data, checked at each clock edge.

    Stable while valid and not ready; incrementing bursts of whole beats, within a block; no more on
    their way than allowed; no data ahead of their address. `asked` has the address and beats of
    each burst since :meth:`forget`.
    """

    def __init__(self, dut: Any, design: AcceleratorDesign, channel: str) -> None:
        self.dut = dut
        self.design = design
        self.channel = channel
        self.forget()

    def forget(self) -> None:
        """As after a reset."""
        self.asked: list[tuple[int, int]] = []
        self.flying = 0
        self.owed = 0
        self.held: dict[str, tuple[int, ...]] = {}

    def _port(self, name: str) -> int:
        return int(getattr(self.dut, f"m_axi_{name}").value)

    def _stable(self, channel: str, fields: tuple[str, ...]) -> bool:
        """Whether the channel's transfer takes place at this edge; it must be what it was."""
        valid = bool(self._port(f"{channel}valid"))
        values = tuple(self._port(channel + name) for name in fields) if valid else ()
        before = self.held.pop(channel, None)
        assert before in (None, values), f"{channel} changed from {before} to {values}"
        if valid and not self._port(f"{channel}ready"):
            self.held[channel] = values
            return False
        return valid

    def _address(self) -> None:
        fields = ("addr", "len", "size", "burst", "id", "cache", "prot")
        if not self._stable(self.channel, fields):
            return
        address, length, size, burst, ident, cache, prot = (
            self._port(self.channel + name) for name in fields
        )
        design = self.design
        assert (1 << size, burst, ident, cache, prot) == (design.beat_bytes, 1, 0, 3, 0)
        assert address % design.beat_bytes == 0
        block = address // design.beat_bytes % design.burst
        assert block + length + 1 <= design.burst <= PAGE_BYTES // design.beat_bytes
        self.asked.append((address, length + 1))
        self.flying += 1
        assert self.flying <= design.outstanding

    async def watch(self) -> None:
        """Check for ever."""
        while True:
            await RisingEdge(self.dut.clk)
            if int(self.dut.rst.value):
                self.forget()
                continue
            self.edge()

    def edge(self) -> None:
        if self.channel == "aw":
            owed = self.owed
            if self._stable("w", ("data", "strb", "last")):
                assert owed > 0, "data ahead of their address"
                assert self._port("wstrb") == (1 << self.design.beat_bytes) - 1
                self.owed -= 1
            answered = self._port("bvalid") and self._port("bready")
        else:
            answered = self._port("rvalid") and self._port("rready") and self._port("rlast")
        before = len(self.asked)
        self._address()
        self.owed += sum(beats for _, beats in self.asked[before:])
        self.flying -= bool(answered)
