"""Which format each tensor has: the file ``formats.json``, read, written and checked here only.

The file::

    {"schema": "afp-hw formats 1",
     "model": "fashion_resnet",
     "weights": {"conv1": {"format": "e3m1", "lsb": -7}, …},
     "acts": {"image": {"format": "e3m2", "lsb": -6}, …},
     "provenance": {"rule": "…", …}}

``weights`` are by layer and signed, ``lsb`` one number or a list of one per output channel;
``acts`` are by tensor. ``value = fix * 2**lsb``, and ``bias = 1 - n_man - lsb``, of 12 bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from afp_hw.files import write_atomic
from afp_hw.formats import AFPFormat
from afp_hw.network.graph import Graph
from afp_hw.network.stages import stored_tensors

SCHEMA = "afp-hw formats 1"

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
        Exponent of the grid: one, or one per output channel.
    """

    fmt: AFPFormat
    lsb: int | tuple[int, ...]

    @property
    def bias(self) -> Any:
        """The bias of the same grid: an integer, or an int64 array of one per channel."""
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
    """

    model: str
    weights: Mapping[str, TensorFormat]
    acts: Mapping[str, TensorFormat]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def check(self, graph: Graph) -> None:
        """Refuse a graph that this assignment is not for.

        Raises
        ------
        ValueError
            The first tensor that has no format, or format that has no tensor; a channel count that
            differs; unsigned weights, or an activation with an lsb per channel.
        """
        what = _misfit_weights(self.weights, graph) or _misfit_acts(self.acts, graph)
        if what is not None:
            other = "another" if self.model == graph.name else f"{self.model!r}"
            raise ValueError(f"formats must be those of {graph.name!r}, not of {other}: {what}")

    def to_json(self) -> str:
        """The file's text; the same assignment gives the same bytes."""
        document = {
            "schema": SCHEMA,
            "model": self.model,
            "weights": {name: _entry(item) for name, item in self.weights.items()},
            "acts": {name: _entry(item) for name, item in self.acts.items()},
            "provenance": dict(self.provenance),
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    def write(self, path: str | Path) -> Path:
        """Write the file."""
        return write_atomic(path, self.to_json())


def _misfit_weights(weights: Mapping[str, TensorFormat], graph: Graph) -> str | None:
    """The first layer, or format of one, that does not fit."""
    layers = {layer.name: layer for layer in graph.layers()}
    for name, layer in layers.items():
        if name not in weights:
            return f"layer {name!r} without a format"
        fmt, lsb = weights[name].fmt, weights[name].lsb
        if not fmt.signed:
            return f"layer {name!r} with unsigned weights ({fmt})"
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


def _entry(item: TensorFormat) -> dict[str, Any]:
    lsb = list(item.lsb) if isinstance(item.lsb, tuple) else item.lsb
    return {"format": str(item.fmt), "lsb": lsb}


def _read_entry(where: str, entry: Any) -> TensorFormat:
    if not isinstance(entry, dict) or set(entry) != {"format", "lsb"}:
        raise ValueError(f"{where} must have 'format' and 'lsb', not {entry!r}")
    lsb = entry["lsb"]
    numbers = lsb if isinstance(lsb, list) and lsb else [lsb]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise ValueError(f"{where}.lsb must be an integer or a list of them, not {lsb!r}")
    try:
        fmt = AFPFormat.parse(entry["format"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    for number in numbers:
        if not -BIAS_LIMIT <= fmt.bias(number) < BIAS_LIMIT:
            raise ValueError(
                f"{where}.lsb must give a bias in {-BIAS_LIMIT}..{BIAS_LIMIT - 1}, not "
                f"{fmt.bias(number)}"
            )
    return TensorFormat(fmt, tuple(lsb) if isinstance(lsb, list) else lsb)


def parse_assignment(text: str, where: str = "formats") -> FormatAssignment:
    """Read the file's text; `where` names it in errors.

    Raises
    ------
    ValueError
        No JSON, another schema, or an entry that is not of the form above.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:  # no JSON; numbers too long; nested too deep
        raise ValueError(f"{where} must be JSON, not text with the error: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else document
        raise ValueError(f"{where}.schema must be {SCHEMA!r}, not {found!r}")
    for key, kind in (("model", str), ("weights", dict), ("acts", dict), ("provenance", dict)):
        if not isinstance(document.get(key), kind):
            raise ValueError(f"{where}.{key} must be a {kind.__name__}, not {document.get(key)!r}")
    return FormatAssignment(
        document["model"],
        {k: _read_entry(f"{where}.weights[{k!r}]", v) for k, v in document["weights"].items()},
        {k: _read_entry(f"{where}.acts[{k!r}]", v) for k, v in document["acts"].items()},
        document["provenance"],
    )


def load_assignment(path: str | Path) -> FormatAssignment:
    """Read a file; errors as :func:`parse_assignment`, and OSError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} must be JSON in UTF-8, not binary") from error
    return parse_assignment(text, path.name)
