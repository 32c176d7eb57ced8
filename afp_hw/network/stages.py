"""What is computed together: the structure of a network before any format is chosen.

A stage ends in a tensor that is stored. ReLU and clip belong to the stage before them; so does the
addition of a skip tensor to a layer's sums, if the formats will allow it (``docs/numerics.md``
section 5).
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from afp_hw.network.graph import Graph, Node


class Kind(enum.Enum):
    """What a stage computes."""

    GEMM = "gemm"
    ADD = "add"
    AVERAGE = "average"
    CONCAT = "concat"
    ACTIVATION = "activation"
    MAX_POOL = "max_pool"
    MOVE = "move"

    @property
    def keeps_format(self) -> bool:
        """Whether the output has the codes, and so the format, of the input."""
        return self in (Kind.MAX_POOL, Kind.MOVE)


_KINDS = {
    "Conv": Kind.GEMM,
    "Linear": Kind.GEMM,
    "Add": Kind.ADD,
    "AveragePool": Kind.AVERAGE,
    "GlobalAveragePool": Kind.AVERAGE,
    "Concat": Kind.CONCAT,
    "Relu": Kind.ACTIVATION,
    "Clip": Kind.ACTIVATION,
    "MaxPool": Kind.MAX_POOL,
    "Pad": Kind.MOVE,
    "Slice": Kind.MOVE,
    "Flatten": Kind.MOVE,
}


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage.

    Attributes
    ----------
    kind, node
        What is computed, by which node of the graph.
    inputs
        Tensors that are read, the skip tensor not among them.
    output
        Tensor that is stored (or leaves as logits).
    relu, clip
        ReLU, and the largest value let through (None: all), before the output is stored.
    skip
        A GEMM's skip tensor: added to its sums, or by an addition of its own behind `unfused`.
    unfused
        Where there is a skip tensor: the tensor that the GEMM stores if the addition is not fused.
    """

    kind: Kind
    node: Node
    inputs: tuple[str, ...]
    output: str
    relu: bool = False
    clip: float | None = None
    skip: str | None = None
    unfused: str | None = None


def plan_stages(graph: Graph) -> list[Stage]:
    """Stages of a graph, in an order in which they can be computed."""
    readers: dict[str, list[Node]] = {}
    makers = {node.output: index for index, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)

    def only_reader(name: str) -> Node | None:
        found = readers.get(name, [])
        return found[0] if len(found) == 1 and name not in graph.outputs else None

    stages: list[Stage] = []
    done: set[str] = set()
    for node in graph.nodes:
        if node.name in done:
            continue
        kind, output = _KINDS[node.op], node.output
        relu = node.op in ("Relu", "Clip")
        high = node.attributes.get("high", math.inf)
        skip = unfused = None
        follower = only_reader(output)
        if kind is Kind.GEMM and follower is not None and follower.op == "Add":
            first, second = follower.inputs
            other = second if first == output else first
            # Of two layers that are added, the later one takes the other's output as its skip.
            if other != output and makers.get(other, -1) < makers[output]:
                skip, unfused, output = other, output, follower.output
                done.add(follower.name)
                follower = only_reader(output)
        if not kind.keeps_format and not relu:
            while follower is not None and follower.op in ("Relu", "Clip"):
                relu = True
                high = min(high, follower.attributes.get("high", math.inf))
                done.add(follower.name)
                output = follower.output
                follower = only_reader(output)
        sums = kind is Kind.GEMM and skip is None and not relu
        if sums and follower is not None and _is_last_flatten(graph, follower):
            # Sums that leave the network stay exact in whatever shape they leave.
            done.add(follower.name)
            output = follower.output
        clip = None if high == math.inf else high
        stages.append(Stage(kind, node, node.inputs, output, relu, clip, skip, unfused))
    return stages


def _is_last_flatten(graph: Graph, node: Node) -> bool:
    """Whether a node only reshapes an output of the network that nobody else reads."""
    read = any(node.output in other.inputs for other in graph.nodes)
    return node.op == "Flatten" and node.output in graph.outputs and not read


def nonnegative(graph: Graph) -> set[str]:
    """Tensors that cannot be negative, whatever the input."""
    found: set[str] = set()
    for node in graph.nodes:
        makes = node.op in ("Relu", "Clip")
        keeps = node.weight is None and all(name in found for name in node.inputs)
        if makes or keeps:
            found.add(node.output)
    return found


def stored_tensors(graph: Graph) -> list[str]:
    """Tensors that have a format of their own: the input, and the output of each stage that rounds.

    A tensor that is stored only if an addition cannot be fused is among them; the logits are not.
    """
    names = [spec.name for spec in graph.inputs]
    for stage in plan_stages(graph):
        if stage.unfused is not None:
            names.append(stage.unfused)
        if stage.kind.keeps_format or is_logits(graph, stage):
            continue
        names.append(stage.output)
    return names


def is_logits(graph: Graph, stage: Stage) -> bool:
    """Whether the sums of this stage leave the network exact."""
    plain = stage.kind is Kind.GEMM and not stage.relu and stage.clip is None
    read = any(stage.output in node.inputs for node in graph.nodes)
    return plain and stage.skip is None and stage.output in graph.outputs and not read
