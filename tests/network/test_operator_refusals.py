"""Operators in forms that our layers do not have: one sentence that names node and form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from afp_hw.network import load_graph
from tests.network.models import floats, model, save

SHAPE = (4, 7, 6)
INTS = np.int64


def node(op: str, inputs: str = "x", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), ["y"], name="n", **attributes)


FLAT = helper.make_node("Flatten", ["x"], ["f"])

CASES: dict[str, tuple[list[onnx.NodeProto], dict[str, Any]]] = {
    "Gemm with transA": ([FLAT, node("Gemm", "f w", transA=1)], {"w": floats(1, 2, 5)}),
    "MatMul on 4-dimensional tensors": ([node("MatMul", "x w")], {"w": floats(1, 6, 3)}),
    "AveragePool with padding that is not counted": (
        [node("AveragePool", kernel_shape=[2, 2], auto_pad="SAME_UPPER")],
        {},
    ),
    "AveragePool with dilations": (
        [node("AveragePool", kernel_shape=[2, 2], dilations=[2, 1])],
        {},
    ),
    "AveragePool with ceil_mode where a window passes the edge": (
        [node("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
        {},
    ),
    "ReduceMean over axes other than height and width": (
        [node("ReduceMean", "x a")],
        {"a": np.array([1], INTS)},
    ),
    "Pad other than with zeros behind the batch axis": (
        [node("Pad", "x p", mode="reflect")],
        {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1], INTS)},
    ),
    "Slice of the batch axis, or backwards": (
        [node("Slice", "x b e a s")],
        {
            "b": np.array([-1], INTS),
            "e": np.array([-9], INTS),
            "a": np.array([2], INTS),
            "s": np.array([-1], INTS),
        },
    ),
    "Concat of the batch axis": ([node("Concat", "x x", axis=0)], {}),
    "Flatten at axis 2": ([node("Flatten", axis=2)], {}),
    "Reshape from [4, 7, 6] to [4, 42]": (
        [node("Reshape", "x s")],
        {"s": np.array([0, 4, -1], INTS)},
    ),
    "Cast to FLOAT16": ([node("Cast", to=onnx.TensorProto.FLOAT16)], {}),
    "Dropout in training mode": (
        [node("Dropout", "x r t")],
        {"r": np.float32(0.5), "t": np.array(True)},
    ),
    "BatchNormalization that cannot be folded into a layer before it": (
        [FLAT, node("BatchNormalization", "f s s s s")],
        {"s": np.abs(floats(1, 168)) + 1},
    ),
    "Add of different shapes": (
        [helper.make_node("GlobalAveragePool", ["x"], ["g"]), node("Add", "x g")],
        {},
    ),
    "Conv of weights [4, 3, 1, 1] on 4 channels": (
        [node("Conv", "x w")],
        {"w": floats(1, 4, 3, 1, 1)},
    ),
}


@pytest.mark.parametrize("form", CASES)
def test_a_form_that_is_refused_is_named(tmp_path: Path, form: str) -> None:
    nodes, constants = CASES[form]
    path = save(
        tmp_path / "r.onnx", nodes, constants, SHAPE, opset=19
    )  # the first that dilates means
    with pytest.raises(ValueError, match="supported operators only") as caught:
        load_graph(path)
    sentence = f"model must have supported operators only, not {form} (n)"
    assert str(caught.value) == sentence


def test_what_follows_a_refused_operator_is_not_blamed_for_it(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["a"], name="gate"),
        helper.make_node("Shape", ["a"], ["s"], name="shape"),
        helper.make_node("Gather", ["s", "i"], ["k"], name="gather"),
        helper.make_node("Unsqueeze", ["k", "z"], ["u"], name="unsqueeze"),
        helper.make_node("Concat", ["u", "m"], ["t"], axis=0, name="concat"),
        helper.make_node("Reshape", ["a", "t"], ["r"], name="reshape"),
        helper.make_node("Softmax", ["r"], ["y"], name="end"),
    ]
    constants = {"i": np.array(0, INTS), "z": np.array([0], INTS), "m": np.array([-1], INTS)}
    with pytest.raises(ValueError, match=r"only, not Sigmoid \(gate\), Softmax \(end\)$"):
        load_graph(save(tmp_path / "f.onnx", nodes, constants, SHAPE, rank=2))


def test_an_operator_of_another_domain_is_not_the_standard_s(tmp_path: Path) -> None:
    made = model([node("Relu", domain="some.where"), node("Quant", "x s", domain="any")], {}, SHAPE)
    made.graph.node[1].output[0] = "z"
    made.graph.node[1].input[1] = "x"
    for domain in ("some.where", "any"):
        made.opset_import.append(helper.make_opsetid(domain, 1))
    onnx.save(made, tmp_path / "d.onnx")
    with pytest.raises(ValueError, match=r"only, not Relu \(n\), Quant \(n_1\)$"):
        load_graph(tmp_path / "d.onnx")


def test_an_output_that_depends_on_no_input(tmp_path: Path) -> None:
    path = save(tmp_path / "c.onnx", [node("Relu", "w")], {"w": floats(1, 2, 2)}, SHAPE, rank=2)
    with pytest.raises(ValueError, match="model output 'y' must depend on an input"):
        load_graph(path)
