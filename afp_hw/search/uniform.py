"""One format for all weights and one for all activations, weights and biases chosen for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from numpy.typing import NDArray

from afp_hw.formats import AFPFormat
from afp_hw.network import FormatAssignment, Graph, calibrate
from afp_hw.network.batches import Progress
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.network.lower import InitMax
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
    tuned: bool = True,
    dynamic: bool = False,
    bar: Callable[[str], Progress] = lambda title: lambda done, total: None,
) -> FormatAssignment:
    """Formats with grids by the paper's rule.

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
    if dynamic:
        formats = with_dynamic_grids(formats)
    if not tuned:
        return formats
    progress = bar("tuning")
    return tune(graph, formats, images[:TUNING_IMAGES], init_max=init_max, progress=progress)
