"""Average bits by hand, evaluation against labels, grids of another kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.network import Graph, TensorFormat, calibrate, classes, load_graph, logits, lower
from afp_hw.network.bits import average_bits, stored_elements
from afp_hw.network.evaluation import evaluate, float_logits, residual_additions
from afp_hw.network.grids import with_dynamic_grids, with_static_grids
from afp_hw.network.lower import room_for_sums
from tests.network.models import floats, residual_network

IMAGES = floats(20, 40, 2, 8, 8)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return load_graph(residual_network(tmp_path / "net.onnx"))


def test_average_bits_by_hand(graph: Graph) -> None:
    chosen = calibrate(graph, IMAGES, weights=AFPFormat(3, 1), acts=AFPFormat(3, 2))
    weights = dict(chosen.weights)
    weights["fc"] = TensorFormat(AFPFormat(2, 5), weights["fc"].lsb)
    chosen = replace(chosen, weights=weights)
    fused, own = lower(graph, chosen, lambda a, w: 1 << 40), lower(graph, chosen)
    # conv1 4x2x3x3, conv2 4x4x3x3, depthwise 4x1x3x3 in 5 bits; fc 8x5 in 8 bits
    count = 72 + 144 + 36
    assert average_bits(fused).weights == pytest.approx((count * 5 + 40 * 8) / (count + 40))
    # Input 2x8x8 signed; conv1 4x8x8 and the pool 4x4x4 unsigned; the sum 4x4x4 behind the
    # addition; the clipped 4x4x4; the average 4x2x2; the second sum, their concatenation 8x2x2 and
    # its mean 8; slices and paddings are read where they lie, logits are no codes.
    stored = {"x": 128, "r1": 256, "p1": 64, "r2": 64, "r3": 64, "v3": 16, "a3": 16, "k3": 32}
    stored |= {"g3": 8}
    assert stored_elements(fused) == stored
    unsigned = sum(stored.values()) - 128
    assert average_bits(fused).acts == pytest.approx((128 * 6 + unsigned * 5) / (unsigned + 128))
    assert stored_elements(own) == {**stored, "c2": 64}


def test_evaluation_counts_what_is_right(graph: Graph) -> None:
    chosen = calibrate(graph, IMAGES)
    lowered = lower(graph, chosen, room_for_sums(graph))
    reference = float_logits(graph, IMAGES)
    found = classes(lowered, IMAGES)
    labels = found.copy()
    labels[:10] = (labels[:10] + 1) % 5
    result = evaluate(lowered, IMAGES, reference, labels)
    assert result.accuracy == 75
    assert result.agreement == pytest.approx(100 * (found == reference.argmax(axis=1)).mean())
    assert result.float_accuracy == pytest.approx(100 * (labels == reference.argmax(axis=1)).mean())
    assert result.loss == result.float_accuracy - 75
    expected = np.abs(logits(lowered, IMAGES) - reference).mean()
    assert result.logit_error == pytest.approx(expected)
    without = evaluate(lowered, IMAGES, reference)
    assert without.accuracy is None
    assert without.loss is None
    with pytest.raises(ValueError, match="labels must be those of 40 images, not of 39"):
        evaluate(lowered, IMAGES, reference, labels[:-1])


def test_additions_are_counted(graph: Graph) -> None:
    chosen = calibrate(graph, IMAGES)
    fused = residual_additions(lower(graph, chosen, lambda a, w: 1 << 40))
    own = residual_additions(lower(graph, chosen, lambda a, w: 1))
    assert (fused.fused, fused.total) == (1, 2)
    assert (own.fused, own.total) == (0, 2)


def test_grids_of_the_other_kind_and_back(graph: Graph) -> None:
    chosen = calibrate(graph, IMAGES)
    dynamic = with_dynamic_grids(chosen)
    assert all(item.lsb is None for item in dynamic.acts.values())
    assert dynamic.weights == chosen.weights
    assert with_static_grids(graph, dynamic, IMAGES).acts == chosen.acts
    with pytest.raises(ValueError, match=r"calibration images must be of shape \[B, 2, 8, 8\]"):
        with_static_grids(graph, dynamic, IMAGES[0])


def test_room_for_sums_is_that_of_the_longest(graph: Graph) -> None:
    room = room_for_sums(graph)
    act, wgt = AFPFormat(2, 1), AFPFormat(3, 0)
    assert room(act, wgt) == 36 * act.max_fix * wgt.max_fix  # conv2: 4 channels, 3 x 3
