"""The exact chain against a second one: float64 arithmetic, and gfloat for every rounding.

The second chain shares nothing with the golden model. Its sums are exact because every tensor of
these networks needs far fewer than 53 bits.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import gfloat
import numpy as np
import pytest
from onnx import helper

from afp_hw import AFPFormat, embedded
from afp_hw.golden import decode
from afp_hw.network import (
    TensorFormat,
    calibrate,
    classes,
    evaluate_float,
    load_graph,
    logits,
    lower,
    run_exact,
)
from afp_hw.network.float_evaluation import evaluate_node
from afp_hw.network.graph import Node
from afp_hw.network.stages import Kind
from afp_hw.network.steps import CodeStep, GemmStep, LoweredNetwork
from tests.network.models import SHARED, floats, residual_network, save

FORMATS = [("e3m1", "e3m2"), ("e2m3", "e3m1"), ("e0m4", "e0m5"), ("e4m2", "e1m4")]


def rounded(values: np.ndarray, item: TensorFormat) -> np.ndarray:
    """Nearest values of a format, saturated, by gfloat (n_exp = 0: by plain rounding)."""
    fmt = item.fmt
    if not fmt.signed:
        values = np.maximum(values, 0)
    if fmt.n_exp == 0:
        grid = 2.0**item.lsb
        return np.clip(np.rint(values / grid), -fmt.max_fix, fmt.max_fix) * grid + 0.0
    # gfloat knows no format without a sign: the signed one has the same magnitudes.
    info = gfloat.FormatInfo(
        name="test",
        k=1 + fmt.magnitude_width,
        precision=fmt.n_man + 1,
        bias=item.bias,
        is_signed=True,
        domain=gfloat.Domain.Finite,
        has_nz=True,
        num_high_nans=0,
        has_subnormals=True,
        is_twos_complement=False,
    )
    return gfloat.round_ndarray(info, values, sat=True) + 0.0


def numbers(lowered: LoweredNetwork, images: np.ndarray) -> dict[str, np.ndarray]:
    """All tensors of the network as float64, by the second chain."""
    spec = lowered.graph.inputs[0]
    values = {spec.name: rounded(images.astype(np.float64), lowered.tensors[spec.name])}
    for step in lowered.steps:
        values[step.output] = (
            _gemm(step, values) if isinstance(step, GemmStep) else _codes(step, values)
        )
    return values


def _finish(step: GemmStep | CodeStep, sums: np.ndarray, clip: float | None) -> np.ndarray:
    if step.requantize is None:
        return sums
    if clip is not None:
        sums = np.minimum(sums, clip)
    if step.requantize.relu:
        sums = np.maximum(sums, 0)
    return rounded(sums, step.requantize.target)


def _clip(step: GemmStep | CodeStep, lsb_acc: int) -> float | None:
    """The clip in numbers: `floor` on the accumulator's grid."""
    if step.requantize is None or step.requantize.clip is None:
        return None
    return float(np.floor(1.5 * 2.0**-lsb_acc)) * 2.0**lsb_acc


def _gemm(step: GemmStep, values: dict[str, np.ndarray]) -> np.ndarray:
    node = step.node
    weight = rounded(node.weight, step.wgt)
    bias = np.zeros(len(step.init))
    if node.bias is not None:
        lsb = 0
        largest = float(np.abs(node.bias).max())
        while largest > (2**31 - 1) * Fraction(2) ** lsb:
            lsb += 1
        while largest and largest <= (2**31 - 1) * Fraction(2) ** (lsb - 1):
            lsb -= 1
        whole = np.rint(node.bias * 2.0**-lsb) * 2.0**lsb
        grid = 2.0**step.lsb_acc
        bias = np.clip(np.rint(whole / grid), -step.init_max, step.init_max) * grid
    sums = evaluate_node(
        Node(node.name, node.op, (), "", node.attributes, weight, bias), [values[step.input]]
    )
    if step.skip is not None:
        sums = sums + values[step.skip]
    return _finish(step, sums, _clip(step, step.lsb_acc))


def _codes(step: CodeStep, values: dict[str, np.ndarray]) -> np.ndarray:
    inputs = [values[name] for name in step.inputs]
    if step.kind is Kind.ADD:
        return _finish(step, inputs[0] + inputs[1], None)
    if step.kind is Kind.AVERAGE:
        whole = step.node.op == "GlobalAveragePool"
        count = int(np.prod(inputs[0].shape[2:] if whole else step.node.attributes["kernel"]))
        mean = evaluate_node(step.node, inputs) * count
        return _finish(step, mean * np.rint(2**16 / count) / 2**16, None)
    return _finish(step, evaluate_node(step.node, inputs), None)


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
    expected = numbers(lowered, images)
    outputs = lowered.graph.outputs
    names = [step.output for step in lowered.steps if step.output not in outputs]
    got = run_exact(lowered, images, names)
    for name in names:
        item = lowered.tensors[name]
        np.testing.assert_array_equal(decode(got[name], item.fmt, item.bias) + 0.0, expected[name])
    np.testing.assert_array_equal(logits(lowered, images), expected[outputs[0]])


@pytest.mark.parametrize("model", ["embedded", "resnet20-cifar10.onnx"])
def test_every_tensor_of_trained_networks_equals_the_second_chain(model: str) -> None:
    path = embedded.model_path() if model == "embedded" else SHARED / model
    if not path.is_file():
        pytest.skip(f"needs {model} in ../shared/data")
    graph = load_graph(path)
    images = floats(30, 8, *graph.inputs[0].shape)
    if model == "embedded":
        images = embedded.test_set()[0][:8]
    assignment = calibrate(graph, images)
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
