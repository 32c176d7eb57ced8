"""Emission: Verilog and its manifest from the Amaranth components."""

from afp_hw.verilog.emit import (
    EMITTERS,
    Emitted,
    emit_array,
    emit_float_pe,
    emit_pe,
    emit_requantizer,
)
from afp_hw.verilog.library import Library
from afp_hw.verilog.part import Part, emit_part

__all__ = [
    "EMITTERS",
    "Emitted",
    "Library",
    "Part",
    "emit_array",
    "emit_float_pe",
    "emit_part",
    "emit_pe",
    "emit_requantizer",
]
