"""Layers by their shapes alone, from a table in SCALE-Sim's format, planned as if they had weights.

A line has a name and seven numbers: height and width of the input with its padding, height and
width of the filter, input channels, filters, stride. There is no graph in it. A layer reads the
output of the nearest layer before it that has its channels and, but for padding, its size; where
there is none (behind a pooling, which the table does not have) its input lies in memory from the
start. Additions of residuals are not in the table either.

Source: A. Samajdar et al., "SCALE-Sim: Systolic CNN Accelerator Simulator", arXiv:1811.02883.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import SideUse
from afp_hw.formats import AFPFormat
from afp_hw.network.assignment import TensorFormat
from afp_hw.program import fit
from afp_hw.program.assembly import assemble
from afp_hw.program.layout import Grid, TensorLayout
from afp_hw.program.manifest import layers_of
from afp_hw.program.plans import plan
from afp_hw.program.tasks import Product, Records, Task, Window
from afp_hw.program.views import View

COLUMNS: Final = (
    "IFMAP Height",
    "IFMAP Width",
    "Filter Height",
    "Filter Width",
    "Channels",
    "Num Filter",
    "Strides",
)
"""Of a line, behind the name."""

_NOTHING: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Shape:
    """A line of the table.

    Attributes
    ----------
    name
        Of the layer.
    height, width
        Of the input, padding included.
    kernel
        Height and width of the filter.
    channels, filters, stride
        Channels of the input and of the output; pixels from window to window.
    """

    name: str
    height: int
    width: int
    kernel: tuple[int, int]
    channels: int
    filters: int
    stride: int

    @property
    def output(self) -> Grid:
        """Channels, height and width of the output."""
        high, wide = self.kernel
        return (
            self.filters,
            (self.height - high) // self.stride + 1,
            (self.width - wide) // self.stride + 1,
        )

    @property
    def products(self) -> int:
        """Of one output element: K."""
        return self.channels * self.kernel[0] * self.kernel[1]

    @property
    def macs(self) -> int:
        """Of the layer."""
        channels, height, width = self.output
        return self.products * channels * height * width

    def padding(self, stored: Grid) -> tuple[int, int] | None:
        """Rows above and columns beside a stored tensor that make it this input; None if none."""
        if stored[0] != self.channels:
            return None
        rest = self.height - stored[1], self.width - stored[2]
        if not all(0 <= more < size for more, size in zip(rest, self.kernel, strict=True)):
            return None
        return rest[0] // 2, rest[1] // 2


def read_topology(path: Path) -> list[Shape]:
    """The layers of a table.

    Raises
    ------
    ValueError
        A line has not eight columns, or a number is not one; a filter is larger than its input, or
        a name comes twice.
    OSError
        The file cannot be read.
    """
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name} must be a table of text, not {error}") from error
    shapes: dict[str, Shape] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        shape = _shape(f"{path.name} line {number}", cells)
        if shape.name in shapes:
            raise ValueError(f"{path.name} line {number} must have another name than {cells[0]!r}")
        shapes[shape.name] = shape
    if not shapes:
        raise ValueError(f"{path.name} must have a line of titles and a layer, not {len(lines)}")
    return list(shapes.values())


def _shape(where: str, cells: list[str]) -> Shape:
    given = len(cells) - (not cells[-1])  # a comma may stand at the end
    if given != len(COLUMNS) + 1:
        raise ValueError(f"{where} must have a name and {len(COLUMNS)} numbers, not {given} cells")
    for title, cell in zip(COLUMNS, cells[1:], strict=False):
        if not cell.isdecimal() or int(cell) < 1:
            raise ValueError(f"{where}.{title} must be a number of at least 1, not {cell!r}")
    high, wide, kernel_high, kernel_wide, channels, filters, stride = map(int, cells[1:given])
    if kernel_high > high or kernel_wide > wide:
        raise ValueError(
            f"{where} must have a filter within its input of {high} x {wide}, not of "
            f"{kernel_high} x {kernel_wide}"
        )
    return Shape(cells[0], high, wide, (kernel_high, kernel_wide), channels, filters, stride)


@dataclass(frozen=True, eq=False)
class Outline:
    """A network without values: its layers as a manifest has them, and all descriptors."""

    layers: list[dict[str, Any]]
    descriptors: tuple[Mapping[str, int], ...]


def outline(
    shapes: list[Shape], accelerator: AcceleratorDesign, wgt: AFPFormat, act: AFPFormat
) -> Outline:
    """Plan layers as the compiler does.

    Parameters
    ----------
    shapes, accelerator
        What runs on what.
    wgt, act
        Formats of all weights and of all activations.

    Raises
    ------
    ValueError
        The accelerator does not hold a layer, or a format.
    """
    array = accelerator.array
    fit.require_format("weights", array.afp_weights, wgt, "weights")
    fit.require_format("acts", array.afp_acts, act, "activations")
    fit.require_format("outs", array.out_envelope, act, "activations")
    layouts: dict[str, TensorLayout] = {}
    tasks = list(_tasks(shapes, accelerator, wgt, act, layouts))
    plans = [plan(task, layouts, accelerator) for task in tasks]
    assembly = assemble(plans, layouts, accelerator)
    layers = layers_of(plans, assembly.descriptors, assembly.ends, accelerator.beat_bytes)
    return Outline(layers, assembly.descriptors)


def _tasks(
    shapes: list[Shape],
    accelerator: AcceleratorDesign,
    wgt: AFPFormat,
    act: AFPFormat,
    layouts: dict[str, TensorLayout],
) -> Iterator[Task]:
    """Tasks of all layers; their tensors are added to `layouts`."""
    columns = accelerator.array.cols
    item = TensorFormat(act, 0)

    def stored(name: str, shape: tuple[int, ...], grid: Grid, pitch: int) -> TensorLayout:
        layouts[name] = TensorLayout(
            name, shape, grid, pitch, act.width, accelerator.beat_bytes, item
        )
        return layouts[name]

    for shape in shapes:
        if shape.products > accelerator.array.k:
            raise ValueError(
                f"Design.k must be at least {shape.products} for {shape.name!r}, not "
                f"{accelerator.array.k}"
            )
        source, (top, left) = _source(shape, layouts)
        if source is None:
            grid = shape.channels, shape.height, shape.width
            source = stored(f"input of {shape.name}", grid, grid, shape.channels)
        window = Window(shape.kernel, (shape.stride, shape.stride), (1, 1), top, left)
        # Of the weights, shapes alone matter.
        weights = np.broadcast_to(np.uint8(0), (shape.filters, shape.channels, *shape.kernel))
        view = View.whole(source.name, source.grid)
        product = Product(view, window, act, wgt, weights, 1, 0, shape.macs)
        grid = shape.output
        whole = grid[:1] if grid[1:] == (1, 1) else grid
        output = stored(shape.name, whole, grid, -(-grid[0] // columns) * columns)
        yield Task(shape.name, output, product, SideUse.NONE, (), Records(*[_NOTHING] * 5))


def _source(
    shape: Shape, layouts: Mapping[str, TensorLayout]
) -> tuple[TensorLayout | None, tuple[int, int]]:
    """The nearest stored tensor that is the input but for padding, and that."""
    for layout in reversed(list(layouts.values())):
        padding = shape.padding(layout.grid)
        if padding is not None:
            return layout, padding
    return None, (0, 0)
