"""Emission: Verilog and its manifest from the Amaranth components."""

from afp_hw.verilog.emit import EMITTERS, Emitted, emit_array, emit_pe, emit_requantizer
from afp_hw.verilog.library import Library

__all__ = ["EMITTERS", "Emitted", "Library", "emit_array", "emit_pe", "emit_requantizer"]
