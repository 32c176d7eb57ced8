"""Where a network's tensors lie, and as what they are read: layouts, and views of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from afp_hw.design import AcceleratorDesign
from afp_hw.formats import AFPFormat
from afp_hw.network.stages import nonnegative
from afp_hw.network.steps import GemmStep, LoweredNetwork
from afp_hw.program import fit
from afp_hw.program.dynamic import MOST_PLACES, is_dynamic
from afp_hw.program.layout import Grid, TensorLayout
from afp_hw.program.views import View


class Tensors:
    """Tensors that are stored so far, and those that are read where they lie.

    Attributes
    ----------
    layouts
        By name, of those that are stored.
    views
        By name, of all.
    dynamic
        Whether they have a grid for each image.
    """

    def __init__(self, lowered: LoweredNetwork, accelerator: AcceleratorDesign) -> None:
        self.dynamic = is_dynamic(lowered, accelerator)
        self._lowered, self.accelerator = lowered, accelerator
        self.layouts: dict[str, TensorLayout] = {}
        self.views: dict[str, View] = {}
        spec = lowered.graph.inputs[0]
        grid = grid_of(spec.shape)
        self.store_codes(spec.name, grid, pitch=grid[0])

    def shape(self, name: str) -> tuple[int, ...]:
        """As the network has it, without its batch axis."""
        return tuple(self._lowered.graph.shapes[name])

    @cached_property
    def positive(self) -> set[str]:
        """Tensors that the graph proves not to be negative."""
        return nonnegative(self._lowered.graph)

    def lsb(self, name: str) -> int:
        """Exponent of a stored tensor."""
        lsb = self._lowered.tensors[name].lsb
        assert isinstance(lsb, int)  # static tensors have one
        return lsb

    def operand_format(self, name: str) -> AFPFormat:
        """Format of a tensor that is read; ValueError where the array's envelope is narrower."""
        fmt = self._lowered.tensors[name].fmt
        fit.require_format("acts", self.accelerator.array.afp_acts, fmt, name)
        return fmt

    def store_rounded(self, name: str, grid: Grid) -> TensorLayout:
        """A tensor that the accelerator rounds: of codes, or of words that wait for their grid."""
        return self.store_codes(name, grid, words=self.dynamic)

    def store_codes(
        self, name: str, grid: Grid, *, pitch: int | None = None, words: bool = False
    ) -> TensorLayout:
        """A tensor of codes or words; without a pitch, one that the accelerator writes."""
        design = self.accelerator.array
        item = self._lowered.tensors[name]
        if pitch is None:
            fit.require_format("outs", design.out_envelope, item.fmt, name)
            pitch = -(-grid[0] // design.cols) * design.cols
        place = None
        if self.dynamic:
            place = sum(layout.item is not None for layout in self.layouts.values())
            fit.require_field(name, "place in the table of grids", place, MOST_PLACES - 1)
        return self._store(
            TensorLayout(
                name,
                self.shape(name),
                grid,
                pitch,
                self.accelerator.waiting_width if words else item.fmt.width,
                self.accelerator.beat_bytes,
                item,
                place=place,
                words=words,
            )
        )

    def store_sums(self, step: GemmStep, grid: Grid, further_left: int) -> TensorLayout:
        """Sums that leave the network."""
        design = self.accelerator.array
        lsb = step.lsb_wgt if self.dynamic else step.lsb_acc
        width = design.out_envelope.width
        slices = -(-design.acc_width // width)
        return self._store(
            TensorLayout(
                step.output,
                self.shape(step.output),
                grid,
                -(-grid[0] // design.cols) * design.cols * slices,
                width,
                self.accelerator.beat_bytes,
                None,
                slices,
                design.acc_width,
                design.cols,
                further_left,
                lsb if isinstance(lsb, int) else tuple(lsb.tolist()),
                self.views[step.input].tensor if self.dynamic else None,
            )
        )

    def _store(self, layout: TensorLayout) -> TensorLayout:
        self.layouts[layout.name] = layout
        self.views[layout.name] = View.whole(layout.name, layout.grid)
        return layout


def grid_of(shape: Sequence[int]) -> Grid:
    """A shape as channels, height and width."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 1:
        return shape[0], 1, 1
    raise ValueError(f"tensor must have one or three axes, not the shape {list(shape)}")


def require_grid(name: str, view: View, grid: Grid) -> None:
    """Refuse tensors that are added, but lie in another way."""
    if view.grid != grid:
        raise ValueError(
            f"{name!r} must add tensors that lie alike, not {list(view.grid)} and {list(grid)}"
        )
