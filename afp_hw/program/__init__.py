"""Programs of an accelerator: descriptors, records and weights from a lowered network."""

from afp_hw.program.compiler import compile_network
from afp_hw.program.interpreter import Moved, interpret
from afp_hw.program.program import Program, TensorPlace

__all__ = ["Moved", "Program", "TensorPlace", "compile_network", "interpret"]
