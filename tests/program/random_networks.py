"""Random small networks, their formats and accelerators that run them, for Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.network import FormatAssignment, Graph, calibrate
from tests.program.networks import Builder

Shape = tuple[int, ...]

DESIGNS = (
    AcceleratorDesign(
        Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=4, cols=4, k=1 << 14, init_max=1 << 26),
        data_width=64,
        act_bytes=2048,
        wgt_bytes=4096,
        side_bytes=2048,
        out_words=512,
        pixels=128,
        channel_tiles=8,
    ),
    AcceleratorDesign(
        Design(
            AFPFormat(3, 2), AFPFormat(3, 3), rows=2, cols=4, lanes=4, k=1 << 14, init_max=1 << 28
        ),
        data_width=64,
        act_bytes=2048,
        wgt_bytes=16384,
        side_bytes=4096,
        out_words=1024,
        pixels=100,
        channel_tiles=2,
    ),
    AcceleratorDesign(
        Design(AFPFormat(4, 3), AFPFormat(3, 2), rows=16, cols=16, k=1 << 14, init_max=1 << 36),
        act_bytes=8192,
        wgt_bytes=32768,
        out_words=1024,
        pixels=256,
    ),
    AcceleratorDesign(
        Design(
            AFPFormat(2, 2), AFPFormat(4, 2), rows=3, cols=2, lanes=2, k=1 << 14, init_max=1 << 30
        ),
        data_width=256,
        act_bytes=4096,
        wgt_bytes=16384,
        side_bytes=2048,
        out_words=2048,
        pixels=90,
        channel_tiles=32,
    ),
)
"""Of several shapes and envelopes, with banks so small that layers are cut."""


@dataclass(frozen=True, eq=False)
class Case:
    """A network, an image for it, and an accelerator."""

    graph: Graph
    formats: FormatAssignment
    image: Any
    accelerator: AcceleratorDesign


class _Drawn:
    """Steps whose parameters are drawn."""

    def __init__(self, draw: Any, shape: Shape, seed: int) -> None:
        self.draw = draw
        self.built = Builder(*shape, seed=seed)

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def window(self, largest: int, *, dilates: bool, fills: bool) -> dict[str, Any] | None:
        """A window of two axes that fits the image, or None."""
        kernel = (self.integer(1, largest), self.integer(1, largest))
        strides = (self.integer(1, 3), self.integer(1, 3))
        dilations = (self.integer(1, 2), self.integer(1, 2)) if dilates else (1, 1)
        pads = []
        for side in range(4):
            span = (kernel[side % 2] - 1) * dilations[side % 2] + 1
            # A maximum must have something to look at.
            most = span if fills else kernel[side % 2] - 1 if dilations == (1, 1) else 0
            pads.append(self.integer(0, min(most, 3)))
        window = {"kernel": kernel, "strides": strides, "dilations": dilations}
        window["pads"] = tuple(pads)
        return None if self.built.size(**window) is None else window

    def conv(self) -> None:
        window = self.window(4, dilates=True, fills=True)
        if window is None:
            return
        channels = self.built.shape[0]
        kind = self.integer(0, 4)
        divisors = [n for n in range(1, channels + 1) if channels % n == 0]
        groups = channels if kind == 3 else divisors[kind % len(divisors)] if kind == 4 else 1
        out = groups * self.integer(1, 2) if groups > 1 else self.integer(1, 19)
        self.built.conv(out, groups=groups, bias=bool(self.integer(0, 1)), **window)

    def relu(self) -> None:
        self.built.relu()

    def clip(self) -> None:
        self.built.clip()

    def max_pool(self) -> None:
        window = self.window(3, dilates=True, fills=False)
        if window is not None:
            self.built.pool("MaxPool", **window)

    def average_pool(self) -> None:
        window = self.window(3, dilates=False, fills=False)
        if window is not None:
            self.built.pool("AveragePool", **window)

    def global_average(self) -> None:
        self.built.average()

    def slice(self) -> None:
        bounds = []
        for axis, size in enumerate(self.built.shape):
            start = self.integer(0, min(size - 1, 2))
            step = 1 if axis == 0 else self.integer(1, 2)
            bounds.append((start, self.integer(start + 1, size), step))
        self.built.slice(*bounds)

    def pad(self) -> None:
        before, after = (
            tuple(self.integer(0, 9 if axis == 0 else 2) for axis in range(3)) for _ in range(2)
        )
        self.built.pad(before, after)

    def add(self) -> None:
        shapes = self.built.shapes
        alike = [name for name, shape in shapes.items() if shape == self.built.shape]
        self.built.add(alike[self.integer(0, len(alike) - 1)])

    def block(self) -> None:
        """A convolution whose output is added to its input."""
        source = self.built.last
        self.built.conv(self.built.shape[0])
        self.built.add(source)


_STEPS = (
    *("conv", "conv", "conv", "relu", "clip", "max_pool", "average_pool", "global_average"),
    *("slice", "pad", "add", "block"),
)


def _narrower(draw: Any, item: Any, envelope: AFPFormat, *, weights: bool, channels: int) -> Any:
    """The same tensor in a format that an envelope holds, on a grid near its own."""
    largest = item.fmt.max_fix.bit_length() + (item.lsb if isinstance(item.lsb, int) else 0)
    n_exp = draw(st.integers(1, envelope.n_exp))
    fmt = AFPFormat(n_exp, draw(st.integers(0, envelope.n_man)), item.fmt.signed)
    lsb = largest - fmt.max_fix.bit_length() + draw(st.integers(-2, 1))
    if weights and draw(st.booleans()):
        each = draw(st.lists(st.integers(-1, 1), min_size=channels, max_size=channels))
        return replace(item, fmt=fmt, lsb=tuple(lsb + n for n in each))
    return replace(item, fmt=fmt, lsb=lsb)


@st.composite
def cases(draw: Any, designs: Sequence[AcceleratorDesign] = DESIGNS) -> Case:
    """A network of a few steps."""
    shape = (draw(st.integers(1, 18)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    drawn = _Drawn(draw, shape, draw(st.integers(0, 1 << 16)))
    built = drawn.built
    for _ in range(draw(st.integers(1, 5))):
        if max(built.shape) <= 40:
            getattr(drawn, draw(st.sampled_from(_STEPS)))()
    moves = ("Slice", "Pad")
    if draw(st.booleans()) or all(node.op in moves for node in built.nodes):
        built.linear(draw(st.integers(1, 18)))
    graph, images = built.graph(), built.images()
    accelerator = draw(st.sampled_from(designs))
    array = accelerator.array
    formats = calibrate(
        graph, images, weights=array.afp_weights, acts=array.afp_acts, source="random"
    )
    layers = {layer.name: layer for layer in graph.layers()}
    weights = {}
    for name, item in formats.weights.items():
        layer = layers[name]
        assert layer.weight is not None
        channels = layer.weight.shape[0 if layer.op == "Conv" else 1]
        weights[name] = _narrower(draw, item, array.afp_weights, weights=True, channels=channels)
    acts = {
        name: _narrower(draw, item, array.afp_acts, weights=False, channels=1)
        for name, item in formats.acts.items()
    }
    return Case(graph, replace(formats, weights=weights, acts=acts), images[0], accelerator)
