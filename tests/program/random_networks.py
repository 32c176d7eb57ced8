"""Random small networks, their formats and accelerators that run them, for Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.network import FormatAssignment, Graph, Node, TensorSpec, calibrate

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


class _Builder:
    """A graph as it grows; weights come from a generator, structure is drawn."""

    def __init__(self, draw: Any, shape: Shape, seed: int) -> None:
        self.draw = draw
        self.random = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {"x": shape}
        self.last = "x"

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def emit(self, op: str, inputs: tuple[str, ...], shape: Shape, **values: Any) -> None:
        name = f"{op.lower()}{len(self.nodes)}"
        parameters = {key: values.pop(key) for key in ("weight", "bias") if key in values}
        self.nodes.append(Node(name, op, inputs, f"{name}.out", values, **parameters))
        self.last = f"{name}.out"
        self.shapes[self.last] = shape

    def window(self, largest: int, *, dilates: bool, fills: bool) -> dict[str, Any] | None:
        """Window of two axes, and where it fits the size of the output as ``size``."""
        kernel, strides, pads, dilations, size = [], [], [], [], []
        for axis in (1, 2):
            length = self.shapes[self.last][axis]
            kernel.append(self.integer(1, largest))
            strides.append(self.integer(1, 3))
            dilations.append(self.integer(1, 2) if dilates else 1)
            span = (kernel[-1] - 1) * dilations[-1] + 1
            most = span if fills else kernel[-1] - 1 if dilations[-1] == 1 else 0
            pads.append((self.integer(0, min(most, 3)), self.integer(0, min(most, 3))))
            padded = length + sum(pads[-1])
            if span > padded:
                return None
            size.append((padded - span) // strides[-1] + 1)
        return {
            "kernel": tuple(kernel),
            "strides": tuple(strides),
            "pads": (pads[0][0], pads[1][0], pads[0][1], pads[1][1]),
            "dilations": tuple(dilations),
            "size": tuple(size),
        }

    def conv(self) -> None:
        window = self.window(4, dilates=True, fills=True)
        if window is None:
            return
        size = window.pop("size")
        channels = self.shapes[self.last][0]
        kind = self.integer(0, 4)
        divisors = [n for n in range(1, channels + 1) if channels % n == 0]
        groups = channels if kind == 3 else divisors[kind % len(divisors)] if kind == 4 else 1
        out = groups * self.integer(1, 2) if groups > 1 else self.integer(1, 19)
        weight = self.random.standard_normal((out, channels // groups, *window["kernel"]))
        bias = self.random.standard_normal(out) if self.integer(0, 1) else None
        self.emit(
            "Conv", (self.last,), (out, *size), groups=groups, weight=weight, bias=bias, **window
        )

    def relu(self) -> None:
        self.emit("Relu", (self.last,), self.shapes[self.last])

    def clip(self) -> None:
        self.emit("Clip", (self.last,), self.shapes[self.last], low=0.0, high=1.25)

    def pool(self, op: str) -> None:
        window = self.window(3, dilates=op == "MaxPool", fills=False)
        if window is not None:
            size = window.pop("size")
            self.emit(op, (self.last,), (self.shapes[self.last][0], *size), **window)

    def max_pool(self) -> None:
        self.pool("MaxPool")

    def average_pool(self) -> None:
        self.pool("AveragePool")

    def global_average(self) -> None:
        self.emit("GlobalAveragePool", (self.last,), (self.shapes[self.last][0], 1, 1))

    def slice_(self) -> None:
        bounds = []
        for axis, size in enumerate(self.shapes[self.last]):
            start = self.integer(0, min(size - 1, 2))
            step = 1 if axis == 0 else self.integer(1, 2)
            bounds.append((start, self.integer(start + 1, size), step))
        size = tuple(len(range(*each)) for each in bounds)
        self.emit("Slice", (self.last,), size, slices=tuple(bounds))

    def pad(self) -> None:
        before = tuple(self.integer(0, 9 if axis == 0 else 2) for axis in range(3))
        after = tuple(self.integer(0, 9 if axis == 0 else 2) for axis in range(3))
        shape = self.shapes[self.last]
        size = tuple(a + s + b for a, s, b in zip(before, shape, after, strict=True))
        self.emit("Pad", (self.last,), size, before=before, after=after)

    def add(self) -> None:
        alike = [name for name, shape in self.shapes.items() if shape == self.shapes[self.last]]
        other = alike[self.integer(0, len(alike) - 1)]
        self.emit("Add", (self.last, other), self.shapes[self.last])

    def block(self) -> None:
        """A convolution whose output is added to its input."""
        channels, high, wide = self.shapes[self.last]
        source = self.last
        window = {
            "kernel": (3, 3),
            "strides": (1, 1),
            "pads": (1, 1, 1, 1),
            "dilations": (1, 1),
            "groups": 1,
        }
        weight = self.random.standard_normal((channels, channels, 3, 3)) / 16
        self.emit("Conv", (source,), (channels, high, wide), weight=weight, **window)
        self.emit("Add", (self.last, source), (channels, high, wide))

    def linear(self) -> None:
        shape = self.shapes[self.last]
        if len(shape) == 3:
            self.emit("Flatten", (self.last,), (int(np.prod(shape)),))
        length, out = self.shapes[self.last][0], self.integer(1, 18)
        weight = self.random.standard_normal((length, out))
        self.emit("Linear", (self.last,), (out,), weight=weight, bias=None)


_STEPS = (
    *("conv", "conv", "conv", "relu", "clip", "max_pool", "average_pool", "global_average"),
    *("slice_", "pad", "add", "block"),
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
def cases(draw: Any) -> Case:
    """A network of a few steps."""
    shape = (draw(st.integers(1, 18)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    seed = draw(st.integers(0, 1 << 16))
    builder = _Builder(draw, shape, seed)
    for _ in range(draw(st.integers(1, 5))):
        if max(builder.shapes[builder.last]) <= 40:
            getattr(builder, draw(st.sampled_from(_STEPS)))()
    moves = ("Slice", "Pad")
    if draw(st.booleans()) or all(node.op in moves for node in builder.nodes):
        builder.linear()
    graph = Graph(
        "random",
        (TensorSpec("x", shape),),
        (builder.last,),
        tuple(builder.nodes),
        builder.shapes,
    )
    accelerator = draw(st.sampled_from(DESIGNS))
    array = accelerator.array
    images = builder.random.standard_normal((2, *shape)).astype(np.float32)
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
