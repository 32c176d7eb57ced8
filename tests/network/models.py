"""Small networks as ONNX, made for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, Any],
    shape: Sequence[int],
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    rank: int = 4,
) -> onnx.ModelProto:
    """A model with input ``x`` [N, *shape] and outputs of `rank` axes."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])],
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, [f"{n}{i}" for i in range(rank)])
            for n in outputs
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def save(path: Path, *arguments: Any, **named: Any) -> Path:
    """Write :func:`model` to `path`."""
    onnx.save(model(*arguments, **named), path)
    return path


def floats(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def residual_network(path: Path) -> Path:
    """Every kind of stage: padding, residuals of both kinds, pools, slice, concat, clip, linear."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c1", "s", "o", "m", "v"], ["n1"], name="norm1"),
        node("Relu", ["n1"], ["r1"], name="relu1"),
        node("MaxPool", ["r1"], ["p1"], name="pool1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
        node("Add", ["c2", "p1"], ["a2"], name="add2"),
        node("Relu", ["a2"], ["r2"], name="relu2"),
        node("Conv", ["r2", "w3"], ["c3"], name="depthwise", pads=[1, 1, 1, 1], group=4),
        node("Clip", ["c3", "zero", "six"], ["r3"], name="clip3"),
        node("Slice", ["r3", "start", "stop", "axes", "step"], ["s3"], name="slice3"),
        node("Pad", ["s3", "pads"], ["d3"], name="pad3"),
        node("AveragePool", ["r3"], ["v3"], name="pool3", kernel_shape=[2, 2], strides=[2, 2]),
        node("Add", ["d3", "v3"], ["a3"], name="add3"),
        node("Concat", ["a3", "v3"], ["k3"], name="concat3", axis=1),
        node("GlobalAveragePool", ["k3"], ["g3"], name="mean3"),
        node("Flatten", ["g3"], ["f3"], name="flatten3"),
        node("Gemm", ["f3", "w4", "b4"], ["y"], name="fc", transB=1),
    ]
    constants = {
        "w1": floats(1, 4, 2, 3, 3, scale=0.3),
        "b1": floats(2, 4, scale=0.1),
        "s": 1 + floats(3, 4, scale=0.1),
        "o": floats(4, 4, scale=0.1),
        "m": floats(5, 4, scale=0.1),
        "v": 1 + np.abs(floats(6, 4)),
        "w2": floats(7, 4, 4, 3, 3, scale=0.2),
        "w3": floats(8, 4, 1, 3, 3, scale=0.8),
        "zero": np.float32(0),
        "six": np.float32(1.5),
        "start": np.array([0, 0]),
        "stop": np.array([2**31, 2**31]),
        "axes": np.array([2, 3]),
        "step": np.array([2, 2]),
        "pads": np.zeros(8, np.int64),
        "w4": floats(9, 5, 8, scale=0.5),
        "b4": floats(10, 5, scale=0.2),
    }
    return save(path, nodes, constants, (2, 8, 8), rank=2)
