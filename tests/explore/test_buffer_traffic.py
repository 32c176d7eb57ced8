"""Bits over the ports of buffers, counted code by code in the loops of docs/accelerator.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.descriptor import Operation, OutputKind, SideUse
from afp_hw.explore.buffers import buffer_bits
from afp_hw.formats import AFPFormat
from afp_hw.network import LoweredNetwork
from afp_hw.program import Program
from afp_hw.program.compiler import compile_network
from tests.program.networks import Builder, compare

E3M1, E3M2 = AFPFormat(3, 1), AFPFormat(3, 2)
SMALL = AcceleratorDesign(
    Design(E3M1, E3M2, rows=4, cols=2, k=200, init_max=1 << 20),
    data_width=64,
    act_bytes=1024,
    wgt_bytes=1024,
    side_bytes=1024,
    out_words=128,
    pixels=32,
    channel_tiles=8,
)
FLOWS = {"weights": Operation.WEIGHTS_STATIONARY, "outputs": Operation.OUTPUTS_STATIONARY}


@pytest.fixture(scope="module")
def network() -> tuple[LoweredNetwork, Any]:
    """Convolutions, a residual addition, both kinds of pool, a linear layer; and an image."""
    net = Builder(4, 8, 8)
    net.conv(4)
    first = net.relu()
    net.conv(4)
    net.add(first)
    net.relu()
    net.pool("MaxPool")
    net.average()
    net.linear(5)
    return net.lowered(SMALL, "e2m1", "e3m1")


def walked(d: Mapping[str, int], accelerator: AcceleratorDesign) -> Counter[str]:
    """Bits of one descriptor by port, as its loops go."""
    array = accelerator.array
    rows, cols, lanes, width = array.rows, array.cols, array.lanes, array.acc_width
    moved: Counter[str] = Counter()
    for kind in ("parameter", "wgt", "act", "side"):
        moved[f"load {kind}"] += d[f"{kind}_beats"] * accelerator.data_width
    regular = [
        (ky, kx, cj)
        for ky in range(d["ky_count"])
        for kx in range(d["kx_count"])
        for cj in range(d["cj_count"])
    ]
    chunks = [*regular, *[None] * d["extra_chunks"]]
    stationary = d["operation"] == Operation.OUTPUTS_STATIONARY
    products = d["operation"] != Operation.SIDE
    for _ in range(d["n_tiles"]):
        for first in range(0, d["pixels"], d["tile_pixels"]):
            for number, chunk in enumerate(chunks):
                if products and chunk is not None:
                    for _ in range(rows):
                        moved["weights"] += cols * lanes * d["wgt_width"]
                for slot in range(d["slots"]):
                    if slot >= d["tile_pixels"] or first + slot >= d["pixels"]:
                        continue
                    if products and chunk is not None:
                        moved["activations"] += rows * lanes * d["act_width"]
                    looked = chunk is not None if not products else number == 0
                    if d["side_use"] != SideUse.NONE and looked:
                        moved["side"] += cols * d["side_width"]
                    ends = number >= len(regular) - 1  # it may leave from here on
                    if stationary:  # one sum a pixel
                        if d["accumulate"] and number == 0:
                            moved["sums read"] += cols * width
                        leaves = number == len(regular) - 1
                    else:
                        if number > 0 or d["accumulate"]:
                            moved["sums read"] += cols * width
                        moved["sums written"] += cols * width
                        leaves = ends and (
                            number == len(regular) - 1 or d["output"] == OutputKind.SUMS
                        )
                    if d["emit"] and leaves:
                        moved["out"] += cols * d["out_bits"]
    if d["store"]:
        for _ in range(d["store_rows"]):
            for _ in range(d["store_row_words"]):
                moved["stored"] += cols * d["out_bits"]
    return moved


def compiled(network: tuple[LoweredNetwork, Any], flow: str) -> Program:
    return compile_network(network[0], SMALL, FLOWS[flow])


@pytest.mark.parametrize("flow", FLOWS)
def test_bits_are_those_of_the_loops(network: tuple[LoweredNetwork, Any], flow: str) -> None:
    descriptors = compiled(network, flow).descriptors
    seen: Counter[str] = Counter()
    for each in descriptors:
        moved = walked(each, SMALL)
        assert buffer_bits([each], SMALL) == moved.total()
        seen += moved
    assert buffer_bits(descriptors, SMALL) == seen.total()
    assert {"weights", "activations", "side", "sums written", "out", "stored"} <= set(seen)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_convolution_by_hand(network: tuple[LoweredNetwork, Any], flow: str) -> None:
    """8 x 8 pixels, 4 channels in, 4 out, a 3 x 3 window, a skip tensor; 4 rows, 2 columns.

    A row of the window is 3 * 4 codes, three groups of 4: nine chunks. Four output channels are
    two column tiles.
    """
    program = compiled(network, flow)
    layer = program.manifest["layers"][1]
    assert (layer["dataflow"], layer["kind"]) == (f"{flow}_stationary", "conv")
    begin, end = layer["descriptors"]
    own = program.descriptors[begin:end]
    moved = sum((walked(each, SMALL) for each in own), Counter())
    act_width, acc_width = own[0]["act_width"], SMALL.array.acc_width
    assert act_width == 4  # behind a ReLU no code has a sign
    assert moved["activations"] == 2 * 64 * 9 * 4 * act_width
    assert moved["side"] == 2 * 64 * 2 * act_width
    assert moved["out"] == moved["stored"] == 2 * 64 * 2 * own[0]["out_bits"]
    rows_of_weights = 2 * 9 * 4 * (2 * 4)  # of all column tiles; e2m1 has 4 bits
    if flow == "weights":
        assert moved["weights"] == len(own) * rows_of_weights
        assert moved["sums written"] == 2 * 64 * 9 * 2 * acc_width
        assert moved["sums read"] == 2 * 64 * 8 * 2 * acc_width
    else:
        tiles = sum(-(-each["pixels"] // 4) for each in own)
        assert moved["weights"] == tiles * rows_of_weights
        assert moved["sums written"] == moved["sums read"] == 0
    assert buffer_bits(own, SMALL) == moved.total()


@pytest.mark.parametrize("flow", FLOWS)
def test_a_run_loads_and_stores_what_is_counted(
    network: tuple[LoweredNetwork, Any], flow: str
) -> None:
    """The interpreter's bytes, from the image alone."""
    program, moved = compare(*network, SMALL, dataflow=FLOWS[flow])
    counted = sum((walked(each, SMALL) for each in program.descriptors), Counter())
    for kind, count in moved.loaded.items():
        assert counted[f"load {kind}"] == 8 * count
    assert 0 < counted["stored"] <= 8 * moved.stored  # rows end with a beat
