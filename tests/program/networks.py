"""Networks made for programs: compiled, interpreted and compared tensor by tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign
from afp_hw.network import (
    FormatAssignment,
    Graph,
    LoweredNetwork,
    Node,
    TensorSpec,
    calibrate,
    lower,
)
from afp_hw.network.exact import encode_images, run_stored
from afp_hw.network.lower import InitMax
from afp_hw.program import Program, compile_network
from afp_hw.program.interpreter import Moved, interpret

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]


class Builder:
    """A graph as it grows, from input ``x`` on; each step works on the last tensor."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.shapes: dict[str, tuple[int, ...]] = {"x": shape}
        self.last = "x"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the last tensor."""
        return self.shapes[self.last]

    def emit(self, op: str, inputs: tuple[str, ...], *shape: int, **values: Any) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        parameters = {key: values.pop(key) for key in ("weight", "bias") if key in values}
        self.nodes.append(Node(name, op, inputs, f"{name}.out", values, **parameters))
        self.last = f"{name}.out"
        self.shapes[self.last] = shape
        return self.last

    def size(self, kernel: Pair, strides: Pair, pads: Sides, dilations: Pair) -> Pair | None:
        """Size of the output of a window; None where the image is too small."""
        sizes = []
        for axis, length in enumerate(self.shape[1:]):
            span = (kernel[axis] - 1) * dilations[axis] + 1
            padded = length + pads[axis] + pads[axis + 2]
            if span > padded:
                return None
            sizes.append((padded - span) // strides[axis] + 1)
        return sizes[0], sizes[1]

    def conv(
        self,
        channels: int,
        kernel: Pair = (3, 3),
        strides: Pair = (1, 1),
        pads: Sides = (1, 1, 1, 1),
        dilations: Pair = (1, 1),
        groups: int = 1,
        bias: bool = True,
    ) -> str:
        size = self.size(kernel, strides, pads, dilations)
        assert size is not None
        weight = self.random.standard_normal((channels, self.shape[0] // groups, *kernel))
        return self.emit(
            "Conv",
            (self.last,),
            channels,
            *size,
            kernel=kernel,
            strides=strides,
            pads=pads,
            dilations=dilations,
            groups=groups,
            weight=weight,
            bias=self.random.standard_normal(channels) if bias else None,
        )

    def pool(
        self,
        op: str,
        kernel: Pair = (2, 2),
        strides: Pair = (2, 2),
        pads: Sides = (0, 0, 0, 0),
        dilations: Pair = (1, 1),
    ) -> str:
        size = self.size(kernel, strides, pads, dilations)
        assert size is not None
        window = {"kernel": kernel, "strides": strides, "pads": pads, "dilations": dilations}
        return self.emit(op, (self.last,), self.shape[0], *size, **window)

    def average(self) -> str:
        return self.emit("GlobalAveragePool", (self.last,), self.shape[0], 1, 1)

    def relu(self) -> str:
        return self.emit("Relu", (self.last,), *self.shape)

    def clip(self, high: float = 1.25) -> str:
        return self.emit("Clip", (self.last,), *self.shape, low=0.0, high=high)

    def slice(self, *slices: tuple[int, int, int]) -> str:
        size = [len(range(*bounds)) for bounds in slices]
        return self.emit("Slice", (self.last,), *size, slices=slices)

    def pad(self, before: tuple[int, ...], after: tuple[int, ...]) -> str:
        size = [a + b + c for a, b, c in zip(before, self.shape, after, strict=True)]
        return self.emit("Pad", (self.last,), *size, before=before, after=after)

    def add(self, other: str) -> str:
        return self.emit("Add", (self.last, other), *self.shape)

    def linear(self, out: int) -> str:
        if len(self.shape) == 3:
            self.emit("Flatten", (self.last,), int(np.prod(self.shape)))
        weight = self.random.standard_normal((self.shape[0], out))
        return self.emit("Linear", (self.last,), out, weight=weight, bias=None)

    def graph(self) -> Graph:
        spec = TensorSpec("x", self.shapes["x"])
        return Graph("built", (spec,), (self.last,), tuple(self.nodes), self.shapes)

    def images(self, count: int = 2) -> Any:
        return self.random.standard_normal((count, *self.shapes["x"])).astype(np.float32)

    def lowered(
        self, accelerator: AcceleratorDesign, wgt: str = "e3m1", act: str = "e3m2"
    ) -> tuple[LoweredNetwork, Any]:
        """The network with one format for all tensors of a kind, and an image."""
        graph, images = self.graph(), self.images()
        formats = calibrate(
            graph,
            images,
            weights=AFPFormat.parse(wgt),
            acts=AFPFormat.parse(act),
            source="built",
        )
        return lowered(graph, formats, accelerator), images[0]


def room(accelerator: AcceleratorDesign) -> InitMax:
    """Initial values as the array takes them."""
    array = accelerator.array

    def init_max(act: Any, wgt: Any) -> int:
        left = array.afp_acts.n_man - act.n_man + array.afp_weights.n_man - wgt.n_man
        return array.init_bound >> max(left, 0)

    return init_max


def lowered(
    graph: Graph, formats: FormatAssignment, accelerator: AcceleratorDesign
) -> LoweredNetwork:
    return lower(graph, formats, room(accelerator))


def compare(
    network: LoweredNetwork, image: Any, accelerator: AcceleratorDesign, **options: Any
) -> tuple[Program, Moved]:
    """Every stored tensor, and every output, equal to the exact chain's."""
    program = compile_network(network, accelerator, **options)
    memory = program.memory(encode_images(network, image[None]).codes[0])
    moved = interpret(memory, accelerator)
    places = {**program.tensors, **program.outputs}
    expected = run_stored(network, image[None], places)
    for name, place in places.items():
        codes = expected[name].codes[0]
        found = place.read(memory)
        assert found.shape == codes.shape
        assert np.array_equal(found, codes), f"{name}: {np.count_nonzero(found != codes)} differ"
    return program, moved
