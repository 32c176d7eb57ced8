"""The matrices of a layer against onnxruntime: their product is what the layer gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from afp_hw import embedded
from afp_hw.network import evaluate_float, load_graph
from afp_hw.network.matrices import layer_matrices
from tests.network.models import floats, save

IMAGES = floats(7, 3, 4, 7, 6)


def convolution(folder: Path, weight: np.ndarray, **attributes: Any) -> Path:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "w"], ["y"], name="conv", **attributes),
    ]
    return save(folder / "conv.onnx", nodes, {"w": weight}, IMAGES.shape[1:])


def reference(model: Path) -> np.ndarray:
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(model), providers=providers)
    (found,) = session.run(None, {"x": IMAGES})
    return found


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ((5, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((5, 4, 3, 2), {"strides": [2, 1], "pads": [0, 1, 2, 0]}),
        ((6, 2, 2, 2), {"group": 2, "dilations": [2, 2]}),
        ((8, 1, 3, 3), {"group": 4, "pads": [1, 0, 1, 2]}),
    ],
    ids=["padded", "strided", "grouped and dilated", "depthwise"],
)
def test_products_are_the_convolution(
    shape: tuple[int, ...], attributes: dict[str, Any], tmp_path: Path
) -> None:
    model = convolution(tmp_path, floats(1, *shape), **attributes)
    pairs = layer_matrices(load_graph(model), "conv", IMAGES)
    assert len(pairs) == attributes.get("group", 1)
    outputs = np.concatenate([act @ wgt for act, wgt in pairs], axis=1)  # [M, channels]
    theirs = reference(model)  # [B, channels, OH, OW]
    expected = theirs.transpose(0, 2, 3, 1).reshape(-1, theirs.shape[1])
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


def test_activations_are_those_behind_the_layers_before(tmp_path: Path) -> None:
    model = convolution(tmp_path, floats(1, 5, 4, 1, 1))
    ((act, wgt),) = layer_matrices(load_graph(model), "conv", IMAGES)
    assert np.array_equal(act, np.maximum(IMAGES, 0).transpose(0, 2, 3, 1).reshape(-1, 4))
    assert np.array_equal(wgt, floats(1, 5, 4, 1, 1).reshape(5, 4).T)
    assert wgt.flags.c_contiguous


def test_a_linear_layer_has_one_row_an_image() -> None:
    graph = load_graph(embedded.model_path())
    images = embedded.test_set()[0][:3].astype(np.float32)
    layers = [node.name for node in graph.nodes if node.op == "Linear"]
    assert layers
    ((act, wgt),) = layer_matrices(graph, layers[-1], images)
    assert len(act) == 3
    node = graph.layer(layers[-1])
    bias = 0.0 if node.bias is None else node.bias
    (logits,) = evaluate_float(graph, images).values()
    np.testing.assert_allclose(act @ wgt + bias, logits, rtol=1e-4, atol=1e-4)


def test_an_unknown_layer_is_refused() -> None:
    graph = load_graph(embedded.model_path())
    with pytest.raises(ValueError, match="no-such-layer"):
        layer_matrices(graph, "no-such-layer", embedded.test_set()[0][:1].astype(np.float32))
