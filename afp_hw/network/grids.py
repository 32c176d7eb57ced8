"""The same formats with grids of another kind: one for each image, or one for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from afp_hw.network.assignment import FormatAssignment, TensorFormat
from afp_hw.network.batches import Progress
from afp_hw.network.calibrate import largest_magnitudes
from afp_hw.network.float_evaluation import check_images
from afp_hw.network.graph import Graph
from afp_hw.quantize import bias_for


def with_dynamic_grids(assignment: FormatAssignment) -> FormatAssignment:
    """Every activation on a grid of each image's own."""
    acts = {
        name: TensorFormat(item.fmt, None, "largest magnitude of each image")
        for name, item in assignment.acts.items()
    }
    return replace(assignment, acts=acts)


def with_static_grids(
    graph: Graph,
    assignment: FormatAssignment,
    images: NDArray[Any],
    progress: Progress | None = None,
) -> FormatAssignment:
    """Every dynamic activation on one grid, by the rule on its largest magnitude over images.

    Parameters
    ----------
    graph, assignment
        A network and its formats.
    images
        Calibration images, float [B, *input shape].
    progress
        ``progress(done, total)`` in images.

    Raises
    ------
    ValueError
        As :func:`.calibrate`; or the formats are those of another network.
    """
    assignment.check(graph)
    check_images(graph, images, "calibration images")
    graph = graph.with_parameters(assignment.parameters)
    largest = largest_magnitudes(graph, images, progress)
    acts = {}
    for name, item in assignment.acts.items():
        if item.dynamic:
            lsb = item.fmt.lsb(bias_for(largest[name], item.fmt))
            item = TensorFormat(item.fmt, lsb, "largest magnitude of calibration images")
        acts[name] = item
    return replace(assignment, acts=acts)
