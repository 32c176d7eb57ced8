"""ONNX import against onnxruntime, and every refusal as one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import helper

from afp_hw import embedded
from afp_hw.network import evaluate_float, load_graph
from tests.network.models import SHARED, floats, model, residual_network, save

node = helper.make_node


def agrees(path: Path, images: np.ndarray, tolerance: float = 1e-4) -> None:
    session = onnxruntime.InferenceSession(path)
    (expected,) = session.run(None, {session.get_inputs()[0].name: images})
    graph = load_graph(path)
    got = evaluate_float(graph, images)[graph.outputs[0]]
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=tolerance, rtol=0)


def test_a_network_of_every_kind_of_layer(tmp_path: Path) -> None:
    agrees(residual_network(tmp_path / "net.onnx"), floats(11, 5, 2, 8, 8))


def test_the_embedded_model() -> None:
    agrees(embedded.model_path(), embedded.test_set()[0][:20])


@pytest.mark.parametrize("name", ["resnet20-cifar10.onnx", "resnet20-cifar10-legacy.onnx"])
def test_a_larger_network_as_two_exporters_write_it(name: str) -> None:
    if not (SHARED / name).is_file():
        pytest.skip(f"needs {name} in ../shared/data")
    agrees(SHARED / name, floats(12, 4, 3, 32, 32))
    graph = load_graph(SHARED / name)
    assert len(graph.layers()) == 20
    assert {n.op for n in graph.nodes} == {
        "Add",
        "Conv",
        "Flatten",
        "GlobalAveragePool",
        "Linear",
        "Pad",
        "Relu",
        "Slice",
    }


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    groups=st.integers(1, 3),
    per_group=st.integers(1, 3),
    out_per_group=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    auto=st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]),
)
def test_any_convolution(
    tmp_path: Path,
    groups: int,
    per_group: int,
    out_per_group: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilations: tuple[int, int],
    auto: str,
) -> None:
    # onnxruntime computes SAME for dilations of 1 only.
    assume(auto in ("NOTSET", "VALID") or dilations == (1, 1))
    window = {"pads": pads} if auto == "NOTSET" else {"auto_pad": auto}
    conv = node(
        "Conv", ["x", "w"], ["y"], strides=strides, dilations=dilations, group=groups, **window
    )
    weight = floats(1, groups * out_per_group, per_group, *kernel)
    path = save(tmp_path / "conv.onnx", [conv], {"w": weight}, (groups * per_group, 7, 6))
    agrees(path, floats(2, 2, groups * per_group, 7, 6))


def test_batch_norm_behind_a_tensor_that_others_read_is_a_layer_of_its_own(tmp_path: Path) -> None:
    constants = {key: np.abs(floats(i, 3)) + 0.5 for i, key in enumerate("somv")}
    nodes = [
        node("Conv", ["x", "w"], ["c"], name="conv"),
        node("BatchNormalization", ["c", *"somv"], ["n"], name="norm"),
        node("Add", ["c", "n"], ["y"], name="add"),
    ]
    path = save(tmp_path / "n.onnx", nodes, {"w": floats(7, 3, 2, 1, 1), **constants}, (2, 4, 4))
    agrees(path, floats(3, 2, 2, 4, 4))
    assert [layer.name for layer in load_graph(path).layers()] == ["conv", "norm"]


def test_matmul_takes_the_bias_that_is_added_to_it(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["m"], name="fc"), node("Add", ["b", "m"], ["y"])]
    path = save(tmp_path / "m.onnx", nodes, {"w": floats(1, 6, 3), "b": floats(2, 3)}, (6,), rank=2)
    agrees(path, floats(3, 4, 6))
    assert len(load_graph(path).nodes) == 1


@pytest.mark.parametrize("target", [[-1, 18], [0, -1], [1, -1], [0, 18]])
def test_reshapes_that_flatten(tmp_path: Path, target: list[int]) -> None:
    nodes = [node("Reshape", ["x", "shape"], ["f"]), node("MatMul", ["f", "w"], ["y"])]
    constants = {"shape": np.array(target), "w": floats(1, 18, 2)}
    path = save(tmp_path / "r.onnx", nodes, constants, (2, 3, 3), rank=2)
    agrees(path, floats(3, 1, 2, 3, 3))


def test_all_unsupported_operators_are_named_at_once(tmp_path: Path) -> None:
    nodes = [
        node("Sigmoid", ["x"], ["a"], name="gate"),
        node("Conv", ["a", "w"], ["b"], name="conv"),
        node("Softmax", ["b"], ["y"], name="probabilities"),
    ]
    path = save(tmp_path / "u.onnx", nodes, {"w": floats(1, 1, 1, 1, 1)}, (1, 2, 2))
    with pytest.raises(ValueError, match="supported operators only") as caught:
        load_graph(path)
    assert "Sigmoid (gate)" in str(caught.value)
    assert "Softmax (probabilities)" in str(caught.value)


WINDOW = {"name": "p", "kernel_shape": [2, 2]}


@pytest.mark.parametrize(
    ("refused", "constants", "part"),
    [
        (
            node("Clip", ["x", "low", "high"], ["y"], name="c"),
            {"low": np.float32(-1), "high": np.float32(1)},
            "Clip between -1.0 and 1.0 (c)",
        ),
        (
            node("AveragePool", ["x"], ["y"], ceil_mode=1, strides=[3, 3], **WINDOW),
            {},
            "AveragePool with ceil_mode where a window passes the edge (p)",
        ),
        (
            node("AveragePool", ["x"], ["y"], pads=[1, 1, 1, 1], **WINDOW),
            {},
            "AveragePool with padding that is not counted",
        ),
        (
            node("Conv", ["x", "x"], ["y"], name="c"),
            {},
            "Conv with a computed input 'x' (c)",
        ),
        (
            node("Conv", ["x", "w"], ["y"], name="c"),
            {"w": floats(1, 1, 2, 9, 9)},
            "Conv with a window larger than its input (c)",
        ),
    ],
)
def test_refused_uses(
    tmp_path: Path, refused: onnx.NodeProto, constants: dict[str, np.ndarray], part: str
) -> None:
    with pytest.raises(ValueError, match="supported operators only") as caught:
        load_graph(save(tmp_path / "u.onnx", [refused], constants, (2, 4, 4)))
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    whole = embedded.model_path().read_bytes()
    contents = {"text.onnx": b"hello", "cut.onnx": whole[: len(whole) // 2], "empty.onnx": b""}
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match="model must ") as caught:
            load_graph(path)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_dynamic_size_is_refused(tmp_path: Path) -> None:
    path = residual_network(tmp_path / "net.onnx")
    proto = onnx.load(path)
    proto.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "H"
    onnx.save(proto, path)
    with pytest.raises(ValueError, match="model input 'x' must have fixed sizes"):
        load_graph(path)


def test_nodes_of_one_name_are_layers_of_two_names(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["h"], name="fc"),
        node("Relu", ["h"], ["r"]),
        node("MatMul", ["r", "v"], ["y"], name="fc"),
    ]
    path = save(
        tmp_path / "t.onnx", nodes, {"w": floats(1, 4, 6), "v": floats(2, 6, 3)}, (4,), rank=2
    )
    # onnxruntime refuses such a file; ONNX itself allows it.
    graph = load_graph(path)
    assert [layer.name for layer in graph.layers()] == ["fc", "fc_2"]
    expected = np.maximum(floats(3, 5, 4) @ floats(1, 4, 6), 0) @ floats(2, 6, 3)
    got = evaluate_float(graph, floats(3, 5, 4))["y"]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_batch_norm_is_not_folded_where_another_name_of_its_input_is_read(tmp_path: Path) -> None:
    constants = {key: np.abs(floats(i, 3)) + 0.5 for i, key in enumerate("somv")}
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="conv"),
        node("Identity", ["a"], ["b"]),
        node("Identity", ["b"], ["c"]),
        node("BatchNormalization", ["c", *"somv"], ["n"], name="norm"),
        node("Relu", ["b"], ["r"], name="relu"),
        node("Add", ["n", "r"], ["y"], name="add"),
    ]
    path = save(tmp_path / "i.onnx", nodes, {"w": floats(7, 3, 2, 1, 1), **constants}, (2, 4, 4))
    agrees(path, floats(3, 2, 2, 4, 4))


def test_an_operator_on_constants_that_nobody_implements(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Strange", ["w"], ["c"], name="odd", domain="some.where"),
        node("Conv", ["x", "c"], ["y"], name="conv"),
    ]
    proto = model(nodes, {"w": floats(1, 1, 1, 1, 1)}, (1, 2, 2))
    proto.opset_import.append(helper.make_opsetid("some.where", 1))
    onnx.save(proto, tmp_path / "s.onnx")
    with pytest.raises(ValueError, match=r"Strange of constants \(odd\)"):
        load_graph(tmp_path / "s.onnx")


def test_weights_for_another_number_of_channels_are_refused(tmp_path: Path) -> None:
    path = save(
        tmp_path / "c.onnx",
        [node("Conv", ["x", "w"], ["y"], name="c")],
        {"w": floats(1, 4, 3, 1, 1)},
        (2, 4, 4),
    )
    with pytest.raises(ValueError, match=r"Conv of weights \[4, 3, 1, 1\] on 2 channels \(c\)"):
        load_graph(path)
