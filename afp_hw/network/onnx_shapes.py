"""ONNX operators that only move elements: reshapes to one axis, padding, slices, concatenation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx

from afp_hw.network.graph import Node
from afp_hw.network.onnx_node import Unsupported, attributes_of

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer


def convert_reshape(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Flatten, Reshape, Squeeze: to one axis, or no change at all."""
    name, shape = importer.activation(node)
    attributes = attributes_of(node)
    count = int(np.prod(shape))
    if node.op_type == "Flatten":
        axis = attributes.get("axis", 1)
        if axis % (len(shape) + 1) != 1:
            raise Unsupported(f"at axis {axis}")
        target: list[int] = [1, count]
    elif node.op_type == "Reshape":
        sizes = importer.constant(node, 1)
        assert sizes is not None  # the checker wants it
        target = [(1, *shape)[i] if s == 0 else int(s) for i, s in enumerate(sizes.tolist())]
        if target and target[0] == -1:
            target[0] = 1  # the batch axis
        if -1 in target:
            target[target.index(-1)] = -count // int(np.prod(target))
    else:
        given = importer.constant(node, 1)
        axes = attributes.get("axes", None) if given is None else given.tolist()
        full = (1, *shape)
        dropped = {axis % len(full) for axis in axes} if axes else set()
        target = [size for axis, size in enumerate(full) if axis not in dropped]
    if target == [1, count]:
        importer.emit(Node(label, "Flatten", (name,), node.output[0]), (count,))
    elif target == [1, *shape]:
        importer.alias(node.output[0], name)
    else:
        raise Unsupported(f"from {[*shape]} to {target[1:]}")


def convert_pad(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Pad with zeros."""
    name, shape = importer.activation(node)
    attributes = attributes_of(node)
    given, value = importer.constant(node, 1), importer.constant(node, 2)
    pads = [int(p) for p in (attributes.get("pads", ()) if given is None else given.tolist())]
    axes = importer.constant(node, 3)
    rank = len(shape) + 1
    full = np.zeros((2, rank), dtype=int)
    places = list(range(rank)) if axes is None else [int(axis) % rank for axis in axes]
    full[:, places] = np.array(pads).reshape(2, -1)
    fill = attributes.get("value", 0.0) if value is None else float(np.asarray(value).item())
    mode = attributes.get("mode", b"constant")
    if mode != b"constant" or fill != 0 or full.min() < 0 or full[:, 0].any():
        raise Unsupported("other than with zeros behind the batch axis")
    before, after = tuple(full[0, 1:].tolist()), tuple(full[1, 1:].tolist())
    size = tuple(b + s + a for b, s, a in zip(before, shape, after, strict=True))
    attributes = {"before": before, "after": after}
    importer.emit(Node(label, "Pad", (name,), node.output[0], attributes), size)


def convert_slice(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Slice, strided too; not of the batch."""
    name, shape = importer.activation(node)
    starts, ends = importer.constant(node, 1), importer.constant(node, 2)
    if starts is None or ends is None:
        raise Unsupported("of an opset below 10")
    axes, steps = importer.constant(node, 3), importer.constant(node, 4)
    rank = len(shape) + 1
    places = range(len(starts)) if axes is None else [int(axis) % rank for axis in axes]
    strides = [1] * len(starts) if steps is None else steps.tolist()
    slices = [(0, size, 1) for size in shape]
    for axis, start, stop, step in zip(
        places, starts.tolist(), ends.tolist(), strides, strict=True
    ):
        if axis == 0 or step < 1:
            raise Unsupported("of the batch axis, or backwards")
        low, high, _ = slice(start, stop).indices(shape[axis - 1])
        slices[axis - 1] = (low, max(low, high), step)
    size = tuple(len(range(*bounds)) for bounds in slices)
    if 0 in size:
        raise Unsupported("that leaves nothing")
    attributes = {"slices": tuple(slices)}
    importer.emit(Node(label, "Slice", (name,), node.output[0], attributes), size)


def convert_concat(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Concat along any axis but the batch."""
    parts = [importer.activation(node, index) for index in range(len(node.input))]
    rank = len(parts[0][1]) + 1
    axis = attributes_of(node)["axis"] % rank - 1
    if axis < 0:
        raise Unsupported("of the batch axis")
    size = list(parts[0][1])
    size[axis] = sum(shape[axis] for _, shape in parts)
    names = tuple(name for name, _ in parts)
    importer.emit(Node(label, "Concat", names, node.output[0], {"axis": axis}), tuple(size))
