"""Small networks for a bench of the whole accelerator: memory before a run, and behind it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from afp_hw.cli.layer_inputs import room_in
from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES
from afp_hw.network import Graph, Node, TensorSpec, calibrate, lower
from afp_hw.network.exact import encode_images
from afp_hw.network.grids import with_dynamic_grids
from afp_hw.program import Program, compile_network
from afp_hw.program.interpreter import interpret

SEGMENTS = {"parameter": "RECORDS", "wgt": "WEIGHTS", "act": "ACTIVATIONS", "side": "SIDE"}
"""What descriptors and counters call what is loaded."""

WINDOW = {"kernel": (3, 3), "strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1)}
POOL = WINDOW | {"kernel": (2, 2), "strides": (2, 2), "pads": (0, 0, 0, 0)}


@dataclass(frozen=True, eq=False)
class Job:
    """A program with an input: its memory as it is, and as the interpreter leaves it."""

    program: Program
    before: bytes
    after: bytes
    input_lsb: int

    @property
    def descriptors(self) -> bytes:
        return self.before[: DESCRIPTOR_BYTES * len(self.program.descriptors)]

    def beats(self, segment: str, index: int) -> tuple[int, int]:
        """Where a descriptor's segment is read from, and how many beats it has."""
        fields = self.program.descriptors[index]
        return fields[f"{segment}_address"], fields[f"{segment}_beats"]


def _graph(kind: str, generator: np.random.Generator) -> Graph:
    """Layers with pooling, or with a sum of two of them."""
    nodes: list[Node] = []
    shapes: dict[str, tuple[int, ...]] = {"x": (3, 4, 5)}

    def emit(op: str, inputs: tuple[str, ...], shape: tuple[int, ...], **values: Any) -> str:
        name = f"{op.lower()}{len(nodes)}"
        given = {key: values.pop(key) for key in ("weight", "bias") if key in values}
        nodes.append(Node(name, op, inputs, f"{name}.out", values, **given))
        shapes[f"{name}.out"] = shape
        return f"{name}.out"

    def conv(source: str, channels: int) -> str:
        inputs, *image = shapes[source]
        weight = generator.standard_normal((channels, inputs, 3, 3))
        bias = generator.standard_normal(channels)
        size = (channels, *image)
        return emit("Conv", (source,), size, weight=weight, bias=bias, groups=1, **WINDOW)

    def relu(source: str) -> str:
        return emit("Relu", (source,), shapes[source])

    first = relu(conv("x", 3))
    if kind == "pooled":
        last = emit("MaxPool", (first,), (3, 2, 2), **POOL)
        last = emit("GlobalAveragePool", (last,), (3, 1, 1))
        last = emit("Flatten", (last,), (3,))
        weight = generator.standard_normal((3, 4))
        last = emit("Linear", (last,), (4,), weight=weight, bias=None)
    else:
        last = emit("Add", (conv(first, 3), first), shapes[first])
        last = relu(last)
    return Graph(kind, (TensorSpec("x", shapes["x"]),), (last,), tuple(nodes), shapes)


def job(design: AcceleratorDesign, kind: str, seed: int, rows: int | None = None) -> Job:
    """A network of random weights, ``"pooled"`` or ``"added"``, in strips of so many rows."""
    generator = np.random.default_rng(seed)
    graph = _graph(kind, generator)
    images = generator.standard_normal((2, *graph.shapes["x"])).astype(np.float32)
    array = design.array
    formats = calibrate(
        graph, images, weights=array.afp_weights, acts=array.afp_acts, source="random"
    )
    if design.dynamic:
        formats = with_dynamic_grids(formats)
    lowered = lower(graph, formats, room_in(array))
    program = compile_network(lowered, design, rows=rows)
    given = encode_images(lowered, images[:1])
    memory, lsb = program.memory(given.codes[0]), int(given.lsb[0])
    before = bytes(memory)
    interpret(memory, design, lsb)
    return Job(program, before, bytes(memory), lsb)


def jobs(design: AcceleratorDesign, chosen: random.Random) -> list[Job]:
    """Two networks, of a few descriptors and of many."""
    return [
        job(design, kind, chosen.getrandbits(16), rows)
        for kind, rows in (("pooled", None), ("added", 1))
    ]
