"""Verilog and manifest of a complete accelerator."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from afp_hw.design import AcceleratorDesign
from afp_hw.hdl.accelerator import Accelerator
from afp_hw.verilog.emit import Emitted, module_text, parameters_of, ports_of, tool_versions
from afp_hw.verilog.library import Library
from afp_hw.verilog.memories import memories_of

# What Verilator says beside: neither is a mistake here.
_NOTES = """\
/* verilator lint_off CASEOVERLAP */   // Yosys' multiplexers: one bit of the selection is 1
/* verilator lint_off UNOPTFLAT */     // words whose bits depend on one another, without a loop
"""


def accelerator_name(design: AcceleratorDesign) -> str:
    """Name of the module: the array and what of the accelerator is most worth knowing."""
    array = design.array
    size = f"{array.rows}x{array.cols}"
    grids = "_dynamic" if design.dynamic else ""
    return f"accelerator_{size}_{array.weights}_{array.acts}_d{design.data_width}{grids}"


def emit_accelerator(design: AcceleratorDesign) -> Emitted:
    """:class:`.Accelerator` as Verilog.

    The manifest is that of :func:`.emit_pe`, without ``latency_cycles``; ``accelerator`` has the
    sizes of buffers and bus beside the array's ``parameters``, ``memories`` the modules of
    memories: words, bits of a word, how many instances there are.
    """
    library = Library()
    name = accelerator_name(design)
    component = Accelerator(design, library.place)
    text = module_text(name, component, library, _NOTES)
    sizes: dict[str, Any] = asdict(design)
    del sizes["array"]
    manifest = {
        "name": name,
        "kind": "accelerator",
        "ports": ports_of(component),
        "acc_width": design.array.acc_width,
        "parameters": parameters_of(design.array),
        "accelerator": sizes,
        "memories": [
            {
                "module": memory.module,
                "words": memory.words,
                "width": memory.width,
                "count": len(memory.places),
            }
            for memory in memories_of(text, name)
        ],
        "versions": tool_versions(),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return Emitted(name, text, manifest)
