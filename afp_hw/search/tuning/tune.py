"""Weights and biases that lose less in given formats: no labels, no retraining, no hardware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network import FormatAssignment, Graph, LayerParameters, Node, TensorFormat, lower
from afp_hw.network.batches import Progress
from afp_hw.network.lower import InitMax
from afp_hw.search.tuning.lockstep import Choice, Storers, layer_by_layer
from afp_hw.search.tuning.matrices import Array, by_group, weight_matrix, weight_tensor
from afp_hw.search.tuning.moments import Moments
from afp_hw.search.tuning.rounding import Nearest, adjust, compensate, damped, output_error, refine
from afp_hw.search.tuning.stored import bias_in_hardware, storers


@dataclass(frozen=True)
class Steps:
    """What is done to each layer; every step works alone.

    Attributes
    ----------
    adjust
        Least squares: the weights that are rounded are those that do best on the quantized input,
        not those of the float network.
    compensate
        Errors of rounded weights are undone by those that are rounded after them (GPTQ).
    refine
        Single weights are changed as long as that lowers the error of the output.
    bias_correction
        The mean of each output channel becomes that of the float network; the steps above then
        look at the variance alone.
    residuals
        With `adjust` or `bias_correction`: the errors of a skip tensor are corrected too, by the
        layer that it is added to.
    """

    adjust: bool = True
    compensate: bool = True
    refine: bool = True
    bias_correction: bool = True
    residuals: bool = True


def nearest_in(item: TensorFormat, group: int, columns: int) -> Nearest:
    """Rounding to a layer's weight format, for the output channels [N / groups] of one group."""
    bias = item.bias
    if isinstance(item.lsb, tuple):
        bias = bias[group * columns : (group + 1) * columns]
    return lambda values: golden.decode(golden.encode(values, item.fmt, bias), item.fmt, bias)


def round_layer(layer: Node, item: TensorFormat, moments: Moments, steps: Steps) -> LayerParameters:
    """Weights of a layer on the grid of `item`, and its bias.

    Parameters
    ----------
    layer
        Convolution or linear layer, with its float weights.
    item
        Format of the weights: one grid, or one per output channel.
    moments
        Of the quantized input and of the output that is wanted.
    steps
        What is done.

    Returns
    -------
    Weights float64, every value on its grid, and the bias; a layer without one has one after
    bias correction.
    """
    weight = weight_matrix(layer)
    groups, _, columns = weight.shape
    square, cross = moments.square, moments.cross
    if steps.bias_correction:
        square, cross = moments.centred()
    elif layer.bias is not None:
        cross = cross - moments.inputs[:, :, None] * by_group(layer, layer.bias)[:, None, :]
    rounded = np.empty_like(weight)
    for group in range(groups):
        nearest = nearest_in(item, group, columns)
        rounded[group] = _round_group(weight[group], square[group], cross[group], nearest, steps)
    bias = layer.bias
    if steps.bias_correction:
        bias = (moments.outputs - np.einsum("gk,gkn->gn", moments.inputs, rounded)).reshape(-1)
    return LayerParameters(weight_tensor(layer, rounded), bias)


def _round_group(
    weight: Array, square: Array, cross: Array, nearest: Nearest, steps: Steps
) -> Array:
    held = damped(square)
    wanted = adjust(weight, square, cross) if steps.adjust else weight
    rounded = nearest(wanted)
    if steps.compensate:
        best = compensate(wanted, held, nearest)
        # A column that plain rounding happens to serve better keeps it.
        worse = output_error(best, wanted, held) > output_error(rounded, wanted, held)
        rounded = np.where(worse, rounded, best)
    return refine(rounded, wanted, held, nearest) if steps.refine else rounded


def tune(
    graph: Graph,
    assignment: FormatAssignment,
    images: NDArray[Any],
    steps: Steps = Steps(),
    *,
    init_max: InitMax | None = None,
    progress: Progress | None = None,
) -> FormatAssignment:
    """Weights and biases for given formats, from unlabelled calibration images.

    Parameters
    ----------
    graph
        The float network; equalise it before formats are chosen, if at all.
    assignment
        Formats of this network. Parameters that it has are the float ones that are rounded.
    images
        float32 or float64 [B, *input shape].
    steps
        What is done, all of it by default.
    init_max
        Largest magnitude of an initial value, as :func:`.lower` takes it: what is tuned for an
        array should know that array's.
    progress
        ``progress(done, total)`` after each layer.

    Returns
    -------
    The same formats with `parameters` that lie on their grids.

    Raises
    ------
    ValueError
        The formats are not the graph's, or images of another shape or not finite.
    """
    lowered = lower(graph, assignment, init_max)
    wanted = lowered.graph  # with the assignment's parameters

    def choose(layer: Node, moments: Moments) -> Choice:
        item = assignment.weights[layer.name]
        parameters = round_layer(layer, item, moments, steps)
        bias = parameters.bias
        if bias is not None:
            bias = bias_in_hardware(lowered.gemm(layer.name), bias)
        return Choice(parameters, bias)

    parameters = layer_by_layer(
        wanted,
        images,
        storers(lowered, assignment),
        choose,
        residuals=steps.residuals,
        progress=progress,
    )
    return replace(assignment, parameters=parameters)


def correct_bias(
    graph: Graph,
    weights: Mapping[str, NDArray[np.float64]],
    images: NDArray[Any],
    replaced: Storers,
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Biases that give each output channel the mean of the float network.

    Layer by layer, with the quantized weights and activations of all layers before:
    ``bias + mean(float output - quantized output)`` over images and pixels.

    Parameters
    ----------
    graph
        The float network.
    weights
        Quantized weights by layer, of the shapes of the graph's.
    images
        Calibration images.
    replaced
        What storing a tensor does to its values, by the tensor's name; see
        :func:`.evaluate_float`.

    Returns
    -------
    Biases [N] by layer.

    Notes
    -----
    Source: M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
    Correction", ICCV 2019, arXiv 1906.04721, section 4.2 and appendix (empirical correction).
    """

    def choose(layer: Node, moments: Moments) -> Choice:
        quantized = replace(layer, weight=weights[layer.name])
        means = np.einsum("gk,gkn->gn", moments.inputs, weight_matrix(quantized))
        bias = (moments.outputs - means).reshape(-1)
        return Choice(LayerParameters(weights[layer.name], bias), bias)

    chosen = layer_by_layer(graph, images, replaced, choose, residuals=False, progress=progress)
    return {name: item.bias for name, item in chosen.items() if item.bias is not None}
