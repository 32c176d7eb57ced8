"""What an accelerator with dynamic grids does not run is refused: one sentence, both numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign
from afp_hw.network import LoweredNetwork
from afp_hw.program import compile_network
from tests.program.dynamic_networks import SMALL, built, formats_of
from tests.program.networks import Builder, lowered


def clipped() -> Builder:
    net = Builder(4, 6, 6)
    net.conv(4)
    net.clip(1.25)
    return net


def many() -> Builder:
    net = Builder(4, 2, 2)
    for _ in range(256):
        net.relu()
    return net


def layers() -> Builder:
    net = Builder(4, 6, 6)
    net.conv(4)
    net.conv(4, bias=False)
    return net


def tiny_bias() -> Builder:
    net = layers()
    bias = np.full(4, 1e-35)
    net.nodes[0] = replace(net.nodes[0], bias=bias)
    return net


def with_weights(net: Builder, name: str, lsb: int | tuple[int, ...]) -> LoweredNetwork:
    formats = formats_of(net)
    weights = {**formats.weights, name: replace(formats.weights[name], lsb=lsb)}
    return lowered(net.graph(), replace(formats, weights=weights), SMALL)


def mixed() -> LoweredNetwork:
    net = layers()
    net.linear(3)
    formats = formats_of(net)
    acts = {**formats.acts, "conv1.out": replace(formats.acts["conv1.out"], lsb=-5)}
    return lowered(net.graph(), replace(formats, acts=acts), SMALL)


UNSIGNED = replace(SMALL, array=replace(SMALL.array, acts=AFPFormat(3, 2, signed=False), outs=None))


def unsigned() -> LoweredNetwork:
    net = layers()
    net.linear(3)
    fmt = AFPFormat(3, 2, signed=False)
    return built(net, UNSIGNED, x=fmt, conv0_out=fmt, conv1_out=fmt)


@pytest.mark.parametrize(
    ("network", "accelerator", "sentence"),
    [
        (
            lambda: built(clipped(), SMALL),
            SMALL,
            "step 'conv0' must have no clip where grids are dynamic, not one at 1.25",
        ),
        (
            lambda: built(many(), SMALL),
            SMALL,
            "place in the table of grids of 'relu255.out' must be at most 255, not 256",
        ),
        (
            lambda: with_weights(layers(), "conv0", (-8, -7, 9, -6)),
            SMALL,
            "weights of 'conv0' must have grids within 16 bits where grids are dynamic, not 17",
        ),
        (
            lambda: built(tiny_bias(), SMALL),
            SMALL,
            r"bias of 'conv0' must lie within 128 bits of its weights' grid where grids are "
            r"dynamic, not 14\d",
        ),
        (
            lambda: with_weights(layers(), "conv1", 2100),
            SMALL,
            "descriptor.grid_shift must be in -2048..2047 for 'conv1', not 2100",
        ),
        (
            mixed,
            SMALL,
            "tensor 'conv1.out' must have a dynamic grid, as 'x' has, not a static one",
        ),
        (unsigned, UNSIGNED, "Design.outs must be signed for negative sums of 'conv0', not ue3m2"),
        (
            lambda: built(layers(), replace(SMALL, array=replace(SMALL.array, init_max=1 << 20))),
            SMALL,
            "LoweredNetwork.init_max must be that of the accelerator, 4194304, for 'conv0', not "
            "1048576",
        ),
        (
            lambda: built(layers(), SMALL),
            replace(SMALL, array=replace(SMALL.array, init_max=1 << 20)),
            "Design.init_max must be at least 4194304 for 'conv0', not 1048576",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    network: Any, accelerator: AcceleratorDesign, sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        compile_network(network(), accelerator)
