"""What depends on no activation: weights, and the shape arithmetic of exporters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from afp_hw.network.onnx_node import Unsupported, attributes_of
from afp_hw.network.onnx_quant import MOVES, ConstantFormat

if TYPE_CHECKING:
    from afp_hw.network.onnx_import import Importer

ARITHMETIC: Final = {"Cast", "Concat", "Div", "Gather", "Mul", "Reshape", "Squeeze", "Unsqueeze"}
"""What exporters compute from a shape. Behind a refused tensor it is refused no second time."""


def is_constant(importer: Importer, node: onnx.NodeProto) -> bool:
    """Whether no input of a node is an activation."""
    return all(not name or importer.resolve(name) in importer.constants for name in node.input)


def evaluate_constant(importer: Importer, node: onnx.NodeProto) -> None:
    """Compute a node of constants; a quantizer's format follows elements that only move.

    Raises
    ------
    Unsupported
        ONNX's reference implementation does not know the operator, or fails on it.
    """
    names = [importer.resolve(name) for name in node.input if name]
    feeds = {name: importer.constants[importer.resolve(name)] for name in node.input if name}
    try:
        evaluator = ReferenceEvaluator(node, opsets=importer.opset)
        results = evaluator.run(None, feeds)
        named = importer.constant_formats.get(names[0]) if names else None
        if named is not None and node.op_type in MOVES:
            (grid,) = evaluator.run(None, {**feeds, node.input[0]: named.grid})
            moved = ConstantFormat(named.fmt, np.asarray(grid, np.float32), named.source)
            importer.constant_formats[node.output[0]] = moved
    except Exception as error:  # whatever a third party's implementation of an operator raises
        raise Unsupported("of constants") from error
    importer.constants.update(zip(node.output, results, strict=True))


def convert_shape(importer: Importer, node: onnx.NodeProto) -> None:
    """Shape of an activation: a constant, the batch taken for 1."""
    _, shape = importer.activation(node)
    attributes = attributes_of(node)
    sizes = np.array([1, *shape], dtype=np.int64)
    chosen = sizes[attributes.get("start", 0) : attributes.get("end", len(sizes))]
    importer.constants[node.output[0]] = chosen
