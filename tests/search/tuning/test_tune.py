"""Tuned networks: weights on their grids, means corrected, each step alone no worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat, embedded, golden
from afp_hw.network import (
    FormatAssignment,
    Graph,
    TensorFormat,
    calibrate,
    load_graph,
    logits,
    lower,
)
from afp_hw.network.evaluation import evaluate, float_logits
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.network.lower import room_for_sums
from afp_hw.search.tuning import Steps, correct_bias, tune
from afp_hw.search.tuning.stored import storers
from tests.network.models import floats, residual_network

NOTHING = Steps(False, False, False, False, False)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return load_graph(residual_network(tmp_path / "net.onnx"))


IMAGES = floats(20, 32, 2, 8, 8)


def formats_of(graph: Graph, *, dynamic: bool = False) -> FormatAssignment:
    found = calibrate(graph, IMAGES, weights=AFPFormat(2, 1), acts=AFPFormat(3, 2))
    weights = dict(found.weights)
    conv1 = weights["conv1"]
    assert isinstance(conv1.lsb, int)
    weights["conv1"] = TensorFormat(conv1.fmt, (conv1.lsb, conv1.lsb - 1, conv1.lsb, conv1.lsb))
    found = replace(found, weights=weights)
    return with_dynamic_grids(found) if dynamic else found


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_tuned_weights_lie_on_their_grids(graph: Graph, dynamic: bool) -> None:
    """Convolutions, depthwise ones, linear layers; one grid, or one for each channel."""
    formats = formats_of(graph, dynamic=dynamic)
    tuned = tune(graph, formats, IMAGES)
    assert tuned.weights == formats.weights
    assert tuned.acts == formats.acts
    lowered = lower(graph, tuned)
    for layer in graph.layers():
        weight = tuned.parameters[layer.name].weight
        step = lowered.gemm(layer.name)
        fix = golden.to_fix(step.wgt_codes, step.wgt.fmt).astype(float)
        grid = np.ldexp(fix, step.lsb_wgt if np.ndim(step.lsb_wgt) == 0 else step.lsb_wgt[None])
        if layer.op == "Linear":
            np.testing.assert_array_equal(grid[0], weight)
        else:
            rows = weight.reshape(len(fix), len(weight) // len(fix), -1).transpose(0, 2, 1)
            np.testing.assert_array_equal(grid, rows)
        assert not np.array_equal(weight, layer.weight)


def test_the_mean_of_every_logit_is_corrected(graph: Graph) -> None:
    formats = formats_of(graph)
    reference = float_logits(graph, IMAGES).mean(axis=0)
    room = room_for_sums(graph)

    def shift(steps: Steps) -> float:
        tuned = tune(graph, formats, IMAGES, steps, init_max=room)
        return float(
            np.abs(logits(lower(graph, tuned, room), IMAGES).mean(axis=0) - reference).max()
        )

    corrected = replace(NOTHING, bias_correction=True)
    assert shift(corrected) < 0.02 * shift(NOTHING)


def test_correct_bias_gives_every_layer_its_mean(graph: Graph) -> None:
    formats = formats_of(graph)
    lowered = lower(graph, formats)
    rounded = tune(graph, formats, IMAGES, NOTHING).parameters
    weights = {name: item.weight for name, item in rounded.items()}
    found = correct_bias(graph, weights, IMAGES, storers(lowered, formats))
    assert found.keys() == {layer.name for layer in graph.layers()}
    for layer in graph.layers():
        channels = len(layer.weight) if layer.op == "Conv" else layer.weight.shape[1]
        assert found[layer.name].shape == (channels,)


@pytest.mark.parametrize(
    "steps",
    [
        replace(NOTHING, bias_correction=True),
        replace(NOTHING, compensate=True),
        replace(NOTHING, refine=True),
        replace(NOTHING, adjust=True, bias_correction=True),
        Steps(),
    ],
    ids=["bias", "compensate", "refine", "adjust", "all"],
)
def test_each_step_alone_helps_the_embedded_model(steps: Steps) -> None:
    graph = load_graph(embedded.model_path())
    calibration = embedded.calibration_images()[:64]
    formats = calibrate(graph, calibration, weights=AFPFormat(2, 1), acts=AFPFormat(3, 4))
    images, labels = (part[:200] for part in embedded.test_set())
    reference, room = float_logits(graph, images), room_for_sums(graph)

    def error(assignment: FormatAssignment) -> float:
        return evaluate(lower(graph, assignment, room), images, reference, labels).logit_error

    assert error(tune(graph, formats, calibration, steps, init_max=room)) < error(formats)


def test_images_of_another_shape_are_refused(graph: Graph) -> None:
    with pytest.raises(ValueError, match=r"calibration images must be of shape \[B, 2, 8, 8\]"):
        tune(graph, formats_of(graph), floats(1, 3, 2, 8, 9))
