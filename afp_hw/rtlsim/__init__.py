"""The generated array's Verilog, compiled into a library that takes and returns NumPy arrays."""

from afp_hw.rtlsim.check import LayerRun, require_fit, run_layer
from afp_hw.rtlsim.requantizer import RequantizerSimulator
from afp_hw.rtlsim.simulator import ArraySimulator, Result
from afp_hw.rtlsim.toolchain import Toolchain, find_toolchain

__all__ = [
    "ArraySimulator",
    "LayerRun",
    "RequantizerSimulator",
    "Result",
    "Toolchain",
    "find_toolchain",
    "require_fit",
    "run_layer",
]
