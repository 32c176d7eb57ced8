"""Networks with a grid for each image as programs: codes and grids are the exact chain's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afp_hw import AFPFormat, embedded
from afp_hw.cli.run_images import class_of
from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation, OutputKind
from afp_hw.network import LoweredNetwork, calibrate, load_graph
from afp_hw.network.exact import encode_images, run_exact, run_stored
from afp_hw.network.outputs import classes
from afp_hw.program import compile_network, interpret
from afp_hw.program.interpreter_grids import AlignmentError
from afp_hw.program.network_header import network_header
from afp_hw.program.stored_grids import output_values
from tests.program.dynamic_networks import LARGE, SMALL, built, compare, dynamic, formats_of
from tests.program.networks import Builder, lowered

FLOWS = [None, Operation.WEIGHTS_STATIONARY, Operation.OUTPUTS_STATIONARY]


def embedded_network(accelerator: AcceleratorDesign) -> LoweredNetwork:
    graph = load_graph(embedded.model_path())
    images = embedded.calibration_images()[:8]
    formats = calibrate(
        graph, images, weights=AFPFormat(3, 1), acts=AFPFormat(3, 2), source="embedded"
    )
    return dynamic(graph, formats, accelerator)


@pytest.mark.parametrize("accelerator", [SMALL, LARGE])
def test_the_embedded_network(accelerator: AcceleratorDesign) -> None:
    network = embedded_network(accelerator)
    for image in embedded.test_set()[0][:3]:
        compare(network, image, accelerator)


@pytest.mark.parametrize("rows", [1, 100])
@pytest.mark.parametrize("dataflow", FLOWS[1:])
def test_the_embedded_network_in_other_cuts(dataflow: Operation, rows: int) -> None:
    image = embedded.test_set()[0][3]
    compare(embedded_network(SMALL), image, SMALL, dataflow=dataflow, rows=rows)


def every_step() -> Builder:
    """Everything that reads or makes a tensor, on words and on codes, and views between them."""
    net = Builder(5, 12, 12, seed=3)
    net.pool("MaxPool")  # of codes
    net.relu()  # of codes
    net.conv(9, (3, 2), pads=(1, 0, 1, 1))
    first = net.relu()
    net.pool("MaxPool", (3, 3), (1, 1), (1, 1, 1, 1))  # of words
    net.add(first)  # words and codes
    net.pad((1, 1, 0), (2, 1, 1))
    net.pool("MaxPool", (2, 2), (2, 1))  # a padded tensor is stored first
    net.slice((2, 11, 1), (0, 4, 1), (1, 7, 2))
    net.conv(9, (3, 3), groups=3)
    skip = net.last
    net.conv(9, (1, 1), pads=(0, 0, 0, 0), bias=False)
    net.add(skip)
    net.relu()
    net.pool("AveragePool", (3, 3), (1, 1))
    net.linear(7)
    return net


def tall_average() -> Builder:
    """A window in parts, one behind the other, of one tensor."""
    net = Builder(8, 60, 60)
    net.conv(8)
    net.average()
    net.conv(19, (1, 1), pads=(0, 0, 0, 0))
    net.relu()
    return net


def moved_output() -> Builder:
    """An output that is a part of a stored tensor."""
    net = Builder(3, 6, 6)
    net.conv(8)
    net.slice((1, 7, 1), (0, 6, 2), (0, 6, 1))
    return net


@pytest.mark.parametrize("dataflow", FLOWS)
@pytest.mark.parametrize("build", [every_step, tall_average, moved_output])
@pytest.mark.parametrize("accelerator", [SMALL, LARGE])
def test_every_step(build: Any, accelerator: AcceleratorDesign, dataflow: Operation | None) -> None:
    net = build()
    network = built(net, accelerator)
    for image in net.images(2):
        compare(network, image, accelerator, dataflow=dataflow)
        compare(network, image * np.float32(2.0**-9), accelerator, dataflow=dataflow, rows=2)


def test_an_output_of_words_is_read_as_codes() -> None:
    """By a host that knows the grid of the input."""
    net = Builder(3, 6, 6)
    net.conv(5)
    net.average()
    net.emit("Flatten", (net.last,), 5)
    network = built(net, SMALL)
    image = net.images(1)[0]
    program, memory = compare(network, image, SMALL)
    assert program.output.layout.words
    lsb = int(encode_images(network, image[None]).lsb[0])
    values = output_values(program, SMALL, memory, lsb)
    assert np.array_equal(values, run_exact(network, image[None])[net.last][0])
    assert class_of(program.output, values) == classes(network, image[None])[0]
    assert "OUTPUT_WIDTH 11\n" in network_header(program.manifest)


def test_zeros_have_the_exponent_0() -> None:
    """An image of zeros; a tensor of zeros behind a ReLU of negative sums, beside others."""
    net = Builder(3, 6, 6)
    net.conv(4)
    first = net.relu()
    net.conv(4)
    net.add(first)
    network = built(net, SMALL)
    compare(network, np.zeros((3, 6, 6), np.float32), SMALL)

    layer = net.nodes[0]
    assert layer.weight is not None
    net.nodes[0] = replace(layer, weight=-abs(layer.weight), bias=np.zeros(4))
    image = abs(net.images(1)[0])
    network = built(net, SMALL)
    program, memory = compare(network, image, SMALL)
    assert not program.tensors[first].read(memory).any()


def test_a_format_without_a_sign_drops_negative_sums_but_counts_them() -> None:
    net = Builder(3, 6, 6)
    layer = net.conv(4)
    net.conv(4)
    network = built(net, SMALL, **{layer.replace(".", "_"): AFPFormat(3, 2, signed=False)})
    for image in net.images(4):
        program, memory = compare(network, image, SMALL)
        # Words keep their sign.
        assert (program.tensors[layer].read(memory) >> SMALL.waiting_width - 1).any()


def test_initial_values_saturate_and_vanish() -> None:
    """Biases far above and far below the sums."""
    net = Builder(3, 6, 6)
    net.conv(4)
    net.relu()
    net.conv(6)
    net.relu()
    network = built(net, SMALL)
    image = net.images(1)[0]
    for exponent in (-30, -14, 0, 10, 60):
        compare(network, np.ldexp(image, exponent).astype(np.float32), SMALL)


def apart(exponent: int) -> tuple[Builder, Any]:
    """A tensor added to one that lies about so many bits lower, and an image."""
    net = Builder(4, 5, 5)
    net.conv(4, bias=False)
    layer = net.nodes[0]
    assert layer.weight is not None
    net.nodes[0] = replace(layer, weight=np.ldexp(layer.weight, -exponent))
    net.add("x")
    net.relu()
    return net, net.images(1)[0]


def test_grids_too_far_apart_end_the_run() -> None:
    """Up to the last bit that the sums hold, and no further."""
    gaps = []
    for exponent in range(16, 27):
        net, image = apart(exponent)
        network = built(net, SMALL)
        program = compile_network(network, SMALL)
        stored = run_stored(network, image[None], ["x", "conv0.out"])
        gaps.append(int(stored["x"].lsb[0] - stored["conv0.out"].lsb[0]))
        adding = [each for each in program.descriptors if each["most_alignment"]]
        # Sums of 28 bits hold 448 << 18, and 448.
        assert [each["most_alignment"] for each in adding] == [18, 18]
        if gaps[-1] <= 18:
            compare(network, image, SMALL)
            continue
        at = next(i for i, each in enumerate(program.descriptors) if each["other_grid"] == 1)
        encoded = encode_images(network, image[None])
        sentence = (
            f"descriptor {at} must add tensors with grids at most 18 bits apart, not {gaps[-1]}$"
        )
        with pytest.raises(AlignmentError, match=sentence):
            interpret(program.memory(encoded.codes[0]), SMALL, int(encoded.lsb[0]))
    assert {18, 19} <= set(gaps)


def test_static_networks_run_where_grids_may_be_dynamic() -> None:
    net = every_step()
    formats = formats_of(net)
    static = calibrate(
        net.graph(), net.images(), weights=AFPFormat(3, 1), acts=AFPFormat(3, 2), source="built"
    )
    program = compile_network(lowered(net.graph(), static, SMALL), SMALL)
    assert not any(each["dynamic_in"] | each["dynamic_end"] for each in program.descriptors)
    program = compile_network(lowered(net.graph(), formats, SMALL), SMALL)
    assert all(each["dynamic_in"] for each in program.descriptors if each["emit"])
    kinds = {each["output"] for each in program.descriptors if each["emit"]}
    assert kinds == set(OutputKind)


def test_each_tensor_is_ended_once_by_its_last_descriptor() -> None:
    network = built(tall_average(), SMALL)
    program = compile_network(network, SMALL)
    for layer in program.manifest["layers"]:
        begin, end = layer["descriptors"]
        ends = [each["dynamic_end"] for each in program.descriptors[begin:end]]
        assert ends == [0] * (len(ends) - 1) + [1]
    places = [each["out_grid"] for each in program.descriptors if each["dynamic_end"]]
    assert places == list(range(1, len(places) + 1))
