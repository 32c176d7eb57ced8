"""How good a lowered network is: against labels, and against the float32 network it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.batches import Progress, map_batches
from afp_hw.network.float_evaluation import check_images, evaluate_float
from afp_hw.network.graph import Graph
from afp_hw.network.outputs import classes_and_logits
from afp_hw.network.steps import GemmStep, LoweredNetwork


@dataclass(frozen=True)
class Evaluation:
    """One network on one set of images.

    Attributes
    ----------
    images
        Number of images.
    accuracy, float_accuracy
        Per cent of images whose class is the label, in AFP and in float32; None without labels.
    agreement
        Per cent of images that AFP and float32 give the same class.
    logit_error
        Mean absolute difference of the logits.
    """

    images: int
    accuracy: float | None
    float_accuracy: float | None
    agreement: float
    logit_error: float

    @property
    def loss(self) -> float | None:
        """Points of accuracy lost to float32; None without labels."""
        if self.accuracy is None or self.float_accuracy is None:
            return None
        return self.float_accuracy - self.accuracy


def float_logits(
    graph: Graph, images: NDArray[Any], progress: Progress | None = None
) -> NDArray[np.float32]:
    """First output of a network in float32, [B, ...]."""
    check_images(graph, images)
    name = graph.outputs[0]

    def run(batch: NDArray[Any]) -> NDArray[Any]:
        return evaluate_float(graph, batch.astype(np.float32, copy=False))[name]

    return np.concatenate(list(map_batches(graph, images, run, progress)))


def evaluate(
    lowered: LoweredNetwork,
    images: NDArray[Any],
    reference: NDArray[Any],
    labels: NDArray[Any] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Run a lowered network bit for bit and compare it.

    Parameters
    ----------
    lowered
        The network in AFP.
    images
        float [B, *input shape].
    reference
        :func:`float_logits` of the same images, of the network before anything was changed.
    labels
        Classes, integers [B]; of an output [B, C, ...] with more axes there can be none.
    progress
        ``progress(done, total)`` in images.

    Raises
    ------
    ValueError
        As :func:`.run_stored`; or `reference` or `labels` are of another number of images.
    """
    for name, other in (("reference", reference), ("labels", labels)):
        if other is not None and len(other) != len(images):
            raise ValueError(f"{name} must be those of {len(images)} images, not of {len(other)}")
    found, logits = classes_and_logits(lowered, images, progress)
    expected = reference.argmax(axis=1)

    def right(classes: NDArray[Any]) -> float | None:
        return None if labels is None else 100 * float((classes == labels).mean())

    error = np.abs(logits - reference.astype(np.float64)).mean()
    agreement = 100 * float((found == expected).mean())
    return Evaluation(len(images), right(found), right(expected), agreement, float(error))


@dataclass(frozen=True)
class Additions:
    """Residual additions of a lowered network: how many are part of the layer before them."""

    fused: int
    total: int


def residual_additions(lowered: LoweredNetwork) -> Additions:
    """Additions of a skip tensor to a layer's sums, fused or on their own."""
    fused = own = 0
    for step in lowered.steps:
        if isinstance(step, GemmStep):
            fused += step.skip is not None
        else:
            own += step.node.weight is not None or step.node.op == "Add"
    return Additions(fused, fused + own)
