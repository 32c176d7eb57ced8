"""QONNX quantizers against their own definition, value by value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from afp_hw.golden import decode, encode
from afp_hw.network import Graph, calibrate, evaluate_float, load_graph
from tests.network.models import floats, model

DOMAIN = "qonnx.custom_op.general"


def quant(x: np.ndarray, scale: np.ndarray, bits: int, signed: bool, narrow: bool) -> np.ndarray:
    """The definition of ``Quant``."""
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    low = (-(2 ** (bits - 1)) + (1 if narrow else 0)) if signed else 0
    return np.clip(np.rint(x / scale), low, high) * scale


def float_quant(
    x: np.ndarray, scale: float, n_exp: int, n_man: int, bias: int, largest: float
) -> np.ndarray:
    """The definition of ``FloatQuant``: the exponent of each value gives its step."""
    scaled = x / scale
    with np.errstate(divide="ignore"):
        exponent = np.floor(np.log2(np.abs(scaled)))
    step = 2.0 ** (np.maximum(exponent, 1 - bias) - n_man)
    return np.clip(np.rint(scaled / step) * step, -largest, largest) * scale


def network(tmp_path: Path, op: str, weight_inputs: dict, act_inputs: dict, **attributes) -> Graph:
    """Quantized weights -> Conv -> Relu -> quantizer of activations -> Conv."""
    node = helper.make_node
    unsigned = {name: value for name, value in attributes.items() if name != "narrow"}
    unsigned["signed"] = 0
    nodes = [
        node(op, ["w", *weight_inputs], ["wq"], name="qw", domain=DOMAIN, **attributes),
        node("Conv", ["x", "wq"], ["c"], name="first"),
        node("Relu", ["c"], ["r"], name="relu"),
        node(op, ["r", *act_inputs], ["rq"], name="qa", domain=DOMAIN, **unsigned),
        node("Conv", ["rq", "v"], ["y"], name="second"),
    ]
    constants = {"w": floats(1, 3, 2, 1, 1), "v": floats(2, 3, 3, 1, 1)}
    made = model(nodes, {**constants, **weight_inputs, **act_inputs}, (2, 4, 4))
    made.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    path = tmp_path / "q.onnx"
    onnx.save(made, path)
    return load_graph(path)


IMAGES = floats(3, 5, 2, 4, 4)


def test_integers_with_a_scale_for_each_channel(tmp_path: Path) -> None:
    scale = np.float32([0.25, 0.5, 0.125]).reshape(3, 1, 1, 1)
    graph = network(
        tmp_path,
        "Quant",
        {"s": scale, "z": np.float32(0), "b": np.float32(4)},
        {"t": np.float32(0.0625), "z0": np.float32(0), "b0": np.float32(6)},
        signed=1,
        narrow=1,
        rounding_mode="ROUND",
    )
    assert [node.op for node in graph.nodes] == ["Conv", "Relu", "Conv"]
    found = calibrate(graph, IMAGES)
    item = found.weights["first"]
    assert str(item.fmt) == "e0m3"
    assert item.lsb == (-2, -1, -3)
    weight = graph.layer("first").weight
    bias = item.bias.reshape(-1, 1, 1, 1)
    rounded = decode(encode(weight, item.fmt, bias), item.fmt, bias)
    np.testing.assert_array_equal(rounded, quant(weight, scale, 4, True, True))
    act = found.acts["r"]
    assert (str(act.fmt), act.lsb, act.provenance) == ("ue0m6", -4, "QONNX Quant qa")
    values = np.linspace(0, 5, 999)
    rounded = decode(encode(values, act.fmt, act.bias), act.fmt, act.bias)
    np.testing.assert_array_equal(rounded, quant(values, np.array(0.0625), 6, False, False))
    assert str(found.weights["second"].fmt) == "e3m1"  # nobody names it
    float_output = evaluate_float(graph, IMAGES)["y"]
    assert float_output.shape == (5, 3, 4, 4)


def test_floats_with_their_own_bias(tmp_path: Path) -> None:
    largest = (2 - 0.25) * 2.0 ** (7 - 3)  # e3m2, bias 3, no infinity
    floating = {
        "e": np.float32(3),
        "m": np.float32(2),
        "b": np.float32(3),
        "l": np.float32(largest),
    }
    graph = network(
        tmp_path,
        "FloatQuant",
        {"s": np.float32(0.125), **floating},
        {"t": np.float32(0.5), **floating},
        has_inf=0,
        has_nan=0,
        has_subnormal=1,
        rounding_mode="ROUND",
        saturation=1,
    )
    found = calibrate(graph, IMAGES)
    for item, scale in ((found.weights["first"], 0.125), (found.acts["r"], 0.5)):
        assert (item.fmt.n_exp, item.fmt.n_man) == (3, 2)
        values = np.linspace(-2 if item.fmt.signed else 0, 12, 2003)
        rounded = decode(encode(values, item.fmt, item.bias), item.fmt, item.bias)
        expected = float_quant(values, scale, 3, 2, 3, largest)
        np.testing.assert_array_equal(rounded, expected)


def test_a_scale_that_is_no_power_of_two_leaves_the_grid_to_calibration(tmp_path: Path) -> None:
    graph = network(
        tmp_path,
        "Quant",
        {"s": np.float32(0.3), "z": np.float32(0), "b": np.float32(5)},
        {"t": np.float32(0.3), "z0": np.float32(0), "b0": np.float32(4)},
        signed=1,
    )
    named = graph.weight_formats["first"]
    assert (str(named.fmt), named.lsb) == ("e0m4", None)
    item = calibrate(graph, IMAGES).weights["first"]
    largest = np.abs(graph.layer("first").weight).max()
    assert 15 * 2.0 ** (item.lsb - 1) < largest <= 15 * 2.0**item.lsb


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"z": np.float32(1)}, r"Quant with a zero point \(qw\)"),
        ({"b": np.float32(4.5)}, r"Quant with bits that are not one whole number \(qw\)"),
        ({"b": np.float32(40)}, r"Quant of 0 exponent and 39 mantissa bits \(qw\)"),
        ({"s": np.float32(-1)}, r"Quant with a scale that is not positive \(qw\)"),
    ],
)
def test_quantizers_that_are_no_format_are_named(
    tmp_path: Path, change: dict, sentence: str
) -> None:
    weights = {"s": np.float32(0.25), "z": np.float32(0), "b": np.float32(4), **change}
    acts = {"t": np.float32(0.25), "z0": np.float32(0), "b0": np.float32(4)}
    with pytest.raises(ValueError, match=sentence):
        network(tmp_path, "Quant", weights, acts, signed=1)


def test_other_roundings_are_named(tmp_path: Path) -> None:
    weights = {"s": np.float32(0.25), "z": np.float32(0), "b": np.float32(4)}
    acts = {"t": np.float32(0.25), "z0": np.float32(0), "b0": np.float32(4)}
    with pytest.raises(
        ValueError,
        match=r"Quant with rounding_mode FLOOR \(qw\), Quant with rounding_mode FLOOR \(qa\)",
    ):
        network(tmp_path, "Quant", weights, acts, signed=1, rounding_mode="FLOOR")
