"""Images in batches, so that memory does not grow with their number or their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.graph import Graph, Node

Progress = Callable[[int, int], None]

_MOST: Final = 64
"""More images at once are not faster."""

_ELEMENTS: Final = 1 << 24
"""Elements of the largest activation matrix of a batch."""


def _matrix_elements(graph: Graph, layer: Node) -> int:
    """Elements of the activation matrix (im2col) of one image."""
    assert layer.weight is not None  # layers have weights
    if layer.op == "Linear":
        return int(layer.weight.shape[0])
    row = layer.weight[0].size * layer.attributes["groups"]
    return int(np.prod(graph.shapes[layer.output][1:]) * row)


def images_at_once(graph: Graph) -> int:
    """How many images are computed together: 64, or fewer where a layer unfolds into too much."""
    largest = max((_matrix_elements(graph, layer) for layer in graph.layers()), default=1)
    return max(1, min(_MOST, _ELEMENTS // largest))


def batches(
    graph: Graph, images: NDArray[Any], progress: Progress | None = None
) -> Iterator[NDArray[Any]]:
    """Cut images [B, ...] into batches.

    ``progress(done, total)`` is called after each batch with numbers of images.
    """
    size = images_at_once(graph)
    for start in range(0, len(images), size):
        batch = images[start : start + size]
        yield batch
        if progress is not None:
            progress(start + len(batch), len(images))
