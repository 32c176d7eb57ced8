"""Every operator alone, in the forms that exporters write, against onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass, field
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

NORM = {"s": floats(1, 4), "o": floats(2, 4), "m": floats(3, 4), "v": np.abs(floats(4, 4)) + 0.1}
FLAT = helper.make_node("Flatten", ["x"], ["f"])


@dataclass(frozen=True)
class Case:
    nodes: list[onnx.NodeProto]
    constants: dict[str, Any] = field(default_factory=dict)
    opset: int = 17
    rank: int = 4


CASES = {
    "conv, same upper": Case(
        [node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])], {"w": floats(1, 5, 4, 3, 3)}
    ),
    "conv, same lower": Case(
        [node("Conv", "x w", auto_pad="SAME_LOWER", strides=[2, 1])], {"w": floats(1, 5, 4, 4, 4)}
    ),
    "conv, valid": Case(
        [node("Conv", "x w b", auto_pad="VALID")], {"w": floats(1, 5, 4, 3, 3), "b": floats(2, 5)}
    ),
    "depthwise": Case(
        [node("Conv", "x w", group=4, pads=[1, 0, 1, 2])], {"w": floats(1, 8, 1, 3, 3)}
    ),
    "grouped, dilated": Case(
        [node("Conv", "x w", group=2, dilations=[2, 2])], {"w": floats(1, 6, 2, 2, 2)}
    ),
    "relu": Case([node("Relu")]),
    "relu6 of attributes": Case([node("Clip", min=0.0, max=0.7)], opset=6),
    "relu6 of inputs": Case([node("Clip", "x l h")], {"l": np.float32(0), "h": np.float32(6)}),
    "max-pool": Case([node("MaxPool", **WINDOW)]),
    "max-pool, padded": Case([node("MaxPool", **WINDOW, pads=[1, 0, 1, 1])]),
    "max-pool, ceil without rest": Case(
        [node("MaxPool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)], {}
    ),
    "max-pool, dilated": Case([node("MaxPool", kernel_shape=[2, 2], dilations=[2, 3])]),
    "average pool": Case([node("AveragePool", **WINDOW)]),
    "average pool, padding counted": Case(
        [node("AveragePool", **WINDOW, pads=[1, 1, 1, 1], count_include_pad=1)], {}
    ),
    "global average": Case([node("GlobalAveragePool")]),
    "mean of attributes": Case([node("ReduceMean", axes=[2, 3], keepdims=1)], opset=13),
    "mean of negative axes": Case(
        [node("ReduceMean", axes=[-1, -2], keepdims=0)], opset=13, rank=2
    ),
    "mean of inputs": Case(
        [node("ReduceMean", "x a", keepdims=0)], {"a": np.array([2, 3], INTS)}, opset=18, rank=2
    ),
    "flatten": Case([node("Flatten")], rank=2),
    "reshape": Case([node("Reshape", "x s")], {"s": np.array([0, -1], INTS)}, rank=2),
    "reshape by shape arithmetic": Case(
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "i"], ["n"]),
            helper.make_node("Unsqueeze", ["n", "i1"], ["n1"]),
            helper.make_node("Concat", ["n1", "m"], ["t"], axis=0),
            helper.make_node("Reshape", ["x", "t"], ["y"], name="reshape"),
        ],
        {"i": np.array(0, INTS), "i1": np.array([0], INTS), "m": np.array([-1], INTS)},
        rank=2,
    ),
    "pad of attributes": Case([node("Pad", pads=[0, 1, 2, 0, 0, 0, 1, 3])], opset=10),
    "pad of inputs": Case([node("Pad", "x p")], {"p": np.array([0, 1, 2, 0, 0, 0, 1, 3], INTS)}),
    "pad of some axes": Case(
        [node("Pad", "x p z a")],
        {"p": np.array([1, 2], INTS), "a": np.array([-3], INTS), "z": np.float32(0)},
        opset=18,
    ),
    "strided slice": Case(
        [node("Slice", "x b e a s")],
        {
            "b": np.array([1, 0], INTS),
            "e": np.array([2**40, -1], INTS),
            "a": np.array([2, -1], INTS),
            "s": np.array([2, 2], INTS),
        },
    ),
    "concat of channels": Case(
        [helper.make_node("Relu", ["x"], ["r"]), node("Concat", "x r", axis=1)], {}
    ),
    "concat of rows": Case(
        [helper.make_node("Relu", ["x"], ["r"]), node("Concat", "r x", axis=-2)], {}
    ),
    "add": Case([helper.make_node("Relu", ["x"], ["r"]), node("Add", "x r")]),
    "add of a constant": Case([node("Add", "c x")], {"c": floats(3, 4, 1, 1)}),
    "batch norm alone": Case([node("BatchNormalization", "x s o m v", epsilon=1e-3)], NORM),
    "identity and dropout": Case(
        [
            helper.make_node("Identity", ["x"], ["i"]),
            helper.make_node("Dropout", ["i"], ["d"]),
            node("Relu", "d"),
        ],
        {},
    ),
    "gemm": Case(
        [
            FLAT,
            node("Gemm", "f w b", transB=1, alpha=0.5, beta=2.0),
        ],
        {"w": floats(1, 3, 168), "b": floats(2, 3)},
        rank=2,
    ),
    "gemm without bias": Case([FLAT, node("Gemm", "f w")], {"w": floats(1, 168, 3)}, rank=2),
    "matmul and its bias": Case(
        [
            FLAT,
            helper.make_node("MatMul", ["f", "w"], ["m"]),
            node("Add", "m b"),
        ],
        {"w": floats(1, 168, 3), "b": floats(2, 3)},
        rank=2,
    ),
    "conv, everything": Case(
        [node("Conv", "x w b", strides=[1, 2], pads=[0, 2, 1, 1], dilations=[2, 1], group=2)],
        {"w": floats(1, 6, 2, 3, 3), "b": floats(2, 6)},
    ),
    "relu6 without a limit": Case([node("Clip", "x l")], {"l": np.float32(0)}, opset=11),
    "limits of constant nodes": Case(
        [
            helper.make_node("Constant", [], ["l"], value_float=0.0),
            helper.make_node("Constant", [], ["h"], value_float=0.5),
            node("Clip", "x l h"),
        ]
    ),
    "max-pool, same": Case([node("MaxPool", **WINDOW, auto_pad="SAME_LOWER")]),
    "max-pool, ceil": Case([node("MaxPool", kernel_shape=[2, 3], strides=[3, 2], ceil_mode=1)]),
    "max-pool, ceil, the last window left out": Case(
        [node("MaxPool", **WINDOW, pads=[1, 0, 1, 1], ceil_mode=1)]
    ),
    "average pool, ceil without rest": Case([node("AveragePool", **WINDOW, ceil_mode=1)]),
    "average pool, same": Case(
        [node("AveragePool", **WINDOW, auto_pad="SAME_UPPER", count_include_pad=1)]
    ),
    "mean of negative inputs": Case(
        [node("ReduceMean", "x a", keepdims=1)], {"a": np.array([-2, -1], INTS)}, opset=18
    ),
    "flatten at a negative axis": Case([node("Flatten", axis=-3)], rank=2),
    "squeeze": Case(
        [helper.make_node("GlobalAveragePool", ["x"], ["g"]), node("Squeeze", "g a")],
        {"a": np.array([-1, 2], INTS)},
        rank=2,
    ),
    "reshape by casts of a shape": Case(
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Cast", ["s"], ["f"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Cast", ["f"], ["i"], to=onnx.TensorProto.INT64),
            helper.make_node("Slice", ["i", "b", "e"], ["n"]),
            helper.make_node("Concat", ["n", "m"], ["t"], axis=0),
            node("Reshape", "x t"),
        ],
        {"b": np.array([0], INTS), "e": np.array([1], INTS), "m": np.array([-1], INTS)},
        rank=2,
    ),
    "cast": Case([helper.make_node("Cast", ["x"], ["c"], to=1), node("Relu", "c")]),
    "batch norm behind a convolution": Case(
        [
            helper.make_node("Conv", ["x", "w", "o"], ["c"], pads=[1, 1, 1, 1]),
            node("BatchNormalization", "c s o m v"),
        ],
        {"w": floats(5, 4, 4, 3, 3), **NORM},
    ),
    "batch norm behind gemm": Case(
        [
            FLAT,
            helper.make_node("Gemm", ["f", "w"], ["g"]),
            node("BatchNormalization", "g s o m v"),
        ],
        {"w": floats(5, 168, 4), **NORM},
        rank=2,
    ),
    "gemm with one number as its bias": Case(
        [FLAT, node("Gemm", "f w b", beta=0.5)],
        {"w": floats(1, 168, 3), "b": np.float32(2)},
        rank=2,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operator_computes_what_onnxruntime_does(tmp_path: Path, case: str) -> None:
    made = CASES[case]
    path = save(
        tmp_path / "o.onnx", made.nodes, made.constants, SHAPE, opset=made.opset, rank=made.rank
    )
    images = floats(9, 3, *SHAPE)
    session = onnxruntime.InferenceSession(path)
    (expected,) = session.run(None, {"x": images})
    graph = load_graph(path)
    got = evaluate_float(graph, images)[graph.outputs[0]]
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-4)
