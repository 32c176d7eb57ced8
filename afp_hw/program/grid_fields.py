"""Fields of descriptors where grids are dynamic: which grids are read, which one is made.

Source: ``docs/accelerator.md``, Dynamic grids.
"""

from __future__ import annotations

from collections.abc import Mapping

from afp_hw.design import AcceleratorDesign
from afp_hw.program.dynamic import most_alignment
from afp_hw.program.layout import TensorLayout
from afp_hw.program.tasks import Operand, Task

Fields = dict[str, int]


def grid_fields(task: Task, layouts: Mapping[str, TensorLayout], *, ends: bool) -> Fields:
    """Of any descriptor of a task; `ends`: the last one. Nothing where grids are static."""
    if task.grid_shift is None:
        return {}
    fields: Fields = {"dynamic_in": 1, "grid_shift": task.grid_shift}
    if task.product is not None:
        source = layouts[task.product.view.tensor]
        assert source.place is not None  # the network is dynamic
        fields |= {
            "act_grid": source.place,
            "act_words": int(source.words),
            "init_left": task.product.further_left,
        }
    if task.output.place is not None:
        fields |= {
            "dynamic_end": int(ends),
            "out_grid": task.output.place,
        }
    return fields


def operand_fields(
    task: Task,
    operand: Operand,
    layouts: Mapping[str, TensorLayout],
    accelerator: AcceleratorDesign,
) -> Fields:
    """Of a descriptor that adds `operand`, one of those of the task."""
    if task.grid_shift is None:
        return {}
    own = layouts[operand.view.tensor]
    # Parts of a window are of one tensor.
    others = [each for each in task.operands if each.view.tensor != operand.view.tensor]
    other = layouts[others[0].view.tensor] if others else own
    assert own.place is not None  # the network is dynamic
    assert other.place is not None
    fields = {"side_grid": own.place, "other_grid": other.place, "side_words": int(own.words)}
    if others:
        fields["most_alignment"] = most_alignment(
            task.name, operand.fmt, others[0].fmt, accelerator.array
        )
    return fields
