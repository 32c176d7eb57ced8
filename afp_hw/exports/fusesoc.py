"""Cores of FuseSoC: Verilog, manifest and core file of each piece of a design.

Source: the CAPI2 reference of FuseSoC 2.4.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from afp_hw.design import Design
from afp_hw.files import write_atomic
from afp_hw.verilog import EMITTERS
from afp_hw.verilog.core_file import part_core_text

_ABOUT: Final = {
    "pe": "processing element",
    "array": "{rows}x{cols} array",
    "requantizer": "requantizer behind an array",
}


def kinds_of(design: Design) -> list[str]:
    """Pieces that a design has; sums of integers have no requantizer of ours."""
    return [kind for kind in EMITTERS if kind != "requantizer" or not design.integers]


def write_cores(design: Design, directory: Path) -> list[Path]:
    """Write all pieces of a design into a folder that exists; gives the paths of the files.

    Raises
    ------
    ToolError
        Yosys refused the conversion.
    OSError
        A file cannot be written.
    """
    paths: list[Path] = []
    for kind in kinds_of(design):
        emitted = EMITTERS[kind](design)
        about = _ABOUT[kind].format(rows=design.rows, cols=design.cols)
        text = part_core_text(kind, emitted.name, f"AFP {about}, {design.weights} by {design.acts}")
        paths += emitted.write(directory)
        paths.append(write_atomic(directory / f"{emitted.name}.core", text))
    return paths
