"""A network's formats layer by layer, and one layer's weights beside the values of a format."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from afp_hw.formats import AFPFormat
from afp_hw.network import FormatAssignment, Graph, TensorFormat
from afp_hw.network.lower import lower, room_for_sums
from afp_hw.quantize import SortedMagnitudes, magnitudes, score_grid
from afp_hw.report.figure_file import document

BINS: Final = 160


def _parts(fmt: AFPFormat) -> dict[str, int]:
    return {"sign": int(fmt.signed), "exponent": fmt.n_exp, "mantissa": fmt.n_man}


def bits_per_layer(graph: Graph, formats: FormatAssignment) -> dict[str, Any]:
    """Sign, exponent and mantissa bits of each layer's weights and of its input."""
    lowered = lower(graph, formats, room_for_sums(graph))
    layers = []
    for layer in graph.layers():
        weights, acts = formats.weights[layer.name].fmt, lowered.tensors[layer.inputs[0]].fmt
        layers.append({"name": layer.name, "weights": _parts(weights), "acts": _parts(acts)})
    return document("bits", model=graph.name, layers=layers)


def layer_histogram(graph: Graph, name: str, item: TensorFormat | None) -> dict[str, Any]:
    """Histogram of a layer's weights, and the values of its format.

    `item` None: the best split of five bits by squared error. Of a grid per channel the first
    channel's values stand for all.

    Raises
    ------
    ValueError
        There is no such layer.
    """
    layer = graph.layer(name)
    assert layer.weight is not None  # layers have weights
    weight = layer.weight.reshape(-1)
    if item is None:
        best = min(score_grid(weight, [5], rule="mse", most_exp=5), key=lambda score: score.error)
        item = TensorFormat(best.fmt, best.lsb)
    lsb = item.lsb[0] if isinstance(item.lsb, tuple) else item.lsb
    if lsb is None:
        lsb = SortedMagnitudes(weight).best_lsb(item.fmt)[0]
    grid = np.ldexp(magnitudes(item.fmt), lsb)
    points = np.concatenate([-grid[:0:-1], grid])
    counts, edges = np.histogram(weight, BINS)
    return document(
        "histogram",
        model=graph.name,
        layer=name,
        format=str(item.fmt),
        lsb=lsb,
        weights=int(weight.size),
        edges=edges.tolist(),
        counts=counts.tolist(),
        points=points.tolist(),
        error=SortedMagnitudes(weight).squared_error(item.fmt, lsb) / weight.size,
    )
