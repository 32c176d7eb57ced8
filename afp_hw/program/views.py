"""Tensors read where they lie: what slices, pads and flattens make of one that is stored.

Nothing is moved. A view says for each axis which elements of the stored tensor it has; what it has
beyond is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from afp_hw.network.graph import Node
from afp_hw.program.layout import Grid


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a view: element v is ``stored[start + step * v]``, or zero.

    Attributes
    ----------
    start, step
        Place of element 0, which need not be there, and of the next one.
    low, high
        Elements that are there are those in ``low .. high - 1``.
    size
        Of the axis; elements that are not there are zero.
    """

    start: int
    step: int
    low: int
    high: int
    size: int

    @classmethod
    def whole(cls, size: int) -> Axis:
        """All of a stored axis."""
        return cls(0, 1, 0, size, size)

    def sliced(self, start: int, stop: int, step: int) -> Axis:
        """Elements start, start + step, ... below stop."""
        count = len(range(start, stop, step))
        low = max(-(-(self.low - start) // step), 0)
        high = min(-(-(self.high - start) // step), count)
        return Axis(self.start + self.step * start, self.step * step, low, max(high, low), count)

    def padded(self, before: int, after: int) -> Axis:
        """Zeros before and after."""
        return Axis(
            self.start - self.step * before,
            self.step,
            self.low + before,
            self.high + before,
            self.size + before + after,
        )

    @property
    def is_padded(self) -> bool:
        """Whether it has elements that are not there."""
        return self.low > 0 or self.high < self.size

    def there(self, first: int, last: int) -> tuple[int, int]:
        """Of elements first .. last those that are there, as a range ``(begin, end)``."""
        begin, end = max(first, self.low), min(last + 1, self.high)
        return begin, max(begin, end)

    def place(self, element: int) -> int:
        """Where an element lies in the stored axis."""
        return self.start + self.step * element


@dataclass(frozen=True, slots=True)
class View:
    """A tensor as views of the three axes of a stored one."""

    tensor: str
    c: Axis
    y: Axis
    x: Axis

    @classmethod
    def whole(cls, tensor: str, grid: Grid) -> View:
        """All of a stored tensor."""
        return cls(tensor, *(Axis.whole(size) for size in grid))

    @property
    def grid(self) -> Grid:
        """Sizes of the view."""
        return self.c.size, self.y.size, self.x.size

    def is_whole(self, grid: Grid) -> bool:
        """Whether it is the stored tensor of this grid, element by element."""
        return self == View.whole(self.tensor, grid)

    def moved(self, node: Node, rank: int) -> View:
        """The view behind a Slice, Pad or Flatten of a tensor with `rank` axes.

        Raises
        ------
        ValueError
            A slice with a step along channels, or of a flattened image.
        """
        if node.op == "Flatten":
            return self
        if rank != 3 and self.grid[1:] != (1, 1):
            raise ValueError(f"{node.name!r} must move an image, not one that is flattened")
        axes = [self.c, self.y, self.x]
        if node.op == "Pad":
            sides = zip(node.attributes["before"], node.attributes["after"], strict=True)
            changed = [axis.padded(*pair) for axis, pair in zip(axes, sides, strict=False)]
        else:
            slices = node.attributes["slices"]
            if slices[0][2] != 1:
                raise ValueError(
                    f"{node.name!r} must slice channels with a step of 1, not {slices[0][2]}"
                )
            changed = [axis.sliced(*bounds) for axis, bounds in zip(axes, slices, strict=False)]
        return View(self.tensor, *changed, *axes[len(changed) :])
