"""One node of an ONNX graph: its attributes, and the refusal of it."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper


class Unsupported(Exception):
    """A use of an operator that has no form in our layers; the text says which."""


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of a node by name."""
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}
