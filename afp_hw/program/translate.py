"""From the steps of a lowered network to the tasks of an accelerator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.descriptor import SideUse
from afp_hw.network.steps import GemmStep, LoweredNetwork
from afp_hw.program import dynamic, fit
from afp_hw.program.layout import Grid, TensorLayout
from afp_hw.program.settings import records_of_output, records_of_sums
from afp_hw.program.tasks import Operand, Product, Task, Window
from afp_hw.program.tensors import Tensors, grid_of, require_grid
from afp_hw.program.translate_steps import store_view, translate_step


@dataclass(frozen=True, eq=False)
class Translation:
    """What is computed, and how tensors lie.

    Attributes
    ----------
    tasks
        In order.
    layouts
        Of the tensors that are stored, the network's input first.
    outputs
        Of the network, by name: the name under which it is stored, and its layout.
    dynamic
        Whether grids are.
    """

    tasks: tuple[Task, ...]
    layouts: Mapping[str, TensorLayout]
    outputs: Mapping[str, tuple[str, TensorLayout]]
    dynamic: bool


def translate(lowered: LoweredNetwork, accelerator: AcceleratorDesign) -> Translation:
    """The tasks of a network, all of whose grids are static, or all dynamic.

    Raises
    ------
    ValueError
        What the accelerator does not do, or does not hold.
    """
    fit.require_records(accelerator)
    tensors, design = Tensors(lowered, accelerator), accelerator.array
    tasks: list[Task] = []
    for step in lowered.steps:
        if isinstance(step, GemmStep):
            tasks.append(_layer(step, design, tensors))
        else:
            tasks += translate_step(step, design, tensors)
    outputs = {}
    for name in lowered.graph.outputs:
        view = tensors.views[name]
        if not view.is_whole(tensors.layouts[view.tensor].grid):
            tasks.append(store_view(name, design, tensors))
        stored = tensors.views[name].tensor
        outputs[name] = stored, replace(tensors.layouts[stored], shape=tensors.shape(name))
    if not tasks:
        raise ValueError("network must have a step that computes, not moves alone")
    return Translation(tuple(tasks), tensors.layouts, outputs, tensors.dynamic)


def _layer(step: GemmStep, design: Design, tensors: Tensors) -> Task:
    """A convolution, or a linear layer: one whose window is the whole image."""
    view, codes = tensors.views[step.input], step.wgt_codes
    window = _window_of(step, view.grid)
    linear = step.node.op == "Linear"
    grid = grid_of((codes.shape[2],) if linear else tensors.shape(step.node.output))
    left = fit.require_products(design, step.name, step.act.fmt, step.wgt.fmt, codes)
    product = Product(
        view,
        window,
        step.act.fmt,
        step.wgt.fmt,
        codes.transpose(0, 2, 1).reshape(grid[0], -1, *window.kernel),
        codes.shape[0],
        left,
        grid[0] * codes.shape[1] * grid[1] * grid[2],
    )
    if tensors.dynamic:
        return _dynamic_layer(step, grid, product, tensors)
    init = step.init.astype(object) << left
    operands = _skip(step, grid, left, init, design, tensors)
    use = SideUse.ADD if operands else SideUse.NONE
    if step.requantize is None:
        layout = tensors.store_sums(step, grid, left)
        return Task(step.name, layout, product, use, operands, records_of_sums(init))
    layout = tensors.store_codes(step.output, grid)
    shift = step.skip_shift if operands else 0
    records = records_of_output(design, step.requantize, grid[0], left, init=init, shift=shift)
    return Task(step.name, layout, product, use, operands, records, step.requantize.relu)


def _dynamic_layer(step: GemmStep, grid: Grid, product: Product, tensors: Tensors) -> Task:
    """A layer whose input has a grid for each image."""
    left = product.further_left
    records = dynamic.records_of_products(tensors.accelerator, step, left)
    if step.requantize is None:
        layout = tensors.store_sums(step, grid, left)
    else:
        positive = step.output in tensors.positive
        dynamic.require_output(step.name, step.requantize, positive, tensors.accelerator.array)
        layout = tensors.store_rounded(step.output, grid)
    finest, _ = dynamic.grids_of_weights(step)
    relu = step.requantize is not None and step.requantize.relu
    return Task(
        step.name, layout, product, SideUse.NONE, (), records, relu, grid_shift=finest - left
    )


def _window_of(step: GemmStep, grid: Grid) -> Window:
    if step.node.op == "Linear":
        return Window(grid[1:])
    attributes = step.node.attributes
    top, left, _, _ = attributes["pads"]
    return Window(attributes["kernel"], attributes["strides"], attributes["dilations"], top, left)


def _skip(
    step: GemmStep, grid: Grid, left: int, init: Any, design: Design, tensors: Tensors
) -> tuple[Operand, ...]:
    """The skip tensor; with it, or without one, initial values must fit."""
    if step.skip is None:
        fit.require_initial(design, step.name, init, np.zeros(1, object))
        return ()
    view, fmt = tensors.views[step.skip], tensors.operand_format(step.skip)
    require_grid(step.name, view, grid)
    largest = fmt.max_fix << (np.asarray(step.skip_shift, object) + left)
    fit.require_initial(design, step.name, init, largest)
    return (Operand(view, Window(), fmt, (left,)),)
