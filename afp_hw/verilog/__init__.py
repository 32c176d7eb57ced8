"""Emission: Verilog and its manifest from the Amaranth components."""

from afp_hw.verilog.emit import Emitted, emit_array, emit_pe, emit_requantizer
from afp_hw.verilog.library import Library

__all__ = ["Emitted", "Library", "emit_array", "emit_pe", "emit_requantizer"]
