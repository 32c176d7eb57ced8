"""One format for all weights and one for all activations, weights and biases chosen for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.network import FormatAssignment, Graph, TensorFormat, calibrate
from afp_hw.network.batches import Progress
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.network.lower import InitMax
from afp_hw.quantize import Rule, best_lsb_channels
from afp_hw.search.samples import collect_samples
from afp_hw.search.tuning.tune import tune

TUNING_IMAGES: Final = 128
"""Calibration images that weights are tuned on: more take longer and gain little."""


def uniform_formats(
    graph: Graph,
    images: NDArray[Any],
    *,
    weights: AFPFormat,
    acts: AFPFormat,
    source: str,
    init_max: InitMax,
    rule: Rule = "absmax",
    tuned: bool = True,
    dynamic: bool = False,
    bar: Callable[[str], Progress] = lambda title: lambda done, total: None,
) -> FormatAssignment:
    """Formats and their grids.

    Parameters
    ----------
    graph, images
        The network and calibration images, float [B, *input shape].
    weights, acts
        Formats; the sign bit of an activation follows from the graph.
    source
        Name of the images.
    init_max
        As :func:`.lower` takes it.
    rule
        Grids of weights and of static activations: by the largest magnitude, as the paper has
        them, or by least squared error, which clips some of the largest.
    tuned
        Whether weights are rounded so that they undo each other's errors, and biases corrected.
    dynamic
        Whether activations have grids of each image's own.
    bar
        Starts a progress bar with a title.

    Raises
    ------
    ValueError
        As :func:`.calibrate`.
    """
    formats = calibrate(
        graph, images, weights=weights, acts=acts, source=source, progress=bar("calibration")
    )
    if rule == "mse":
        formats = _least_squares(graph, formats, images, bar("least squares"))
    if dynamic:
        formats = with_dynamic_grids(formats)
    if not tuned:
        return formats
    progress = bar("tuning")
    return tune(graph, formats, images[:TUNING_IMAGES], init_max=init_max, progress=progress)


def _least_squares(
    graph: Graph, formats: FormatAssignment, images: NDArray[Any], progress: Progress
) -> FormatAssignment:
    """The same formats on the grids of least squared error, but for those that a model names."""

    def grid(fmt: AFPFormat, values: NDArray[Any]) -> TensorFormat:
        rows = values.reshape(1, -1).astype(np.float64)
        lsb = int(best_lsb_channels(rows, fmt, "mse")[0][0])
        return TensorFormat(fmt, lsb, "least squared error")

    weights = {
        layer.name: grid(formats.weights[layer.name].fmt, np.asarray(layer.weight))
        for layer in graph.layers()
        if layer.name not in graph.weight_formats
    }
    acts = {
        name: grid(formats.acts[name].fmt, np.append(sample.values, sample.largest.max()))
        for name, sample in collect_samples(graph, images, progress=progress).items()
        if name not in graph.act_formats
    }
    return replace(
        formats,
        weights={**formats.weights, **weights},
        acts={**formats.acts, **acts},
        provenance={**formats.provenance, "rule": "least squared error, one grid per tensor"},
    )
