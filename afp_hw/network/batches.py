"""Images in batches, so that memory does not grow with their number or their size."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from afp_hw.network.graph import Graph, Node

Progress = Callable[[int, int], None]
Result = TypeVar("Result")

_MOST: Final = 32
"""More images at once are slower: their tensors leave the cache."""

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
    """How many images are computed together: 32, or fewer where a layer unfolds into too much."""
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


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def map_batches(
    graph: Graph,
    images: NDArray[Any],
    function: Callable[[NDArray[Any]], Result],
    progress: Progress | None = None,
) -> Iterator[Result]:
    """``function(batch)`` of each batch, in their order; a thread a processor.

    Each thread multiplies on its own: two batches on two processors take less time than two halves
    of each product, and results do not depend on the number of processors.
    """
    threads = processors()
    waiting: deque[tuple[int, Future[Result]]] = deque()
    done = 0

    def first() -> Result:
        nonlocal done
        count, future = waiting.popleft()
        result = future.result()
        done += count
        if progress is not None:
            progress(done, len(images))
        return result

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        try:
            for batch in batches(graph, images):
                waiting.append((len(batch), pool.submit(function, batch)))
                if len(waiting) > 2 * threads:
                    yield first()
            while waiting:
                yield first()
        finally:
            pool.shutdown(cancel_futures=True)
