"""How a task may be cut: strips of output rows and pieces of column tiles that fit into banks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import FIELDS, Operation
from afp_hw.program import fit
from afp_hw.program.layout import TensorLayout
from afp_hw.program.tasks import Operand, Product, Task
from afp_hw.program.views import Axis
from afp_hw.program.weights import Chunks, chunks_of, weight_bits, weight_bytes

_MOST_TILES: Final = (1 << FIELDS["n_tiles"].width) - 1
_MOST_PIXELS: Final = (1 << FIELDS["pixels"].width) - 1
_MOST_BEATS: Final = (1 << 20) - 1


class Cutter:
    """What of a task fits where.

    Parameters
    ----------
    task, layouts, accelerator
        What is computed, where its tensors lie, and on what.
    operation
        The dataflow.

    Attributes
    ----------
    task
        The same; a window too high for a bank is in parts.
    tiles, words
        Column tiles, and words of the output bank for a pixel.
    across
        Whether column tiles take the place of pixels: a step without products whose output has one
        pixel, and one record for all channels. Sums of a pixel must be `SUM_CYCLES` apart.
    """

    def __init__(
        self,
        task: Task,
        layouts: Mapping[str, TensorLayout],
        accelerator: AcceleratorDesign,
        operation: Operation,
    ) -> None:
        self.accelerator, self.operation = accelerator, operation
        self._layouts, self._design = layouts, accelerator.array
        self.task = task if task.product is not None else self._in_parts(task)
        self.tiles = -(-task.output.grid[0] // self._design.cols)
        self.words = self.tiles * max(task.output.slices, 1)
        self.across = self._goes_across()
        product = task.product
        if product is None:
            self._runs = [Chunks((0, self.tiles), 0, 0, 0, 1, 1)]
        else:
            pitch = layouts[product.view.tensor].pitch
            self._runs = chunks_of(product, pitch, self._design)

    def _goes_across(self) -> bool:
        task, columns = self.task, self._design.cols
        if task.product is not None or task.output.grid[1:] != (1, 1) or not task.records.alike:
            return False
        layouts = [self._layouts[each.view.tensor] for each in task.operands]
        # Columns without a channel read zeros, which only the accelerator writes there.
        return all(
            layout.pitch % columns == 0 and each.view.c == Axis.whole(layout.grid[0])
            for each, layout in zip(task.operands, layouts, strict=True)
        )

    def _in_parts(self, task: Task) -> Task:
        """The same with windows cut where a bank does not hold their rows: they accumulate."""
        operands: list[Operand] = []
        for each in task.operands:
            most = each.window.kernel[0]
            parts = [
                [replace(each, window=window) for window in each.window.cut(rows)]
                for rows in range(most, 0, -1)
            ]
            there = self.accelerator.side_bytes
            fitting = (p for p in parts if all(self.loaded(part, 1) <= there for part in p))
            operands += next(fitting, parts[0])
        return replace(task, operands=tuple(operands))

    def most_rows(self) -> int:
        """Output rows of the largest strip.

        Raises
        ------
        ValueError
            One row does not fit.
        """
        rows = 1
        self._check(rows)
        while rows < self.task.output.grid[1]:
            try:
                self._check(rows + 1)
            except ValueError:
                break
            rows += 1
        return rows

    def _check(self, rows: int) -> None:
        accelerator, task = self.accelerator, self.task
        name, wide = task.name, task.output.grid[2]
        pixels = rows * wide
        if task.product is not None:
            loaded = self.loaded(task.product, rows)
            fit.require_bank(name, "act_bytes", loaded, accelerator.act_bytes, "the input rows")
        for operand in task.operands:
            loaded = self.loaded(operand, rows)
            fit.require_bank(name, "side_bytes", loaded, accelerator.side_bytes, "the input rows")
        words = pixels * self.words
        fit.require_bank(name, "out_words", words, accelerator.out_words, "an output row")
        if self.operation is not Operation.OUTPUTS_STATIONARY:
            fit.require_bank(name, "pixels", pixels, accelerator.pixels, "an output row")
        fit.require_field(name, "pixels of a strip", pixels, _MOST_PIXELS)
        stored = rows * task.output.row_bytes // accelerator.beat_bytes
        fit.require_field(name, "beats of a store", stored, _MOST_BEATS)
        if task.product is not None:
            for run in self._runs:
                least = next(run.cut(1))
                needed = weight_bytes(task.product, least, self._design, accelerator.beat_bytes)
                there = accelerator.wgt_bytes
                fit.require_bank(name, "wgt_bytes", needed, there, "the weights of a column tile")

    def loaded(self, source: Product | Operand, rows: int) -> int:
        """Bytes of the input rows of a strip of so many output rows."""
        window, axis = source.window, source.view.y
        span = (rows - 1) * window.strides[0] + (window.kernel[0] - 1) * window.dilations[0] + 1
        there = min(span, axis.high - axis.low)
        stored = (there - 1) * axis.step + 1 if there > 0 else 0
        return stored * self._layouts[source.view.tensor].row_bytes

    def pieces(self, rows: int) -> tuple[Chunks, ...]:
        """Column tiles, cut so that one descriptor computes each piece of such a strip."""
        accelerator, task = self.accelerator, self.task
        most = min(accelerator.channel_tiles, _MOST_TILES)
        if self.across:
            most = min(accelerator.pixels, _MOST_PIXELS)
        elif task.product is None and len(task.operands) > 1:
            most = min(most, accelerator.pixels // (rows * task.output.grid[2]))
        pieces: list[Chunks] = []
        for run in self._runs:
            size = most
            if task.product is not None:
                bits = weight_bits(task.product, run, self._design) // run.count
                size = min(size, 8 * accelerator.wgt_bytes // bits)
            pieces += run.cut(size)
        return tuple(pieces)
