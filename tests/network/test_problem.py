"""What a layer gives an array, and the exact chain around it, agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afp_hw import golden
from afp_hw.network import calibrate, layer_problems, load_graph, lower, run_exact
from tests.network.models import floats, residual_network

IMAGES = floats(20, 3, 2, 8, 8)


@pytest.mark.parametrize("fused", [False, True], ids=["own addition", "fused"])
@pytest.mark.parametrize(
    ("layer", "groups"), [("conv1", 1), ("conv2", 1), ("depthwise", 4), ("fc", 1)]
)
def test_a_product_and_its_codes_are_those_of_the_chain(
    tmp_path: Path, layer: str, groups: int, fused: bool
) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    lowered = lower(graph, calibrate(graph, IMAGES), (lambda a, w: 1 << 40) if fused else None)
    problems = layer_problems(lowered, layer, IMAGES)
    assert len(problems) == groups
    whole = []
    for problem in problems:
        act = golden.to_fix(problem.act_codes, problem.act_fmt).astype(object)
        wgt = golden.to_fix(problem.wgt_codes, problem.wgt_fmt).astype(object)
        sums = act @ wgt + problem.init
        np.testing.assert_array_equal(sums, problem.expected_acc)
        if problem.out_fmt is None:
            whole.append(sums)
            continue
        codes = golden.requantize(
            sums, problem.offset, problem.out_fmt, relu=problem.relu, clip=problem.clip
        )
        np.testing.assert_array_equal(codes, problem.expected_codes)
        whole.append(codes)
    step = lowered.gemm(layer)
    chain = run_exact(lowered, IMAGES, [step.output])[step.output]
    rows = chain if chain.ndim == 2 else chain.transpose(0, 2, 3, 1).reshape(-1, chain.shape[1])
    np.testing.assert_array_equal(np.concatenate(whole, axis=1), rows)
    assert (problems[0].init.ndim == 2) == (fused and layer == "conv2")


def test_a_layer_that_does_not_exist(tmp_path: Path) -> None:
    graph = load_graph(residual_network(tmp_path / "net.onnx"))
    lowered = lower(graph, calibrate(graph, IMAGES))
    with pytest.raises(ValueError, match="did you mean conv2, conv1"):
        layer_problems(lowered, "conv9", IMAGES)
