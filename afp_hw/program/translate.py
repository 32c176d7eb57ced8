"""From the steps of a lowered network to the tasks of an accelerator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from afp_hw import golden
from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import SHIFTS, SideUse
from afp_hw.network.stages import Kind
from afp_hw.network.steps import CodeStep, GemmStep, LoweredNetwork, Output
from afp_hw.program import fit
from afp_hw.program.digits import signed_digits
from afp_hw.program.layout import Grid, TensorLayout
from afp_hw.program.settings import records_of, records_of_sums
from afp_hw.program.tasks import Operand, Product, Task, Window
from afp_hw.program.views import View


@dataclass(frozen=True, eq=False)
class Translation:
    """What is computed, and what lies where.

    Attributes
    ----------
    tasks
        In order.
    layouts
        Of the tensors that are stored, the network's input first.
    outputs
        Of the network, by name: the layout of the tensor, and the name under which it is stored.
    """

    tasks: tuple[Task, ...]
    layouts: Mapping[str, TensorLayout]
    outputs: Mapping[str, tuple[str, TensorLayout]]


def translate(lowered: LoweredNetwork, accelerator: AcceleratorDesign) -> Translation:
    """The tasks of a network of static grids.

    Raises
    ------
    ValueError
        What the accelerator does not do, or does not hold.
    """
    return _Translator(lowered, accelerator).run()


class _Translator:
    def __init__(self, lowered: LoweredNetwork, accelerator: AcceleratorDesign) -> None:
        fit.require_records(accelerator)
        for name, item in lowered.tensors.items():
            if item.dynamic:
                raise ValueError(f"tensor {name!r} must have a static grid, not a dynamic one")
        self._lowered, self._accelerator = lowered, accelerator
        self._design = accelerator.array
        self._shapes = lowered.graph.shapes
        self._tasks: list[Task] = []
        self._layouts: dict[str, TensorLayout] = {}
        self._views: dict[str, View] = {}

    def run(self) -> Translation:
        spec = self._lowered.graph.inputs[0]
        grid = _grid(spec.shape)
        self._store(self._layout(spec.name, grid, pitch=grid[0]))
        for step in self._lowered.steps:
            if isinstance(step, GemmStep):
                self._gemm(step)
            else:
                self._code_step(step)
        outputs = {}
        for name in self._lowered.graph.outputs:
            view = self._views[name]
            if not view.is_whole(self._layouts[view.tensor].grid):
                self._move(name)
                view = self._views[name]
            layout = replace(self._layouts[view.tensor], shape=tuple(self._shapes[name]))
            outputs[name] = (view.tensor, layout)
        if not self._tasks:
            raise ValueError("network must have a step that computes, not moves alone")
        return Translation(tuple(self._tasks), self._layouts, outputs)

    # Tensors

    def _layout(self, name: str, grid: Grid, *, pitch: int | None = None) -> TensorLayout:
        """Of a tensor of codes."""
        columns = self._design.cols
        item = self._lowered.tensors[name]
        fit.require_format("outs", self._design.out_envelope, item.fmt, name)
        return TensorLayout(
            name,
            tuple(self._shapes[name]),
            grid,
            -(-grid[0] // columns) * columns if pitch is None else pitch,
            item.fmt.width,
            self._accelerator.beat_bytes,
            item,
        )

    def _layout_of_sums(self, step: GemmStep, grid: Grid, left_by: int) -> TensorLayout:
        design, name = self._design, step.output
        lsb = step.lsb_acc
        width = design.out_envelope.width
        slices = -(-design.acc_width // width)
        return TensorLayout(
            name,
            tuple(self._shapes[name]),
            grid,
            -(-grid[0] // design.cols) * design.cols * slices,
            width,
            self._accelerator.beat_bytes,
            None,
            slices,
            design.acc_width,
            design.cols,
            left_by,
            lsb if isinstance(lsb, int) else tuple(lsb.tolist()),
        )

    def _store(self, layout: TensorLayout) -> TensorLayout:
        self._layouts[layout.name] = layout
        self._views[layout.name] = View.whole(layout.name, layout.grid)
        return layout

    # Layers

    def _gemm(self, step: GemmStep) -> None:
        view = self._views[step.input]
        attributes = step.node.attributes
        if step.node.op == "Linear":
            _, *image = view.grid
            window = Window((image[0], image[1]))
            grid = (step.wgt_codes.shape[2], 1, 1)
        else:
            top, left, _, _ = attributes["pads"]
            window = Window(
                attributes["kernel"], attributes["strides"], attributes["dilations"], top, left
            )
            grid = _grid(self._shapes[step.node.output])
        groups, length, each = step.wgt_codes.shape
        left_by = fit.require_products(
            self._design, step.name, step.act.fmt, step.wgt.fmt, step.wgt_codes
        )
        weights = step.wgt_codes.transpose(0, 2, 1).reshape(groups * each, -1, *window.kernel)
        product = Product(
            view,
            window,
            step.act.fmt,
            step.wgt.fmt,
            weights,
            groups,
            left_by,
            grid[0] * length * grid[1] * grid[2],
        )
        init = step.init.astype(object) << left_by
        operands = self._skip(step, grid, left_by, init)
        use = SideUse.ADD if operands else SideUse.NONE
        if step.requantize is None:
            layout = self._store(self._layout_of_sums(step, grid, left_by))
            records = records_of_sums(init)
        else:
            layout = self._store(self._layout(step.output, grid))
            records = self._records(
                layout,
                step.requantize,
                units=left_by,
                init=init,
                shift=step.skip_shift if operands else 0,
            )
        self._tasks.append(Task(step.name, layout, product, use, operands, records))

    def _skip(self, step: GemmStep, grid: Grid, left_by: int, init: Any) -> tuple[Operand, ...]:
        if step.skip is None:
            fit.require_initial(self._design, step.name, init, np.zeros(1, object))
            return ()
        view, fmt = self._views[step.skip], self._lowered.tensors[step.skip].fmt
        _require_grid(step.name, view, grid)
        fit.require_format("acts", self._design.afp_acts, fmt, step.skip)
        shift = np.asarray(step.skip_shift, object) + left_by
        fit.require_initial(self._design, step.name, init, fmt.max_fix << shift)
        return (Operand(view, Window(), fmt, (left_by,)),)

    # Steps without weights

    def _code_step(self, step: CodeStep) -> None:
        if step.kind is Kind.MOVE:
            view, rank = self._views[step.inputs[0]], len(self._shapes[step.inputs[0]])
            self._views[step.output] = view.moved(step.node, rank)
        elif step.kind is Kind.MAX_POOL:
            self._max_pool(step)
        elif step.kind is Kind.AVERAGE:
            self._average(step)
        elif step.kind in (Kind.ADD, Kind.ACTIVATION):
            self._add(step)
        else:
            raise ValueError(
                f"step {step.node.name!r} must be one that the accelerator does, not a "
                f"{step.kind.value}"
            )

    def _max_pool(self, step: CodeStep) -> None:
        view = self._views[step.inputs[0]]
        if view.y.is_padded or view.x.is_padded:
            # Zeros of the padded tensor take part, and what the pool itself pads does not.
            self._move(step.inputs[0])
        view = self._views[step.inputs[0]]
        operand = self._operand(step.inputs[0], view, _window_of(step))
        self._keep(step.output, _grid(self._shapes[step.output]), SideUse.MAX, operand)

    def _move(self, name: str) -> None:
        """Store what has been a view so far."""
        view = self._views[name]
        self._keep(name, view.grid, SideUse.ADD, self._operand(name, view, Window()))

    def _keep(self, name: str, grid: Grid, use: SideUse, operand: Operand) -> None:
        """A step whose output has the format and the grid of its input."""
        layout = self._store(self._layout(name, grid))
        fit.require_sum(self._design, name, operand.fmt.max_fix)
        records = records_of(self._design, operand.fmt, 0, channels=grid[0])
        self._tasks.append(Task(name, layout, None, use, (operand,), records))

    def _add(self, step: CodeStep) -> None:
        """An addition, or a single tensor with another activation function or format."""
        lsbs = [self._lowered.tensors[name].lsb for name in step.inputs]
        views = [self._views[name] for name in step.inputs]
        lowest = min(lsb for lsb in lsbs if isinstance(lsb, int))
        grid = views[0].grid
        operands = []
        for name, view, lsb in zip(step.inputs, views, lsbs, strict=True):
            _require_grid(step.node.name, view, grid)
            assert isinstance(lsb, int)  # static tensors have one grid
            operands.append(self._operand(name, view, Window(), ((lsb - lowest, False),)))
        self._side(step, grid, tuple(operands))

    def _average(self, step: CodeStep) -> None:
        view = self._views[step.inputs[0]]
        whole = step.node.op == "GlobalAveragePool"
        window = Window(view.grid[1:]) if whole else _window_of(step)
        factor = golden.average_factor(math.prod(window.kernel))
        digits = signed_digits(factor)
        zeros = digits[0][0]
        fit.require_field(step.node.name, "digits of the average", len(digits), SHIFTS)
        operand = self._operand(
            step.inputs[0], view, window, tuple((at - zeros, minus) for at, minus in digits)
        )
        self._side(step, _grid(self._shapes[step.output]), (operand,), units=-zeros)

    def _operand(
        self,
        name: str,
        view: View,
        window: Window,
        digits: tuple[tuple[int, bool], ...] = ((0, False),),
    ) -> Operand:
        fmt = self._lowered.tensors[name].fmt
        fit.require_format("acts", self._design.afp_acts, fmt, name)
        for shift, _ in digits:
            fit.require_field(name, "shift", shift + fmt.n_man, 63)
        shifts, negated = zip(*digits, strict=True)
        return Operand(view, window, fmt, shifts, negated)

    def _side(
        self, step: CodeStep, grid: Grid, operands: tuple[Operand, ...], units: int = 0
    ) -> None:
        """A step that adds up and rounds."""
        assert step.requantize is not None  # by its kind
        bound = sum(
            math.prod(each.window.kernel) * sum(each.fmt.max_fix << s for s in each.shifts)
            for each in operands
        )
        fit.require_sum(self._design, step.node.name, bound)
        layout = self._store(self._layout(step.output, grid))
        records = self._records(layout, step.requantize, units=units)
        self._tasks.append(
            Task(step.output, layout, None, SideUse.ADD, operands, records, step.requantize.relu)
        )

    def _records(self, layout: TensorLayout, output: Output, **settings: Any) -> Any:
        return records_of(
            self._design,
            output.target.fmt,
            output.offset,
            channels=layout.grid[0],
            relu=output.relu,
            clip=output.clip,
            **settings,
        )


def _grid(shape: tuple[int, ...]) -> Grid:
    """A shape as channels, height and width."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 1:
        return shape[0], 1, 1
    raise ValueError(f"tensor must have one or three axes, not the shape {list(shape)}")


def _window_of(step: CodeStep) -> Window:
    attributes = step.node.attributes
    top, left, _, _ = attributes["pads"]
    dilations = attributes.get("dilations", (1, 1))
    return Window(attributes["kernel"], attributes["strides"], dilations, top, left)


def _require_grid(name: str, view: View, grid: Grid) -> None:
    if view.grid != grid:
        raise ValueError(
            f"{name} must add tensors that lie alike, not {list(view.grid)} and {list(grid)}"
        )
