"""How a task is cut: strips of output rows and pieces of column tiles that fit into the banks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.design.accelerator import SUM_CYCLES
from afp_hw.design.descriptor import Operation
from afp_hw.program import fit
from afp_hw.program.layout import TensorLayout
from afp_hw.program.settings import tile_bytes
from afp_hw.program.tasks import Operand, Product, Task
from afp_hw.program.weights import Chunks, chunks_of, weight_bytes

_MOST_TILES: Final = (1 << 12) - 1
_MOST_PIXELS: Final = (1 << 16) - 1

_LATENCY: Final = 100
"""Cycles from a request to its first beat, as strips are weighed up; a memory may have another."""

_AHEAD: Final = 3
"""Strips behind which a task's results are waited for: the next task needs the first few."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A task, cut.

    Attributes
    ----------
    task
        What is computed.
    operation
        The dataflow.
    rows
        Output rows of a strip.
    pieces
        Column tiles that one descriptor computes, each with its chunks.
    cycles
        Of all loops, by the closed form.
    """

    task: Task
    operation: Operation
    rows: int
    pieces: tuple[Chunks, ...]
    cycles: int

    @property
    def strips(self) -> Iterator[tuple[int, int]]:
        """Output rows of each strip, ``(first, end)``."""
        height = self.task.output.grid[1]
        return ((at, min(at + self.rows, height)) for at in range(0, height, self.rows))

    @property
    def descriptors(self) -> int:
        """How many there are."""
        strips = -(-self.task.output.grid[1] // self.rows)
        passes = 1 if self.task.product is not None else len(self.task.operands)
        return strips * passes * len(self.pieces)


def plan(
    task: Task,
    layouts: Mapping[str, TensorLayout],
    accelerator: AcceleratorDesign,
    dataflow: Operation | None = None,
    rows: int | None = None,
) -> Plan:
    """Cut a task so that the estimated time is shortest.

    Parameters
    ----------
    task, layouts, accelerator
        What is computed, where its tensors lie, and on what.
    dataflow
        Of layers that can have either; None: the one with fewer cycles.
    rows
        Output rows of a strip, if so many fit; None: the best.

    Raises
    ------
    ValueError
        One row of the output does not fit.
    """
    if task.product is None:
        kinds = [Operation.SIDE]
    elif task.output.item is None:
        kinds = [Operation.WEIGHTS_STATIONARY]
    else:
        kinds = [Operation.OUTPUTS_STATIONARY, Operation.WEIGHTS_STATIONARY]
        kinds = kinds if dataflow is None else [dataflow]
    cutters = [_Cutter(task, layouts, accelerator, kind) for kind in kinds]
    # Of equals the first: outputs stationary, which leave the accumulator memory alone.
    return min((cutter.best(rows) for cutter in cutters), key=lambda found: found[0])[1]


class _Cutter:
    def __init__(
        self,
        task: Task,
        layouts: Mapping[str, TensorLayout],
        accelerator: AcceleratorDesign,
        operation: Operation,
    ) -> None:
        self._task, self._layouts, self._accelerator = task, layouts, accelerator
        self._operation, self._design = operation, accelerator.array
        layout = task.output
        self._tiles = -(-layout.grid[0] // self._design.cols)
        self._words = self._tiles * max(layout.slices, 1)
        product = task.product
        if product is None:
            self._runs = [Chunks((0, self._tiles), 0, 0, 0, 1, 1)]
        else:
            pitch = layouts[product.view.tensor].pitch
            self._runs = chunks_of(product, pitch, self._design)

    def best(self, rows: int | None) -> tuple[int, Plan]:
        """The estimated time of the best cut, and the cut."""
        height = self._task.output.grid[1]
        found: tuple[int, Plan] | None = None
        most = 1
        while most < height and self._refusal(most + 1) is None:
            most += 1
        error = self._refusal(most)
        if error is not None:
            raise error
        candidates = range(most, 0, -1) if rows is None else [max(min(rows, most), 1)]
        for each in candidates:
            pieces = self._pieces(each)
            time, cycles = self._time(each, pieces)
            if found is None or time < found[0]:
                found = time, Plan(self._task, self._operation, each, pieces, cycles)
        assert found is not None  # there is at least one row
        return found

    # What fits

    def _refusal(self, rows: int) -> ValueError | None:
        """What does not hold strips of so many rows."""
        try:
            self._check(rows)
        except ValueError as error:
            return error
        return None

    def _check(self, rows: int) -> None:
        accelerator, task = self._accelerator, self._task
        name, wide = task.name, task.output.grid[2]
        pixels = rows * wide
        if task.product is not None:
            loaded = self._loaded(task.product, rows)
            fit.require_bank(name, "act_bytes", loaded, accelerator.act_bytes, "the input rows")
        for operand in task.operands:
            loaded = self._loaded(operand, rows)
            fit.require_bank(name, "side_bytes", loaded, accelerator.side_bytes, "the input rows")
        words = pixels * self._words
        fit.require_bank(name, "out_words", words, accelerator.out_words, "an output row")
        if self._operation is not Operation.OUTPUTS_STATIONARY:
            fit.require_bank(name, "pixels", pixels, accelerator.pixels, "an output row")
        fit.require_field(name, "pixels of a strip", pixels, _MOST_PIXELS)
        if task.product is not None:
            for run in self._runs:
                least = next(run.cut(1))
                needed = weight_bytes(task.product, least, self._design, accelerator.beat_bytes)
                there = accelerator.wgt_bytes
                fit.require_bank(name, "wgt_bytes", needed, there, "the weights of a column tile")

    def _loaded(self, source: Product | Operand, rows: int) -> int:
        """Bytes of the input rows of a strip."""
        window, axis = source.window, source.view.y
        span = (rows - 1) * window.strides[0] + (window.kernel[0] - 1) * window.dilations[0] + 1
        there = min(span, axis.high - axis.low)
        stored = (there - 1) * axis.step + 1 if there > 0 else 0
        return stored * self._layouts[source.view.tensor].row_bytes

    # What it takes

    def _pieces(self, rows: int) -> tuple[Chunks, ...]:
        """Column tiles of one descriptor each."""
        accelerator, task = self._accelerator, self._task
        most = min(accelerator.channel_tiles, _MOST_TILES)
        if task.product is None and len(task.operands) > 1:
            most = min(most, accelerator.pixels // (rows * task.output.grid[2]))
        pieces: list[Chunks] = []
        for run in self._runs:
            size = most
            if task.product is not None:
                of = weight_bytes(task.product, run, self._design, 1) / run.count
                size = min(size, max(int(accelerator.wgt_bytes // of), 1))
            pieces += run.cut(size)
        return tuple(pieces)

    def _time(self, rows: int, pieces: tuple[Chunks, ...]) -> tuple[int, int]:
        """Estimated cycles of the task with load and store, and those of its loops."""
        height, wide = self._task.output.grid[1:]
        strips = -(-height // rows)
        full, rest = divmod(height, rows)
        passes = 1 if self._task.product is not None else len(self._task.operands)
        gap = (self._design.rows + self._design.cols + 24) * len(pieces) * passes
        load, store = self._beats(rows, pieces)
        first = self._cycles(rows * wide, pieces)
        last = self._cycles(rest * wide, pieces) if rest else 0
        busy = max(first + gap, load) * full + (max(last + gap, load) if rest else 0)
        hidden = max(strips - _AHEAD, 0) * first
        waiting = max(load + store + 2 * _LATENCY - hidden, 0)
        return busy + waiting, first * full + last

    def _cycles(self, pixels: int, pieces: tuple[Chunks, ...]) -> int:
        """Cycles of the loops of a strip: ``docs/accelerator.md``, Loops."""
        product = self._task.product
        if product is None:
            tables = sum(
                each.window.kernel[0] * each.window.kernel[1] * len(each.shifts)
                for each in self._task.operands
            )
            return self._tiles * tables * max(pixels, SUM_CYCLES)
        counts = [(each.count, product.window.kernel[0] * each.kx * each.cj) for each in pieces]
        if self._operation is Operation.OUTPUTS_STATIONARY:
            tiles = -(-pixels // self._design.rows)
            return sum(n * tiles * max(count, 2) * self._design.rows for n, count in counts)
        slots = max(pixels, self._accelerator.least_slots)
        extra = max(self._task.output.slices - 1, 0)
        return sum(n * (count + extra) * slots for n, count in counts)

    def _beats(self, rows: int, pieces: tuple[Chunks, ...]) -> tuple[int, int]:
        """Beats that a strip loads and stores."""
        accelerator, task = self._accelerator, self._task
        beat = accelerator.beat_bytes
        product = task.product
        loaded = sum(self._loaded(each, rows) for each in task.operands)
        if product is not None:
            loaded += self._loaded(product, rows)
            if len(pieces) > 2:  # two stay in the two banks
                loaded += sum(weight_bytes(product, p, self._design, beat) for p in pieces)
        if len(pieces) > 2:
            loaded += self._tiles * tile_bytes(accelerator)
        return loaded // beat, rows * task.output.row_bytes // beat
