"""The hardware, as Amaranth components. No NumPy: derived from ``docs/numerics.md`` on its own."""

from afp_hw.hdl.accumulator import Accumulator, LaneSum
from afp_hw.hdl.array import Array
from afp_hw.hdl.cell import Cell
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.init_queue import InitQueue
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.pe import Pe
from afp_hw.hdl.product import ExponentAdder, MantissaMultiplier, Shifter
from afp_hw.hdl.requantizer import Requantizer
from afp_hw.hdl.skew import SkewBuffer
from afp_hw.hdl.standalone import CodePe

__all__ = [
    "Accumulator",
    "Array",
    "Cell",
    "CodePe",
    "Decoder",
    "ExponentAdder",
    "InitQueue",
    "LaneSum",
    "MantissaMultiplier",
    "Pe",
    "Requantizer",
    "Shifter",
    "SkewBuffer",
    "operand_layout",
]
