"""Mapped hardware on operands: exact, and found out when it is not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.synth import (
    RECIPES,
    Operands,
    PeStimulus,
    Technology,
    TimedSimulator,
    block_energies,
    library_delays,
    measure_energies,
    measure_energy,
    parse_netlist,
    run_cell,
    run_pe,
    simulated_module,
    synthesize,
)
from afp_hw.synth.array_activity import decoded
from afp_hw.synth.energy import INERTIAL_DELAY, ZERO_DELAY
from afp_hw.synth.run import emit

DESIGN = Design(
    AFPFormat.parse("e2m1"),
    AFPFormat.parse("ue2m1"),
    rows=3,
    cols=2,
    lanes=2,
    k=64,
    gate_zeros=True,
)
PREFIX = next(recipe for recipe in RECIPES if recipe.name == "prefix")
KINDS = ("pe", "array", "requantizer")


@pytest.fixture(scope="module")
def technology() -> Technology:
    return Technology.sky130()


@pytest.fixture(scope="module")
def mapped(technology: Technology, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Text of the mapped netlist, hierarchy kept, and latency, by kind."""
    found = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        emitted = emit(kind, DESIGN)
        source, _ = emitted.write(folder)
        report = synthesize(
            [source],
            emitted.name,
            technology,
            PREFIX,
            clock_ns=10.0,
            flatten=False,
            work_dir=folder,
        )
        latency = emitted.manifest["latency_cycles"]
        found[kind] = (Path(report.netlist_json).read_text(), latency)
    return found


def _measure(mapped: dict[str, Any], technology: Technology, kind: str, operands: Operands) -> Any:
    return _measured(measure_energy, mapped, technology, kind, operands)


def _measured(
    measure: Any, mapped: dict[str, Any], technology: Technology, kind: str, operands: Operands
) -> Any:
    text, latency = mapped[kind]
    netlist = parse_netlist(text, technology.cells, top=simulated_module(kind, DESIGN))
    return measure(
        kind, netlist, operands, technology=technology, clock_s=1e-8, latency_cycles=latency
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("k", "m", "n"), [(64, 9, 8), (7, 4, 5), (1, 3, 2), (3, 1, 2)])
def test_every_result_equals_golden(mapped, technology, kind, k, m, n):
    report = _measure(mapped, technology, kind, Operands.random(DESIGN, k=k, m=m, n=n, seed=k))
    assert report.checked >= report.count // (1 if kind == "requantizer" else k) > 0
    assert sum(report.block_j(block) for block in report.blocks) == pytest.approx(report.dynamic_j)
    parts = [report.part_j(part) for part in ("switching", "internal", "clock")]
    assert sum(parts) == pytest.approx(report.dynamic_j)
    assert min(parts) > 0
    assert report.leakage_j > 0


def test_blocks_of_an_element_are_all_found(mapped, technology):
    report = _measure(mapped, technology, "pe", Operands.random(DESIGN, k=64))
    blocks = ["decode", "exponent adder", "multiplier", "shifter", "adder tree"]
    blocks += ["accumulator", "other"]
    assert list(report.blocks) == blocks
    assert all(report.block_j(block) > 0 for block in blocks)
    assert report.block_j("accumulator") > report.block_j("multiplier")


def _mutated(text: str, kind: str) -> str:
    """The netlist with the first NAND of a module of `kind` turned into a NOR."""
    netlist = json.loads(text)
    for name, module in netlist["modules"].items():
        for cell in module["cells"].values():
            if name.startswith(kind) and "nand2_" in cell["type"]:
                cell["type"] = cell["type"].replace("nand2_", "nor2_")
                return json.dumps(netlist)
    raise AssertionError(f"no NAND in {kind}")


@pytest.mark.parametrize(
    ("kind", "part", "sentence"),
    [
        ("pe", "accumulator", r"pe_\w+.o_acc must be -?\d+, not -?\d+, for output \(\d+, \d+\)"),
        (
            "array",
            "accumulator",
            r"cell_\w+.o_drain must be -?\d+, not -?\d+, in cycle \d+ of cell",
        ),
        ("requantizer", "normalizer", r"requantizer_\w+.o_code must be \d+, not \d+"),
    ],
)
def test_a_changed_gate_is_found_out(mapped, technology, kind, part, sentence):
    changed = mapped | {kind: (_mutated(mapped[kind][0], part), mapped[kind][1])}
    with pytest.raises(MismatchError, match=sentence):
        _measure(changed, technology, kind, Operands.random(DESIGN, k=64))


def test_a_result_that_does_not_come_is_found_out(mapped, technology):
    text, _ = mapped["pe"]
    netlist = json.loads(text)
    top = netlist["modules"][DESIGN.pe_name]
    top["ports"]["o_valid"]["bits"] = ["0"]
    broken = parse_netlist(json.dumps(netlist), technology.cells, top=DESIGN.pe_name)
    with pytest.raises(MismatchError, match=re.escape("o_valid must be 1, not 0, in cycle")):
        run_pe(broken, PeStimulus(Operands.random(DESIGN, k=8)))


