"""How long a task takes, so that ways to cut it can be weighed up against one another.

Loops are exact, by ``docs/accelerator.md``; loads and stores are of a memory of one latency. What a
whole program takes, to the cycle, says :mod:`afp_hw.schedule`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from afp_hw.design.accelerator import SUM_CYCLES
from afp_hw.design.descriptor import DESCRIPTOR_BYTES, Operation
from afp_hw.program.settings import tile_bytes
from afp_hw.program.strips import Cutter
from afp_hw.program.weights import Chunks, weight_bytes

_LATENCY: Final = 64
"""Cycles from a request to its first beat."""

_AHEAD: Final = 40
"""Cycles of a descriptor that only loads."""

_FILL: Final = {
    Operation.WEIGHTS_STATIONARY: 2,
    Operation.OUTPUTS_STATIONARY: 3,
    Operation.SIDE: 0,
}
"""Rows through which operands and sums pass ahead of a computation's loops and behind them."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cycles.

    Attributes
    ----------
    total
        Of a task until the next one, taken for one like it, can begin.
    loops
        Of all loops of all strips.
    last
        In which the last strip is computed.
    load
        In which a strip is loaded.
    once
        In which the first piece's records and weights are loaded.
    """

    total: int
    loops: int
    last: int
    load: int
    once: int


def estimate(cutter: Cutter, rows: int, pieces: tuple[Chunks, ...]) -> Estimate:
    """Of a task in strips of so many output rows.

    The next task's first load begins when the last strip but one is computed, and needs the first
    two to be stored.
    """
    task, array = cutter.task, cutter.accelerator.array
    height, wide = task.output.grid[1:]
    strips = -(-height // rows)
    rest = height - rows * (strips - 1)
    count = len(pieces) * (1 if task.product is not None else len(task.operands))
    gap = (_FILL[cutter.operation] * array.rows + array.cols + 20) * count
    first, last = (loop_cycles(cutter, n * wide, pieces) for n in (rows, rest))
    loads = [_once(cutter, piece) for piece in pieces]
    load = _load(cutter, rows, count)
    if len(pieces) > 2:  # two stay in the two banks
        load += sum(loads)
    beats = rows * task.output.row_bytes // task.output.beat_bytes
    store = _LATENCY + max(rows * wide * cutter.words, beats)
    busy = max(first + gap, load) * (strips - 1) + max(last + gap, load)
    # Amidst strips a descriptor may load the next task's weights.
    amidst = strips > 1 and len(pieces) == 1
    waiting = _load(cutter, rows, 1) + (min(loads[0], _AHEAD) if amidst else loads[0])
    waiting += store if strips <= 3 else 0
    waiting -= last + gap if strips >= 3 else 0
    loops = first * (strips - 1) + last
    return Estimate(busy + max(waiting, 0), loops, last + gap, load, loads[0])


def loop_cycles(cutter: Cutter, pixels: int, pieces: tuple[Chunks, ...]) -> int:
    """Cycles of the loops of a strip: ``docs/accelerator.md``, Loops."""
    task, accelerator = cutter.task, cutter.accelerator
    product = task.product
    if product is None:
        tables = sum(
            each.window.kernel[0] * each.window.kernel[1] * len(each.shifts)
            for each in task.operands
        )
        if cutter.across:
            return tables * sum(max(piece.count, SUM_CYCLES) for piece in pieces)
        return cutter.tiles * tables * max(pixels, SUM_CYCLES)
    counts = [(each.count, product.window.kernel[0] * each.kx * each.cj) for each in pieces]
    if cutter.operation is Operation.OUTPUTS_STATIONARY:
        rows = accelerator.array.rows
        return sum(n * -(-pixels // rows) * max(count, 2) * rows for n, count in counts)
    slots = max(pixels, accelerator.least_slots)
    extra = max(task.output.slices - 1, 0)
    return sum(n * (count + extra) * slots for n, count in counts)


def _load(cutter: Cutter, rows: int, count: int) -> int:
    """Cycles in which a strip of so many descriptors is loaded, without records and weights."""
    task = cutter.task
    segments = [DESCRIPTOR_BYTES] * count
    segments += [cutter.loaded(each, rows) for each in task.operands]
    if task.product is not None:
        segments.append(cutter.loaded(task.product, rows))
    return sum(_LATENCY + size // cutter.accelerator.beat_bytes for size in segments)


def _once(cutter: Cutter, piece: Chunks) -> int:
    """Cycles in which the records and weights of a piece are loaded."""
    task, accelerator = cutter.task, cutter.accelerator
    segments = [(1 if cutter.across else piece.count) * tile_bytes(accelerator)]
    if task.product is not None:
        segments.append(
            weight_bytes(task.product, piece, accelerator.array, accelerator.beat_bytes)
        )
    return sum(_LATENCY + size // accelerator.beat_bytes for size in segments)
