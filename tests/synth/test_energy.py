"""From toggles to joules, and runs that are checked against golden."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import LIBRARY, flat

from afp_hw.synth.energy import BlockEnergy, EnergyReport, block_energies, leakage_w
from afp_hw.synth.gatesim import GateSimulator
from afp_hw.synth.netlist import parse_netlist

VOLTS = 1.8
HALF_CV2 = 0.5 * 2e-15 * VOLTS**2  # of one pin
INSIDE, CLOCK_EDGE = 3e-15, 5e-15


def test_inverter_chain_costs_what_the_hand_computes():
    chain = {f"multiplier_{i}": ("inv", {"A": f"n{i}", "Y": f"n{i + 1}"}) for i in range(3)}
    fan_out = {f"shifter_{i}": ("inv", {"A": "n3", "Y": f"m{i}"}) for i in range(2)}
    ports = {"i": ("input", ["n0"]), "o": ("output", ["m0", "m1"])}
    netlist = parse_netlist(flat(ports, chain | fan_out), LIBRARY)
    simulator = GateSimulator(netlist, 2)
    simulator.run({"i": np.array([[0, 0]])})
    simulator.clear()
    simulator.run({"i": np.array([[1, 0], [0, 0], [0, 1], [1, 1]])})  # 3 toggles and 1
    energies = block_energies(netlist, simulator.toggles, 8, voltage_v=VOLTS)
    # Each toggle passes the whole chain: three pins in it, two behind it, five outputs.
    assert list(energies) == ["multiplier", "shifter"]
    assert _parts(energies["multiplier"]) == pytest.approx([20 * HALF_CV2, 12 * INSIDE, 0.0])
    assert _parts(energies["shifter"]) == pytest.approx([0.0, 8 * INSIDE, 0.0])
    assert leakage_w(netlist) == pytest.approx(5e-9)


def _parts(energy: BlockEnergy) -> list[float]:
    return [energy.switching_j, energy.internal_j, energy.clock_j]


def test_clock_toggles_twice_a_cycle_whatever_the_data_do():
    ports = {"clk": ("input", ["clk"]), "i": ("input", ["d"]), "o": ("output", ["q"])}
    cells = {"accumulator": ("dff", {"D": "d", "CLK": "clk", "Q": "q"})}
    netlist = parse_netlist(flat(ports, cells), LIBRARY)
    simulator = GateSimulator(netlist, 5)
    simulator.run({"i": np.zeros(2, dtype=np.uint8)})
    simulator.clear()
    simulator.run({"i": np.array([1, 1, 1, 0])})  # 2 toggles of d; q sees the first
    energies = block_energies(netlist, simulator.toggles, 4 * 5, voltage_v=VOLTS)
    assert _parts(energies["accumulator"]) == pytest.approx(
        [5 * 2 * HALF_CV2, 5 * 1 * INSIDE, 40 * (HALF_CV2 + CLOCK_EDGE)]
    )


def test_report_divides_by_operations_and_keeps_leakage_apart():
    blocks = {"multiplier": BlockEnergy(1e-12, 2e-12, 0.0), "other": BlockEnergy(0.0, 0.0, 1e-12)}
    report = EnergyReport("pe", "lib", "hand", "MAC", 8, 4, 2, 2e-9, blocks, 1e-6)
    assert report.dynamic_j == pytest.approx(0.5e-12)
    assert report.block_j("multiplier") == pytest.approx(0.375e-12)
    assert report.block_j("decode") == 0.0
    assert report.part_j("clock") == pytest.approx(0.125e-12)
    assert report.leakage_j == pytest.approx(1e-6 * 2e-9 / 2)


def test_counts_of_another_netlist_are_refused():
    netlist = parse_netlist(flat({"i": ("input", ["a"])}, {}), LIBRARY)
    with pytest.raises(ValueError, match=r"block_energies.toggles must be \[3\], not \[5\]"):
        block_energies(netlist, np.zeros(5, dtype=np.int64), 1, voltage_v=VOLTS)
