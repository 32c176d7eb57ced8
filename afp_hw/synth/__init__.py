"""Area, timing and energy from standard cells: technologies, Yosys flows, gate-level activity.

:mod:`afp_hw.synth.run` puts them together for one design; it is not imported here, because it
brings Amaranth along.
"""

from afp_hw.synth.activity import Activity, run_pe
from afp_hw.synth.array_activity import run_cell
from afp_hw.synth.boolean import BooleanFunction, parse_function
from afp_hw.synth.cells import Cell, FlipFlop, Pin
from afp_hw.synth.delays import Delays, library_delays
from afp_hw.synth.energy import BlockEnergy, EnergyReport, block_energies, leakage_w
from afp_hw.synth.flow import SynthReport, synthesize
from afp_hw.synth.gatesim import GateSimulator, lane_bits, lane_integers
from afp_hw.synth.measure import measure_energies, measure_energy, simulated_module
from afp_hw.synth.netlist import BLOCKS, Instance, Netlist, block_of, parse_netlist, read_netlist
from afp_hw.synth.recipes import RECIPES, Recipe
from afp_hw.synth.report import HardwareReport, MappedFigures
from afp_hw.synth.requantizer_activity import run_requantizer
from afp_hw.synth.simulator import Simulator
from afp_hw.synth.stimulus import Operands, PeStimulus, Round
from afp_hw.synth.technology import Technology
from afp_hw.synth.timedsim import TimedSimulator

__all__ = [
    "BLOCKS",
    "RECIPES",
    "Activity",
    "BlockEnergy",
    "BooleanFunction",
    "Cell",
    "Delays",
    "EnergyReport",
    "FlipFlop",
    "GateSimulator",
    "HardwareReport",
    "Instance",
    "MappedFigures",
    "Netlist",
    "Operands",
    "PeStimulus",
    "Pin",
    "Recipe",
    "Round",
    "Simulator",
    "SynthReport",
    "Technology",
    "TimedSimulator",
    "block_energies",
    "block_of",
    "lane_bits",
    "lane_integers",
    "leakage_w",
    "library_delays",
    "measure_energies",
    "measure_energy",
    "parse_function",
    "parse_netlist",
    "read_netlist",
    "run_cell",
    "run_pe",
    "run_requantizer",
    "simulated_module",
    "synthesize",
]
