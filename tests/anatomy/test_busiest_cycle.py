"""The busiest cycle: against one lane after the other alone; refused where it does not repeat."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afp_hw import AFPFormat
from afp_hw.anatomy.waveform import Busiest, find_busiest, waveform
from afp_hw.design import Design
from afp_hw.errors import MismatchError
from afp_hw.synth import (
    RECIPES,
    Netlist,
    Operands,
    PeStimulus,
    Technology,
    TimedSimulator,
    library_delays,
    read_netlist,
    synthesize,
)
from afp_hw.synth.activity import busy_steps, idle_steps
from afp_hw.verilog import emit_pe

DESIGN = Design(AFPFormat(2, 1), AFPFormat(2, 1), k=5)
OUTPUTS = 6


@pytest.fixture(scope="module")
def technology() -> Technology:
    return Technology.sky130()


@pytest.fixture(scope="module")
def netlist(technology: Technology, tmp_path_factory: pytest.TempPathFactory) -> Netlist:
    work = tmp_path_factory.mktemp("busiest")
    source, _ = emit_pe(DESIGN).write(work)
    recipe = next(recipe for recipe in RECIPES if recipe.name == "prefix")
    report = synthesize(
        [source], DESIGN.pe_name, technology, recipe, clock_ns=10, flatten=False, work_dir=work
    )
    return read_netlist(Path(report.netlist_json), technology.cells, top=DESIGN.pe_name)


@pytest.fixture(scope="module")
def stimulus() -> PeStimulus:
    return PeStimulus(Operands.random(DESIGN, k=5, m=2, n=OUTPUTS // 2, seed=3))


@pytest.fixture(scope="module")
def busiest(netlist: Netlist, stimulus: PeStimulus, technology: Technology) -> Busiest:
    return find_busiest(netlist, stimulus, technology)


def test_no_lane_alone_has_a_busier_cycle(
    netlist: Netlist, stimulus: PeStimulus, technology: Technology, busiest: Busiest
) -> None:
    delays = library_delays(netlist, technology.flip_flop)
    (only,) = stimulus
    inputs = busy_steps([only])
    clocks = sorted(netlist.clocks)
    counts = np.zeros((stimulus.steps, OUTPUTS), dtype=np.int64)
    for lane in range(OUTPUTS):
        simulator = TimedSimulator(netlist, 1, delays)
        simulator.run(idle_steps(1, DESIGN.pe_latency + 2, 1, reset=True))
        alone = {
            port: values[..., lane : lane + 1] if values.ndim == 3 else values
            for port, values in inputs.items()
        }
        simulator.run(alone)
        for cycle in range(stimulus.steps):
            simulator.clear()
            simulator.run({port: values[cycle : cycle + 1] for port, values in alone.items()})
            counts[cycle, lane] = np.delete(simulator.toggles, clocks).sum()
    assert busiest.toggles == counts.max() > 0
    assert busiest.mean == pytest.approx(counts.mean())
    assert (busiest.cycle, busiest.lane) == divmod(int(counts.argmax()), OUTPUTS)
    assert (busiest.round, busiest.checked) == (0, 2 * OUTPUTS)


def test_toggles_of_the_busiest_cycle_are_those_of_its_blocks(
    netlist: Netlist, stimulus: PeStimulus, technology: Technology, busiest: Busiest
) -> None:
    found = waveform(netlist, stimulus, busiest, technology)
    (peak,) = [cycle for cycle in found["cycles"] if cycle["cycle"] == 0]
    assert sum(peak["toggles"].values()) == found["toggles"] == busiest.toggles
    assert all(energy >= 0 for energy in peak["energy_fj"].values())


def test_a_count_that_does_not_repeat_is_refused(
    netlist: Netlist, stimulus: PeStimulus, technology: Technology, busiest: Busiest
) -> None:
    wrong = replace(busiest, toggles=busiest.toggles + 1)
    with pytest.raises(MismatchError, match=r"must toggle \d+ times in its busiest cycle alone"):
        waveform(netlist, stimulus, wrong, technology)


def test_a_sum_that_is_not_golden_is_refused(
    netlist: Netlist, stimulus: PeStimulus, technology: Technology, busiest: Busiest
) -> None:
    swapped = dict(netlist.outputs)
    swapped["o_acc"] = swapped["o_acc"][[1, 0, *range(2, len(swapped["o_acc"]))]]
    broken = replace(netlist, outputs=swapped)
    with pytest.raises(MismatchError, match=r"o_acc .*must be"):
        waveform(broken, stimulus, busiest, technology)
    with pytest.raises(MismatchError, match=r"o_acc must be"):
        find_busiest(broken, stimulus, technology)
