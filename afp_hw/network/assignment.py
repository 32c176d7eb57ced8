"""Which format each tensor of a network has; :mod:`.formats_file` keeps it in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from afp_hw.formats import AFPFormat
from afp_hw.network.graph import Graph, LayerParameters
from afp_hw.network.stages import stored_tensors

BIAS_LIMIT = 1 << 11
"""Biases have 12 bits in hardware; no tensor of float64 needs more."""


@dataclass(frozen=True)
class TensorFormat:
    """Format of one tensor, and where its grid lies.

    Attributes
    ----------
    fmt
        Widths and sign.
    lsb
        Exponent of the grid: one, or one per output channel of weights. None for a dynamic
        activation: each image's tensor has its own, by the rule on its largest magnitude.
    provenance
        What made the choice, for people.
    """

    fmt: AFPFormat
    lsb: int | tuple[int, ...] | None
    provenance: str = field(default="", compare=False)

    @property
    def dynamic(self) -> bool:
        """Whether each image has its own grid."""
        return self.lsb is None

    @property
    def bias(self) -> Any:
        """The bias of the same grid: an integer, or an int64 array of one per channel.

        Raises
        ------
        ValueError
            The grid is dynamic.
        """
        if self.lsb is None:
            raise ValueError("TensorFormat.bias must be that of a static grid, not of a dynamic")
        if isinstance(self.lsb, tuple):
            return np.array([self.fmt.bias(lsb) for lsb in self.lsb])
        return self.fmt.bias(self.lsb)


@dataclass(frozen=True)
class FormatAssignment:
    """A format for every weight tensor and every stored activation of one network.

    Attributes
    ----------
    model
        Name of the network.
    weights, acts
        By layer and by tensor.
    provenance
        What made the choice: strings and numbers, for people.
    parameters
        By layer, weights and biases that take the place of the model's: what a search has changed
        to lose less (the float network they came from is then no longer needed).
    """

    model: str
    weights: Mapping[str, TensorFormat]
    acts: Mapping[str, TensorFormat]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, LayerParameters] = field(default_factory=dict, compare=False)

    def check(self, graph: Graph) -> None:
        """Refuse a graph that this assignment is not for.

        Raises
        ------
        ValueError
            The first tensor that has no format, or format that has no tensor; a channel count that
            differs; unsigned or dynamic weights, or an activation with an lsb per channel;
            parameters that are not the graph's.
        """
        what = (
            _misfit_weights(self.weights, graph)
            or _misfit_acts(self.acts, graph)
            or _misfit_parameters(self.parameters, graph)
        )
        if what is not None:
            other = "another" if self.model == graph.name else f"{self.model!r}"
            raise ValueError(f"formats must be those of {graph.name!r}, not of {other}: {what}")


def _misfit_weights(weights: Mapping[str, TensorFormat], graph: Graph) -> str | None:
    """The first layer, or format of one, that does not fit."""
    layers = {layer.name: layer for layer in graph.layers()}
    for name, layer in layers.items():
        if name not in weights:
            return f"layer {name!r} without a format"
        fmt, lsb = weights[name].fmt, weights[name].lsb
        if not fmt.signed:
            return f"layer {name!r} with unsigned weights ({fmt})"
        if lsb is None:
            return f"layer {name!r} with a dynamic lsb, which only activations have"
        assert layer.weight is not None  # layers have weights
        channels = layer.weight.shape[0 if layer.op == "Conv" else 1]
        if isinstance(lsb, tuple) and len(lsb) != channels:
            return f"{len(lsb)} lsbs for {channels} channels of {name!r}"
    return next((f"no layer {name!r}" for name in weights if name not in layers), None)


def _misfit_acts(acts: Mapping[str, TensorFormat], graph: Graph) -> str | None:
    """The first stored tensor, or format of one, that does not fit."""
    stored = stored_tensors(graph)
    for name in stored:
        if name not in acts:
            return f"tensor {name!r} without a format"
        if isinstance(acts[name].lsb, tuple):
            return f"tensor {name!r} with an lsb per channel, which only weights have"
    return next((f"no stored tensor {name!r}" for name in acts if name not in set(stored)), None)


def _misfit_parameters(parameters: Mapping[str, LayerParameters], graph: Graph) -> str | None:
    """What is wrong with the parameters."""
    try:
        graph.with_parameters(parameters)
    except ValueError as error:
        return str(error)
    return None
