"""Clock gates: from an enable in Verilog to pulses that are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afp_hw.synth import (
    RECIPES,
    GateSimulator,
    Netlist,
    SynthReport,
    Technology,
    block_energies,
    lane_integers,
    opensta,
    parse_netlist,
    read_netlist,
    synthesize,
)
from afp_hw.synth.timing import clock_period_s

PDK = Path(__file__).parents[3] / "shared" / "pdk"
ASAP7 = [PDK / f"asap7_{part}_RVT_TT.lib.gz" for part in ("SIMPLE", "SEQ", "INVBUF")]
PREFIX = next(recipe for recipe in RECIPES if recipe.name == "prefix")
LANES, CYCLES = 96, 40

# Twelve bits behind one enable, two (too few for a gate) behind another, three without.
VERILOG = """
module held(input clk, i_wide, i_narrow, input [11:0] i_a, output reg [11:0] o_wide,
            output reg [1:0] o_narrow, output reg [2:0] o_always);
  always @(posedge clk) begin
    if (i_wide) o_wide <= o_wide + i_a;
    if (i_narrow) o_narrow <= i_a[1:0];
    o_always <= i_a[2:0];
  end
endmodule
"""


@pytest.fixture(scope="module")
def technology() -> Technology:
    return Technology.sky130()


def mapped(folder: Path, technology: Technology, *, gates: bool = True) -> SynthReport:
    source = folder / "held.v"
    source.write_text(VERILOG)
    recipe = replace(PREFIX, clock_gates=gates)
    return synthesize(
        [source], "held", technology, recipe, clock_ns=10, work_dir=folder / f"work-{gates}"
    )


@pytest.fixture(scope="module")
def report(technology: Technology, tmp_path_factory: pytest.TempPathFactory) -> SynthReport:
    return mapped(tmp_path_factory.mktemp("held"), technology)


@pytest.fixture(scope="module")
def netlist(report: SynthReport, technology: Technology) -> Netlist:
    return read_netlist(report.netlist_json, technology.cells)


def run(netlist: Netlist, share: float) -> tuple[np.ndarray, int]:
    """Toggles of a run whose wide register is enabled in this share of cycles, and its pulses."""
    random = np.random.default_rng(7)
    shape = (CYCLES, LANES)
    wide = (random.random(shape) < share).astype(np.uint8)
    narrow = random.integers(0, 2, shape, dtype=np.uint8)
    a = random.integers(0, 1 << 12, shape)
    simulator = GateSimulator(netlist, LANES)
    outputs = simulator.run({"i_wide": wide, "i_narrow": narrow, "i_a": a})
    state, kept = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    found = {name: lane_integers(planes, LANES, signed=False) for name, planes in outputs.items()}
    for cycle in range(CYCLES):
        np.testing.assert_array_equal(found["o_wide"][cycle], state & 0xFFF)
        np.testing.assert_array_equal(found["o_narrow"][cycle], kept)
        state += np.where(wide[cycle], a[cycle], 0)
        kept = np.where(narrow[cycle], a[cycle] & 3, kept)
    return simulator.toggles, int(wide.sum())


def test_one_gate_stands_before_the_wide_register_only(netlist: Netlist) -> None:
    assert [gate.cell.name for gate in netlist.clock_gates] == ["sky130_fd_sc_hd__dlclkp_1"]
    assert (netlist.gate_of >= 0).sum() == 12
    assert len(netlist.flip_flops) == 17
    assert len(netlist.clocks) == 2


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_gated_register_holds_and_each_pulse_counts_twice(netlist: Netlist, share: float) -> None:
    toggles, pulses = run(netlist, share)
    (gated,) = netlist.clocks - {netlist.clock}
    assert toggles[gated] == 2 * pulses


def test_energy_of_the_clock_follows_the_pulses(netlist: Netlist, technology: Technology) -> None:
    def clock_j(share: float) -> float:
        toggles, _ = run(netlist, share)
        blocks = block_energies(netlist, toggles, CYCLES * LANES, voltage_v=technology.voltage_v)
        return sum(block.clock_j for block in blocks.values()) / (CYCLES * LANES)

    idle, busy = clock_j(0.0), clock_j(1.0)
    flip_flop = technology.flip_flop
    assert flip_flop is not None
    pin = flip_flop.pin("CLK")
    once = flip_flop.input_energy_j("CLK") + 0.5 * pin.capacitance_f * technology.voltage_v**2
    assert busy - idle > 2 * 12 * once  # and what the gate's output takes
    assert idle == pytest.approx(busy - 2 * 12 * once, rel=0.25)


def test_without_gates_each_bit_has_a_multiplexer(
    technology: Technology, report: SynthReport, tmp_path: Path
) -> None:
    plain = mapped(tmp_path, technology, gates=False)
    assert "sky130_fd_sc_hd__dlclkp_1" not in plain.cell_counts
    assert plain.area_um2 > report.area_um2
    run(read_netlist(plain.netlist_json, technology.cells), 0.5)


@pytest.mark.skipif(not opensta.available(), reason="needs OpenSTA (sta)")
def test_timing_through_an_enable_is_that_of_opensta(report: SynthReport, netlist: Netlist) -> None:
    assert report.delay_source == "OpenSTA"
    own = clock_period_s(netlist) * 1e9
    assert own == pytest.approx(report.delay_ns, abs=1e-4)  # 0.1 ps: docs/silicon.md


@pytest.mark.skipif(
    not all(path.exists() for path in ASAP7), reason="needs the ASAP7 libraries in ../shared/pdk"
)
def test_the_scan_enable_of_a_gate_is_tied(tmp_path: Path) -> None:
    technology = Technology.from_liberty(ASAP7)
    report = mapped(tmp_path, technology)
    netlist = read_netlist(report.netlist_json, technology.cells)
    (gate,) = netlist.clock_gates
    assert gate.cell.clock_gate is not None
    assert gate.cell.clock_gate.test == ("SE",)
    run(netlist, 0.3)
    text = report.netlist_json.read_text()
    broken = text.replace('"SE": [ "0" ]', '"SE": [ "1" ]')
    assert broken != text
    with pytest.raises(ValueError, match=r"Netlist\.clock_gates must not be in test mode"):
        parse_netlist(broken, technology.cells)
