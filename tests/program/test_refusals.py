"""What an accelerator cannot run is refused: one sentence, both numbers, what would do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, load_accelerator
from afp_hw.network import calibrate, lower
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.network.lower import room_for_sums
from afp_hw.program import compile_network
from afp_hw.program.sequence import require_count
from tests.program.networks import Builder

SMALL = load_accelerator(Path(__file__).parents[2] / "gen" / "accelerator4.toml")


def with_array(**changes: Any) -> AcceleratorDesign:
    return replace(SMALL, array=replace(SMALL.array, outs=None, **changes))


def one_layer(channels: int = 4, high: int = 6, wide: int = 6) -> Builder:
    net = Builder(channels, high, wide)
    net.conv(8)
    net.relu()
    return net


def residual() -> Builder:
    net = Builder(4, 6, 6)
    net.conv(4)
    net.add("x")
    net.relu()
    return net


def added(channels: int = 4) -> Builder:
    net = Builder(channels, 6, 6)
    net.average()
    return net


def concatenated() -> Builder:
    net = one_layer()
    net.emit("Concat", (net.last, net.last), 16, 6, 6, axis=0)
    return net


def channel_step() -> Builder:
    net = one_layer()
    net.slice((0, 8, 2), (0, 6, 1), (0, 6, 1))
    net.linear(2)
    return net


def tall_window() -> Builder:
    net = Builder(1, 300, 1)
    net.linear(2)
    return net


def unlike() -> Builder:
    net = one_layer()
    net.emit("Flatten", (net.last,), 288)
    flat = net.last
    net.linear(288)
    net.relu()
    net.add(flat)
    return net


def only_moves() -> Builder:
    net = Builder(4, 6, 6)
    net.emit("Flatten", ("x",), 144)
    return net


CASES = [
    (
        one_layer,
        with_array(weights=AFPFormat(2, 1)),
        "Design.weights must hold e3m1 of 'conv0', not e2m1",
    ),
    (
        one_layer,
        with_array(acts=AFPFormat(3, 2, signed=False)),
        "Design.acts must hold e3m2 of 'conv0', not ue3m2",
    ),
    (
        one_layer,
        replace(SMALL, array=replace(SMALL.array, outs=AFPFormat(3, 1))),
        "Design.outs must hold ue3m2 of 'relu1.out', not e3m1",
    ),
    (one_layer, with_array(k=35), "Design.k must be at least 36 for 'conv0', not 35"),
    (
        one_layer,
        with_array(sum_max=1000),
        r"Design.sum_max must be at least \d{5,} for 'conv0', not 1000",
    ),
    (
        residual,
        with_array(init_max=1000),
        r"Design.init_max must be at least \d{4,} for 'conv0', not 1000",
    ),
    (
        added,
        with_array(k=1, init_max=1),
        "Design.init_max must be at least 8302592 for sums of 25 bits of 'globalaveragepool0', "
        "not 1",
    ),
    (
        one_layer,
        with_array(init_max=1 << 70),
        "Design.init_max must have at most 63 bits in an accelerator, not 71",
    ),
    (
        lambda: one_layer(channels=1, wide=170),
        replace(SMALL, out_words=256),
        "AcceleratorDesign.out_words must be at least 340 for an output row of 'conv0', not 256",
    ),
    (
        lambda: one_layer(channels=30, wide=60),
        replace(SMALL, act_bytes=2048, out_words=1024),
        "AcceleratorDesign.act_bytes must be at least 4056 for the input rows of 'conv0', not 2048",
    ),
    (
        lambda: one_layer(channels=100),
        replace(SMALL, wgt_bytes=2048),
        "AcceleratorDesign.wgt_bytes must be at least 2256 for the weights of a column tile of "
        "'conv0', not 2048",
    ),
    (
        lambda: added(30),
        replace(SMALL, side_bytes=64),
        "AcceleratorDesign.side_bytes must be at least 816 for the input rows of "
        "'globalaveragepool0.out', not 64",
    ),
    (
        tall_window,
        replace(SMALL, act_bytes=1 << 16, wgt_bytes=1 << 16),
        "descriptor.ky_count must be in 0..255 for 'linear1', not 300",
    ),
    (
        concatenated,
        SMALL,
        "step 'concat2' must be one that the accelerator does, not a Concat",
    ),
    (channel_step, SMALL, "'slice2' must slice channels with a step of 1, not 2"),
    (
        unlike,
        SMALL,
        r"'\w+' must add tensors that lie alike, not \[8, 6, 6\] and \[288, 1, 1\]",
    ),
    (only_moves, SMALL, "network must have a step that computes, not moves alone"),
]


@pytest.mark.parametrize(("build", "accelerator", "sentence"), CASES)
def test_what_does_not_fit_is_refused(
    build: Any, accelerator: AcceleratorDesign, sentence: str
) -> None:
    net = build()
    graph = net.graph()
    formats = calibrate(
        graph, net.images(), weights=AFPFormat(3, 1), acts=AFPFormat(3, 2), source="built"
    )
    lowered = lower(graph, formats, room_for_sums(graph))
    with pytest.raises(ValueError, match=f"^{sentence}$") as caught:
        compile_network(lowered, accelerator)
    assert "\n" not in str(caught.value)


def test_dynamic_grids_are_refused() -> None:
    net = one_layer()
    graph = net.graph()
    formats = calibrate(
        graph, net.images(), weights=AFPFormat(3, 1), acts=AFPFormat(3, 2), source="built"
    )
    lowered = lower(graph, with_dynamic_grids(formats), room_for_sums(graph))
    sentence = "AcceleratorDesign.dynamic must be true for the dynamic grid of 'x', not false"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        compile_network(lowered, SMALL)


def test_more_descriptors_than_waits_count_are_refused() -> None:
    require_count(65535)
    with pytest.raises(ValueError, match=r"at most 65535 descriptors, not 65536: larger buffers"):
        require_count(65536)
