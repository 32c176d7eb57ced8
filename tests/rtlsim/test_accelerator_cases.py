"""Networks at the corners of what an accelerator does, in compiled Verilog: bytes and cycles."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.design.descriptor import Operation
from afp_hw.network import calibrate
from afp_hw.network.exact import run_stored
from afp_hw.program import compile_network
from tests.program.networks import Builder, lowered
from tests.rtlsim.accelerator_runs import DESIGNS, check

FLOWS = (Operation.WEIGHTS_STATIONARY, Operation.OUTPUTS_STATIONARY)


def one_of_each() -> Builder:
    """A channel, a pixel, a weight."""
    net = Builder(1, 1, 1)
    net.conv(1, kernel=(1, 1), pads=(0, 0, 0, 0))
    net.relu()
    return net


def a_pixel_of_many_channels() -> Builder:
    net = Builder(17, 1, 1)
    net.conv(19, kernel=(1, 1), pads=(0, 0, 0, 0))
    net.relu()
    net.linear(9)
    return net


def a_channel_more_than_columns() -> Builder:
    net = Builder(5, 6, 5)
    net.conv(7)
    net.relu()
    net.conv(5)
    net.clip()
    net.linear(13)
    return net


def a_row_longer_than_tall() -> Builder:
    net = Builder(1, 1, 23)
    net.conv(3, kernel=(1, 5), pads=(0, 4, 0, 4))
    net.relu()
    return net


def a_column() -> Builder:
    net = Builder(2, 23, 1)
    net.conv(3, kernel=(5, 1), strides=(2, 1), pads=(4, 0, 4, 0))
    net.relu()
    return net


def a_kernel_larger_than_the_image() -> Builder:
    net = Builder(3, 2, 3)
    net.conv(4, kernel=(5, 7), pads=(3, 3, 3, 3))
    net.relu()
    net.conv(2, kernel=(3, 3), pads=(2, 2, 2, 2), dilations=(2, 2))
    return net


def windows_of_nothing_but_padding() -> Builder:
    net = Builder(3, 2, 2)
    net.conv(5, kernel=(1, 1), pads=(2, 3, 1, 2))
    net.relu()
    net.conv(2, kernel=(2, 1), strides=(3, 3), pads=(2, 2, 2, 2))
    return net


def depthwise() -> Builder:
    net = Builder(6, 7, 6)
    net.conv(6, groups=6)
    net.relu()
    net.conv(12, groups=6, kernel=(3, 2), strides=(2, 1), pads=(1, 0, 1, 1))
    net.relu()
    net.conv(9, kernel=(1, 1), pads=(0, 0, 0, 0))
    net.conv(6, groups=3)
    net.linear(5)
    return net


def shortcut_without_weights() -> Builder:
    """Every other pixel, and channels of zeros on both sides: option A of the residual networks."""
    net = Builder(3, 8, 8)
    net.conv(4)
    start = net.relu()
    net.slice((0, 4, 1), (0, 8, 2), (0, 8, 2))
    shortcut = net.pad((2, 0, 0), (2, 0, 0))
    net.last = start
    net.conv(8, strides=(2, 2))
    net.relu()
    net.conv(8)
    net.add(shortcut)
    net.relu()
    net.average()
    net.linear(10)
    return net


def pools() -> Builder:
    net = Builder(5, 9, 9)
    net.conv(6)
    net.pool("MaxPool", kernel=(3, 2), strides=(2, 1), pads=(1, 0, 1, 1))
    net.pool("AveragePool", kernel=(3, 3), strides=(1, 2), pads=(1, 1, 1, 1))
    net.pool("MaxPool", kernel=(2, 2), strides=(1, 1), dilations=(2, 1))
    net.average()
    net.linear(3)
    return net


def additions() -> Builder:
    net = Builder(5, 4, 4)
    net.add("x")
    first = net.relu()
    net.add("x")
    net.add(first)
    net.pool("MaxPool")
    return net


NETWORKS: tuple[Callable[[], Builder], ...] = (
    one_of_each,
    a_pixel_of_many_channels,
    a_channel_more_than_columns,
    a_row_longer_than_tall,
    a_column,
    a_kernel_larger_than_the_image,
    windows_of_nothing_but_padding,
    depthwise,
    shortcut_without_weights,
    pools,
    additions,
)


def run_each(name: str, build: Callable[[], Builder]) -> None:
    """Both dataflows, strips of a row and of as many as fit, a near memory and a far one."""
    design = DESIGNS[name]
    network, image = build().lowered(design, str(design.array.weights), str(design.array.acts))
    for dataflow in FLOWS:
        for rows, latency in ((1, 1), (None, 64)):
            program = compile_network(network, design, dataflow, rows)
            check(name, network, image, program, latency)


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("name", ["square", "lanes", "wide"])
def test_corners(name: str, build: Callable[[], Builder]) -> None:
    run_each(name, build)


@pytest.mark.slow
@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("name", ["single", "ungated", "dynamic"])
def test_corners_on_more_designs(name: str, build: Callable[[], Builder]) -> None:
    run_each(name, build)


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", FLOWS)
@pytest.mark.parametrize("rows", [None, 1])
def test_what_is_never_negative_needs_no_sign(rows: int | None, dataflow: Operation) -> None:
    net = Builder(5, 7, 6)
    net.conv(6)
    start = net.relu()
    net.conv(6)
    net.relu()
    net.conv(6)
    net.add(start)
    net.relu()
    net.pool("MaxPool", kernel=(3, 2), strides=(1, 2), pads=(1, 0, 1, 0))
    net.conv(9, strides=(2, 2), groups=3)
    net.clip()
    net.pool("AveragePool", kernel=(2, 2), strides=(1, 1))
    net.average()
    net.linear(7)
    design, images = DESIGNS["unsigned"], np.abs(net.images())
    formats = calibrate(
        net.graph(), images, weights=AFPFormat(2, 2), acts=AFPFormat(3, 2), source="positive"
    )
    # An input is signed for calibration, whatever it is.
    acts = {name: replace(item, fmt=item.fmt.as_unsigned()) for name, item in formats.acts.items()}
    network, image = lowered(net.graph(), replace(formats, acts=acts), design), images[0]
    for latency in (1, 7, 64):
        program = compile_network(network, design, dataflow, rows)
        check("unsigned", network, image, program, latency)


def test_tiles_of_a_single_chunk_have_room_to_drain() -> None:
    """Outputs stationary, docs/accelerator.md says, has at least two chunks."""
    design = DESIGNS["square"]
    net = Builder(1, 1, 5)
    net.conv(1, kernel=(1, 1), pads=(0, 0, 0, 0))
    net.relu()
    network, image = net.lowered(design)
    program = compile_network(network, design, Operation.OUTPUTS_STATIONARY)
    check("square", network, image, program, 1)


def all_alike(weight: float, channels: int, *, codes: bool = False) -> tuple[Any, Any]:
    """A network whose weights are all this one, and an image of the largest codes."""
    net = Builder(channels, 3, 3)
    net.conv(4, bias=False, pads=(0, 0, 0, 0))
    net.nodes[-1] = replace(net.nodes[-1], weight=np.full((4, channels, 3, 3), weight))
    if codes:
        net.pool("MaxPool", kernel=(1, 1), strides=(1, 1))
    image = np.full((2, channels, 3, 3), 1.75, np.float32)
    net.images = lambda count=2: image[:count]  # type: ignore[method-assign]
    return net.lowered(DESIGNS["square"])


@pytest.mark.parametrize("weight", [1.5, -1.5])
def test_sums_reach_the_bound_of_the_accumulators(weight: float) -> None:
    """As sums that leave the network, and as codes with either dataflow."""
    design = DESIGNS["square"]
    network, image = all_alike(weight, 128)
    sums = run_stored(network, image[None])["conv0.out"].codes
    assert set(np.abs(sums).reshape(-1).tolist()) == {design.array.sum_bound}
    check("square", network, image, compile_network(network, design), 7)
    for dataflow in FLOWS:
        network, image = all_alike(weight, 128, codes=True)
        check("square", network, image, compile_network(network, design, dataflow), 7)


def test_sums_beyond_the_bound_are_refused() -> None:
    network, _ = all_alike(1.5, 129)
    sentence = "Design.k must be at least 1161 for 'conv0', not 1152"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        compile_network(network, DESIGNS["square"])
