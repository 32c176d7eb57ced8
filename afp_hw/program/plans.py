"""Which dataflow, which strips: the way of each task that takes least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation
from afp_hw.program.estimate import Estimate, estimate
from afp_hw.program.layout import TensorLayout
from afp_hw.program.strips import Cutter
from afp_hw.program.tasks import Task
from afp_hw.program.weights import Chunks


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
    time
        What it takes.
    across
        Whether column tiles take the place of pixels, see :class:`.Cutter`.
    """

    task: Task
    operation: Operation
    rows: int
    pieces: tuple[Chunks, ...]
    time: Estimate
    across: bool

    @property
    def strips(self) -> Iterator[tuple[int, int]]:
        """Output rows of each strip, ``(first, end)``."""
        height = self.task.output.grid[1]
        return ((at, min(at + self.rows, height)) for at in range(0, height, self.rows))

    @property
    def strip_count(self) -> int:
        """How many there are."""
        return -(-self.task.output.grid[1] // self.rows)

    @property
    def descriptors(self) -> int:
        """How many there are."""
        passes = 1 if self.task.product is not None else len(self.task.operands)
        return self.strip_count * passes * len(self.pieces)

    def loads_ahead(self, following: Plan) -> bool:
        """Whether weights of the task behind this layer are better loaded amidst it.

        They are where they take longer than the last strip, and the other bank is not in use.
        """
        if self.task.product is None or following.task.product is None:
            return False
        busy = self.strip_count >= 2 and len(self.pieces) == 1
        return busy and following.time.once + following.time.load > self.time.last

    def rows_go_first(self, before: Plan) -> bool:
        """Whether this layer's first rows are stored before the task before it is through.

        Where grids are dynamic, records wait for that: rows and weights are better loaded first.
        """
        product = self.task.product
        if self.task.grid_shift is None or product is None or before.strip_count < 2:
            return False
        if product.view.tensor != before.task.output.name:
            return False
        begin, end = product.window.rows(*next(self.strips), product.view.y)
        return end <= begin or product.view.y.place(end - 1) < list(before.strips)[-2][1]


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
        Of layers that can have either; None: the one whose loops take fewer cycles.
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
    plans = [_best(Cutter(task, layouts, accelerator, kind), rows) for kind in kinds]
    # Of equals the first: outputs stationary, which leave the accumulator memory alone.
    return min(plans, key=lambda each: each.time.loops)


def _best(cutter: Cutter, rows: int | None) -> Plan:
    """The cut with the shortest estimated time, of equals the one with the largest strips."""
    most = cutter.most_rows()
    candidates = range(most, 0, -1) if rows is None else [max(min(rows, most), 1)]
    plans = []
    for each in candidates:
        pieces = cutter.pieces(each)
        time = estimate(cutter, each, pieces)
        plans.append(Plan(cutter.task, cutter.operation, each, pieces, time, cutter.across))
    return min(plans, key=lambda each: each.time.total)
