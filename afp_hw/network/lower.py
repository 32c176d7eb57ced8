"""From a graph and its formats to the integers that hardware and golden model both run.

A lowered network is a list of steps on tensors of codes. Everything that depends on a format is
decided here, once: quantized weights, initial values, alignment of skip tensors, offsets, clips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw import golden
from afp_hw.formats import AFPFormat
from afp_hw.golden.pool import AVERAGE_BITS
from afp_hw.network.assignment import FormatAssignment, TensorFormat
from afp_hw.network.graph import Graph, Node
from afp_hw.network.stages import Kind, Stage, is_logits, plan_stages
from afp_hw.network.steps import CodeStep, GemmStep, LoweredNetwork, Output

InitMax = Callable[[AFPFormat, AFPFormat], int]


def room_for_sums(graph: Graph) -> InitMax:
    """Initial values as large as the network's longest sum.

    The accumulator is one bit wider than without them, and skip tensors mostly fit into it.
    """
    lengths = [layer.reduction for layer in graph.layers()]
    longest = max(lengths, default=1)
    return lambda act, wgt: longest * act.max_fix * wgt.max_fix


MAX_ALIGNMENT = 63
"""Largest left shift with which two tensors are added."""


class _Lowering:
    def __init__(
        self, graph: Graph, assignment: FormatAssignment, init_max: InitMax | None
    ) -> None:
        if len(graph.inputs) != 1:
            raise ValueError(f"graph must have one input, not {len(graph.inputs)}")
        assignment.check(graph)
        graph = graph.with_parameters(assignment.parameters)
        self.graph, self.assignment = graph, assignment
        self.init_max = init_max or (lambda act, wgt: act.max_fix * wgt.max_fix)
        self.tensors = {spec.name: assignment.acts[spec.name] for spec in graph.inputs}
        self.steps: list[GemmStep | CodeStep] = []

    def run(self) -> LoweredNetwork:
        for stage in plan_stages(self.graph):
            if stage.kind is Kind.GEMM:
                self._gemm(stage)
            elif stage.kind.keeps_format:
                self.tensors[stage.output] = self.tensors[stage.inputs[0]]
                self.steps.append(CodeStep(stage.kind, stage.node, stage.inputs, stage.output))
            else:
                self._codes(stage.kind, stage.node, stage.inputs, stage)
        return LoweredNetwork(self.graph, self.assignment, tuple(self.steps), self.tensors)

    def _codes(self, kind: Kind, node: Node, inputs: tuple[str, ...], stage: Stage) -> None:
        """A step without weights whose output is rounded."""
        target = self.assignment.acts[stage.output]
        self.tensors[stage.output] = target
        lsb_acc = self._lsb_of_codes(kind, node, inputs)
        output = Output(target, lsb_acc, stage.relu, stage.clip)
        self.steps.append(CodeStep(kind, node, inputs, stage.output, output))

    def _lsb_of_codes(self, kind: Kind, node: Node, inputs: tuple[str, ...]) -> Any:
        """Exponent of the accumulators of such a step; None where an input is dynamic."""
        lsbs = np.array([self.tensors[name].lsb for name in inputs], dtype=object)
        if any(lsb is None for lsb in lsbs):
            return None
        if kind is Kind.ADD and np.ptp(lsbs) > MAX_ALIGNMENT:
            raise ValueError(
                f"{node.name} must align its tensors within {MAX_ALIGNMENT} bits, not "
                f"{np.ptp(lsbs)}"
            )
        # Each part of a concatenation is re-encoded from its own grid: an offset and clip for each.
        if kind is Kind.CONCAT:
            return lsbs.astype(np.int64)
        return int(min(lsbs)) - (AVERAGE_BITS if kind is Kind.AVERAGE else 0)

    def _gemm(self, stage: Stage) -> None:
        layer = stage.node
        act, wgt = self.tensors[stage.inputs[0]], self.assignment.weights[layer.name]
        codes = self._weight_codes(layer, wgt)
        bound = self.init_max(act.fmt, wgt.fmt)
        zeros = np.zeros(codes.shape[0] * codes.shape[2])
        bias_int, bias_lsb = golden.bias_to_int(zeros if layer.bias is None else layer.bias)

        def step(output: str, shift: Any, requantize: Output | None) -> GemmStep:
            skip = None if shift is None else stage.skip
            return GemmStep(
                layer.name,
                layer,
                stage.inputs[0],
                output,
                act,
                wgt,
                codes,
                bias_int,
                bias_lsb,
                bound,
                skip,
                shift,
                requantize,
            )

        plain = step(stage.output, None, None)
        lsb_acc = None if act.lsb is None else plain.lsb_acc
        if is_logits(self.graph, stage):
            self.steps.append(plain)
            return
        target = self.assignment.acts[stage.output]
        if stage.skip is None:
            requantize = Output(target, lsb_acc, stage.relu, stage.clip)
            self.steps.append(step(stage.output, None, requantize))
            self.tensors[stage.output] = target
            return
        shift = self._skip_shift(stage.skip, plain)
        if shift is not None:
            requantize = Output(target, lsb_acc, stage.relu, stage.clip)
            self.steps.append(step(stage.output, shift, requantize))
            self.tensors[stage.output] = target
            return
        assert stage.unfused is not None  # it stands wherever `skip` does
        between = self.assignment.acts[stage.unfused]
        self.steps.append(step(stage.unfused, None, Output(between, lsb_acc, False, None)))
        self.tensors[stage.unfused] = between
        self._codes(Kind.ADD, layer, (stage.unfused, stage.skip), stage)

    def _weight_codes(self, layer: Node, wgt: TensorFormat) -> NDArray[Any]:
        """Codes [groups, K, N / groups]."""
        assert layer.weight is not None  # by construction of a layer
        if layer.op == "Linear":
            return golden.encode(layer.weight, wgt.fmt, wgt.bias)[None]
        bias = np.reshape(wgt.bias, (-1, 1, 1, 1)) if isinstance(wgt.lsb, tuple) else wgt.bias
        codes = golden.encode(layer.weight, wgt.fmt, bias)
        groups = layer.attributes["groups"]
        return codes.reshape(groups, codes.shape[0] // groups, -1).transpose(0, 2, 1)

    def _skip_shift(self, skip: str, step: GemmStep) -> Any:
        """Left shift of the skip tensor, or None where the addition cannot be fused.

        With a dynamic tensor it cannot: nothing says that the shift is not negative.
        """
        item = self.tensors[skip]
        if item.lsb is None or step.act.dynamic:
            return None
        shift = item.lsb - step.lsb_acc
        if np.min(shift) < 0 or np.max(shift) > MAX_ALIGNMENT:
            return None
        largest = np.abs(step.init.astype(object)) + (item.fmt.max_fix << np.asarray(shift, object))
        return shift if int(np.max(largest)) <= step.init_max else None


def lower(
    graph: Graph, assignment: FormatAssignment, init_max: InitMax | None = None
) -> LoweredNetwork:
    """Lower a network.

    Parameters
    ----------
    graph, assignment
        The network and its formats.
    init_max
        Largest magnitude of an initial value of a layer, from its formats of activations and
        weights. Default: one product bound, which every array holds that holds the formats.

    Raises
    ------
    ValueError
        The assignment is not one for this graph, or two tensors lie too far apart to be added.
    """
    return _Lowering(graph, assignment, init_max).run()