def test_energy_grows_with_what_toggles(mapped, technology):
    operands = Operands.random(DESIGN, k=64)
    still = Operands("zeros", operands.act_codes * 0, operands.wgt_codes * 0, DESIGN)
    busy = _measure(mapped, technology, "pe", operands)
    idle = _measure(mapped, technology, "pe", still)
    assert idle.part_j("switching") < 0.1 * busy.part_j("switching")
    assert idle.part_j("clock") < 0.8 * busy.part_j("clock")  # zeros close the clock gates


@pytest.mark.parametrize("kind", KINDS)
def test_glitches_change_no_result_and_no_clock_and_cost_energy(mapped, technology, kind):
    operands = Operands.random(DESIGN, k=64, m=24, n=20)
    plain, timed = _measured(measure_energies, mapped, technology, kind, operands)
    assert plain == _measure(mapped, technology, kind, operands)
    assert timed.checked == plain.checked
    assert timed.part_j("clock") == plain.part_j("clock")
    for block in plain.blocks:
        assert timed.block_j(block) >= plain.block_j(block)
    assert 1.03 < timed.part_j("switching") / plain.part_j("switching") < 3
    assert (plain.delay_model, timed.delay_model) == (ZERO_DELAY, INERTIAL_DELAY)


@pytest.mark.parametrize("kind", ["pe", "array"])
def test_half_the_tick_gives_the_same_energy(mapped, technology, kind):
    netlist = parse_netlist(mapped[kind][0], technology.cells, top=simulated_module(kind, DESIGN))
    operands = Operands.random(DESIGN, k=64, m=32, n=16)

    def energy_j(tick_s: float | None) -> float:
        def simulator_of(netlist: Any, lanes: int) -> TimedSimulator:
            delays = library_delays(netlist, technology.flip_flop, tick_s=tick_s)
            return TimedSimulator(netlist, lanes, delays)

        activity = (
            run_pe(netlist, PeStimulus(operands), simulator_of=simulator_of)
            if kind == "pe"
            else run_cell(netlist, operands, simulator_of=simulator_of)
        )
        blocks = block_energies(
            netlist, activity.toggles, activity.cycles, voltage_v=technology.voltage_v
        )
        return sum(block.total_j for block in blocks.values()) / activity.operations

    tick_s = library_delays(netlist, technology.flip_flop).tick_s
    half = energy_j(tick_s / 2)
    assert energy_j(None) == pytest.approx(half, rel=1e-2)
    assert half == pytest.approx(energy_j(tick_s / 4), rel=5e-3)


def test_same_run_gives_the_same_energy(mapped, technology):
    operands = Operands.random(DESIGN, k=16)
    first, second = (_measure(mapped, technology, "array", operands) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["e2m1", "ue3m2", "e0m4", "ue0m3", "e3m0", "ue1m2"])
def test_decoded_operands_stand_for_the_codes(name):
    from afp_hw.golden import to_fix

    fmt = AFPFormat.parse(name)
    codes = np.arange(1 << fmt.width)
    fields = decoded(codes, fmt).astype(np.int64)
    sig_bits = fmt.max_sig.bit_length()
    twice = int(fmt.n_exp >= 2)
    sign = fields & 1 if fmt.signed else 0 * fields
    sig = fields >> fmt.signed & ((1 << sig_bits) - 1)
    shift = fields >> (fmt.signed + sig_bits)
    values = np.where(sign, -1, 1) * (sig << shift)
    np.testing.assert_array_equal(values, to_fix(codes, fmt) << twice)
    assert shift.max() == (fmt.max_shift + 1 if twice else 0)


def test_operands_longer_than_the_accumulator_allows_are_refused():
    class Layer:
        name = "conv9"
        act_codes, wgt_codes = np.zeros((2, 65), np.uint8), np.zeros((65, 2), np.uint8)
        act_fmt, wgt_fmt = DESIGN.acts, DESIGN.weights

    with pytest.raises(ValueError, match=r"Design\.k must be at least K = 65 of conv9, not 64"):
        Operands.from_problem(Layer(), DESIGN)


def test_a_large_array_is_run_in_whole_columns(mapped, technology):
    large = replace(DESIGN, rows=100, cols=9)
    operands = Operands.random(large, k=40, m=150, n=12)
    text, _ = mapped["array"]
    netlist = parse_netlist(text, technology.cells, top=large.module_name("cell"))
    activity = run_cell(netlist, operands)
    # Tiles begin at rows 0 and 100, columns 0 and 9; two columns of 100 rows each are simulated.
    assert activity.operations == (100 + 50) * (2 + 2) * 40
    assert activity.cycles == 4 * 200 * 101  # of 100 rows: tiles of 20 steps every 101 cycles
    assert activity.checked == (4 + 4) * 200  # four rounds ahead fill the chain, uncounted
