"""The exact chain against a second one that shares nothing with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from afp_hw import AFPFormat, embedded
from afp_hw.golden import decode
from afp_hw.network import (
    FormatAssignment,
    Graph,
    LoweredNetwork,
    TensorFormat,
    calibrate,
    classes,
    evaluate_float,
    load_graph,
    logits,
    lower,
    run_exact,
)
from afp_hw.network.exact import run_stored
from afp_hw.network.steps import GemmStep
from tests.network.models import SHARED, floats, residual_network, save
from tests.network.second_chain import SecondChain, finest

FORMATS = [("e3m1", "e3m2"), ("e2m3", "e3m1"), ("e0m4", "e0m5"), ("e4m2", "e1m4")]


@pytest.mark.parametrize("fused", [False, True], ids=["own addition", "fused"])
@pytest.mark.parametrize(("weights", "acts"), FORMATS)
def test_every_tensor_equals_the_second_chain(
    tmp_path: Path, weights: str, acts: str, fused: bool
) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    images = floats(20, 6, 2, 8, 8)
    assignment = calibrate(
        graph, images, weights=AFPFormat.parse(weights), acts=AFPFormat.parse(acts)
    )
    lowered = lower(graph, assignment, (lambda act, wgt: 1 << 40) if fused else None)
    assert fused == any(isinstance(s, GemmStep) and s.skip for s in lowered.steps)
    equals_the_second_chain(lowered, images)


def equals_the_second_chain(lowered: LoweredNetwork, images: np.ndarray) -> None:
    """Every tensor of every image, grids and numbers; and the logits."""
    names = [*lowered.tensors]
    got = run_stored(lowered, images, names)
    found = logits(lowered, images)
    for index, image in enumerate(images):
        chain = SecondChain(lowered, image)
        for name in names:
            item, lsbs = lowered.tensors[name], got[name].lsb
            lsb = int(lsbs[index if item.dynamic else 0])
            assert lsb == chain.lsbs[name], name
            assert len(lsbs) == (len(images) if item.dynamic else 1)
            numbers = decode(got[name].codes[index], item.fmt, item.fmt.bias(lsb))
            np.testing.assert_array_equal(numbers + 0.0, chain.values[name][0], name)
        np.testing.assert_array_equal(found[index], chain.values[lowered.graph.outputs[0]][0])


def dynamic(assignment: FormatAssignment, names: set[str] | None = None) -> FormatAssignment:
    """The same widths with a grid for each image, of all activations or of some."""
    acts = {
        name: TensorFormat(item.fmt, None) if names is None or name in names else item
        for name, item in assignment.acts.items()
    }
    return replace(assignment, acts=acts)


def per_channel(graph: Graph, assignment: FormatAssignment) -> FormatAssignment:
    """The same widths with a grid for each output channel of the weights."""
    weights = {}
    for layer in graph.layers():
        fmt = assignment.weights[layer.name].fmt
        rows = layer.weight if layer.op == "Conv" else layer.weight.T
        weights[layer.name] = TensorFormat(fmt, tuple(finest(row, fmt.max_fix) for row in rows))
    return replace(assignment, weights=weights)


@pytest.mark.parametrize("channels", [False, True], ids=["per tensor", "per channel"])
@pytest.mark.parametrize(("weights", "acts"), [*FORMATS, ("e4m3", "e4m3"), ("e5m2", "e5m2")])
def test_dynamic_tensors_equal_the_second_chain(
    tmp_path: Path, weights: str, acts: str, channels: bool
) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    images = floats(20, 6, 2, 8, 8) * np.logspace(-3, 3, 6)[:, None, None, None]
    images[2] = 0  # a tensor of zeros has a grid too
    assignment = calibrate(
        graph, images, weights=AFPFormat.parse(weights), acts=AFPFormat.parse(acts)
    )
    if channels:
        assignment = per_channel(graph, assignment)
    lowered = lower(graph, dynamic(assignment), lambda act, wgt: 1 << 30)
    assert all(item.dynamic for item in lowered.tensors.values())
    equals_the_second_chain(lowered, images.astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_static_and_dynamic_tensors_mix(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        graph = load_graph(residual_network(Path(folder) / "net.onnx"))
    images = floats(20, 3, 2, 8, 8)
    formats = st.builds(AFPFormat, st.integers(1, 4), st.integers(0, 4))
    assignment = calibrate(graph, images, weights=data.draw(formats), acts=data.draw(formats))
    if data.draw(st.booleans()):
        assignment = per_channel(graph, assignment)
    names = data.draw(st.sets(st.sampled_from(sorted(assignment.acts))))
    bound = data.draw(st.sampled_from([1 << 12, 1 << 23, 1 << 40]))
    equals_the_second_chain(lower(graph, dynamic(assignment, names), lambda a, w: bound), images)


@pytest.mark.parametrize("model", ["embedded", "resnet20-cifar10.onnx"])
@pytest.mark.parametrize("each", [False, True], ids=["static", "dynamic"])
def test_every_tensor_of_trained_networks_equals_the_second_chain(model: str, each: bool) -> None:
    path = embedded.model_path() if model == "embedded" else SHARED / model
    if not path.is_file():
        pytest.skip(f"needs {model} in ../shared/data")
    graph = load_graph(path)
    images = floats(30, 6, *graph.inputs[0].shape)
    if model == "embedded":
        images = embedded.test_set()[0][:6]
    assignment = calibrate(graph, images)
    if each:
        assignment = dynamic(assignment)
    for bound in (None, lambda act, wgt: 1 << 40):
        equals_the_second_chain(lower(graph, assignment, bound), images)


def test_wide_formats_approach_floating_point(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    images = floats(20, 6, 2, 8, 8)
    wide = AFPFormat(4, 20)
    exact = logits(lower(graph, calibrate(graph, images, weights=wide, acts=wide)), images)
    expected = evaluate_float(graph, images.astype(np.float64))["y"]
    np.testing.assert_allclose(exact, expected, atol=2e-4 * np.abs(expected).max())


def test_the_embedded_model_keeps_its_accuracy_in_six_bits() -> None:
    graph = load_graph(embedded.model_path())
    images, labels = (part[:300] for part in embedded.test_set())
    formats = {"weights": AFPFormat(2, 3), "acts": AFPFormat(2, 3)}
    lowered = lower(graph, calibrate(graph, embedded.calibration_images()[:64], **formats))
    right = (classes(lowered, images) == labels).mean()
    plain = (evaluate_float(graph, images)["logits"].argmax(axis=1) == labels).mean()
    assert abs(right - plain) < 0.02


def test_accuracy_of_a_larger_network() -> None:
    if not (SHARED / "resnet20-cifar10.onnx").is_file():
        pytest.skip("needs resnet20-cifar10.onnx in ../shared/data")
    graph = load_graph(SHARED / "resnet20-cifar10.onnx")

    def prepared(name: str, count: int) -> np.ndarray:
        with np.load(SHARED / name) as arrays:
            pixels = arrays["images"][:count].astype(np.float32) / 255
        scaled = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        return scaled.transpose(0, 3, 1, 2).astype(np.float32)

    images = prepared("cifar10-test-5000.npz", 96)
    with np.load(SHARED / "cifar10-test-5000.npz") as arrays:
        labels = arrays["labels"][:96]
    calibration = prepared("cifar10-calibration-512.npz", 32)
    lowered = lower(
        graph, calibrate(graph, calibration, acts=AFPFormat(3, 4), weights=AFPFormat(3, 2))
    )
    assert (classes(lowered, images) == labels).mean() > 0.85


def test_images_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    lowered = lower(graph, calibrate(graph, floats(1, 2, 2, 8, 8)))
    with pytest.raises(
        ValueError, match=r"images must be of shape \[B, 2, 8, 8\], not \[2, 8, 8\]"
    ):
        run_exact(lowered, floats(1, 2, 8, 8))
    images = floats(1, 1, 2, 8, 8)
    images[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="images must be finite, not with 1 NaN"):
        run_exact(lowered, images)


def test_a_layer_that_is_an_output_and_is_read_again_is_stored(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="first"),
        helper.make_node("MatMul", ["h", "v"], ["y"], name="second"),
    ]
    constants = {"w": floats(1, 6, 4), "v": floats(2, 4, 3)}
    path = save(tmp_path / "o.onnx", nodes, constants, (6,), outputs=("h", "y"), rank=2)
    graph = load_graph(path)
    images = floats(3, 8, 6)
    lowered = lower(graph, calibrate(graph, images, weights=AFPFormat(3, 8), acts=AFPFormat(3, 8)))
    expected = evaluate_float(graph, images.astype(np.float64))["y"]
    step = lowered.gemm("second")
    got = np.ldexp(run_exact(lowered, images)["y"].astype(float), step.lsb_acc)
    np.testing.assert_allclose(got, expected, atol=0.05)


def test_a_tensor_that_is_not_stored_is_refused(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    images = floats(20, 6, 2, 8, 8)
    lowered = lower(graph, calibrate(graph, images), lambda act, wgt: 1 << 40)
    with pytest.raises(ValueError, match=r"wanted must be tensors that are stored \(.*not 'c2'"):
        run_exact(lowered, images, ["c2"])


def test_classes_are_those_of_exact_logits_lowest_first(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")]
    weight = np.array([[1, 4, 4, -8, 0.5]], np.float32)
    graph = load_graph(save(tmp_path / "c.onnx", nodes, {"w": weight}, (1,), rank=2))
    images = np.array([[1], [-1], [0]], np.float32)
    chosen = calibrate(graph, images, weights=AFPFormat(3, 1))
    assert classes(lower(graph, chosen), images).tolist() == [1, 3, 0]
    # The same numbers on a grid for each channel: nothing of the sums alone can be compared.
    # At lsb -60 float64 could not hold both codes of one sum, the integers can.
    lsbs = TensorFormat(AFPFormat(3, 1), (-2, -1, -3, 0, -60))
    mixed = lower(graph, replace(chosen, weights={"fc": lsbs}))
    assert classes(mixed, images).tolist() == [1, 3, 0]
    np.testing.assert_array_equal(logits(mixed, images)[:, :4], images * weight[:, :4])
