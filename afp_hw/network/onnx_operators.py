"""How each ONNX operator becomes a node of ours; shapes are those of the ONNX standard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from afp_hw.golden import output_size
from afp_hw.network.graph import Node, Shape

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer

Floats = NDArray[np.float64]


class Unsupported(Exception):
    """A use of an operator that has no form in our layers; the text says which."""


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _window(
    attributes: dict[str, Any], kernel: Shape, shape: Shape
) -> tuple[dict[str, Any], tuple[int, int]]:
    """Kernel, strides, pads and dilations of a 2-D window on (C, H, W), and the output's (H, W)."""
    if len(kernel) != 2 or len(shape) != 3:
        raise Unsupported(f"in {len(kernel)} dimensions")
    if attributes.get("ceil_mode", 0):
        raise Unsupported("with ceil_mode")
    strides = tuple(attributes.get("strides", (1, 1)))
    dilations = tuple(attributes.get("dilations", (1, 1)))
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    auto = attributes.get("auto_pad", b"NOTSET").decode()
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [
            max((-(-size // stride) - 1) * stride + span - size, 0)
            for size, stride, span in zip(shape[1:], strides, spans, strict=True)
        ]
        small = [total // 2 for total in totals]
        large = [total - half for total, half in zip(totals, small, strict=True)]
        pads = (*small, *large) if auto == "SAME_UPPER" else (*large, *small)
    else:
        pads = tuple(attributes.get("pads", (0, 0, 0, 0))) if auto == "NOTSET" else (0, 0, 0, 0)
    if min(pads) < 0:
        raise Unsupported("with negative padding")
    try:
        size = (
            output_size(shape[1], kernel[0], strides[0], (pads[0], pads[2]), dilations[0]),
            output_size(shape[2], kernel[1], strides[1], (pads[1], pads[3]), dilations[1]),
        )
    except ValueError as error:
        raise Unsupported("with a window larger than its input") from error
    window = {"kernel": kernel, "strides": strides, "pads": pads, "dilations": dilations}
    return window, size


def _conv(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    name, shape = importer.activation(node)
    weight = importer.constant(node, 1)
    assert weight is not None  # the checker wants it
    bias = importer.constant(node, 2)
    attributes = _attributes(node)
    window, size = _window(attributes, tuple(weight.shape[2:]), shape)
    window["groups"] = attributes.get("group", 1)
    if not weight.size or weight.shape[1] * window["groups"] != shape[0]:
        raise Unsupported(f"of weights {[*weight.shape]} on {shape[0]} channels")
    converted = Node(
        label,
        "Conv",
        (name,),
        node.output[0],
        window,
        weight.astype(np.float64),
        None if bias is None else bias.astype(np.float64),
    )
    importer.emit(converted, (weight.shape[0], *size))


def _linear(
    importer: Importer, node: onnx.NodeProto, label: str, weight: Floats, bias: Floats | None
) -> None:
    name, shape = importer.activation(node)
    if len(shape) != 1 or weight.ndim != 2:
        raise Unsupported(f"on {len(shape) + 1}-dimensional tensors")
    if not weight.size or weight.shape[0] != shape[0]:
        raise Unsupported(f"of weights {[*weight.shape]} on {shape[0]} features")
    converted = Node(label, "Linear", (name,), node.output[0], {}, weight, bias)
    importer.emit(converted, (weight.shape[1],))


def _gemm(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    attributes = _attributes(node)
    weight, bias = importer.constant(node, 1), importer.constant(node, 2)
    if attributes.get("transA", 0):
        raise Unsupported("with transA")
    assert weight is not None  # the checker wants it
    scaled = weight.astype(np.float64) * attributes.get("alpha", 1.0)
    if attributes.get("transB", 0):
        scaled = scaled.T
    if bias is not None:
        wide = bias.astype(np.float64) * attributes.get("beta", 1.0)
        bias = np.broadcast_to(wide, (1, scaled.shape[1]))[0].copy()
    _linear(importer, node, label, scaled, bias)


def _matmul(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    weight = importer.constant(node, 1)
    assert weight is not None  # the checker wants it
    _linear(importer, node, label, weight.astype(np.float64), None)


def _per_channel(values: NDArray[Any], shape: Shape) -> Floats:
    """A constant of one number per channel of an activation (C, H, W) or (C)."""
    wide = values.astype(np.float64)
    try:
        full = np.broadcast_to(wide, (1, *shape))[0]
    except ValueError as error:
        raise Unsupported("with a constant of another shape") from error
    flat = full.reshape(shape[0], -1)
    if (flat != flat[:, :1]).any():
        raise Unsupported("with a constant that differs within a channel")
    first: Floats = flat[:, 0].copy()
    return first


def _add(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    constant = [importer.resolve(name) in importer.constants for name in node.input]
    if any(constant):
        index = constant.index(False)
        values = importer.constants[importer.resolve(node.input[1 - index])]
        _, shape = importer.activation(node, index)
        _affine(importer, node, label, index, np.ones(shape[0]), _per_channel(values, shape))
        return
    (first, shape), (second, other) = importer.activation(node, 0), importer.activation(node, 1)
    if shape != other:
        raise Unsupported("of different shapes")
    importer.emit(Node(label, "Add", (first, second), node.output[0]), shape)


def _batch_norm(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    if _attributes(node).get("training_mode", 0):
        raise Unsupported("in training mode")
    constants = [importer.constant(node, index) for index in range(1, 5)]
    scale, offset, mean, variance = (c.astype(np.float64) for c in constants if c is not None)
    factor = scale / np.sqrt(variance + _attributes(node).get("epsilon", 1e-5))
    _affine(importer, node, label, 0, factor, offset - mean * factor)


def _affine(
    importer: Importer, node: onnx.NodeProto, label: str, index: int, factor: Floats, offset: Floats
) -> None:
    """``x * factor + offset`` per channel: folded into the layer before, else a layer itself."""
    name, shape = importer.activation(node, index)
    place = importer.foldable(name)
    if place is not None:
        layer = importer.nodes[place]
        assert layer.weight is not None  # foldable
        column = (-1, 1, 1, 1) if layer.op == "Conv" else (1, -1)
        bias = offset if layer.bias is None else layer.bias * factor + offset
        importer.nodes[place] = replace(
            layer, weight=layer.weight * factor.reshape(column), bias=bias
        )
        importer.alias(node.output[0], name)
        return
    if len(shape) != 3:
        raise Unsupported("that cannot be folded into a layer before it")
    window = {"kernel": (1, 1), "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1)}
    weight = factor.reshape(-1, 1, 1, 1)
    converted = Node(
        label, "Conv", (name,), node.output[0], {**window, "groups": shape[0]}, weight, offset
    )
    importer.emit(converted, shape)


def _same_shape(op: str) -> Callable[[Importer, onnx.NodeProto, str], None]:
    def convert(importer: Importer, node: onnx.NodeProto, label: str) -> None:
        name, shape = importer.activation(node)
        importer.emit(Node(label, op, (name,), node.output[0]), shape)

    return convert


def _clip(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    name, shape = importer.activation(node)
    attributes = _attributes(node)
    low, high = importer.constant(node, 1), importer.constant(node, 2)
    limits = {
        "low": float(attributes.get("min", -np.inf) if low is None else low),
        "high": float(attributes.get("max", np.inf) if high is None else high),
    }
    if limits["low"] != 0 or limits["high"] <= 0:
        raise Unsupported(f"between {limits['low']} and {limits['high']}")
    importer.emit(Node(label, "Clip", (name,), node.output[0], limits), shape)


def _pool(op: str) -> Callable[[Importer, onnx.NodeProto, str], None]:
    def convert(importer: Importer, node: onnx.NodeProto, label: str) -> None:
        name, shape = importer.activation(node)
        attributes = _attributes(node)
        if len(node.output) > 1:
            raise Unsupported("with indices")
        window, size = _window(attributes, tuple(attributes["kernel_shape"]), shape)
        padded = any(window["pads"]) and not attributes.get("count_include_pad", 0)
        if op == "AveragePool" and (padded or window["dilations"] != (1, 1)):
            raise Unsupported("with padding that is not counted, or with dilations")
        importer.emit(Node(label, op, (name,), node.output[0], window), (shape[0], *size))

    return convert


def _global_average(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    name, shape = importer.activation(node)
    if len(shape) != 3:
        raise Unsupported(f"on {len(shape) + 1}-dimensional tensors")
    converted = Node(label, "GlobalAveragePool", (name,), node.output[0])
    importer.emit(converted, (shape[0], 1, 1))


def _reduce_mean(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    name, shape = importer.activation(node)
    attributes = _attributes(node)
    given = importer.constant(node, 1)
    axes = attributes.get("axes", ()) if given is None else given.tolist()
    if len(shape) != 3 or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise Unsupported("over axes other than height and width")
    if attributes.get("keepdims", 1):
        _global_average(importer, node, label)
        return
    pooled = f"{node.output[0]}.pooled"
    importer.emit(Node(label, "GlobalAveragePool", (name,), pooled), (shape[0], 1, 1))
    importer.emit(Node(f"{label}.flatten", "Flatten", (pooled,), node.output[0]), (shape[0],))


def _reshape(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    """Flatten, Reshape, Squeeze: to one axis, or no change at all."""
    name, shape = importer.activation(node)
    attributes = _attributes(node)
    count = int(np.prod(shape))
    if node.op_type == "Flatten":
        target: list[int] = [1, count] if attributes.get("axis", 1) == 1 else []
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


def _pad(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    name, shape = importer.activation(node)
    attributes = _attributes(node)
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


def _slice(importer: Importer, node: onnx.NodeProto, label: str) -> None:
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


def _concat(importer: Importer, node: onnx.NodeProto, label: str) -> None:
    parts = [importer.activation(node, index) for index in range(len(node.input))]
    rank = len(parts[0][1]) + 1
    axis = _attributes(node)["axis"] % rank - 1
    if axis < 0:
        raise Unsupported("of the batch axis")
    size = list(parts[0][1])
    size[axis] = sum(shape[axis] for _, shape in parts)
    names = tuple(name for name, _ in parts)
    importer.emit(Node(label, "Concat", names, node.output[0], {"axis": axis}), tuple(size))


OPERATORS: dict[str, Callable[[Importer, onnx.NodeProto, str], None]] = {
    "Add": _add,
    "AveragePool": _pool("AveragePool"),
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "Flatten": _reshape,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average,
    "MatMul": _matmul,
    "MaxPool": _pool("MaxPool"),
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Relu": _same_shape("Relu"),
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _reshape,
}
