"""Layers in floating point give the integers of the golden functions, at every size of sums."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from afp_hw import AFPFormat, golden
from afp_hw.network import LoweredNetwork, TensorFormat, calibrate, load_graph, lower
from afp_hw.network.assignment import FormatAssignment
from afp_hw.network.fast_layer import FastLayer
from afp_hw.network.golden_layer import accumulate, initial_values
from afp_hw.network.stored import Stored, integers
from tests.network.models import floats, save


def layer_network(
    groups: int, kernel: int, stride: int, pads: int, dilation: int, weights: str, acts: AFPFormat
) -> LoweredNetwork:
    """A ReLU (so that there is an unsigned tensor), then one convolution."""
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        helper.make_node(
            "Conv",
            ["r" if not acts.signed else "x", "w", "b"],
            ["c"],
            name="conv",
            group=groups,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[pads] * 4,
            dilations=[dilation, dilation],
        ),
        helper.make_node("Relu", ["c"], ["y"], name="last"),
    ]
    if acts.signed:
        nodes = nodes[1:]
    constants = {
        "w": floats(1, 6, 6 // groups, kernel, kernel, scale=0.3),
        "b": floats(2, 6, scale=0.1),
    }
    with TemporaryDirectory() as folder:
        graph = load_graph(save(Path(folder) / "conv.onnx", nodes, constants, (6, 9, 11)))
    images = floats(3, 2, 6, 9, 11)
    chosen = calibrate(graph, images, weights=AFPFormat.parse(weights))
    formats = {
        name: TensorFormat(AFPFormat(acts.n_exp, acts.n_man, item.fmt.signed), item.lsb)
        for name, item in chosen.acts.items()
    }
    return lower(graph, FormatAssignment(graph.name, chosen.weights, formats))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_sums_are_those_of_the_golden_functions(data: st.DataObject) -> None:
    draw = data.draw
    weights = draw(st.sampled_from(["e3m1", "e0m4", "e3m3", "e4m1", "e4m3", "e2m0"]))
    acts = draw(st.sampled_from(["e3m1", "ue3m4", "ue2m3", "e4m2", "ue0m8"]))
    fmt = AFPFormat.parse(acts)
    groups, kernel = draw(st.sampled_from([1, 6])), draw(st.integers(1, 3))
    lowered = layer_network(
        groups,
        kernel,
        draw(st.integers(1, 2)),
        draw(st.integers(0, 2)),
        draw(st.integers(1, 2)),
        weights,
        fmt,
    )
    step = lowered.gemm("conv")
    layer = FastLayer(step)
    assert layer.holds
    seed = draw(st.integers(0, 1 << 20))
    random = np.random.default_rng(seed)
    codes = random.integers(0, 1 << step.act.fmt.width, (3, 6, 9, 11)).astype(np.uint16)
    if draw(st.booleans()):  # the largest magnitudes, where sums are largest
        codes[:] = (1 << step.act.fmt.magnitude_width) - 1
    stored = Stored(
        codes.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2), np.array([step.act.lsb])
    )
    parts = list(layer.sums(stored, None, None))
    got = np.concatenate([integers(part.values) for part in parts])
    expected = accumulate(step, codes, initial_values(step, step.act.lsb, None, None))
    np.testing.assert_array_equal(got.reshape(expected.shape), expected)


@pytest.mark.parametrize(
    ("weights", "acts", "halves"), [("e3m1", "ue3m2", 1), ("e3m4", "ue3m4", 2)]
)
def test_weights_are_cut_in_two_where_a_sum_may_pass_24_bits(
    weights: str, acts: str, halves: int
) -> None:
    step = layer_network(1, 3, 1, 1, 1, weights, AFPFormat.parse(acts)).gemm("conv")
    layer = FastLayer(step)
    fix = np.absolute(golden.to_fix(step.wgt_codes, step.wgt.fmt)[0])
    largest = int(fix.sum(axis=0).max()) * step.act.fmt.max_fix
    assert (largest > 1 << 25) == (halves == 2)
    assert layer._factor is not None
    assert layer._factor.matrix.shape[1] == 6 * halves
    assert layer._factor.matrix.dtype == np.float32


def test_integers_beyond_floating_point_are_left_to_the_golden_functions() -> None:
    step = layer_network(1, 3, 1, 1, 1, "e5m2", AFPFormat(5, 4)).gemm("conv")
    assert not FastLayer(step).holds
