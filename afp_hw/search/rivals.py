"""All rivals in one harness: the same images, statistics, layers and arithmetic for each.

Weights of every layer and every stored activation are rounded (first and last layer and the input
included); sums are float32 and layer biases stay in floating point, for AFP as for the others: it
compares formats; the hardware's own sums are what :func:`.run_exact` gives.
A convolution's output to which a skip tensor is added is not rounded before the addition: the sum
goes on in the accumulator (``docs/numerics.md`` section 5, fused), for every method alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.batches import Progress, batches
from afp_hw.network.float_evaluation import check_images, evaluate_float
from afp_hw.network.graph import Graph, LayerParameters
from afp_hw.network.stages import nonnegative, plan_stages, stored_tensors
from afp_hw.quantize.rivals import Quantizer, Rounding

SAMPLE: Final = 1 << 15
"""Values kept of each activation tensor."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """What calibration images say about each rounded activation, collected once for all methods.

    Attributes
    ----------
    samples
        By tensor: float64, sorted: a seeded subsample of its values, and its smallest and largest.
    signed
        By tensor: whether it can be, and was, negative; a network's input may never be.
    elements
        By tensor: elements of one image.
    """

    samples: Mapping[str, NDArray[np.float64]]
    signed: Mapping[str, bool]
    elements: Mapping[str, int]


@dataclass(frozen=True)
class Measurement:
    """One method on one network.

    Attributes
    ----------
    name, n_bits, per_channel, citation
        Those of the weights' quantizer; the name adds that of the activations' where it is another.
    weight_bits, act_bits
        Average storage bits of an element.
    accuracy
        Per cent of the labels; None without labels.
    agreement
        Per cent of the images whose class is that of float32.
    logit_error
        Mean absolute difference of a logit from float32.
    """

    name: str
    n_bits: int
    per_channel: bool
    weight_bits: float
    act_bits: float
    accuracy: float | None
    agreement: float
    logit_error: float
    citation: str


def rounded_tensors(graph: Graph) -> list[str]:
    """Stored tensors that are rounded whether or not additions are fused."""
    fused = {stage.unfused for stage in plan_stages(graph)}
    return [name for name in stored_tensors(graph) if name not in fused]


def collect(
    graph: Graph, images: NDArray[Any], progress: Progress | None = None, *, seed: int = 0
) -> Statistics:
    """Run calibration images [B, ...] in float32 and keep a sample of every rounded tensor.

    Raises
    ------
    ValueError
        Images of another shape or not finite, or a tensor that is not.
    """
    check_images(graph, images, "calibration images")
    names = rounded_tensors(graph)
    numbers = {name: number for number, name in enumerate(names)}
    kept: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    done = 0

    def visit(name: str, values: NDArray[Any]) -> None:
        if name not in numbers:
            return
        flat = values.reshape(-1)
        ends = np.array([flat.min(), flat.max()])
        if not np.isfinite(ends).all():
            raise ValueError(f"tensor {name!r} must be finite for these images, not {ends[1]}")
        share = -(-SAMPLE * len(values) // len(images))
        if flat.size > share:
            random = np.random.default_rng((seed, numbers[name], done))
            flat = flat[random.integers(flat.size, size=share)]
        kept[name] += [flat.astype(np.float64), ends.astype(np.float64)]

    for batch in batches(graph, images, progress):
        evaluate_float(graph, batch.astype(np.float32, copy=False), visit)
        done += len(batch)
    samples = {}
    for name, parts in kept.items():
        ends = np.concatenate(parts[1::2])
        sample = np.concatenate([*parts[::2], [ends.min(), ends.max()]])
        samples[name] = np.sort(sample)
    positive = nonnegative(graph)
    return Statistics(
        samples,
        {name: name not in positive and bool(samples[name][0] < 0) for name in names},
        {name: int(np.prod(graph.shapes[name])) for name in names},
    )


def quantized_graph(graph: Graph, quantizer: Quantizer) -> Graph:
    """The network with the weights of every layer rounded; biases stay."""
    parameters = {}
    for layer in graph.layers():
        weight = np.asarray(layer.weight, np.float64)
        axis = None
        if quantizer.per_channel:
            axis = 0 if layer.op == "Conv" else 1
        rounding = quantizer.fit(weight, axis, True)
        parameters[layer.name] = LayerParameters(rounding(weight), layer.bias)
    return graph.with_parameters(parameters)


def roundings(statistics: Statistics, quantizer: Quantizer) -> dict[str, Rounding]:
    """The grid of every activation, fitted on the calibration sample: static, per tensor."""
    return {
        name: quantizer.fit(sample, None, statistics.signed[name])
        for name, sample in statistics.samples.items()
    }


def _logits(
    graph: Graph,
    images: NDArray[Any],
    replace: Mapping[str, Rounding] | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """First output in float32, [B, classes, ...]."""
    name = graph.outputs[0]
    parts = []
    for batch in batches(graph, images, progress):
        values = batch.astype(np.float32, copy=False)
        parts.append(evaluate_float(graph, values, replace=replace)[name])
    return np.concatenate(parts)


class Harness:
    """Measures methods on one network and one set of images.

    Parameters
    ----------
    graph
        The network.
    statistics
        From :func:`collect`.
    images
        Test images [B, ...].
    labels
        Classes int [B], or None.

    Raises
    ------
    ValueError
        Images that the network cannot take, or labels of another number.
    """

    def __init__(
        self,
        graph: Graph,
        statistics: Statistics,
        images: NDArray[Any],
        labels: NDArray[Any] | None,
    ) -> None:
        check_images(graph, images)
        if labels is not None and labels.shape != (len(images),):
            raise ValueError(
                f"Harness.labels must be of shape [{len(images)}], not {list(labels.shape)}"
            )
        self.graph, self.statistics = graph, statistics
        self.images, self.labels = images, labels
        self.reference = _logits(graph, images)
        self.classes = self.reference.argmax(axis=1)

    @property
    def accuracy(self) -> float | None:
        """Accuracy of float32, per cent; None without labels."""
        return self._accuracy(self.classes)

    def _accuracy(self, classes: NDArray[Any]) -> float | None:
        if self.labels is None:
            return None
        return 100 * float((classes == self.labels).mean())

    def measure(
        self,
        weights: Quantizer,
        acts: Quantizer | None = None,
        progress: Progress | None = None,
    ) -> Measurement:
        """One method: `weights` for the weights, `acts` (default: the same) for the activations."""
        acts = weights if acts is None else acts
        graph = quantized_graph(self.graph, weights)
        replace = roundings(self.statistics, acts)
        logits = _logits(graph, self.images, replace, progress)
        classes = logits.argmax(axis=1)
        other = "" if acts.name == weights.name else f"; activations {acts.name}"
        return Measurement(
            name=weights.name + other,
            n_bits=weights.n_bits,
            per_channel=weights.per_channel,
            weight_bits=float(weights.bits),
            act_bits=float(acts.bits),
            accuracy=self._accuracy(classes),
            agreement=100 * float((classes == self.classes).mean()),
            logit_error=float(np.abs(logits - self.reference).mean(dtype=np.float64)),
            citation=weights.citation,
        )

    def measure_all(
        self,
        pairs: Sequence[tuple[Quantizer, Quantizer]],
        progress: Progress | None = None,
    ) -> list[Measurement]:
        """Every pair of methods for weights and for activations.

        ``progress(done, total)`` is called after each with numbers of pairs.
        """
        found = []
        for weights, acts in pairs:
            found.append(self.measure(weights, acts))
            if progress is not None:
                progress(len(found), len(pairs))
        return found
