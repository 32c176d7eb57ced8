"""The float network and its quantized twin on the same images, layer after layer.

Each layer is chosen when everything before it is: its input in the twin has the errors that all
earlier layers and stored tensors make, and its output in the float network is what is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.network import Graph, LayerParameters, Node
from afp_hw.network.batches import Progress, images_at_once
from afp_hw.network.float_evaluation import check_images, evaluate_node
from afp_hw.network.stages import plan_stages
from afp_hw.search.tuning.moments import Moments, MomentSums

Floats = NDArray[Any]
Storers = Mapping[str, Callable[[Floats], Floats]]


@dataclass(frozen=True, eq=False)
class Choice:
    """What a layer becomes.

    Attributes
    ----------
    parameters
        Weights on their grid and the bias: what is kept.
    bias
        The bias with which the twin goes on: `parameters.bias` as hardware has it.
    """

    parameters: LayerParameters
    bias: NDArray[np.float64] | None


Choose = Callable[[Node, Moments], Choice]


def _parts(graph: Graph, images: Floats) -> Iterator[slice]:
    size = images_at_once(graph)
    return (slice(start, start + size) for start in range(0, len(images), size))


def _run(graph: Graph, node: Node, inputs: list[Floats], store: Any = None) -> Floats:
    """Output of a node for all images, computed batch by batch."""
    parts = []
    for part in _parts(graph, inputs[0]):
        value = evaluate_node(node, [x[part] for x in inputs])
        parts.append(value if store is None else store(value))
    return np.concatenate(parts)


def layer_by_layer(
    graph: Graph,
    images: Floats,
    storers: Storers,
    choose: Choose,
    *,
    residuals: bool = True,
    progress: Progress | None = None,
) -> dict[str, LayerParameters]:
    """Choose every layer in the order of the network.

    Parameters
    ----------
    graph
        The float network, with one input.
    images
        Calibration images, float32 or float64 [B, *input shape].
    storers
        By name of a tensor, what storing it does to its values [B, ...]; others stay as they are.
    choose
        Called with each layer and the moments of its input in the twin and of the output that is
        wanted. Gives what the layer becomes.
    residuals
        Whether a layer whose sums a skip tensor is added to is wanted to undo the error of that
        tensor too: the output that is wanted is then the one that makes the sum right.
    progress
        ``progress(done, total)`` after each layer.

    Returns
    -------
    What was chosen, by layer.

    Raises
    ------
    ValueError
        Images of another shape, not finite, or none.
    """
    check_images(graph, images, "calibration images")
    source = graph.inputs[0].name
    keep = storers.get(source)
    exact = {source: images}
    stored = {source: images if keep is None else keep(images)}
    last = _last_reads(graph)
    skips = {stage.node.name: stage.skip for stage in plan_stages(graph)} if residuals else {}
    chosen: dict[str, LayerParameters] = {}
    total = len(graph.layers())
    for index, node in enumerate(graph.nodes):
        before = [stored[name] for name in node.inputs]
        exact[node.output] = _run(graph, node, [exact[name] for name in node.inputs])
        if node.weight is not None:
            wanted, skip = exact[node.output], skips.get(node.name)
            if skip is not None:
                wanted = wanted + (exact[skip] - stored[skip])
            sums = MomentSums(node)
            for part in _parts(graph, images):
                sums.add(before[0][part], wanted[part])
            choice = choose(node, sums.moments())
            chosen[node.name] = choice.parameters
            node = replace(node, weight=choice.parameters.weight, bias=choice.bias)
            if progress is not None:
                progress(len(chosen), total)
        stored[node.output] = _run(graph, node, before, storers.get(node.output))
        for name in [name for name in exact if last.get(name, index) <= index]:
            del exact[name], stored[name]
    return chosen


def _last_reads(graph: Graph) -> dict[str, int]:
    """Index of the last node that needs each tensor; a skip tensor is needed by its layer too."""
    return {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
