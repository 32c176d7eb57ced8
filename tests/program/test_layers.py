"""Layers of awkward shapes: every stored tensor equals the exact chain's, in every dataflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, load_accelerator
from afp_hw.design.descriptor import Operation
from tests.program.networks import Builder, compare

RECIPES = Path(__file__).parents[2] / "gen"
SMALL = load_accelerator(RECIPES / "accelerator4.toml")
LARGE = load_accelerator(RECIPES / "accelerator16.toml")


def point() -> Builder:
    """An image of one pixel, and a kernel larger than it."""
    net = Builder(1, 1, 1)
    net.conv(17, (3, 3))
    net.relu()
    net.conv(1, (5, 4), pads=(2, 1, 2, 2))
    return net


def strides() -> Builder:
    """Strides beyond the kernel, padding on some sides only, dilation."""
    net = Builder(3, 11, 9)
    net.conv(5, (2, 3), strides=(3, 2), pads=(0, 2, 1, 0))
    net.relu()
    net.conv(6, (2, 2), pads=(1, 0, 2, 3), dilations=(2, 3))
    return net


def depthwise() -> Builder:
    """One channel a group, with a multiplier of channels, and groups of several."""
    net = Builder(6, 6, 6)
    net.conv(18, (3, 3), groups=6)
    net.relu()
    net.conv(18, (3, 3), strides=(2, 1), groups=18)
    net.relu()
    net.conv(12, (3, 2), pads=(1, 0, 1, 1), groups=3)
    net.relu()
    net.conv(4, (1, 1), pads=(0, 0, 0, 0), groups=2)
    return net


def uneven_groups() -> Builder:
    """Groups whose borders are not those of column tiles."""
    net = Builder(15, 4, 4)
    net.conv(21, (3, 3), groups=3)
    net.relu()
    net.conv(35, (1, 2), pads=(0, 0, 0, 0), groups=7)
    return net


def pools() -> Builder:
    """Pools of both kinds, padded, overlapping, dilated; an average over 49."""
    net = Builder(5, 19, 18)
    net.conv(18)
    net.pool("MaxPool", (3, 3), (2, 2), (1, 1, 1, 1))
    net.pool("AveragePool", (2, 3), (1, 1), (1, 2, 1, 0))
    net.pool("MaxPool", (2, 2), (1, 1), (0, 0, 0, 0), (2, 3))
    net.pool("AveragePool", (7, 7), (1, 1), (0, 1, 1, 0))
    net.linear(10)
    return net


def shortcut() -> Builder:
    """A shortcut by slices and zero channels, as residual networks for CIFAR have it."""
    net = Builder(3, 8, 8)
    net.conv(16)
    source = net.relu()
    net.slice((0, 16, 1), (0, 8, 2), (0, 8, 1))
    net.slice((0, 16, 1), (0, 4, 1), (0, 8, 2))
    moved = net.pad((8, 0, 0), (8, 0, 0))
    net.last = source
    net.conv(32, strides=(2, 2))
    net.relu()
    net.conv(32)
    net.add(moved)
    net.relu()
    net.average()
    net.linear(10)
    return net


def moves() -> Builder:
    """Slices and pads that are read where they lie, by every kind of step."""
    net = Builder(7, 9, 10)
    net.slice((1, 6, 1), (1, 8, 2), (2, 10, 1))
    net.pad((2, 1, 0), (1, 0, 2))
    net.conv(9, (3, 3))
    first = net.relu()
    net.slice((0, 9, 1), (0, 4, 1), (1, 9, 3))
    net.pad((0, 1, 1), (3, 1, 0))
    net.pool("MaxPool", (2, 2), (1, 1), (1, 0, 0, 1))
    net.pool("AveragePool", (2, 2), (2, 1))
    net.last = first
    net.pad((1, 0, 1), (0, 2, 0))
    net.linear(5)
    return net


def additions() -> Builder:
    """Sums of tensors on grids of their own, one tensor twice, clipped; 17 channels."""
    net = Builder(17, 5, 6)
    net.conv(17)
    first = net.relu()
    net.conv(17)
    second = net.relu()
    third = net.add(first)
    net.add(third)
    net.clip(2.5)
    net.pool("MaxPool", (1, 1), (1, 1))
    net.relu()
    net.add(second)
    return net


def flattened() -> Builder:
    """Linear layers behind an image with rows, and behind one another."""
    net = Builder(3, 5, 7)
    net.conv(6)
    net.relu()
    net.linear(33)
    net.relu()
    net.linear(3)
    return net


def sums_of_an_image() -> Builder:
    """The last layer is a convolution: its sums leave row by row."""
    net = Builder(2, 6, 5)
    net.conv(18)
    net.relu()
    net.conv(19, strides=(2, 1))
    return net


def codes_at_the_end() -> Builder:
    """The network ends in codes, which are only moved then."""
    net = Builder(4, 6, 5)
    net.conv(8)
    net.relu()
    net.slice((1, 7, 1), (0, 6, 1), (1, 5, 2))
    return net


NETWORKS = [
    *(point, strides, depthwise, uneven_groups, pools, shortcut, moves, additions, flattened),
    *(sums_of_an_image, codes_at_the_end),
]
FLOWS = [None, Operation.WEIGHTS_STATIONARY, Operation.OUTPUTS_STATIONARY]


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("accelerator", [SMALL, LARGE], ids=["4x4", "16x16"])
def test_a_network_is_that_of_the_exact_chain(build, accelerator: AcceleratorDesign) -> None:
    network, image = build().lowered(accelerator)
    for dataflow in FLOWS:
        compare(network, image, accelerator, dataflow=dataflow)
    for rows in (1, 3):
        compare(network, image, accelerator, rows=rows)


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_a_network_whose_weights_and_records_do_not_fit_at_once(build) -> None:
    tight = replace(SMALL, wgt_bytes=4096, channel_tiles=1, pixels=64, out_words=512)
    network, image = build().lowered(tight)
    program, _ = compare(network, image, tight)
    assert any(layer["pieces"] > 1 for layer in program.manifest["layers"])


def test_moves_are_read_where_they_lie() -> None:
    network, image = shortcut().lowered(SMALL)
    program, _ = compare(network, image, SMALL)
    kinds = [layer["kind"] for layer in program.manifest["layers"]]
    assert kinds == ["conv", "conv", "conv", "side", "linear"]
    assert not any("pad" in name or "slice" in name for name in program.tensors)


def test_weights_that_two_banks_hold_are_loaded_once() -> None:
    net = Builder(16, 12, 4)
    net.conv(16)
    net.relu()
    tight = replace(SMALL, wgt_bytes=1024)
    network, image = net.lowered(tight)
    program, moved = compare(network, image, tight, rows=2)
    assert program.manifest["layers"][0]["pieces"] == 2
    assert program.manifest["layers"][0]["strips"] == 6
    assert moved.loaded["wgt"] == program.manifest["image"]["weight_bytes"]


def test_a_window_that_a_bank_does_not_hold_accumulates_in_parts() -> None:
    net = Builder(9, 8, 8)
    net.conv(18)
    first = net.relu()
    net.pool("MaxPool", (6, 5), (2, 3), (1, 2, 1, 2))
    net.last = first
    net.average()
    net.linear(4)
    tight = replace(SMALL, side_bytes=512)
    network, image = net.lowered(tight)
    program, _ = compare(network, image, tight)
    assert sum(each["accumulate"] for each in program.descriptors) >= 2


def test_column_tiles_take_the_place_of_pixels_where_there_is_one() -> None:
    net = Builder(3, 7, 7)
    net.conv(70)
    net.relu()
    net.average()
    net.linear(4)
    for pixels, descriptors in ((256, 1), (8, 3)):
        tight = replace(SMALL, pixels=pixels)
        network, image = net.lowered(tight)
        program, _ = compare(network, image, tight)
        layer = program.manifest["layers"][1]
        begin, end = layer["descriptors"]
        assert end - begin == descriptors
        tiles = 18 if descriptors == 1 else 8 + 8 + 4
        assert layer["loop_cycles"] == 49 * 5 * tiles  # 1337 has five digits


def test_sums_beyond_64_bits_are_exact_too() -> None:
    array = replace(
        SMALL.array,
        weights=AFPFormat(5, 3),
        acts=AFPFormat(5, 2),
        outs=None,
        init_max=(1 << 62) - 1,
    )
    wide = replace(SMALL, array=array)
    assert array.acc_width > 64
    for build in (shortcut, pools):
        network, image = build().lowered(wide, "e5m2", "e5m2")
        compare(network, image, wide)
