"""What an accelerator computes in one go, and stores: a step in the terms of descriptors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from afp_hw.design.descriptor import SideUse
from afp_hw.formats import AFPFormat
from afp_hw.program.layout import TensorLayout
from afp_hw.program.views import Axis, View


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows and columns an output pixel reads.

    Attributes
    ----------
    kernel, strides, dilations
        Height and width.
    top, left
        Zeros, or nothing, before the first row and column.
    """

    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    top: int = 0
    left: int = 0

    def first_row(self, row: int) -> int:
        """First row that output row `row` reads."""
        return row * self.strides[0] - self.top

    def cut(self, rows: int) -> Iterator[Window]:
        """The same in windows of at most so many rows, one below the other."""
        high, wide = self.kernel
        for at in range(0, high, rows):
            top = self.top - at * self.dilations[0]
            yield replace(self, kernel=(min(rows, high - at), wide), top=top)

    def rows(self, first: int, end: int, axis: Axis) -> tuple[int, int]:
        """Rows that are there of those that output rows first .. end - 1 read."""
        last = self.first_row(end - 1) + (self.kernel[0] - 1) * self.dilations[0]
        return axis.there(self.first_row(first), last)


@dataclass(frozen=True, eq=False)
class Operand:
    """A side operand.

    Attributes
    ----------
    view, window
        What is read.
    fmt
        Format of its codes.
    shifts, negated
        The table of shifts: y is the sum of ``fix << shift``, of which some are subtracted.
    """

    view: View
    window: Window
    fmt: AFPFormat
    shifts: tuple[int, ...] = (0,)
    negated: tuple[bool, ...] = (False,)


@dataclass(frozen=True, eq=False)
class Product:
    """The activations and weights of a layer.

    Attributes
    ----------
    view, window
        What is read.
    act, wgt
        Formats of the codes.
    weights
        Codes [N, channels of a group, KH, KW].
    groups
        Of channels.
    further_left
        By how many bits sums are further left than those of the layer's own formats.
    macs
        Products of the layer.
    """

    view: View
    window: Window
    act: AFPFormat
    wgt: AFPFormat
    weights: NDArray[Any]
    groups: int
    further_left: int
    macs: int


@dataclass(frozen=True, eq=False)
class Records:
    """Parameters of each channel, int64 or object [N]; ``docs/accelerator.md``, Records."""

    init: NDArray[Any]
    shift: NDArray[Any]
    drop: NDArray[Any]
    limit: NDArray[Any]
    negative_limit: NDArray[Any]

    @property
    def alike(self) -> bool:
        """Whether all channels have one record."""
        each = (self.init, self.shift, self.drop, self.limit, self.negative_limit)
        return all(bool((values == values[0]).all()) for values in each)


@dataclass(frozen=True, eq=False)
class Task:
    """What one or more descriptors compute together.

    Attributes
    ----------
    name
        Of the step.
    output
        What is stored; a layout of sums, or of codes.
    product
        None where nothing is multiplied.
    use
        What side operands do.
    operands
        One after the other they enter the sums; of a product at most one, the skip tensor.
    records
        Of the output's channels.
    relu
        Whether negative sums become 0.
    grid_shift
        Of a network with dynamic grids: exponent of the sums' unit over that of the operand. None:
        grids are static.
    """

    name: str
    output: TensorLayout
    product: Product | None
    use: SideUse
    operands: tuple[Operand, ...]
    records: Records
    relu: bool = False
    grid_shift: int | None = None

    @property
    def kind(self) -> str:
        """For people."""
        if self.product is not None:
            return "linear" if self.output.shape == self.output.grid[:1] else "conv"
        return "max" if self.use is SideUse.MAX else "side"
