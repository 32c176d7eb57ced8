"""The hardware, as Amaranth components. No NumPy: derived from ``docs/numerics.md`` on its own."""

from afp_hw.design.requantizing import drop_of
from afp_hw.hdl.accumulator import Accumulator
from afp_hw.hdl.array import Array
from afp_hw.hdl.bursts import Bursts
from afp_hw.hdl.cell import Cell
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.edge import Edge
from afp_hw.hdl.feeder import Feeder
from afp_hw.hdl.flow_accumulator import FlowAccumulator
from afp_hw.hdl.flow_array import FlowArray
from afp_hw.hdl.flow_cell import FlowCell
from afp_hw.hdl.flow_mac import FlowMac
from afp_hw.hdl.fp32_quantizer import Fp32Dequantizer, Fp32Quantizer
from afp_hw.hdl.full_adder import FULL_ADDER, Columns, FullAdder
from afp_hw.hdl.init_queue import InitQueue
from afp_hw.hdl.int_product import IntMultiplier
from afp_hw.hdl.int_requantizer import IntRequantization, IntRequantizer
from afp_hw.hdl.lane_sum import LaneSum, LaneTree
from afp_hw.hdl.mac import Mac
from afp_hw.hdl.narrower import Narrower, word_width
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.pe import Pe
from afp_hw.hdl.planes import PlanePacker, PlaneUnpacker
from afp_hw.hdl.product import ExponentAdder, MantissaMultiplier, Shifter
from afp_hw.hdl.read_dma import ReadDma
from afp_hw.hdl.rebiaser import Rebiaser, base_of
from afp_hw.hdl.registers import Registers
from afp_hw.hdl.requantizer import Requantizer
from afp_hw.hdl.running_maximum import RunningMaximum
from afp_hw.hdl.skew import SkewBuffer
from afp_hw.hdl.standalone import CodePe
from afp_hw.hdl.weight_edge import WeightEdge
from afp_hw.hdl.window_requantizer import WindowRequantizer
from afp_hw.hdl.write_dma import WriteDma

__all__ = [
    "FULL_ADDER",
    "Accumulator",
    "Array",
    "Bursts",
    "Cell",
    "CodePe",
    "Columns",
    "Decoder",
    "Edge",
    "ExponentAdder",
    "Feeder",
    "FlowAccumulator",
    "FlowArray",
    "FlowCell",
    "FlowMac",
    "Fp32Dequantizer",
    "Fp32Quantizer",
    "FullAdder",
    "InitQueue",
    "IntMultiplier",
    "IntRequantization",
    "IntRequantizer",
    "LaneSum",
    "LaneTree",
    "Mac",
    "MantissaMultiplier",
    "Narrower",
    "Pe",
    "PlanePacker",
    "PlaneUnpacker",
    "ReadDma",
    "Rebiaser",
    "Registers",
    "Requantizer",
    "RunningMaximum",
    "Shifter",
    "SkewBuffer",
    "WeightEdge",
    "WindowRequantizer",
    "WriteDma",
    "base_of",
    "drop_of",
    "operand_layout",
    "word_width",
]
