"""Cuts weighed up by the schedule, to the cycle, of each task between its neighbours.

The estimate takes the next task for one like it. Where grids are dynamic it is not: additions,
which are bound by loads, lie between layers, whose records wait for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.program.assembly import assemble
from afp_hw.program.layout import TensorLayout
from afp_hw.program.plans import Plan, plan
from afp_hw.program.tasks import Task
from afp_hw.schedule.accelerator import schedule_network

_MOST_STRIPS: Final = 8
_ROUNDS: Final = 2
"""What is best for a task depends on its neighbours' cuts; more rounds change next to nothing."""


def refined(
    tasks: Sequence[Task],
    plans: Sequence[Plan],
    layouts: Mapping[str, TensorLayout],
    accelerator: AcceleratorDesign,
) -> list[Plan]:
    """The same plans, with the number of strips of each that takes fewest cycles.

    Parameters
    ----------
    tasks, plans
        In order; the plan of each.
    layouts, accelerator
        Where tensors lie, and on what they are computed.
    """

    def cycles(some: Sequence[Plan]) -> int:
        return schedule_network(
            assemble(some, layouts, accelerator).descriptors, accelerator
        ).cycles

    found = list(plans)
    cuts = [_cuts(*pair, layouts, accelerator) for pair in zip(tasks, plans, strict=True)]
    for _ in range(_ROUNDS):
        for index, candidates in enumerate(cuts):
            before, behind = found[max(index - 1, 0) : index], found[index + 1 : index + 2]
            taken = [cycles([*before, each, *behind]) for each in (found[index], *candidates)]
            best = taken.index(min(taken))
            if best:  # of equals the one that is there
                found[index] = candidates[best - 1]
    return found


def _cuts(
    task: Task,
    present: Plan,
    layouts: Mapping[str, TensorLayout],
    accelerator: AcceleratorDesign,
) -> list[Plan]:
    """The task in other numbers of strips, as far as one fits."""
    height = task.output.grid[1]
    found = {}
    for strips in range(1, min(height, _MOST_STRIPS) + 1):
        each = plan(task, layouts, accelerator, present.operation, -(-height // strips))
        if each.rows != present.rows:
            found[each.rows] = each
    return list(found.values())
