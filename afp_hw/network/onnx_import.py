"""ONNX files to graphs of our layers.

Constants are propagated: what depends on no activation (weights, shape arithmetic of exporters) is
computed by ONNX's own reference implementation. The batch axis is taken for 1 in such arithmetic
and left out of all shapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from afp_hw.network.graph import Graph, NamedFormat, Node, Shape, TensorSpec
from afp_hw.network.onnx_file import read_onnx
from afp_hw.network.onnx_node import Unsupported
from afp_hw.network.onnx_operators import OPERATORS
from afp_hw.network.onnx_quant import QUANTIZERS, read_quantizer

_ALIASES = {"Identity", "Dropout"}


class Importer:
    """State of one import; operators add to it.

    Attributes
    ----------
    constants
        Tensors that depend on no activation, by name.
    shapes
        Shapes of activations, without the batch axis.
    nodes
        What has been converted so far.
    constant_formats
        Formats that quantizers name for constants, by name.
    weight_formats, act_formats
        The same for layers and for activations.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        graph = model.graph
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self.aliases: dict[str, str] = {}
        self.shapes: dict[str, Shape] = {}
        self.nodes: list[Node] = []
        self.constant_formats: dict[str, NamedFormat] = {}
        self.weight_formats: dict[str, NamedFormat] = {}
        self.act_formats: dict[str, NamedFormat] = {}
        self.opset = {entry.domain: entry.version for entry in model.opset_import}
        self.uses: dict[str, int] = {}
        for name in [n for node in graph.node for n in node.input] + [o.name for o in graph.output]:
            self.uses[name] = self.uses.get(name, 0) + 1

    def resolve(self, name: str) -> str:
        """The tensor that `name` is another name of."""
        while name in self.aliases:
            name = self.aliases[name]
        return name

    def constant(self, node: onnx.NodeProto, index: int) -> NDArray[Any] | None:
        """The constant that is input `index`; None where the input is not given.

        Raises
        ------
        Unsupported
            It is an activation.
        """
        if index >= len(node.input) or not node.input[index]:
            return None
        name = self.resolve(node.input[index])
        if name not in self.constants:
            raise Unsupported(f"with a computed input {name!r}")
        return self.constants[name]

    def activation(self, node: onnx.NodeProto, index: int = 0) -> tuple[str, Shape]:
        """Name and shape of the activation that is input `index`.

        Raises
        ------
        Unsupported
            It is a constant.
        """
        name = self.resolve(node.input[index])
        if name not in self.shapes:
            raise Unsupported("on a constant")
        return name, self.shapes[name]

    def emit(self, node: Node, shape: Shape) -> None:
        """Add a converted node whose output has `shape`."""
        self.nodes.append(node)
        self.shapes[node.output] = shape

    def alias(self, output: str, name: str) -> None:
        """Make `output` another name of tensor `name`, whose readers are then those of both."""
        self.aliases[output] = name
        self.uses[name] = self.uses.get(name, 0) - 1 + self.uses.get(output, 0)

    def foldable(self, name: str) -> int | None:
        """Index of the Conv or Linear node that makes tensor `name`, if nobody else reads it."""
        if self.uses.get(name, 0) != 1:
            return None
        for index in reversed(range(len(self.nodes))):
            if self.nodes[index].output == name:
                return index if self.nodes[index].weight is not None else None
        return None

    def run(self, name: str) -> Graph:
        """Convert the whole model.

        Raises
        ------
        ValueError
            Operators that are not supported, all of them in one sentence; no single-batch input.
        """
        inputs = self._inputs()
        refused = []
        for node, label in zip(self.model.graph.node, self._labels(), strict=True):
            try:
                self._convert(node, label)
            except Unsupported as error:
                what = f"{node.op_type} {error}".strip()
                refused.append(f"{what} ({label})")
                # What follows is judged on its own: its input's shape is not known.
                for output in node.output:
                    self.shapes.setdefault(output, ())
        if refused:
            unique = list(dict.fromkeys(refused))
            raise ValueError(f"model must have supported operators only, not {', '.join(unique)}")
        outputs = tuple(self.resolve(output.name) for output in self.model.graph.output)
        nodes = tuple(self._reachable(outputs))
        layers = {node.name for node in nodes if node.weight is not None}
        return Graph(
            name,
            inputs,
            outputs,
            nodes,
            dict(self.shapes),
            {layer: named for layer, named in self.weight_formats.items() if layer in layers},
            dict(self.act_formats),
        )

    def _labels(self) -> list[str]:
        """A name for each node: its own, or one made from operator and place; all differ."""
        nodes = self.model.graph.node
        taken = {node.name for node in nodes}
        labels: list[str] = []
        used: set[str] = set()
        for index, node in enumerate(nodes):
            label = node.name or f"{node.op_type}_{index}"
            while label in used or (not node.name and label in taken):
                label += f"_{index}"
            used.add(label)
            labels.append(label)
        return labels

    def _inputs(self) -> tuple[TensorSpec, ...]:
        specs = []
        for value in self.model.graph.input:
            if value.name in self.constants:
                continue
            dims = value.type.tensor_type.shape.dim
            shape = tuple(int(dim.dim_value) for dim in dims[1:])
            if not dims or any(size < 1 for size in shape):
                raise ValueError(
                    f"model input {value.name!r} must have fixed sizes behind the batch axis, not "
                    f"{[dim.dim_param or dim.dim_value for dim in dims]}"
                )
            specs.append(TensorSpec(value.name, shape))
            self.shapes[value.name] = shape
        return tuple(specs)

    def _convert(self, node: onnx.NodeProto, label: str) -> None:
        if node.op_type in QUANTIZERS:
            read_quantizer(self, node, label)
        elif node.op_type == "Constant" or self._is_constant(node):
            self._evaluate(node)
        elif node.op_type == "Shape":
            self._shape(node)
        elif node.op_type in _ALIASES:
            self.alias(node.output[0], self.resolve(node.input[0]))
        elif node.op_type in OPERATORS:
            if any(self.shapes.get(self.resolve(name)) == () for name in node.input):
                self.shapes[node.output[0]] = ()  # behind an operator that was refused
                return
            OPERATORS[node.op_type](self, node, label)
            self._name_weights(node)
        else:
            raise Unsupported("")

    def _name_weights(self, node: onnx.NodeProto) -> None:
        """Give a layer just converted the format that a quantizer names for its weights."""
        if len(node.input) < 2 or not self.nodes or self.nodes[-1].weight is None:
            return
        named = self.constant_formats.get(self.resolve(node.input[1]))
        if named is not None and self.nodes[-1].output == node.output[0]:
            self.weight_formats[self.nodes[-1].name] = named

    def _is_constant(self, node: onnx.NodeProto) -> bool:
        return all(not name or self.resolve(name) in self.constants for name in node.input)

    def _evaluate(self, node: onnx.NodeProto) -> None:
        """Compute a node of constants."""
        feeds = {name: self.constants[self.resolve(name)] for name in node.input if name}
        try:
            results = ReferenceEvaluator(node, opsets=self.opset).run(None, feeds)
        except Exception as error:  # whatever a third party's implementation of an operator raises
            raise Unsupported("of constants") from error
        self.constants.update(zip(node.output, results, strict=True))

    def _shape(self, node: onnx.NodeProto) -> None:
        _, shape = self.activation(node)
        if shape == ():
            raise Unsupported("of an unknown tensor")
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        sizes = np.array([1, *shape], dtype=np.int64)
        chosen = sizes[attributes.get("start", 0) : attributes.get("end", len(sizes))]
        self.constants[node.output[0]] = chosen

    def _reachable(self, outputs: tuple[str, ...]) -> list[Node]:
        """Nodes that an output depends on, in their order."""
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if node.output in needed:
                kept.append(node)
                needed.update(node.inputs)
        return kept[::-1]


def load_graph(path: str | Path) -> Graph:
    """The network in an ONNX file.

    Raises
    ------
    ValueError
        As :func:`read_onnx`; or operators that are not supported, all of them in one sentence.
    OSError
        The file cannot be read.
    """
    return Importer(read_onnx(path)).run(Path(path).stem)
