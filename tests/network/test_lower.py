"""What becomes of each kind of node: which steps there are, and what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from afp_hw import AFPFormat, golden
from afp_hw.network import (
    Graph,
    LoweredNetwork,
    TensorFormat,
    TensorSpec,
    calibrate,
    evaluate_float,
    load_graph,
    logits,
    lower,
    run_exact,
)
from afp_hw.network.stages import Kind, plan_stages
from afp_hw.network.steps import CodeStep, GemmStep
from tests.network.models import floats, residual_network, save

WIDE = AFPFormat(4, 18)
IMAGES = floats(5, 6, 2, 4, 4)
node = helper.make_node


def load(
    folder: Path, nodes: Sequence[onnx.NodeProto], constants: dict[str, Any], rank: int = 4
) -> Graph:
    return load_graph(save(folder / "net.onnx", nodes, constants, (2, 4, 4), rank=rank))


def two_layers() -> list[onnx.NodeProto]:
    return [
        node("Conv", ["x", "w"], ["a"], name="first"),
        node("Conv", ["x", "v"], ["b"], name="second"),
    ]


WEIGHTS = {"w": floats(1, 3, 2, 1, 1), "v": floats(2, 3, 2, 1, 1)}
LIMITS = {"zero": np.float32(0), "half": np.float32(0.5)}


def lowered_wide(graph: Graph, acts: AFPFormat = WIDE) -> LoweredNetwork:
    return lower(graph, calibrate(graph, IMAGES, weights=WIDE, acts=acts))


def approaches_floating_point(graph: Graph) -> None:
    expected = evaluate_float(graph, IMAGES.astype(np.float64))["y"]
    got = logits(lowered_wide(graph), IMAGES)
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("last", [["Relu", "k"], ["Clip", "k", "zero", "half"]], ids=["relu", "6"])
def test_what_follows_a_concatenation_is_not_lost(tmp_path: Path, last: list[str]) -> None:
    op, *names = last
    nodes = [
        *two_layers(),
        node("Concat", ["a", "b"], ["k"], name="concat", axis=1),
        node(op, names, ["y"], name="last"),
    ]
    graph = load(tmp_path, nodes, WEIGHTS | LIMITS)
    approaches_floating_point(graph)
    # The sign of a format is the assignment's: the activation must not depend on it.
    chosen = calibrate(graph, IMAGES, weights=WIDE, acts=AFPFormat(4, 10))
    signed = {name: replace(t, fmt=t.fmt.as_signed()) for name, t in chosen.acts.items()}
    assert logits(lower(graph, replace(chosen, acts=signed)), IMAGES).min() == 0


def test_parts_of_a_concatenation_come_from_grids_of_their_own(tmp_path: Path) -> None:
    nodes = [*two_layers(), node("Concat", ["a", "b"], ["y"], name="concat", axis=1)]
    graph = load(tmp_path, nodes, WEIGHTS | {"v": 100 * WEIGHTS["v"]})
    lowered = lower(graph, calibrate(graph, IMAGES))
    step = lowered.steps[-1]
    assert isinstance(step, CodeStep)
    assert step.requantize is not None
    assert np.ptp(step.requantize.offset) >= 5
    values = run_exact(lowered, IMAGES, ["a", "b", "y"])
    numbers = {
        name: golden.decode(codes, lowered.tensors[name].fmt, lowered.tensors[name].bias)
        for name, codes in values.items()
    }
    target = lowered.tensors["y"]
    both = np.concatenate([numbers["a"], numbers["b"]], axis=1)
    np.testing.assert_array_equal(values["y"], golden.encode(both, target.fmt, target.bias))


def test_a_clip_without_a_largest_value_is_a_relu(tmp_path: Path) -> None:
    nodes = [two_layers()[0], node("Clip", ["a", "zero"], ["y"], name="clip")]
    graph = load(tmp_path, nodes, WEIGHTS | LIMITS)
    (stage,) = plan_stages(graph)
    assert (stage.relu, stage.clip) == (True, None)
    approaches_floating_point(graph)


@pytest.mark.parametrize("kernel", [1, 3])
def test_sums_leave_exact_through_a_flatten(tmp_path: Path, kernel: int) -> None:
    nodes = [
        node("Conv", ["x", "w", "b"], ["a"], name="last", kernel_shape=[kernel, kernel]),
        node("Flatten", ["a"], ["y"], name="flatten"),
    ]
    constants = {"w": floats(1, 3, 2, kernel, kernel), "b": floats(2, 3)}
    graph = load(tmp_path, nodes, constants, rank=2)
    chosen = calibrate(graph, IMAGES)
    assert set(chosen.acts) == {"x"}
    wgt = TensorFormat(AFPFormat(3, 1), (-5, -6, -7))
    lowered = lower(graph, replace(chosen, weights={"last": wgt}))
    (step,) = lowered.steps
    assert isinstance(step, GemmStep)
    assert step.requantize is None
    # In float64 from the decoded operands; these sums need far fewer than 53 bits.
    act = chosen.acts["x"]
    images = golden.decode(golden.encode(IMAGES, act.fmt, act.bias), act.fmt, act.bias)
    bias = np.reshape(wgt.bias, (3, 1, 1, 1))
    weight = golden.decode(golden.encode(constants["w"], wgt.fmt, bias), wgt.fmt, bias)
    layer = replace(graph.nodes[0], weight=weight, bias=step.init * 2.0**step.lsb_acc)
    same = replace(graph, nodes=(layer, *graph.nodes[1:]))
    np.testing.assert_array_equal(logits(lowered, IMAGES), evaluate_float(same, images)["y"])


def test_logits_of_images_have_a_grid_for_each_channel(tmp_path: Path) -> None:
    graph = load(tmp_path, [node("Conv", ["x", "w"], ["y"], name="last")], WEIGHTS)
    chosen = calibrate(graph, IMAGES, weights=WIDE, acts=WIDE)
    lsb = chosen.weights["last"].lsb
    assert isinstance(lsb, int)
    wgt = TensorFormat(WIDE, (lsb, lsb + 1, lsb + 2))
    got = logits(lower(graph, replace(chosen, weights={"last": wgt})), IMAGES)
    expected = evaluate_float(graph, IMAGES.astype(np.float64))["y"]
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


def test_a_skip_tensor_is_fused_as_soon_as_its_sum_fits(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    chosen = calibrate(graph, floats(20, 6, 2, 8, 8))

    def steps(bound: int) -> dict[str, GemmStep | CodeStep]:
        return {step.output: step for step in lower(graph, chosen, lambda a, w: bound).steps}

    free = steps(1 << 60)["r2"]
    assert isinstance(free, GemmStep)
    assert free.skip == "p1"
    needed = int(np.abs(free.init).max()) + (chosen.acts["r1"].fmt.max_fix << free.skip_shift)
    fused, apart = steps(needed), steps(needed - 1)
    assert isinstance(fused["r2"], GemmStep)
    assert "c2" not in fused
    assert isinstance(apart["c2"], GemmStep)
    assert apart["c2"].skip is None
    addition = apart["r2"]
    assert isinstance(addition, CodeStep)
    assert (addition.kind, addition.inputs) == (Kind.ADD, ("c2", "p1"))


def test_a_skip_tensor_on_a_finer_grid_is_not_fused(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    chosen = calibrate(graph, floats(20, 6, 2, 8, 8))
    acts = {**chosen.acts, "r1": TensorFormat(AFPFormat(3, 2, signed=False), -20)}
    weights = {**chosen.weights, "conv2": TensorFormat(AFPFormat(3, 1), 1)}
    lowered = lower(graph, replace(chosen, acts=acts, weights=weights), lambda a, w: 1 << 60)
    assert all(step.skip is None for step in lowered.steps if isinstance(step, GemmStep))


def test_the_initial_values_saturate_at_their_bound(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    chosen = calibrate(graph, floats(20, 6, 2, 8, 8))
    free = lower(graph, chosen, lambda a, w: 1 << 60).gemm("conv1").init
    bound = int(np.sort(np.abs(free))[-2])
    tight = lower(graph, chosen, lambda a, w: bound).gemm("conv1").init
    np.testing.assert_array_equal(tight, np.clip(free, -bound, bound))
    assert (tight != free).sum() == 1


def test_tensors_too_far_apart_to_be_added_are_refused(tmp_path: Path) -> None:
    nodes = [
        *two_layers(),
        node("Relu", ["a"], ["c"], name="relu"),
        node("Relu", ["b"], ["d"], name="relu2"),
        node("Add", ["c", "d"], ["y"], name="sum"),
    ]
    graph = load(tmp_path, nodes, WEIGHTS)
    chosen = calibrate(graph, IMAGES)
    far = {**chosen.acts, "c": TensorFormat(AFPFormat(3, 2), 70), "d": TensorFormat(WIDE, -30)}
    with pytest.raises(ValueError, match="sum must align its tensors within 63 bits, not 100"):
        lower(graph, replace(chosen, acts=far))


def test_a_network_of_two_inputs_is_refused(tmp_path: Path) -> None:
    graph = load(tmp_path, [two_layers()[0], node("Relu", ["a"], ["y"], name="relu")], WEIGHTS)
    chosen = calibrate(graph, IMAGES)
    second = replace(graph, inputs=(*graph.inputs, TensorSpec("z", (2, 4, 4))))
    acts = {**chosen.acts, "z": chosen.acts["x"]}
    with pytest.raises(ValueError, match="graph must have one input, not 2"):
        lower(second, replace(chosen, acts=acts))
