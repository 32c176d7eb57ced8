"""Verilog and manifest of a single part of an accelerator, so that it can be measured alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from amaranth.lib import wiring

from afp_hw.hdl.place import Place
from afp_hw.verilog.emit import Emitted, module_text, ports_of, tool_versions
from afp_hw.verilog.library import Library


@dataclass(frozen=True)
class Part:
    """A component and the name of its module.

    Attributes
    ----------
    name
        Of the Verilog module and of the files.
    make
        Makes the component; takes what places other components in it.
    """

    name: str
    make: Callable[[Place], wiring.Component]


def emit_part(part: Part) -> Emitted:
    """A part as Verilog.

    The manifest has ``name``, ``kind``, ``ports``, ``latency_cycles`` (clock edges from input to
    output; of the first element where elements follow one another), ``versions`` and ``sha256`` of
    the Verilog text.
    """
    library = Library()
    component = part.make(library.place)
    text = module_text(part.name, component, library)
    manifest = {
        "name": part.name,
        "kind": "part",
        "ports": ports_of(component),
        "latency_cycles": getattr(component, "latency", 0),
        "versions": tool_versions(),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return Emitted(part.name, text, manifest)
