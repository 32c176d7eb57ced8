"""ONNX files to graphs of our layers.

Constants are propagated: what depends on no activation (weights, shape arithmetic of exporters) is
computed by ONNX's own reference implementation. The batch axis is taken for 1 in such arithmetic
and left out of all shapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from afp_hw.network.graph import Graph, NamedFormat, Node, Shape, TensorSpec
from afp_hw.network.onnx_constants import (
    ARITHMETIC,
    convert_shape,
    evaluate_constant,
    is_constant,
)
from afp_hw.network.onnx_file import read_onnx
from afp_hw.network.onnx_node import Unsupported
from afp_hw.network.onnx_operators import OPERATORS
from afp_hw.network.onnx_quant import (
    DOMAINS,
    QUANTIZERS,
    ConstantFormat,
    name_weights,
    read_quantizer,
    settle_formats,
)

_STANDARD = {"", "ai.onnx"}


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
        self.constant_formats: dict[str, ConstantFormat] = {}
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
        """Index of the Conv or Linear node that makes tensor `name`, if nobody else reads it.

        Nor may a quantizer read it: it would come after what is folded, not before.
        """
        if self.uses.get(name, 0) != 1 or name in self.act_formats:
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
        fixed = [output for output in outputs if output in self.constants]
        if fixed:
            raise ValueError(
                f"model output {fixed[0]!r} must depend on an input, not be a constant"
            )
        nodes = tuple(self._reachable(outputs))
        layers = {node.name for node in nodes if node.weight is not None}
        weights = {layer: named for layer, named in self.weight_formats.items() if layer in layers}
        acts = settle_formats(nodes, outputs, self.act_formats)
        return Graph(name, inputs, outputs, nodes, dict(self.shapes), weights, acts)

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
        if node.op_type in QUANTIZERS and node.domain in DOMAINS:
            read_quantizer(self, node, label)
        elif node.op_type == "Constant" or is_constant(self, node):
            evaluate_constant(self, node)
        elif self._behind_refused(node):
            self.shapes[node.output[0]] = ()
        elif node.op_type == "Shape":
            convert_shape(self, node)
        elif node.op_type in OPERATORS and node.domain in _STANDARD:
            OPERATORS[node.op_type](self, node, label)
            name_weights(self, node)
        else:
            raise Unsupported("")

    def _behind_refused(self, node: onnx.NodeProto) -> bool:
        """Whether a node that may be supported follows one that is not."""
        known = node.op_type in OPERATORS or node.op_type in {"Shape", *ARITHMETIC}
        standard = node.domain in _STANDARD
        return (
            known and standard and any(self.shapes.get(self.resolve(n)) == () for n in node.input)
        )

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
