"""Every operator alone, in the forms that exporters write, against onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from afp_hw.network import evaluate_float, load_graph
from tests.network.models import floats, save

SHAPE = (4, 7, 6)


def node(op: str, inputs: str = "x", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), ["y"], name=op.lower(), **attributes)


WINDOW = {"kernel_shape": [3, 2], "strides": [2, 2]}
INTS = np.int64

CASES: dict[str, tuple[list[onnx.NodeProto], dict[str, Any], int, int]] = {
    "conv, same upper": (
        [node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])],
        {"w": floats(1, 5, 4, 3, 3)},
        17,
        4,
    ),
    "conv, same lower": (
        [node("Conv", "x w", auto_pad="SAME_LOWER", strides=[2, 1])],
        {"w": floats(1, 5, 4, 4, 4)},
        17,
        4,
    ),
    "conv, valid": (
        [node("Conv", "x w b", auto_pad="VALID")],
        {"w": floats(1, 5, 4, 3, 3), "b": floats(2, 5)},
        17,
        4,
    ),
    "depthwise": (
        [node("Conv", "x w", group=4, pads=[1, 0, 1, 2])],
        {"w": floats(1, 8, 1, 3, 3)},
        17,
        4,
    ),
    "grouped, dilated": (
        [node("Conv", "x w", group=2, dilations=[2, 2])],
        {"w": floats(1, 6, 2, 2, 2)},
        17,
        4,
    ),
    "relu": ([node("Relu")], {}, 17, 4),
    "relu6 of attributes": ([node("Clip", min=0.0, max=0.7)], {}, 6, 4),
    "relu6 of inputs": ([node("Clip", "x l h")], {"l": np.float32(0), "h": np.float32(6)}, 17, 4),
    "max-pool": ([node("MaxPool", **WINDOW)], {}, 17, 4),
    "max-pool, padded": ([node("MaxPool", **WINDOW, pads=[1, 0, 1, 1])], {}, 17, 4),
    "max-pool, ceil without rest": (
        [node("MaxPool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)],
        {},
        17,
        4,
    ),
    "max-pool, dilated": ([node("MaxPool", kernel_shape=[2, 2], dilations=[2, 3])], {}, 17, 4),
    "average pool": ([node("AveragePool", **WINDOW)], {}, 17, 4),
    "average pool, padding counted": (
        [node("AveragePool", **WINDOW, pads=[1, 1, 1, 1], count_include_pad=1)],
        {},
        17,
        4,
    ),
    "global average": ([node("GlobalAveragePool")], {}, 17, 4),
    "mean of attributes": ([node("ReduceMean", axes=[2, 3], keepdims=1)], {}, 13, 4),
    "mean of negative axes": ([node("ReduceMean", axes=[-1, -2], keepdims=0)], {}, 13, 2),
    "mean of inputs": (
        [node("ReduceMean", "x a", keepdims=0)],
        {"a": np.array([2, 3], INTS)},
        18,
        2,
    ),
    "flatten": ([node("Flatten")], {}, 17, 2),
    "reshape": ([node("Reshape", "x s")], {"s": np.array([0, -1], INTS)}, 17, 2),
    "reshape by shape arithmetic": (
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "i"], ["n"]),
            helper.make_node("Unsqueeze", ["n", "i1"], ["n1"]),
            helper.make_node("Concat", ["n1", "m"], ["t"], axis=0),
            helper.make_node("Reshape", ["x", "t"], ["y"], name="reshape"),
        ],
        {"i": np.array(0, INTS), "i1": np.array([0], INTS), "m": np.array([-1], INTS)},
        17,
        2,
    ),
    "pad of attributes": ([node("Pad", pads=[0, 1, 2, 0, 0, 0, 1, 3])], {}, 10, 4),
    "pad of inputs": ([node("Pad", "x p")], {"p": np.array([0, 1, 2, 0, 0, 0, 1, 3], INTS)}, 17, 4),
    "pad of some axes": (
        [node("Pad", "x p z a")],
        {"p": np.array([1, 2], INTS), "a": np.array([-3], INTS), "z": np.float32(0)},
        18,
        4,
    ),
    "strided slice": (
        [node("Slice", "x b e a s")],
        {
            "b": np.array([1, 0], INTS),
            "e": np.array([2**40, -1], INTS),
            "a": np.array([2, -1], INTS),
            "s": np.array([2, 2], INTS),
        },
        17,
        4,
    ),
    "concat of channels": (
        [helper.make_node("Relu", ["x"], ["r"]), node("Concat", "x r", axis=1)],
        {},
        17,
        4,
    ),
    "concat of rows": (
        [helper.make_node("Relu", ["x"], ["r"]), node("Concat", "r x", axis=-2)],
        {},
        17,
        4,
    ),
    "add": ([helper.make_node("Relu", ["x"], ["r"]), node("Add", "x r")], {}, 17, 4),
    "add of a constant": ([node("Add", "c x")], {"c": floats(3, 4, 1, 1)}, 17, 4),
    "batch norm alone": (
        [node("BatchNormalization", "x s o m v", epsilon=1e-3)],
        {"s": floats(1, 4), "o": floats(2, 4), "m": floats(3, 4), "v": np.abs(floats(4, 4)) + 0.1},
        17,
        4,
    ),
    "identity and dropout": (
        [
            helper.make_node("Identity", ["x"], ["i"]),
            helper.make_node("Dropout", ["i"], ["d"]),
            node("Relu", "d"),
        ],
        {},
        17,
        4,
    ),
    "gemm": (
        [
            helper.make_node("Flatten", ["x"], ["f"]),
            node("Gemm", "f w b", transB=1, alpha=0.5, beta=2.0),
        ],
        {"w": floats(1, 3, 168), "b": floats(2, 3)},
        17,
        2,
    ),
    "gemm without bias": (
        [helper.make_node("Flatten", ["x"], ["f"]), node("Gemm", "f w")],
        {"w": floats(1, 168, 3)},
        17,
        2,
    ),
    "matmul and its bias": (
        [
            helper.make_node("Flatten", ["x"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["m"]),
            node("Add", "m b"),
        ],
        {"w": floats(1, 168, 3), "b": floats(2, 3)},
        17,
        2,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operator_computes_what_onnxruntime_does(tmp_path: Path, case: str) -> None:
    nodes, constants, opset, rank = CASES[case]
    path = save(tmp_path / "o.onnx", nodes, constants, SHAPE, opset=opset, rank=rank)
    images = floats(9, 3, *SHAPE)
    session = onnxruntime.InferenceSession(path)
    (expected,) = session.run(None, {"x": images})
    graph = load_graph(path)
    got = evaluate_float(graph, images)[graph.outputs[0]]
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-4)
