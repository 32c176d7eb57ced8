"""The hardware, as Amaranth components. No NumPy: derived from ``docs/numerics.md`` on its own."""

from afp_hw.hdl.accumulator import Accumulator
from afp_hw.hdl.array import Array
from afp_hw.hdl.cell import Cell
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.full_adder import FULL_ADDER, Columns, FullAdder
from afp_hw.hdl.init_queue import InitQueue
from afp_hw.hdl.int_product import IntMultiplier
from afp_hw.hdl.lane_sum import LaneSum, LaneTree
from afp_hw.hdl.mac import Mac
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.pe import Pe
from afp_hw.hdl.product import ExponentAdder, MantissaMultiplier, Shifter
from afp_hw.hdl.requantizer import Requantizer
from afp_hw.hdl.skew import SkewBuffer
from afp_hw.hdl.standalone import CodePe

__all__ = [
    "FULL_ADDER",
    "Accumulator",
    "Array",
    "Cell",
    "CodePe",
    "Columns",
    "Decoder",
    "ExponentAdder",
    "FullAdder",
    "InitQueue",
    "IntMultiplier",
    "LaneSum",
    "LaneTree",
    "Mac",
    "MantissaMultiplier",
    "Pe",
    "Requantizer",
    "Shifter",
    "SkewBuffer",
    "operand_layout",
]
