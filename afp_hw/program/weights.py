"""The order of a layer's weights: which code meets which activation, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.design import Design
from afp_hw.design.descriptor import Operation
from afp_hw.program.packing import pack_stream
from afp_hw.program.tasks import Product


@dataclass(frozen=True, slots=True)
class Chunks:
    """What the chunks of some column tiles read: their loops, and the channels of each tile.

    Attributes
    ----------
    tiles
        The column tiles, ``(first, end)``.
    channel, step
        First input channel of the first tile, and how many further on that of the next tile is.
    channels
        How many each tile reads.
    kx, cj
        Columns of the window that are chunks of their own, 1 where its rows are read as they lie;
        chunks of what lies together.
    """

    tiles: tuple[int, int]
    channel: int
    step: int
    channels: int
    kx: int
    cj: int

    @property
    def count(self) -> int:
        """Column tiles."""
        return self.tiles[1] - self.tiles[0]

    def cut(self, size: int) -> Iterator[Chunks]:
        """The same in pieces of at most so many column tiles."""
        for first in range(*self.tiles, size):
            moved = self.channel + self.step * (first - self.tiles[0])
            end = min(first + size, self.tiles[1])
            yield Chunks((first, end), moved, self.step, self.channels, self.kx, self.cj)


def chunks_of(product: Product, pitch: int, design: Design) -> list[Chunks]:
    """The fewest chunks of all column tiles; where channels go on unevenly, in several runs."""
    channels, each, axis = len(product.weights), product.weights.shape[1], product.view.c
    tiles = -(-channels // design.cols)
    if product.groups == 1:
        spans = [(axis.low, axis.high)] * tiles
    else:
        per_group = channels // product.groups
        ends = [min((n + 1) * design.cols, channels) for n in range(tiles)]
        spans = [
            (n * design.cols // per_group * each, ((ends[n] - 1) // per_group + 1) * each)
            for n in range(tiles)
        ]
    runs = []
    first = 0
    while first < tiles:
        end = first + 1
        step = spans[end][0] - spans[first][0] if end < tiles else 0
        while end < tiles and spans[end][0] - spans[end - 1][0] == step:
            end += 1
        step = step if end - first > 1 else 0
        widest = max(high - low for low, high in spans[first:end])
        kx, cj = _loops(product, pitch, widest, design.group)
        runs.append(Chunks((first, end), spans[first][0], step, widest, kx, cj))
        first = end
    return runs


def _loops(product: Product, pitch: int, channels: int, group: int) -> tuple[int, int]:
    """Chunks of a row of the window: by column, or of the row as it lies where those are fewer."""
    columns = product.window.kernel[1]
    apart = columns, max(-(-channels // group), 1)
    together = 1, max(-(-((columns - 1) * pitch + channels) // group), 1)
    lies_together = product.window.dilations[1] * product.view.x.step == 1 or columns == 1
    return together if lies_together and together[1] <= apart[0] * apart[1] else apart


def weight_rows(product: Product, chunks: Chunks, pitch: int, design: Design) -> NDArray[Any]:
    """Codes in the order of the chunks, [tiles, KH, kx, cj, group, cols]; 0 where there is none."""
    codes, columns = product.weights, design.cols
    first, end = chunks.tiles
    some = np.arange(first * columns, min(end * columns, len(codes)))
    each = codes.shape[1]
    group = some // (len(codes) // product.groups)
    channel = group[:, None] * each + np.arange(each)  # of the view, [channels, each]
    begins = chunks.channel + chunks.step * (some // columns - first)
    inside = (channel >= product.view.c.low) & (channel < product.view.c.high)
    of, source = np.nonzero(inside)
    place = channel[of, source] - begins[of]
    high, wide = product.window.kernel
    shape = (end - first, high, chunks.kx, chunks.cj * design.group, columns)
    rows = np.zeros(shape, codes.dtype)
    tile, column = some[of] // columns - first, some[of] % columns
    for kx in range(wide):
        moved, loop = (place + kx * pitch, 0) if chunks.kx == 1 else (place, kx)
        # [pairs, KH]: the axes of indices come first
        rows[tile, :, loop, moved, column] = codes[some[of], source, :, kx]
    return rows.reshape(end - first, high, chunks.kx, chunks.cj, design.group, columns)


def pack_weights(
    product: Product,
    chunks: Chunks,
    pitch: int,
    design: Design,
    operation: Operation,
    beat_bytes: int,
) -> bytes:
    """Bytes of the weights of some column tiles, in the order in which they are used."""
    rows = weight_rows(product, chunks, pitch, design)
    lanes = rows.reshape(*rows.shape[:4], design.rows, design.lanes, design.cols)
    if operation is Operation.WEIGHTS_STATIONARY:
        lanes = lanes[:, :, :, :, ::-1]
    return pack_stream(lanes.swapaxes(5, 6), product.wgt.width, beat_bytes)


def weight_bits(product: Product, chunks: Chunks, design: Design) -> int:
    """Bits of the weights of some column tiles."""
    rows = chunks.count * product.window.kernel[0] * chunks.kx * chunks.cj * design.rows
    return rows * design.lanes * design.cols * product.wgt.width


def weight_bytes(product: Product, chunks: Chunks, design: Design, beat_bytes: int) -> int:
    """How many bytes :func:`pack_weights` gives."""
    return -(-weight_bits(product, chunks, design) // (8 * beat_bytes)) * beat_bytes
