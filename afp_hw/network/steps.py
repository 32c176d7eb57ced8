"""A lowered network: the steps that hardware and golden model both run, on tensors of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.network.assignment import FormatAssignment, TensorFormat
from afp_hw.network.graph import Graph, Node
from afp_hw.network.stages import Kind


@dataclass(frozen=True, eq=False)
class Output:
    """How a step's accumulators become codes.

    Attributes
    ----------
    target
        Format and grid of the codes; the grid is one for all channels, or dynamic.
    lsb_acc
        Exponent of the accumulators: one integer, or int64 [N], one per channel (of a
        concatenation: one per part). None where it is known only when an image runs.
    relu
        Whether negative sums become 0.
    level
        Largest number let through, None for all.
    """

    target: TensorFormat
    lsb_acc: Any
    relu: bool
    level: float | None

    @property
    def offset(self) -> Any:
        """``lsb_acc - lsb_y`` of a static output: one integer, or int64 as `lsb_acc`."""
        return self.offset_at(self.lsb_acc, self.target.lsb)

    @property
    def clip(self) -> Any:
        """Largest sum let through, in units of the accumulators; as many as offsets, or None."""
        return self.clip_at(self.lsb_acc)

    def offset_at(self, lsb_acc: Any, lsb: Any) -> Any:
        """The offset for these exponents of accumulators and codes."""
        if lsb_acc is None or lsb is None:
            raise ValueError("Output.offset must be that of a static output, not of a dynamic one")
        return lsb_acc - lsb

    def clip_at(self, lsb_acc: Any) -> Any:
        """The clip for accumulators with this exponent."""
        return None if self.level is None else golden.clip_to_acc(self.level, lsb_acc)


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
    bias_int, bias_lsb
        The layer's bias, ``bias_int * 2**bias_lsb``, int32 [N].
    init_max
        Largest magnitude of an initial value, the skip tensor included.
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
    bias_int: NDArray[np.int32]
    bias_lsb: int
    init_max: int
    skip: str | None
    skip_shift: Any
    requantize: Output | None

    @property
    def lsb_wgt(self) -> Any:
        """Exponent of the weights: one integer, or int64 [N]."""
        lsb = self.wgt.lsb
        assert lsb is not None  # checked by the assignment
        return np.array(lsb) if isinstance(lsb, tuple) else lsb

    @property
    def lsb_acc(self) -> Any:
        """Exponent of the accumulators of a static input: one integer, or int64 [N]."""
        return self.lsb_acc_at(self.act.lsb)

    @property
    def init(self) -> NDArray[Any]:
        """Layer bias in units of the accumulators of a static input: integers [N]."""
        return self.init_at(self.act.lsb)

    def lsb_acc_at(self, lsb_act: Any) -> Any:
        """Exponent of the accumulators where the input has this one."""
        if lsb_act is None:
            raise ValueError(f"layer {self.name!r} must be given the lsb of its dynamic input")
        return lsb_act + self.lsb_wgt

    def init_at(self, lsb_act: Any) -> NDArray[Any]:
        """Layer bias in units of the accumulators where the input has this exponent: [N]."""
        return golden.init_from_bias(
            self.bias_int, self.bias_lsb, self.lsb_acc_at(lsb_act), self.init_max
        )


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
