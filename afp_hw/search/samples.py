"""What calibration images say about each stored activation: values, magnitudes, sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.batches import Progress, batches
from afp_hw.network.float_evaluation import check_images, evaluate_float
from afp_hw.network.graph import Graph
from afp_hw.network.stages import nonnegative, stored_tensors

SAMPLE: Final = 1 << 17
"""Values of each tensor that are kept, about."""

_LEAST: Final = 128
"""Values of each image that are kept, at least, where it has as many."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One stored activation over the calibration images.

    Attributes
    ----------
    values
        float32 [B, S]: of each image, values at places drawn once for all images.
    largest
        float64 [B]: largest magnitude of each image's whole tensor.
    signed
        Whether it can be negative: not if it follows a ReLU, nor if no image has a negative value.
    elements
        Elements of one image.
    """

    values: NDArray[np.float32]
    largest: NDArray[np.float64]
    signed: bool
    elements: int


def collect_samples(
    graph: Graph, images: NDArray[Any], seed: int = 0, progress: Progress | None = None
) -> Mapping[str, Sample]:
    """A sample of every stored activation, by name.

    Parameters
    ----------
    graph
        The network in floating point.
    images
        Calibration images, float [B, *input shape].
    seed
        Draws the places.
    progress
        ``progress(done, total)`` in images.

    Raises
    ------
    ValueError
        Images of another shape, not finite or none; a tensor that overflows.
    """
    check_images(graph, images, "calibration images")
    names = {name: index for index, name in enumerate(stored_tensors(graph))}
    share = max(_LEAST, SAMPLE // len(images))
    places = {}
    for name, index in names.items():
        size = int(np.prod(graph.shapes[name]))
        random = np.random.default_rng((seed, index))
        places[name] = np.sort(random.permutation(size)[:share])
    kept: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    ends: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}

    def visit(name: str, values: NDArray[Any]) -> None:
        if name not in names:
            return
        flat = values.reshape(len(values), -1)
        bounds = np.stack([flat.min(axis=1), flat.max(axis=1)], axis=1).astype(np.float64)
        if not np.isfinite(bounds).all():
            raise ValueError(f"tensor {name!r} must be finite for these images, not {bounds.max()}")
        ends[name].append(bounds)
        kept[name].append(flat[:, places[name]].astype(np.float32))

    with np.errstate(over="ignore", invalid="ignore"):
        for batch in batches(graph, images, progress):
            evaluate_float(graph, batch.astype(np.float32, copy=False), visit)
    positive = nonnegative(graph)
    samples = {}
    for name in names:
        bounds = np.concatenate(ends[name])
        signed = name not in positive and bool((bounds[:, 0] < 0).any())
        samples[name] = Sample(
            np.concatenate(kept[name]),
            np.absolute(bounds).max(axis=1),
            signed,
            int(np.prod(graph.shapes[name])),
        )
    return samples
