"""A graph in floating point: what the network computes before anything is quantized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afp_hw.golden import im2col
from afp_hw.golden.conv import windows
from afp_hw.network.graph import Graph, Node

Floats = NDArray[Any]


def _conv(node: Node, x: Floats) -> Floats:
    attributes, weight = node.attributes, node.weight
    assert weight is not None  # by construction of Conv
    groups, out = attributes["groups"], weight.shape[0]
    view_arguments = {
        "kernel": attributes["kernel"],
        "stride": attributes["strides"],
        "padding": attributes["pads"],
        "dilation": attributes["dilations"],
    }
    columns = im2col(x, **view_arguments, groups=groups)
    columns = columns if groups > 1 else columns[None]
    kernels = weight.reshape(groups, out // groups, -1).transpose(0, 2, 1).astype(x.dtype)
    batch = len(x)
    shape = windows(x, **view_arguments).shape[2:4]
    product = np.matmul(columns, kernels)  # [groups, B*OH*OW, O/groups]
    y = product.transpose(1, 0, 2).reshape(batch, *shape, out).transpose(0, 3, 1, 2)
    return np.asarray(y if node.bias is None else y + node.bias.astype(x.dtype)[:, None, None])


def _linear(node: Node, x: Floats) -> Floats:
    assert node.weight is not None  # by construction of Linear
    y = x @ node.weight.astype(x.dtype)
    return np.asarray(y if node.bias is None else y + node.bias.astype(x.dtype))


def _max_pool(node: Node, x: Floats) -> Floats:
    attributes = node.attributes
    top, left, bottom, right = attributes["pads"]
    padding = ((0, 0), (0, 0), (top, bottom), (left, right))
    padded = np.pad(x, padding, constant_values=-np.inf)
    view = windows(padded, attributes["kernel"], attributes["strides"], 0, attributes["dilations"])
    return np.asarray(view.max(axis=(4, 5)))


def _average_pool(node: Node, x: Floats) -> Floats:
    attributes = node.attributes
    view = windows(x, attributes["kernel"], attributes["strides"], attributes["pads"])
    return np.asarray(view.mean(axis=(4, 5), dtype=x.dtype))


def _pad(node: Node, x: Floats) -> Floats:
    sides = zip(node.attributes["before"], node.attributes["after"], strict=True)
    return np.pad(x, ((0, 0), *sides))


def _slice(node: Node, x: Floats) -> Floats:
    return x[(slice(None), *(slice(*bounds) for bounds in node.attributes["slices"]))]


_UNARY: dict[str, Callable[[Node, Floats], Floats]] = {
    "AveragePool": _average_pool,
    "Clip": lambda node, x: np.clip(x, node.attributes["low"], node.attributes["high"]),
    "Conv": _conv,
    "Flatten": lambda node, x: x.reshape(len(x), -1),
    "GlobalAveragePool": lambda node, x: x.mean(axis=(2, 3), keepdims=True, dtype=x.dtype),
    "Linear": _linear,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "Relu": lambda node, x: np.maximum(x, 0),
    "Slice": _slice,
}


def evaluate_node(node: Node, inputs: list[Floats]) -> Floats:
    """Output of one node, of the dtype of its inputs."""
    if node.op == "Add":
        return inputs[0] + inputs[1]
    if node.op == "Concat":
        return np.concatenate(inputs, axis=node.attributes["axis"] + 1)
    return _UNARY[node.op](node, inputs[0])


def check_images(graph: Graph, images: NDArray[Any], name: str = "images") -> None:
    """Refuse images that the network cannot take.

    Raises
    ------
    ValueError
        The shape is not [B, *input], there are none, or a value is NaN or infinite.
    """
    shape = graph.inputs[0].shape
    if images.ndim != len(shape) + 1 or images.shape[1:] != shape or not len(images):
        wanted = ", ".join(map(str, ("B", *shape)))
        raise ValueError(f"{name} must be of shape [{wanted}], not {[*images.shape]}")
    if not np.isfinite(images).all():
        count = int(np.count_nonzero(~np.isfinite(images)))
        raise ValueError(f"{name} must be finite, not with {count} NaN or infinite values")


def evaluate_float(
    graph: Graph,
    images: NDArray[Any],
    visit: Callable[[str, Floats], None] | None = None,
    replace: Mapping[str, Callable[[Floats], Floats]] | None = None,
) -> Mapping[str, Floats]:
    """Run the network in the floating-point type of `images`.

    Parameters
    ----------
    graph
        A network with one input.
    images
        ``[B, *input shape]``, float32 or float64.
    visit
        Called with the name and the value of every activation tensor, the input first. Tensors that
        no later node reads are not kept.
    replace
        By tensor, what its value is replaced by as soon as it is made: rounding to a format, say.
        `visit` sees the new value.

    Returns
    -------
    The network's outputs by name.

    Raises
    ------
    ValueError
        As :func:`check_images`; or the network has more than one input.
    """
    if len(graph.inputs) != 1:
        raise ValueError(f"graph must have one input, not {len(graph.inputs)}")
    check_images(graph, images)
    last_use = {name: len(graph.nodes) for name in graph.outputs}
    for index, node in enumerate(graph.nodes):
        for name in node.inputs:
            last_use[name] = max(last_use.get(name, 0), index)
    changes = {} if replace is None else replace
    values: dict[str, Floats] = {}

    def keep(name: str, value: Floats) -> None:
        values[name] = changes[name](value) if name in changes else value
        if visit is not None:
            visit(name, values[name])

    keep(graph.inputs[0].name, images)
    for index, node in enumerate(graph.nodes):
        keep(node.output, evaluate_node(node, [values[name] for name in node.inputs]))
        for name in set(node.inputs):
            if last_use[name] == index:
                del values[name]
    return {name: values[name] for name in graph.outputs}
