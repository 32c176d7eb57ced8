"""A lowered network: the steps that hardware and golden model both run, on tensors of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from afp_hw.network.assignment import FormatAssignment, TensorFormat
from afp_hw.network.graph import Graph, Node
from afp_hw.network.stages import Kind


@dataclass(frozen=True, eq=False)
class Output:
    """How a step's accumulators become codes.

    Attributes
    ----------
    target
        Format and grid of the codes; ``target.lsb`` is one integer.
    offset
        ``lsb_acc - lsb_y``: one integer, or int64 [N], one per channel (of a concatenation: one per
        part).
    relu
        Whether negative sums become 0.
    clip
        Largest sum let through, in units of the accumulator: one, as many as offsets, or None.
    """

    target: TensorFormat
    offset: Any
    relu: bool
    clip: Any


@dataclass(frozen=True, eq=False)
class GemmStep:
    """A convolution or a linear layer.

    Attributes
    ----------
    name, node
        The layer.
    input, output
        Tensors of codes; the output of the last layer is accumulators.
    act
        Format and grid of the input.
    wgt
        Format and grid(s) of the weights.
    wgt_codes
        [groups, K, N / groups].
    init
        Layer bias in units of the accumulator: integers [N].
    init_max
        Largest magnitude of an initial value, the skip tensor included.
    lsb_acc
        Exponent of the accumulator: one, or int64 [N].
    skip, skip_shift
        Tensor added to the sums, shifted left by one integer or int64 [N]; None: none.
    requantize
        None where the sums leave the network exact.
    """

    name: str
    node: Node
    input: str
    output: str
    act: TensorFormat
    wgt: TensorFormat
    wgt_codes: NDArray[Any]
    init: NDArray[Any]
    init_max: int
    lsb_acc: Any
    skip: str | None
    skip_shift: Any
    requantize: Output | None


@dataclass(frozen=True, eq=False)
class CodeStep:
    """A step without weights: addition, average, concatenation, activation, max-pool, move.

    Attributes
    ----------
    kind, node
        What it does.
    inputs, output
        Tensors of codes.
    requantize
        None where codes are only moved or compared.
    """

    kind: Kind
    node: Node
    inputs: tuple[str, ...]
    output: str
    requantize: Output | None = None


@dataclass(frozen=True, eq=False)
class LoweredNetwork:
    """What hardware and golden model run.

    Attributes
    ----------
    graph, assignment
        Where it comes from.
    steps
        In order.
    tensors
        Format and grid of every tensor of codes.
    """

    graph: Graph
    assignment: FormatAssignment
    steps: tuple[GemmStep | CodeStep, ...]
    tensors: Mapping[str, TensorFormat]

    def gemm(self, name: str) -> GemmStep:
        """The step of layer `name`; ValueError as :meth:`.Graph.layer`."""
        self.graph.layer(name)
        return next(s for s in self.steps if isinstance(s, GemmStep) and s.name == name)
