"""Equalised networks compute the same, and their channels lie closer together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afp_hw import embedded
from afp_hw.network import Graph, evaluate_float, load_graph
from afp_hw.search.tuning.channel_classes import FIXED, channel_classes
from afp_hw.search.tuning.equalize import channel_rms, equalize
from tests.network.models import SHARED, floats, residual_network


def same_output(graph: Graph, images: np.ndarray, strength: float) -> Graph:
    other = equalize(graph, images, strength)
    name = graph.outputs[0]
    expected = evaluate_float(graph, images.astype(np.float64))[name]
    got = evaluate_float(other, images.astype(np.float64))[name]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    return other


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("model", ["residual", "embedded", "resnet20-cifar10.onnx"])
def test_the_network_stays_equal(model: str, strength: float, tmp_path: Path) -> None:
    if model == "residual":
        graph = load_graph(residual_network(tmp_path / "net.onnx"))
    elif model == "embedded":
        graph = load_graph(embedded.model_path())
    elif not (SHARED / model).is_file():
        pytest.skip(f"needs {model} in ../shared/data")
    else:
        graph = load_graph(SHARED / model)
    images = floats(3, 16, *graph.inputs[0].shape)
    other = same_output(graph, images, strength)
    assert any(
        not np.array_equal(a.weight, b.weight)
        for a, b in zip(graph.layers(), other.layers(), strict=True)
    )


def test_channels_come_closer() -> None:
    graph = load_graph(embedded.model_path())
    images = embedded.calibration_images()[:64]

    def spread(rms: dict[str, np.ndarray]) -> float:
        logs = [np.log(rms[name][rms[name] > 1e-3]) for name in graph.shapes if rms[name].ndim]
        return float(np.mean([each.std() for each in logs if len(each) > 1]))

    before = spread(channel_rms(graph, images))
    after = spread(channel_rms(equalize(graph, images, 1.0), images))
    assert after < 0.8 * before


def test_tensors_that_are_added_share_their_classes(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    classes = channel_classes(graph)
    assert (classes["x"] == FIXED).all()
    assert (classes["y"] == FIXED).all()
    np.testing.assert_array_equal(classes["p1"], classes["r2"])  # the skip and the sum
    assert (classes["r3"] == FIXED).all()  # a clip's level is that of its own scale
    assert len(set(classes["r1"].tolist())) == 4
