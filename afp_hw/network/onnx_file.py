"""An ONNX file, read and checked by ONNX's own checker."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError


def read_onnx(path: str | Path) -> onnx.ModelProto:
    """The checked model in an ONNX file.

    Raises
    ------
    ValueError
        No ONNX file, a truncated one, or one that ONNX's own checker refuses.
    OSError
        It cannot be read.
    """
    path = Path(path)
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "cannot be decoded"
        raise ValueError(
            f"model must be a valid ONNX file, not {path.name!r} ({reason})"
        ) from error
    if not model.graph.node:
        raise ValueError(f"model must have a graph with nodes, not {path.name!r} without any")
    return model
