"""A network as a graph of our layers: nodes on activation tensors, weights as constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.formats import AFPFormat

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class LayerParameters:
    """Weights and bias of one layer, as :class:`Node` has them."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64] | None


@dataclass(frozen=True)
class TensorSpec:
    """Name and shape of a network's input, without its batch axis."""

    name: str
    shape: Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One operation on activations.

    Attributes
    ----------
    name
        Name of the node in the model; unique. For Conv and Linear it is the layer's name.
    op
        ``Conv Linear Add Relu Clip MaxPool AveragePool GlobalAveragePool Flatten Pad Slice`` or
        ``Concat``.
    inputs
        Names of activation tensors.
    output
        Name of the activation tensor that it makes.
    attributes
        Conv, MaxPool, AveragePool: ``kernel``, ``strides``, ``dilations`` (height, width), ``pads``
        (top, left, bottom, right); Conv: ``groups``. Clip: ``low``, ``high``. Pad: ``before``,
        ``after`` per axis (C, H, W). Slice: ``slices``, one ``(start, stop, step)`` per axis (C, H,
        W). Concat: ``axis`` (0 is C).
    weight
        Conv: float64 [O, C/groups, KH, KW]; Linear: float64 [K, N], so that ``y = x @ weight``.
    bias
        float64 [O] or [N], or None.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    weight: NDArray[np.float64] | None = None
    bias: NDArray[np.float64] | None = None

    @property
    def reduction(self) -> int:
        """Products in each sum of a layer: `K`."""
        if self.weight is None:
            raise ValueError(f"node {self.name!r} must be a layer, not {self.op}")
        return len(self.weight) if self.op == "Linear" else self.weight[0].size


@dataclass(frozen=True)
class NamedFormat:
    """A format that the model itself names for a tensor.

    Attributes
    ----------
    fmt
        Widths and sign.
    lsb
        Exponent of its grid: one, or one per output channel of weights. None where the model's
        grid is no power of two, and calibration has to choose one.
    source
        Which node names it.
    """

    fmt: AFPFormat
    lsb: int | tuple[int, ...] | None
    source: str


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which they can be computed.

    Attributes
    ----------
    name
        Name of the model.
    inputs
        The network's inputs.
    outputs
        Names of the tensors that the network gives.
    nodes
        Operations; batch norms are folded, constants and shape arithmetic are gone.
    shapes
        Shape of every activation tensor, without its batch axis.
    weight_formats, act_formats
        Formats that the model names, by layer and by tensor.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    shapes: Mapping[str, Shape]
    weight_formats: Mapping[str, NamedFormat] = field(default_factory=dict)
    act_formats: Mapping[str, NamedFormat] = field(default_factory=dict)

    def layers(self) -> list[Node]:
        """Nodes that have weights: convolutions and linear layers."""
        return [node for node in self.nodes if node.weight is not None]

    def layer(self, name: str) -> Node:
        """The convolution or linear layer called `name`.

        Raises
        ------
        ValueError
            There is none, see :func:`no_such_layer`.
        """
        layers = {node.name: node for node in self.layers()}
        if name not in layers:
            raise no_such_layer(name, list(layers))
        return layers[name]

    def with_parameters(self, parameters: Mapping[str, LayerParameters]) -> Graph:
        """The same network with other weights and biases in some layers.

        Raises
        ------
        ValueError
            A layer that there is not, or a weight or bias of another shape. A layer without a bias
            may be given one.
        """
        for name, new in parameters.items():
            layer = self.layer(name)
            assert layer.weight is not None  # layers have weights
            if new.weight.shape != layer.weight.shape:
                raise ValueError(
                    f"parameters of layer {name!r} must have weights of shape "
                    f"{list(layer.weight.shape)}, not {list(new.weight.shape)}"
                )
            channels = layer.weight.shape[0 if layer.op == "Conv" else 1]
            if new.bias is not None and new.bias.shape != (channels,):
                raise ValueError(
                    f"parameters of layer {name!r} must have {channels} biases, not "
                    f"{list(new.bias.shape)}"
                )
        nodes = (
            node
            if node.name not in parameters
            else replace(node, weight=parameters[node.name].weight, bias=parameters[node.name].bias)
            for node in self.nodes
        )
        return replace(self, nodes=tuple(nodes))


def no_such_layer(name: str, known: list[str]) -> ValueError:
    """The error for a layer that is not there: names that come close, or all of them."""
    close = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(close)}" if close else f"it has {', '.join(known)}"
    return ValueError(f"layer must be one of the model's, not {name!r}; {hint}")
