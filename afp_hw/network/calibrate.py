"""Static formats: one (n_exp, n_man) for weights, one for activations, biases by the paper's rule.

The largest magnitude of each stored activation over calibration images, in floating point, gives
its grid (``docs/numerics.md`` sections 3 and 6); the sign bit follows from the graph.
"""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.network.assignment import FormatAssignment, TensorFormat
from afp_hw.network.batches import Progress, batches
from afp_hw.network.float_evaluation import check_images, evaluate_float
from afp_hw.network.graph import Graph, NamedFormat
from afp_hw.network.stages import nonnegative, stored_tensors
from afp_hw.quantize import bias_for

DEFAULT_WEIGHTS: Final = AFPFormat(3, 1)
DEFAULT_ACTS: Final = AFPFormat(3, 2)
"""Formats where the user names none: five bits each (activations are mostly unsigned)."""


def weight_formats(graph: Graph, fmt: AFPFormat) -> dict[str, TensorFormat]:
    """The paper's rule for the weights of every layer, one bias per tensor.

    Formats that the model itself names (:mod:`.onnx_quant`) take the place of `fmt`.
    """
    formats = {}
    for layer in graph.layers():
        assert layer.weight is not None  # layers have weights
        absmax = float(np.abs(layer.weight).max())
        named = graph.weight_formats.get(layer.name)
        formats[layer.name] = _chosen(fmt if named is None else named.fmt, named, absmax)
    return formats


def _chosen(fmt: AFPFormat, named: NamedFormat | None, absmax: float) -> TensorFormat:
    """A grid by the paper's rule, unless the model names it."""
    lsb = None if named is None else named.lsb
    source = "" if named is None else named.source
    return TensorFormat(fmt, fmt.lsb(bias_for(absmax, fmt)) if lsb is None else lsb, source)


def largest_magnitudes(
    graph: Graph, images: NDArray[Any], progress: Progress | None = None
) -> dict[str, float]:
    """Largest magnitude of every tensor of the network over `images` [B, ...], by name.

    Computed in float32, or in float64 where the images are. ``progress(done, total)`` is called
    after each batch with numbers of images.

    Raises
    ------
    ValueError
        A tensor overflows to infinity, or has NaN.
    """
    largest: dict[str, float] = {}

    def visit(name: str, values: NDArray[Any]) -> None:
        magnitude = float(max(values.max(), -values.min()))
        if not math.isfinite(magnitude):
            raise ValueError(f"tensor {name!r} must be finite for these images, not {magnitude}")
        largest[name] = max(largest.get(name, 0.0), magnitude)

    kind = np.result_type(images.dtype, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for batch in batches(graph, images, progress):
            evaluate_float(graph, batch.astype(kind, copy=False), visit)
    return largest


def calibrate(
    graph: Graph,
    images: NDArray[Any],
    *,
    weights: AFPFormat = DEFAULT_WEIGHTS,
    acts: AFPFormat = DEFAULT_ACTS,
    source: str = "calibration images",
    progress: Progress | None = None,
) -> FormatAssignment:
    """Choose a bias for every tensor by the paper's rule.

    Parameters
    ----------
    graph
        The network.
    images
        Numbers ``[B, *input shape]``; no labels are needed.
    weights
        Format of all weights.
    acts
        ``n_exp`` and ``n_man`` of all activations, but for those that the model names. Signed: the
        sign bit is dropped where a tensor cannot be negative. Unsigned: refused where a tensor can
        be.
    source
        Name of the images, for the provenance.
    progress
        Called as in :func:`largest_magnitudes`.

    Raises
    ------
    ValueError
        Images of another shape or not finite; an unsigned format for a tensor that can be negative.
    """
    if not weights.signed:
        raise ValueError(f"calibrate.weights must be a signed format, not {str(weights)!r}")
    check_images(graph, images, "calibration images")
    positive = nonnegative(graph)
    names = stored_tensors(graph)
    signed = [name for name in names if name not in positive]
    # The network's input is signed whatever the format says: it is data, not a ReLU's output.
    refused = [name for name in signed if name not in {spec.name for spec in graph.inputs}]
    if not acts.signed and refused:
        raise ValueError(
            f"calibrate.acts must be signed where a tensor can be negative ({refused[0]!r}), not "
            f"{str(acts)!r}"
        )
    largest = largest_magnitudes(graph, images, progress)
    formats = {}
    for name in names:
        named = graph.act_formats.get(name)
        fmt = acts.as_unsigned() if name in positive else acts.as_signed()
        formats[name] = _chosen(fmt if named is None else named.fmt, named, largest[name])
    provenance = {
        "rule": "largest magnitude, one bias per tensor, static",
        "calibration": source,
        "images": len(images),
        "sha256": sha256(images.tobytes()).hexdigest(),
    }
    return FormatAssignment(graph.name, weight_formats(graph, weights), formats, provenance)
