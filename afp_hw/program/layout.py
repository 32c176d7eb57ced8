"""How a tensor lies in memory, ``docs/accelerator.md``, and its codes or sums to bytes and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.assignment import TensorFormat
from afp_hw.program.packing import pack_rows, unpack_rows

Grid = tuple[int, int, int]
"""Channels, height, width. A tensor of one axis has a pixel."""


@dataclass(frozen=True, slots=True)
class TensorLayout:
    """A tensor's codes, [H, W, pitch], packed; each row of the image begins with a beat.

    A tensor with a grid for each image may hold words instead (docs/accelerator.md, Dynamic grids).

    Attributes
    ----------
    name
        Of the tensor.
    shape
        As the network has it, without its batch axis.
    grid
        Channels, height and width in memory.
    pitch
        Codes from pixel to pixel; of sums: slices of all column tiles.
    width
        Bits of a code; of sums: of a slice.
    beat_bytes
        Of the memory.
    item
        Format and grid of the codes, or of what words will be; None for sums.
    slices, sum_width, columns
        Of sums: how many slices each has and bits of a whole one, and columns of the array.
    further_left
        Of sums: bits by which they are further left than those of the layer's own formats.
    lsb
        Of sums: exponent of the layer's own, one or one for each channel.
    above
        Of sums behind a tensor with a grid for each image: its name; its own exponent is to be
        added to `lsb`.
    place
        In the table of grids, of a tensor with a grid for each image.
    words
        Whether it holds words that wait for their grid.
    """

    name: str
    shape: tuple[int, ...]
    grid: Grid
    pitch: int
    width: int
    beat_bytes: int
    item: TensorFormat | None
    slices: int = 0
    sum_width: int = 0
    columns: int = 0
    further_left: int = 0
    lsb: int | tuple[int, ...] = 0
    above: str | None = None
    place: int | None = None
    words: bool = False

    @property
    def row_bits(self) -> int:
        """Bits from row to row of the image."""
        return 8 * self.row_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes from row to row of the image: whole beats."""
        used = -(-self.grid[2] * self.pitch * self.width // 8)
        return -(-used // self.beat_bytes) * self.beat_bytes

    @property
    def size(self) -> int:
        """Bytes of the tensor."""
        return self.grid[1] * self.row_bytes

    def pack(self, codes: NDArray[Any]) -> bytes:
        """Bytes of codes in the shape of the network.

        Raises
        ------
        ValueError
            Another shape, or sums, which only the accelerator writes.
        """
        if self.item is None:
            raise ValueError(f"tensor {self.name!r} must hold codes to be packed, not sums")
        if codes.shape != self.shape:
            raise ValueError(
                f"tensor {self.name!r} must have the shape {list(self.shape)}, not "
                f"{list(codes.shape)}"
            )
        channels, height, width = self.grid
        rows = np.zeros((height, width, self.pitch), codes.dtype)
        rows[:, :, :channels] = codes.reshape(self.grid).transpose(1, 2, 0)
        return pack_rows(rows.reshape(height, -1), self.width, self.row_bytes).tobytes()

    def unpack(self, data: bytes) -> NDArray[Any]:
        """Codes, words, or int64 or object sums, in the shape of the network; the inverse."""
        channels, height, width = self.grid
        packed = np.frombuffer(data, np.uint8, self.size).reshape(height, self.row_bytes)
        rows = unpack_rows(packed, self.width, width * self.pitch)
        if self.item is not None:
            pixels = rows.reshape(height, width, self.pitch)[:, :, :channels]
            return np.ascontiguousarray(pixels.transpose(2, 0, 1)).reshape(self.shape)
        words = rows.reshape(height, width, -1, self.slices, self.columns)
        kind: Any = np.int64 if self.sum_width <= 62 else object
        weights = np.array([1 << self.width * i for i in range(self.slices)], object)
        parts = words.astype(object) if kind is object else words.astype(np.int64)
        top = 1 << (self.sum_width - 1)
        sums = (parts * weights.astype(kind)[:, None]).sum(axis=3)
        sums = (((sums & ((1 << self.sum_width) - 1)) ^ top) - top) >> self.further_left
        pixels = sums.reshape(height, width, -1)[:, :, :channels]
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)).reshape(self.shape)
