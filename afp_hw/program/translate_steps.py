"""Steps without weights as tasks: addition, averages, pools, activation functions, moves."""

from __future__ import annotations

import math

from afp_hw import golden
from afp_hw.design import Design
from afp_hw.design.descriptor import FIELDS, SHIFTS, SideUse
from afp_hw.golden.pool import AVERAGE_BITS
from afp_hw.network.stages import Kind
from afp_hw.network.steps import CodeStep
from afp_hw.program import dynamic, fit
from afp_hw.program.digits import signed_digits
from afp_hw.program.layout import Grid
from afp_hw.program.settings import records_of, records_of_output
from afp_hw.program.tasks import Operand, Task, Window
from afp_hw.program.tensors import Tensors, grid_of, require_grid

_MOST_SHIFT = (1 << FIELDS["shift_0"].width) - 1


def translate_step(step: CodeStep, design: Design, tensors: Tensors) -> list[Task]:
    """The tasks of a step, of which there are none where its output is read where it lies.

    Raises
    ------
    ValueError
        A step that the accelerator does not do, or numbers that it does not hold.
    """
    if step.kind is Kind.MOVE:
        source = step.inputs[0]
        moved = tensors.views[source].moved(step.node, len(tensors.shape(source)))
        tensors.views[step.output] = moved
        return []
    if step.kind is Kind.MAX_POOL:
        return _max_pool(step, design, tensors)
    if step.kind is Kind.AVERAGE:
        return [_average(step, design, tensors)]
    if step.kind in (Kind.ADD, Kind.ACTIVATION):
        return [_addition(step, design, tensors)]
    raise ValueError(
        f"step {step.node.name!r} must be one that the accelerator does, not a {step.node.op}"
    )


def store_view(name: str, design: Design, tensors: Tensors) -> Task:
    """Store a tensor that has been a view so far."""
    grid = tensors.views[name].grid
    return _kept(name, grid, SideUse.ADD, _operand(name, tensors, Window()), design, tensors)


def _max_pool(step: CodeStep, design: Design, tensors: Tensors) -> list[Task]:
    source, grid = step.inputs[0], grid_of(tensors.shape(step.output))
    tasks = []
    view = tensors.views[source]
    if view.y.is_padded or view.x.is_padded:
        # Zeros of the padded tensor take part, and what the pool itself pads does not.
        tasks.append(store_view(source, design, tensors))
    operand = _operand(source, tensors, _window_of(step))
    tasks.append(_kept(step.output, grid, SideUse.MAX, operand, design, tensors))
    return tasks


def _kept(
    name: str, grid: Grid, use: SideUse, operand: Operand, design: Design, tensors: Tensors
) -> Task:
    """A task whose output has the format and the grid of its input."""
    layout = tensors.store_codes(name, grid)
    fit.require_sum(design, name, operand.fmt.max_fix)
    records = records_of(design, operand.fmt, 0, channels=grid[0])
    grid_shift = 0 if tensors.dynamic else None
    return Task(name, layout, None, use, (operand,), records, grid_shift=grid_shift)


def _addition(step: CodeStep, design: Design, tensors: Tensors) -> Task:
    """An addition, or one tensor with another activation function or format."""
    # Dynamic grids are aligned when they are known.
    lsbs = [0 if tensors.dynamic else tensors.lsb(name) for name in step.inputs]
    grid = tensors.views[step.inputs[0]].grid
    operands = []
    for name, lsb in zip(step.inputs, lsbs, strict=True):
        require_grid(step.node.name, tensors.views[name], grid)
        operands.append(_operand(name, tensors, Window(), ((lsb - min(lsbs), False),)))
    return _rounded(step, grid, tuple(operands), design, tensors)


def _average(step: CodeStep, design: Design, tensors: Tensors) -> Task:
    source = step.inputs[0]
    whole = step.node.op == "GlobalAveragePool"
    window = Window(tensors.views[source].grid[1:]) if whole else _window_of(step)
    digits = signed_digits(golden.average_factor(math.prod(window.kernel)))
    fit.require_field(step.node.name, "digits of the average", len(digits), SHIFTS)
    zeros = digits[0][0]
    operand = _operand(source, tensors, window, tuple((at - zeros, minus) for at, minus in digits))
    grid = grid_of(tensors.shape(step.output))
    return _rounded(step, grid, (operand,), design, tensors, AVERAGE_BITS, zeros)


def _operand(
    name: str,
    tensors: Tensors,
    window: Window,
    digits: tuple[tuple[int, bool], ...] = ((0, False),),
) -> Operand:
    fmt = tensors.operand_format(name)
    shifts, negated = zip(*digits, strict=True)
    fit.require_field(name, "shift", max(shifts) + fmt.n_man, _MOST_SHIFT)
    return Operand(tensors.views[name], window, fmt, shifts, negated)


def _rounded(
    step: CodeStep,
    grid: Grid,
    operands: tuple[Operand, ...],
    design: Design,
    tensors: Tensors,
    fraction: int = 0,
    stripped: int = 0,
) -> Task:
    """A task that adds up and rounds once.

    Sums have `fraction` bits below the unit of the operand, of which `stripped` are left out.
    """
    assert step.requantize is not None  # by its kind
    bound = sum(
        math.prod(each.window.kernel) * sum(each.fmt.max_fix << shift for shift in each.shifts)
        for each in operands
    )
    fit.require_sum(design, step.node.name, bound)
    layout = tensors.store_rounded(step.output, grid)
    relu = step.requantize.relu
    if tensors.dynamic:
        positive = step.output in tensors.positive
        dynamic.require_output(step.node.name, step.requantize, positive, design)
        records, grid_shift = dynamic.records_of_words(grid[0]), stripped - fraction
    else:
        records = records_of_output(design, step.requantize, grid[0], -stripped)
        grid_shift = None
    return Task(
        step.output, layout, None, SideUse.ADD, operands, records, relu, grid_shift=grid_shift
    )


def _window_of(step: CodeStep) -> Window:
    attributes = step.node.attributes
    top, left, _, _ = attributes["pads"]
    # An average has none.
    dilations = attributes["dilations"] if step.kind is Kind.MAX_POOL else (1, 1)
    return Window(attributes["kernel"], attributes["strides"], dilations, top, left)
