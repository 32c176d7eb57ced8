"""Average bits of a network: what its tensors take in memory, per element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afp_hw.network.graph import Graph
from afp_hw.network.steps import GemmStep, LoweredNetwork


@dataclass(frozen=True)
class AverageBits:
    """Bits per element over all elements: ``docs/numerics.md`` section 6.

    Attributes
    ----------
    weights
        Of all weights, first and last layer included.
    acts
        Of all activations that are stored, the network's input included. A sign bit counts where
        there is one.
    """

    weights: float
    acts: float


def weight_elements(graph: Graph) -> dict[str, int]:
    """Number of weights of each layer."""
    return {layer.name: int(np.asarray(layer.weight).size) for layer in graph.layers()}


def stored_elements(lowered: LoweredNetwork) -> dict[str, int]:
    """Elements for each image of every activation that is stored, in the order of the steps.

    What is only moved (a slice, a padding) is read where it lies; a pooled tensor is stored. The
    sums that leave the network are no codes. A tensor in front of an addition is stored only where
    the addition is not fused.
    """
    graph = lowered.graph
    names = [spec.name for spec in graph.inputs]
    for step in lowered.steps:
        moved = not isinstance(step, GemmStep) and step.node.op in ("Flatten", "Pad", "Slice")
        if step.output in lowered.tensors and not moved:
            names.append(step.output)
    return {name: int(np.prod(graph.shapes[name])) for name in names}


def average_bits(lowered: LoweredNetwork) -> AverageBits:
    """Average bits of a lowered network."""
    weights = weight_elements(lowered.graph)
    acts = stored_elements(lowered)
    formats = lowered.assignment.weights
    weight_bits = sum(count * formats[name].fmt.width for name, count in weights.items())
    act_bits = sum(count * lowered.tensors[name].fmt.width for name, count in acts.items())
    return AverageBits(weight_bits / sum(weights.values()), act_bits / sum(acts.values()))
