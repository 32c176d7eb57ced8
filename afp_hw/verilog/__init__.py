"""Emission: Verilog and its manifest from the Amaranth components."""

from afp_hw.verilog.emit import Emitted, emit_array, emit_pe, emit_requantizer

__all__ = ["Emitted", "emit_array", "emit_pe", "emit_requantizer"]
