"""What rounding one tensor alone does to the network's output: the error that a choice is paid in.

Only nodes behind the tensor are computed again, from the values that calibration images gave
before anything was rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.network.float_evaluation import check_images, evaluate_float, evaluate_node
from afp_hw.network.graph import Graph, Node

Rounding = Callable[[NDArray[Any]], NDArray[Any]]

IMAGES: Final = 64
"""Calibration images that are looked at, at most."""

_BYTES: Final = 1 << 28
"""Memory for the values of all tensors."""


class OutputError:
    """Mean squared change of the network's output when one tensor is rounded.

    Parameters
    ----------
    graph
        The network in floating point.
    images
        Calibration images, float [B, *input shape]; as many of them as memory allows, evenly
        spaced, are used.

    Attributes
    ----------
    images
        Number of images used.

    Raises
    ------
    ValueError
        Images of another shape, not finite or none.
    """

    def __init__(self, graph: Graph, images: NDArray[Any], most: int = IMAGES) -> None:
        check_images(graph, images, "calibration images")
        each = 4 * sum(int(np.prod(shape)) for shape in graph.shapes.values())
        count = max(1, min(most, len(images), _BYTES // each))
        places = np.linspace(0, len(images) - 1, count).astype(int)
        self._graph = graph
        self._values: dict[str, NDArray[Any]] = {}
        evaluate_float(
            graph, images[places].astype(np.float32), lambda name, v: self._values.update({name: v})
        )
        self.images = count
        self._output = graph.outputs[0]

    def of_activation(self, name: str, rounding: Rounding) -> float:
        """Error where the tensor `name` is what `rounding` makes of it, float32 [B, ...]."""
        return self._error({name: rounding(self._values[name])}, {})

    def of_weights(self, layer: Node) -> float:
        """Error where a layer is replaced by `layer`, which has the same name."""
        return self._error({}, {layer.name: layer})

    def _error(self, values: Mapping[str, NDArray[Any]], layers: Mapping[str, Node]) -> float:
        """Mean squared change of the output, over images and elements."""
        changed = dict(values)
        for node in self._graph.nodes:
            if node.output in changed:
                continue
            if node.name in layers or any(name in changed for name in node.inputs):
                inputs = [changed.get(name, self._values[name]) for name in node.inputs]
                changed[node.output] = evaluate_node(layers.get(node.name, node), inputs)
        before = self._values[self._output].astype(np.float64)
        after = changed.get(self._output, before)
        return float(((after - before) ** 2).mean())
