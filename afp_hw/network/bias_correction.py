"""Layer biases that undo the mean error of rounded weights: costs no hardware, needs no labels.

Rounding changes a layer's output by ``(w_rounded - w) * x``. Its mean over images is known from the
mean of the input alone, position by position, so that padding is accounted for. Source: M. Nagel et
al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, arXiv
1906.04721, section 4.2, with the means measured on calibration images.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network.assignment import FormatAssignment, TensorFormat
from afp_hw.network.batches import Progress, batches
from afp_hw.network.float_evaluation import check_images, evaluate_float, evaluate_node
from afp_hw.network.graph import Graph, LayerParameters, Node


def rounded_weights(layer: Node, item: TensorFormat) -> NDArray[np.float64]:
    """Weights of a layer as the hardware has them, float64 in their own shape."""
    assert layer.weight is not None  # layers have weights
    bias = item.bias
    if isinstance(item.lsb, tuple) and layer.op == "Conv":
        bias = bias.reshape(-1, 1, 1, 1)
    return golden.decode(golden.encode(layer.weight, item.fmt, bias), item.fmt, bias)


def mean_inputs(
    graph: Graph, images: NDArray[Any], progress: Progress | None = None
) -> dict[str, NDArray[np.float64]]:
    """Mean over images [B, ...] of each tensor that a layer reads, in float32 arithmetic."""
    wanted = {layer.inputs[0] for layer in graph.layers()}
    sums: dict[str, NDArray[np.float64]] = {}

    def visit(name: str, values: NDArray[Any]) -> None:
        if name in wanted:
            part = values.sum(axis=0, dtype=np.float64)
            sums[name] = sums[name] + part if name in sums else part

    for batch in batches(graph, images, progress):
        evaluate_float(graph, batch.astype(np.float32, copy=False), visit)
    return {name: total / len(images) for name, total in sums.items()}


def correct_biases(
    graph: Graph,
    assignment: FormatAssignment,
    images: NDArray[Any],
    progress: Progress | None = None,
) -> FormatAssignment:
    """The same formats, with biases that undo the mean error of the rounded weights.

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
        Images of another shape, not finite or none; formats of another network.
    """
    check_images(graph, images, "calibration images")
    assignment.check(graph)
    graph = graph.with_parameters(assignment.parameters)
    means = mean_inputs(graph, images, progress)
    parameters = {}
    for layer in graph.layers():
        assert layer.weight is not None  # layers have weights
        error = rounded_weights(layer, assignment.weights[layer.name]) - layer.weight
        change = evaluate_node(
            replace(layer, weight=error, bias=None), [means[layer.inputs[0]][None]]
        )[0]
        shift = change.reshape(len(change), -1).mean(axis=1)
        old = np.zeros(len(shift)) if layer.bias is None else layer.bias
        parameters[layer.name] = LayerParameters(layer.weight, old - shift)
    return replace(assignment, parameters=parameters)
